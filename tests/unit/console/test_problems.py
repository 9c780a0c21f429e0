"""How errors are told over HTTP, for every category of the tree."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from spine.console.problems import add_problem_handlers
from spine.core import errors
from spine.core.errors import SpineError


def _get(error: Exception, path: str = "/api/x", **headers: str) -> httpx.Response:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get(path)
    def fail() -> None:
        raise error

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://spine") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (errors.ValidationError("bad week"), 400, None),
        (errors.ConfigurationError("no such connection"), 500, None),
        (errors.SourceError("half a file"), 502, None),
        (errors.DependencyError("no server"), 503, "5"),
        (errors.TransientError("locked"), 503, "5"),
        (errors.RateLimitError("slow down", retry_after=30), 503, "30"),
        (errors.DeadlineExceeded("too long"), 504, "5"),
        (errors.ResourceError("disk full"), 507, "5"),
    ],
)
def test_each_category_has_its_status(error: SpineError, status: int, retry_after: str | None) -> None:
    answer = _get(error)
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["category"]) == (status, status, str(error.category))
    assert (problem["detail"], problem["retryable"]) == (error.message, error.retryable)
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_defect_does_not_tell_what_it_saw() -> None:
    answer = _get(RuntimeError("password=hunter2"))
    assert (answer.status_code, answer.json()["category"]) == (500, "INTERNAL")
    assert "hunter2" not in answer.text


def test_people_get_a_page_and_programs_never() -> None:
    error = errors.ValidationError("<script>bad</script>")
    for_people = _get(error, "/", accept="text/html")
    assert for_people.headers["content-type"] == "text/html; charset=utf-8"
    assert "&lt;script&gt;bad&lt;/script&gt;" in for_people.text
    assert _get(error, "/api/v1/x", accept="text/html").headers["content-type"] == "application/problem+json"
