"""Where something happens, for the errors that leave it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spine.core.errors import SpineError, as_spine_error


@contextmanager
def happening(*, but: tuple[type[Exception], ...] = (), **place: Any) -> Iterator[None]:
    """Every error that leaves the block is of the tree and says where it happened; what it knows already is kept.

    :param but: exceptions that are no errors, let through as they are.
    :param place: tier, week_ending, capture_id ...; what is None is not known.
    """
    known = {name: value for name, value in place.items() if value not in (None, "")}
    try:
        yield
    except but:
        raise
    except SpineError as error:
        error.with_context(**known)
        raise
    except Exception as error:
        raise as_spine_error(error).with_context(**known) from error
