"""What errors of Python and of other people's libraries mean, by category. Imports none of those libraries."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import PurePath
from types import TracebackType

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE)  # for bytes, or for open files
_BUILT_IN: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "TIMEOUT"),
    (ConnectionError, "DEPENDENCY"),
    (PermissionError, "PERMISSION"),
    (MemoryError, "RESOURCE"),
    (OSError, "SOURCE"),
    (UnicodeError, "SOURCE"),
    (ArithmeticError, "TRANSFORM"),
)
# Drivers, whose classes are those of PEP 249.
_DRIVERS = ("adbc_driver_manager", "ibm_db_dbi", "psycopg", "psycopg2", "sqlalchemy", "sqlite3")
_OF_DRIVERS = {
    "OperationalError": "DEPENDENCY",
    "InterfaceError": "DEPENDENCY",
    "IntegrityError": "LOAD",
    "DataError": "LOAD",
    "ProgrammingError": "TRANSFORM",
    "NotSupportedError": "TRANSFORM",
}
# By package and class; the first class of an error's ancestry that stands here counts.
_ELSEWHERE = {
    **{f"{driver}.{name}": category for driver in _DRIVERS for name, category in _OF_DRIVERS.items()},
    "httpx.TimeoutException": "TIMEOUT",
    "httpx.InvalidURL": "CONFIGURATION",
    "httpx.UnsupportedProtocol": "CONFIGURATION",
    "httpx.LocalProtocolError": "CONFIGURATION",
    "httpx.TransportError": "DEPENDENCY",
    "httpx.HTTPError": "SOURCE",
    "requests.Timeout": "TIMEOUT",
    "requests.ConnectionError": "DEPENDENCY",
    "requests.RequestException": "SOURCE",
    "json.JSONDecodeError": "SOURCE",
    "pyarrow.ArrowInvalid": "TRANSFORM",
    "pyarrow.ArrowTypeError": "TRANSFORM",
    "pyarrow.ArrowKeyError": "TRANSFORM",
    "pyarrow.ArrowNotImplementedError": "TRANSFORM",
    "pydantic_core.ValidationError": "VALIDATION",
    "airflow.AirflowNotFoundException": "CONFIGURATION",
}
_LIBRARIES = ("site-packages", "/lib/python", ".pyx", ".pxi")
_STATUSES = {401: "PERMISSION", 403: "PERMISSION", 408: "TIMEOUT", 425: "TRANSIENT", 429: "RATE_LIMIT"}


def category_of(error: BaseException) -> str:
    """One of ``ErrorCategory``'s words; INTERNAL, a defect, for whatever says nothing else (``KeyError`` ...)."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return "RESOURCE"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int) and status >= 400:
        return _STATUSES.get(status, "DEPENDENCY" if status >= 500 else "SOURCE")
    names = (f"{each.__module__.partition('.')[0].lstrip('_')}.{each.__name__}" for each in type(error).__mro__)
    if known := next((_ELSEWHERE[name] for name in names if name in _ELSEWHERE), None):
        return known
    return next((category for kind, category in _BUILT_IN if isinstance(error, kind)), "INTERNAL")


def raised_at(error: BaseException) -> str:
    """File and line that raised it, of the innermost frame that is no library's; '' for one that never was raised."""
    frames = [(each.tb_frame.f_code.co_filename, each.tb_lineno) for each in _traces(error.__traceback__)]
    ours = [each for each in frames if not any(place in each[0] for place in _LIBRARIES)]
    file, line = (ours or frames or [("", 0)])[-1]
    return f"{PurePath(file).name}:{line}" if file else ""


def _traces(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
