"""Where a benchmark ran, what memory it took, and how to make the machine forget what it has read."""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def description() -> dict[str, str | int | None]:
    """The machine that results come from."""
    return {
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def memory(key: str) -> int:
    """Kilobytes of this process, as the kernel counts them: ``VmRSS`` now, ``VmHWM`` at most."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(f"{key}:")))


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def pace() -> float:
    """Milliseconds of a fixed piece of work: whether the machine is as fast, and as idle, as it was."""
    return round(statistics.median(timed(lambda: sum(range(10**6))) for _ in range(50)) * 1e3, 1)


def forget_files(folder: Path) -> None:
    """Write out the files of a folder and drop them from the operating system's cache, so that the next read is from disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.fdatasync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
