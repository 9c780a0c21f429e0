"""Errors as problem details (RFC 7807) for programs, and as a page for people."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from spine.console.rendering import page
from spine.core.errors import ErrorCategory, PermissionDenied, SpineError, ValidationError, as_spine_error
from spine.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)

# How an error of the tree is told over HTTP. What a person cannot mend by asking differently is the server's: 5xx.
STATUS = {
    ErrorCategory.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCategory.CONFIGURATION: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCategory.VALIDATION: HTTPStatus.BAD_REQUEST,
    ErrorCategory.SOURCE: HTTPStatus.BAD_GATEWAY,
    ErrorCategory.TRANSFORM: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCategory.LOAD: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCategory.PERMISSION: HTTPStatus.INTERNAL_SERVER_ERROR,  # Spine's own, at a source or a database; not the user's
    ErrorCategory.TRANSIENT: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCategory.DEPENDENCY: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCategory.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorCategory.RATE_LIMIT: HTTPStatus.SERVICE_UNAVAILABLE,  # Spine was asked to slow down, not the user
    ErrorCategory.RESOURCE: HTTPStatus.INSUFFICIENT_STORAGE,
}


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of ``app`` in one of the two forms."""
    app.add_exception_handler(SpineError, _spine_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def _spine_error(request: Request, error: Exception) -> Response:
    known = as_spine_error(error)
    status = STATUS[known.category]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s %s: %s", request.method, request.url.path, redact(str(known)))
    return _answer(request, status, known)


def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answer(request, HTTPStatus.BAD_REQUEST, ValidationError(_sentence(error.errors())))


def _sentence(problems: Iterable[dict[str, Any]]) -> str:
    """Which parameter, what is wrong with it, and what was given."""
    return "; ".join(f"{problem['loc'][-1]}: {problem['msg']} (got {problem.get('input')!r})" for problem in problems)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException | StarletteHTTPException)
    status = HTTPStatus(error.status_code)
    denied = status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    known: SpineError = (PermissionDenied if denied else ValidationError)(str(error.detail))
    answer = _answer(request, status, known)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


def _unexpected(request: Request, error: Exception) -> Response:
    # What a defect says may hold anything; the log of the server has it.
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, SpineError("something went wrong; see the server's log"))


def _answer(request: Request, status: HTTPStatus, error: SpineError) -> Response:
    told = error.to_dict()
    problem = {
        "type": f"urn:spine:error:{error.category.lower()}",
        "title": status.phrase,
        "status": int(status),
        "detail": told["message"],
        "instance": request.url.path,
        "category": str(error.category),
        "retryable": error.retryable,
        "context": told["context"],
    }
    headers = {"Retry-After": str(round(error.retry_after or 5))} if error.retryable else {}
    if _wants_page(request):
        return page("problem.html", status_code=status, headers=headers, problem=problem)
    return JSONResponse(problem, status, headers, media_type="application/problem+json")


def _wants_page(request: Request) -> bool:
    below = request.scope.get("root_path", "")
    path = request.url.path.removeprefix(below)
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
