"""What a caller may do next is data on the error."""

from __future__ import annotations

import errno
import json
import pickle

import pytest

from spine.core import errors
from spine.core.errors import (
    DeadlineExceeded,
    DependencyError,
    ErrorCategory,
    LoadError,
    PermissionDenied,
    RateLimitError,
    ResourceError,
    SourceError,
    SpineError,
    as_spine_error,
    error_from_dict,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SpineError)]
DRAWING = {
    words[0]: words[1:]
    for line in (errors.__doc__ or "").splitlines()
    if (words := line.replace("|", "").replace("+-", "").split()) and hasattr(errors, words[0])
}


def test_every_error_is_drawn_with_its_category_and_whether_to_try_again() -> None:
    assert DRAWING.keys() == {kind.__name__ for kind in KINDS}
    for kind in KINDS:
        parent = kind.__bases__[0]
        if parent in (Exception, SpineError):
            words = DRAWING[kind.__name__]
            assert (words[0], any("retryable" in word for word in words)) == (kind.category, kind.retryable)
        else:
            assert (kind.category, kind.retryable) == (parent.category, parent.retryable)  # type: ignore[attr-defined]


def test_every_category_has_an_error() -> None:
    assert {kind.category for kind in KINDS} == set(ErrorCategory)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_text_begins_with_the_category(kind: type[SpineError]) -> None:
    error = kind("seen, expected, way out")
    assert str(error) == f"[{error.category}] seen, expected, way out"


def test_one_error_may_differ_from_its_kind() -> None:
    assert SourceError("x", retryable=True).retryable
    assert not DependencyError("x", retryable=False).retryable
    assert SourceError.retryable is False


def test_rate_limits_wait_a_minute_unless_told() -> None:
    assert (RateLimitError("x").retry_after, RateLimitError("x", retry_after=7).retry_after) == (60.0, 7)


def test_context_is_added_on_the_way_up_and_the_nearest_wins() -> None:
    error = SourceError("x", context={"line": 3}).with_context(line=99, path="a.csv")
    assert error.context == {"line": 3, "path": "a.csv"}


def test_the_given_context_is_not_changed() -> None:
    given = {"line": 3}
    SourceError("x", context=given).with_context(path="a.csv")
    assert given == {"line": 3}


def test_the_picture_is_json() -> None:
    error = RateLimitError("slow down", context={"tier": ErrorCategory.LOAD, "at": object})
    error.__cause__ = KeyError("k")
    picture = json.loads(json.dumps(error.to_dict()))
    assert picture["type"] == "RateLimitError"
    assert (picture["category"], picture["retryable"], picture["retry_after"]) == ("RATE_LIMIT", True, 60.0)
    assert (picture["context"]["tier"], picture["cause"]) == ("LOAD", "KeyError('k')")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_survive_the_way_between_processes(kind: type[SpineError]) -> None:
    error = kind("x", retryable=True, retry_after=5.0, context={"line": 3})
    assert pickle.loads(pickle.dumps(error)).to_dict() == error.to_dict()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError("t"), DeadlineExceeded),
        (ConnectionResetError("c"), DependencyError),
        (PermissionError("p"), PermissionDenied),
        (MemoryError(), ResourceError),
        (FileNotFoundError("f"), SourceError),
        (OSError(errno.ENOSPC, "full"), ResourceError),
        (OSError(errno.EMFILE, "files"), ResourceError),
        (KeyError("k"), SpineError),
        (KeyboardInterrupt(), SpineError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_errors_from_elsewhere_find_their_place(error: BaseException, kind: type[SpineError]) -> None:
    ours = as_spine_error(error)
    assert type(ours) is kind
    assert ours.__cause__ is error
    assert type(error).__name__ in ours.message


def test_our_own_errors_stay_themselves() -> None:
    error = LoadError("x")
    assert as_spine_error(error) is error


@pytest.mark.parametrize("kind", KINDS)
def test_a_receipt_reads_back_as_the_error_it_was(kind: type[SpineError]) -> None:
    assert type(error_from_dict(kind("no").to_dict())) is kind


@pytest.mark.parametrize("category", ErrorCategory)
def test_a_class_from_elsewhere_reads_back_as_its_category(category: ErrorCategory) -> None:
    found = error_from_dict({"type": "SomebodysError", "category": str(category), "message": "no"})
    assert found.category is category
    assert SpineError in (type(found), *type(found).__bases__)
    assert type(error_from_dict({"type": "KINDS", "message": "no"})) is SpineError
