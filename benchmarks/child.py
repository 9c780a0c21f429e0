"""A benchmark's function in a process of its own: ``python -m benchmarks.child MODULE:FUNCTION [ARGUMENT ...]``.

What it returns (a dictionary) is printed as JSON, with the peak of its memory above the bare interpreter.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any

from benchmarks.machine import ROOT, memory


def run(target: str, *arguments: object) -> dict[str, Any]:
    """The result of ``benchmarks.module:function``, called with text arguments, and ``peak_megabytes``.

    :raises SystemExit: it failed; its last words are in the message.
    """
    done = subprocess.run(command(target, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    return result_of(target, done.returncode, done.stdout, done.stderr)


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
    print(json.dumps({**found, "peak_megabytes": round((memory("VmHWM") - interpreter) / 1e3)}))


if __name__ == "__main__":
    main()
