"""A benchmark's function in a process of its own: ``python -m benchmarks.child MODULE:FUNCTION [ARGUMENT ...]``.

What it returns (a dictionary) is printed as JSON, with the peak of its memory above the bare interpreter.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.machine import ROOT, memory


def run(target: str, *arguments: object) -> dict[str, Any]:
    """The result of ``benchmarks.module:function``, called with text arguments, and ``peak_megabytes``.

    :raises SystemExit: it failed; its last words are in the message.
    """
    return next(run_together(target, [arguments]))


def run_together(target: str, arguments: Iterable[Iterable[object]]) -> Iterator[dict[str, Any]]:
    """The same for several calls, all at once.

    :raises SystemExit: one of them failed.
    """
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    started = [subprocess.Popen(command(target, *each), **pipes) for each in arguments]
    try:
        for process in started:
            out, err = process.communicate()
            yield result_of(target, process.returncode, out, err)
    finally:
        for process in started:
            process.kill()


def command(target: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.child", target, *map(str, arguments)]


def result_of(target: str, code: int, out: str, err: str) -> dict[str, Any]:
    """What a child that has ended returned."""
    if code:
        raise SystemExit(f"{target} failed: {err[-3000:]}")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    interpreter = memory("VmRSS")
    target, *arguments = sys.argv[1:]
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name)(*arguments)
    print(json.dumps({**found, "peak_megabytes": round((memory("VmHWM") - interpreter) / 1e3)}), flush=True)


if __name__ == "__main__":
    main()
