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
_UPGRADE = "run `airflow spine db upgrade`"
# SQLCODEs that say more than their SQLSTATE (IBM Db2 11.5, SQL messages).
_CODES: dict[int, type[SpineError]] = {
    -204: ConfigurationError,
    -206: ConfigurationError,
    -407: LoadError,
    -551: PermissionDenied,
    -803: LoadError,
    -911: TransientError,
    -913: TransientError,
    -952: DeadlineExceeded,
    -964: ResourceError,
    -968: ResourceError,
    -1013: ConfigurationError,
    -1403: PermissionDenied,
    -30061: ConfigurationError,
    -30082: PermissionDenied,
}
_BEHIND = (-204, -206)  # no such table or column: the database may lack a migration
_LINK_FAILURE = "40003"  # by its class it would be a deadlock's kin
# SQLSTATE classes, for the rest.
_CLASSES: dict[str, type[SpineError]] = {
    "08": DependencyError,
    "22": LoadError,
    "23": LoadError,
    "28": PermissionDenied,
    _LINK_FAILURE: DependencyError,
    "40": TransientError,
    "57": DependencyError,
}


def translate(error: BaseException, place: str) -> SpineError:
    """A member of our tree for an error of the driver, which ``place`` begins."""
    if isinstance(error, SpineError):
        return error
    text = " ".join(_CLASS_NAME.sub("", str(_said(error))).split())
    code, found = _CODE.search(text), _STATE.search(text)
    number, state = int(code[1]) if code else 0, found[1] if found else ""
    kind = _CODES.get(number) or _CLASSES.get(state) or _CLASSES.get(state[:2], TransformError)
    way_out = f"; {_UPGRADE}" if number in _BEHIND else ""
    return kind(f"{place}: {text}{way_out}", context={"sqlcode": number, "sqlstate": state})


def _said(error: BaseException) -> BaseException:
    """The error that has the driver's words: a commit that fails hides them behind a SystemError."""
    hidden = error.__context__
    return hidden.__cause__ or error if isinstance(hidden, SystemError) else error
