"""The file root: nothing outside it is opened, however the path is spelled."""

from __future__ import annotations

import os
import stat
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from spine.core.errors import ConfigurationError, PermissionDenied, SourceError

OPTION = "[spine] file_root"
NAMES_COMPARED = 2000  # a folder may hold millions of files; a suggestion is not worth reading them all


def resolve_inside(path: str | Path, root: Path) -> Path:
    """The real path, symlinks followed; a relative one starts at ``root``. It need not exist.

    :raises PermissionDenied: it lies outside ``root``.
    :raises ConfigurationError: it is no path at all, or ``root`` is not a folder.
    """
    real_root = _real_root(root)
    text = os.fspath(path)
    if not text.strip():
        raise ConfigurationError("The file path is empty; give a path relative to the file root")
    if "\0" in text:
        raise ConfigurationError(f"The file path {text!r} holds a null byte; remove it")
    try:
        resolved = (real_root / text).resolve()
    except (OSError, RuntimeError) as error:  # a loop of symlinks, a name that is too long
        raise SourceError(f"The path '{text}' cannot be resolved: {error}. Give the path of a regular file") from error
    if not resolved.is_relative_to(real_root):
        raise PermissionDenied(
            f"'{text}' lies outside the file root {real_root}. Move the file below it, or change {OPTION}"
        )
    return resolved


def open_regular(path: Path, name: str, root: Path) -> BinaryIO:
    """Open a path that ``resolve_inside`` gave, for reading bytes.

    :param name: the path as people gave it, for messages.
    """
    # O_NONBLOCK: opening a FIFO must not wait for a writer. O_NOFOLLOW: the path was resolved, so a symlink
    # in its last place was put there since.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        raise SourceError(f"There is no file '{name}'. {_way_out(path, root)}") from error
    except PermissionError as error:
        raise PermissionDenied(
            f"'{name}' cannot be read: {error.strerror}. Give the user that runs Spine the right to read it"
        ) from error
    except OSError as error:
        raise SourceError(f"'{name}' cannot be opened: {error.strerror}. Expected a regular file") from error
    _require_regular(descriptor, name)
    return os.fdopen(descriptor, "rb", buffering=0)


def _real_root(root: Path) -> Path:
    try:
        real_root = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ConfigurationError(f"The file root {root} cannot be found; create it or change {OPTION}") from error
    if not real_root.is_dir():
        raise ConfigurationError(f"The file root {real_root} is not a folder; change {OPTION}")
    return real_root


def _require_regular(descriptor: int, name: str) -> None:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return
    os.close(descriptor)
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(mode), "a device")
    raise SourceError(f"'{name}' is {kind}; expected a regular file. Name one file")


def _way_out(path: Path, root: Path) -> str:
    if not path.parent.is_dir():
        return f"Its folder does not exist either; paths are relative to {root} ({OPTION})"
    try:
        beside = [entry.name for entry in islice(path.parent.iterdir(), NAMES_COMPARED)]
    except OSError:
        beside = []
    close = get_close_matches(path.name, beside, n=3, cutoff=0.6)
    if close:
        return f"In the same folder: {', '.join(repr(found) for found in close)}"
    return f"Nothing with a similar name is in its folder; paths are relative to {root} ({OPTION})"
