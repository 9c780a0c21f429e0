"""Errors of IBM's driver in our words. It raises its classes without a rule, so the codes in the text decide."""

from __future__ import annotations

import re

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    LoadError,
    PermissionDenied,
    ResourceError,
    SpineError,
    TransformError,
    TransientError,
)

_CLASS_NAME = re.compile(r"^(ibm_db_dbi::)?\w+: ")
_CODE = re.compile(r"SQLCODE=(-?\d+)")
_STATE = re.compile(r"SQLSTATE=(\w{5})")
# SQLCODEs that say more than their SQLSTATE. Both are those of the driver's own catalog of messages.
_CODES: dict[int, type[SpineError]] = {
    -1060: PermissionDenied,  # CONNECT
    -1403: PermissionDenied,
    -30060: PermissionDenied,
    -30061: ConfigurationError,  # no such database
    -30082: PermissionDenied,
}
# SQLSTATE prefixes, the longest match wins.
_STATES: dict[str, type[SpineError]] = {
    "08": DependencyError,
    "22": LoadError,
    "23": LoadError,
    "28": PermissionDenied,
    "40": TransientError,
    "40003": DependencyError,  # the link failed
    "42501": PermissionDenied,
    "42502": PermissionDenied,
    "42703": ConfigurationError,
    "42704": ConfigurationError,
    "42705": ConfigurationError,  # no such database
    "42727": ConfigurationError,
    "428IB": LoadError,  # the file of an external table
    "42968": ConfigurationError,  # no licence
    "51002": ConfigurationError,  # the driver's packages are not bound
    "54008": ConfigurationError,
    "54010": ConfigurationError,
    "54048": ConfigurationError,
    "55025": DependencyError,  # the database must be restarted
    "55032": DependencyError,  # the server was stopped
    "57": DependencyError,
    "57007": ConfigurationError,  # the table waits for a LOAD or REORG
    "57011": ResourceError,
    "57014": DeadlineExceeded,
    "57017": ConfigurationError,  # no conversion between code pages
    "57033": TransientError,
    "58": DependencyError,
    "58004": TransformError,  # of the statement: others go on
    "HYT": DeadlineExceeded,
}
_BEHIND = (-204, -206)  # no such table or column
_NARROW_PAGES = ("42727", "54008", "54010", "54048")  # no table space for rows or keys as long as ours


def translate(error: BaseException, place: str) -> SpineError:
    """A member of our tree for an error of the driver, which ``place`` begins."""
    if isinstance(error, SpineError):
        return error
    text = " ".join(_CLASS_NAME.sub("", str(_said(error))).split())
    code, found = _CODE.search(text), _STATE.search(text)
    number, state = int(code[1]) if code else 0, found[1] if found else ""
    prefix = next((state[:length] for length in (5, 3, 2) if state[:length] in _STATES), "")
    kind = _CODES.get(number) or _STATES.get(prefix, TransformError)
    return kind(f"{place}: {text}{_way_out(number, state)}", context={"sqlcode": number, "sqlstate": state})


def _way_out(code: int, state: str) -> str:
    if code in _BEHIND:
        return "; run `airflow spine db upgrade`"
    return "; the database needs pages of 32 KB (CREATE DATABASE ... PAGESIZE 32768)" if state in _NARROW_PAGES else ""


def _said(error: BaseException) -> BaseException:
    """The error that has the driver's words: a commit that fails hides them behind a SystemError."""
    hidden = error.__context__
    return hidden.__cause__ or error if isinstance(hidden, SystemError) else error
