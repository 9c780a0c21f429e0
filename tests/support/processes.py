"""Processes of their own that work on a test's database, all let loose at the same moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.paths import ROOT


class Worker:
    """``tests.support.storage_worker`` in another process, connected and waiting for ``go``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def says(self) -> str:
        """Its next line; '' when there is none any more."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def result(self) -> tuple[int, str]:
        """Exit code and everything it still had to say."""
        out, _ = self.process.communicate()
        return self.process.returncode, out.strip()


@contextmanager
def worker(task: str, url: str, *args: str) -> Iterator[Worker]:
    """A process that is killed at the end, if it has not ended by itself."""
    command = [sys.executable, "-m", "tests.support.storage_worker", task, url, *args]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        try:
            yield Worker(process)
        finally:
            process.kill()


def run_together(task: str, url: str, arguments: list[str]) -> list[tuple[int, str]]:
    """One process for each argument, at the same time; exit code and output of each."""
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(task, url, argument)) for argument in arguments]
        for each in workers:
            assert each.says() == "ready"
        for each in workers:
            each.go()
        return [each.result() for each in workers]
