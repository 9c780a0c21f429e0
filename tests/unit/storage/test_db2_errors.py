"""Errors of IBM's driver, as its catalog of messages numbers them, in our words."""

from __future__ import annotations

import pytest

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
from spine.storage.db2_errors import translate

# SQLCODE and SQLSTATE, each with what it is.
CODES: dict[type[SpineError], dict[tuple[int, str], str]] = {
    DependencyError: {
        (-30081, "08001"): "communication error",
        (-30108, "08506"): "rerouted to another server",
        (-99999, "40003"): "communication link failure",
        (-1024, "08003"): "no connection",
        (-1032, "57019"): "not started",
        (-1040, "57030"): "too many applications",
        (-1224, "55032"): "stopped",
        (-1015, "55025"): "to be restarted",
        (-1776, "08004"): "a standby server",
        (-30020, "58009"): "protocol error",
    },
    TransientError: {
        (-911, "40001"): "deadlock or time-out, rolled back",
        (-913, "57033"): "deadlock or time-out",
        (-1229, "40504"): "rolled back by the system",
    },
    LoadError: {
        (-803, "23505"): "duplicate key",
        (-407, "23502"): "null",
        (-530, "23503"): "no such parent",
        (-545, "23513"): "check",
        (-302, "22001"): "too long",
        (-433, "22001"): "too long",
        (-413, "22003"): "out of range",
        (-802, "22003"): "overflow",
        (-420, "22018"): "no number",
        (-20569, "428IB"): "file of an external table",
    },
    PermissionDenied: {
        (-30082, "08001"): "security",
        (-1403, "08004"): "password",
        (-1060, "08004"): "no CONNECT",
        (-30060, "08004"): "no privilege",
        (-551, "42501"): "no privilege",
        (-552, "42502"): "no privilege",
    },
    ConfigurationError: {
        (-204, "42704"): "no such table",
        (-206, "42703"): "no such column",
        (-1013, "42705"): "no such database",
        (-30061, "08004"): "no such database",
        (-286, "42727"): "no table space",
        (-613, "54008"): "key too long",
        (-670, "54010"): "row too long",
        (-1585, "54048"): "no temporary table space",
        (-668, "57007"): "load pending",
        (-332, "57017"): "code page",
        (-805, "51002"): "package",
        (-1598, "42968"): "licence",
    },
    ResourceError: {
        (-964, "57011"): "log full",
        (-968, "57011"): "file system full",
        (-289, "57011"): "table space full",
        (-912, "57011"): "lock list full",
    },
    DeadlineExceeded: {(-952, "57014"): "cancelled", (-99999, "HYT00"): "time-out"},
    TransformError: {(-104, "42601"): "syntax", (-901, "58004"): "system error", (-440, "42884"): "no such routine"},
}
CASES = [(code, state, kind) for kind, codes in CODES.items() for code, state in codes]


def said(code: int, state: str) -> RuntimeError:
    return RuntimeError(f"ibm_db_dbi::Error: [IBM][CLI Driver] SQL0000N  Words.  SQLSTATE={state} SQLCODE={code}")


@pytest.mark.parametrize(("code", "state", "kind"), CASES)
def test_the_codes_in_the_text_decide(code: int, state: str, kind: type[SpineError]) -> None:
    error = translate(said(code, state), "Db2 host")
    assert type(error) is kind
    assert error.message.startswith(f"Db2 host: [IBM][CLI Driver] SQL0000N Words. SQLSTATE={state} SQLCODE={code}")
    assert error.context == {"sqlcode": code, "sqlstate": state}


def test_what_a_person_can_do_is_told() -> None:
    assert translate(said(-204, "42704"), "Db2 host").message.endswith("; run `airflow spine db upgrade`")
    assert translate(said(-670, "54010"), "Db2 host").message.endswith("(CREATE DATABASE ... PAGESIZE 32768)")
    assert translate(said(-803, "23505"), "Db2 host").message.endswith("SQLCODE=-803")


def test_an_error_without_codes_is_one_of_computing() -> None:
    error = translate(ValueError("nothing that IBM says"), "Db2 host")
    assert (type(error), error.message) == (TransformError, "Db2 host: nothing that IBM says")
    assert translate(error, "elsewhere") is error


def test_the_words_behind_a_commit_that_fails_are_found() -> None:
    said = Exception("[IBM][CLI Driver] SQL30081N  Lost.  SQLSTATE=08001 SQLCODE=-30081")
    hidden = SystemError("<built-in function commit> returned a result with an exception set")
    hidden.__cause__ = said
    raised = RuntimeError("ibm_db_dbi::Error: SystemError(...)")
    raised.__context__ = hidden
    error = translate(raised, "Db2 host")
    assert type(error) is DependencyError and error.message == f"Db2 host: {' '.join(str(said).split())}"
