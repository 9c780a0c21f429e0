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
|  +- BreakerOpen                      its last uses failed, so it was not even asked
+- DeadlineExceeded     TIMEOUT        took longer than allowed          (retryable)
+- RateLimitError       RATE_LIMIT     asked to slow down                (retryable, retry_after)
+- ResourceError        RESOURCE       disk, memory or a quota is full   (retryable)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

from spine.core.foreign_errors import category_of, raised_at
from spine.core.redaction import redact


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
        """A JSON-ready picture for receipts, alerts and the API, without secrets."""
        return {
            "type": type(self).__name__,
            "category": str(self.category),
            "message": redact(self.message),
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "context": {key: redact(str(value)) for key, value in self.context.items()},
            "cause": redact(repr(self.__cause__)) if self.__cause__ else None,
        }

    def without_secrets(self) -> Self:
        """Itself, its texts redacted; causes that quote a secret, which a traceback would print, give way to a picture."""
        self.message = redact(self.message)
        self.args = (self.message,)
        self.context = {key: redact(each) if isinstance(each, str) else each for key, each in self.context.items()}
        quoted = [repr(each) for each in _causes_of(self)]
        if any(redact(text) != text for text in quoted):
            self.__cause__ = SpineError(redact(" <- ".join(quoted)))
        if self.__cause__ is not None or self.__context__ is not None:
            self.__suppress_context__ = True
        return self


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


class BreakerOpen(DependencyError):
    """Other uses of the dependency failed just now; ``retry_after`` is when the next one makes sense."""


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


def as_spine_error(error: BaseException) -> SpineError:
    """The error itself, or the nearest member of the tree for one from elsewhere (the cause is kept)."""
    if isinstance(error, SpineError):
        return error
    wrapped = _class_of(category_of(error))(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    if where := raised_at(error):
        wrapped.context["at"] = where
    return wrapped


def _causes_of(error: BaseException) -> list[BaseException]:
    """What a traceback would print before it, the nearest first."""
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and len(found) < 20:
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        if each is not None:
            found.append(each)
    return found


def error_from_dict(known: Mapping[str, Any]) -> SpineError:
    """The error that a receipt (``to_dict``) speaks of, as the class it was; one from elsewhere as its category's class."""
    kind = _tree().get(str(known.get("type"))) or _class_of(str(known.get("category")))
    error = kind(str(known.get("message") or "the step failed and did not say why"), context=known.get("context"))
    error.retryable = bool(known.get("retryable", error.retryable))
    error.retry_after = known.get("retry_after", error.retry_after)
    return error


def _class_of(category: str) -> type[SpineError]:
    """The category's own class, not one of its kinds; SpineError for a word that is no category."""
    by_category = {str(each.category): each for each in reversed(_tree().values())}  # the base stands before its kinds
    return by_category.get(category, SpineError)


def _tree() -> dict[str, type[SpineError]]:
    return {name: each for name, each in globals().items() if isinstance(each, type) and issubclass(each, SpineError)}
