"""A disk that is full when a test says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of its own, in memory."""

    path: Path

    def fill(self) -> None:
        """Not a byte is left."""
        with (self.path / "filling").open("wb", buffering=0) as file:
            while _took(file.fileno(), 1 << 16) or _took(file.fileno(), 1):
                pass

    def relieve(self) -> None:
        (self.path / "filling").unlink(missing_ok=True)


def _took(file: int, size: int) -> int:
    try:
        return os.write(file, bytes(size))
    except OSError:
        return 0


@contextmanager
def small_disk(megabytes: int, owner: str | None = None) -> Iterator[SmallDisk]:
    """Mount one; the test is skipped where that is not allowed.

    :param owner: the account that may write there, when it is another one.
    """
    path = Path(tempfile.mkdtemp(prefix="spine-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        pytest.skip(f"a disk that can be filled has to be mounted: {missing}")
    if done.returncode:
        path.rmdir()
        pytest.skip(f"a disk that can be filled has to be mounted, which is not allowed here: {done.stderr.strip()}")
    try:
        if owner:
            shutil.chown(path, user=owner)
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
        path.rmdir()
