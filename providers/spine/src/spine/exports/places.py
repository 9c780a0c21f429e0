"""Where an export goes: a file or folder that is there whole or not at all, or standard output."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from spine.core.errors import ConfigurationError, PermissionDenied, ResourceError, SpineError, ValidationError

MARKER = "_spine_export.json"  # the receipt in a folder of ours; readers of Parquet folders skip names that begin so
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CountedFile(io.RawIOBase):
    """A file that is written once, from start to end, and knows its size and SHA-256."""

    def __init__(self, file: BinaryIO, place: str) -> None:
        self.bytes_written = 0
        self._file, self._place = file, place
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        with told(self._place):
            self._file.write(content)
        self._digest.update(content)
        size = memoryview(content).nbytes
        self.bytes_written += size
        return size


@contextmanager
def told(place: str) -> Iterator[None]:
    """The system's refusals as errors of ours. A closed pipe stays what it is: its reader has had enough."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _refusal(error, place) from error


def _refusal(error: OSError, place: str) -> SpineError:
    reason = f"{place} cannot be written: {error.strerror or error}"
    if error.errno in _FULL:
        return ResourceError(f"{reason}; free some space, or export fewer weeks. Nothing was left behind")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PermissionDenied(f"{reason}; choose another folder, or ask for the right to write there")
    return ConfigurationError(f"{reason}; choose another path")


def require_free(target: Path, *, folder: bool, force: bool) -> None:
    """Refuse a target that cannot become what is wanted, before any row is read.

    :raises ValidationError: something is there already, or its folder is not.
    """
    if not target.parent.is_dir():
        raise ValidationError(f"there is no folder {target.parent}; make it, or choose another path")
    if not os.path.lexists(target):
        return
    if target.is_dir() != folder:
        raise ValidationError(
            f"{target} is {'a folder' if target.is_dir() else 'a file'}; expected a "
            + ("folder, because of partition-by" if folder else "file, without partition-by")
        )
    if not force:
        raise ValidationError(f"{target} exists; --force replaces it, or choose another path")
    if folder and not (target / MARKER).is_file():
        raise ValidationError(f"{target} is no folder of an export (it has no {MARKER}); remove it yourself")


@contextmanager
def new_file(target: Path, *, force: bool) -> Iterator[CountedFile]:
    """A file beside ``target`` that takes its place, at once and whole, when the block ends well."""
    require_free(target, folder=False, force=force)
    part = _beside(target)
    try:
        with told(str(target)), part.open("xb") as file:
            yield CountedFile(file, str(target))
            file.flush()
            os.fsync(file.fileno())
        require_free(target, folder=False, force=force)
        with told(str(target)):
            part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


@contextmanager
def new_folder(target: Path, *, force: bool) -> Iterator[Path]:
    """A folder beside ``target`` that takes its place when the block ends well."""
    require_free(target, folder=True, force=force)
    part = _beside(target)
    try:
        with told(str(target)):
            part.mkdir()
            yield part
            require_free(target, folder=True, force=force)
            _take_place(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextmanager
def counted(path: Path) -> Iterator[CountedFile]:
    """A new file in a folder that is not yet there for anybody else."""
    with told(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            yield CountedFile(file, str(path))
            file.flush()
            os.fsync(file.fileno())


def _take_place(part: Path, target: Path) -> None:
    """Two folders cannot change places in one step: between these two there is none, and never half of one."""
    old = _beside(target)
    if target.exists():
        target.rename(old)
    try:
        part.rename(target)
    except OSError:
        with suppress(OSError):
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path) -> Path:
    """A hidden name in the same folder, hence on the same disk; nobody takes it for an export."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
