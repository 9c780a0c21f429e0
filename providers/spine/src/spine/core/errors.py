"""The one error tree of Spine. What a caller may do next is data on the error, never text to be parsed.

SpineError              INTERNAL       base; a defect in Spine itself
+- ConfigurationError   CONFIGURATION  something a person set is missing or wrong
+- ValidationError      VALIDATION     input broke a rule (a parameter, a row, a gate)
+- SourceError          SOURCE         the source answered, and the answer is unusable
+- TransformError       TRANSFORM      computing from stored rows failed
+- LoadError            LOAD           the database refused the rows
|  +- PartialFailure                   some parts failed, and the others are complete
+- PermissionDenied     PERMISSION     not allowed: credentials, file root, grants
+- TransientError       TRANSIENT      may work if tried again           (retryable)
|  +- LeaseHeld                        another run holds the partition
+- DependencyError      DEPENDENCY     a server cannot be reached        (retryable)
+- DeadlineExceeded     TIMEOUT        took longer than allowed          (retryable)
+- RateLimitError       RATE_LIMIT     asked to slow down                (retryable, retry_after)
+- ResourceError        RESOURCE       disk, memory or a quota is full   (retryable)
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self


class ErrorCategory(StrEnum):
    """What kind of thing went wrong; retries and alerts route on it."""

    INTERNAL = "INTERNAL"
    CONFIGURATION = "CONFIGURATION"
    VALIDATION = "VALIDATION"
    SOURCE = "SOURCE"
    TRANSFORM = "TRANSFORM"
    LOAD = "LOAD"
    PERMISSION = "PERMISSION"
    TRANSIENT = "TRANSIENT"
    DEPENDENCY = "DEPENDENCY"
    TIMEOUT = "TIMEOUT"
    RATE_LIMIT = "RATE_LIMIT"
    RESOURCE = "RESOURCE"


class SpineError(Exception):
    """Base of every error Spine raises on purpose.

    :param message: what was seen, what was expected, and the way out, in one or two sentences.
    :param retryable: overrides the class default.
    :param retry_after: seconds to wait before trying again, where the other side said so.
    :param context: where it happened (path, line, pipeline, partition, ...). Never a secret.
    """

    category: ClassVar[ErrorCategory] = ErrorCategory.INTERNAL
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        retryable: bool | None = None,
        retry_after: float | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.context: dict[str, Any] = dict(context or {})
        if retryable is not None:
            self.retryable = retryable

    def with_context(self, **context: Any) -> Self:
        """Add where it happened, on the way up; what is already known is kept."""
        self.context = {**context, **self.context}
        return self

    def __str__(self) -> str:
        return f"[{self.category}] {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready picture for receipts, alerts and the API."""
        return {
            "type": type(self).__name__,
            "category": str(self.category),
            "message": self.message,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "context": {key: str(value) for key, value in self.context.items()},
            "cause": repr(self.__cause__) if self.__cause__ else None,
        }


class ConfigurationError(SpineError):
    category = ErrorCategory.CONFIGURATION


class ValidationError(SpineError):
    category = ErrorCategory.VALIDATION


class SourceError(SpineError):
    category = ErrorCategory.SOURCE


class TransformError(SpineError):
    category = ErrorCategory.TRANSFORM


class LoadError(SpineError):
    category = ErrorCategory.LOAD


class PartialFailure(LoadError):
    """Names what failed; what did not is complete and stays."""


class PermissionDenied(SpineError):
    category = ErrorCategory.PERMISSION


class TransientError(SpineError):
    category = ErrorCategory.TRANSIENT
    retryable = True


class LeaseHeld(TransientError):
    """Another run is working on the partition, or took it over while this one worked."""


class DependencyError(SpineError):
    category = ErrorCategory.DEPENDENCY
    retryable = True


class DeadlineExceeded(SpineError):
    category = ErrorCategory.TIMEOUT
    retryable = True


class RateLimitError(SpineError):
    category = ErrorCategory.RATE_LIMIT
    retryable = True

    def __init__(self, message: str, *, retry_after: float = 60.0, **options: Any) -> None:
        super().__init__(message, retry_after=retry_after, **options)


class ResourceError(SpineError):
    category = ErrorCategory.RESOURCE
    retryable = True


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE)  # for bytes, or for open files


def as_spine_error(error: BaseException) -> SpineError:
    """The error itself, or the nearest member of the tree for one from elsewhere (the cause is kept)."""
    if isinstance(error, SpineError):
        return error
    wrapped = _kind_of(error)(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def _kind_of(error: BaseException) -> type[SpineError]:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return ResourceError
    kinds: tuple[tuple[type[BaseException], type[SpineError]], ...] = (
        (TimeoutError, DeadlineExceeded),
        (ConnectionError, DependencyError),
        (PermissionError, PermissionDenied),
        (MemoryError, ResourceError),
        (OSError, SourceError),
    )
    return next((ours for theirs, ours in kinds if isinstance(error, theirs)), SpineError)


def error_from_dict(known: Mapping[str, Any]) -> SpineError:
    """The error that a receipt (``to_dict``) speaks of, as the class it was; one from elsewhere as its category's class."""
    tree = {name: each for name, each in globals().items() if isinstance(each, type) and issubclass(each, SpineError)}
    by_category = {str(each.category): each for each in reversed(tree.values())}  # the base stands before its kinds
    kind = tree.get(str(known.get("type"))) or by_category.get(str(known.get("category")), SpineError)
    error = kind(str(known.get("message") or "the step failed and did not say why"), context=known.get("context"))
    error.retryable = bool(known.get("retryable", error.retryable))
    error.retry_after = known.get("retry_after", error.retry_after)
    return error
