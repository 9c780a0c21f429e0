"""What each category of error means, from one end of Spine to the other. A new category without a line here fails."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from airflow.sdk.definitions.retry_policy import RetryAction
from fastapi import FastAPI

from spine.alerts.model import AlertSeverity, alert_of
from spine.cli.session import spine_session
from spine.console.problems import add_problem_handlers
from spine.core.errors import ErrorCategory, SpineError, error_from_dict
from spine.core.results import StepResult
from spine.resilience.breaker import Outcome, outcome_of
from spine.retries import SpineRetryPolicy
from spine.workflows.model import Retry

C, A, O = ErrorCategory, AlertSeverity, Outcome  # noqa: E741
RETRIED, FAILS = RetryAction.RETRY, RetryAction.FAIL
# category: HTTP status, what Airflow does, severity of the alert, what a breaker makes of it, exit code of a command
TABLE = {
    C.INTERNAL: (500, FAILS, A.CRITICAL, O.NOTHING, 1),
    C.CONFIGURATION: (500, FAILS, A.ERROR, O.NOTHING, 1),
    C.VALIDATION: (400, FAILS, A.WARNING, O.NOTHING, 1),
    C.SOURCE: (502, FAILS, A.ERROR, O.GOOD, 1),
    C.TRANSFORM: (500, FAILS, A.ERROR, O.NOTHING, 1),
    C.LOAD: (500, FAILS, A.ERROR, O.NOTHING, 1),
    C.PERMISSION: (500, FAILS, A.ERROR, O.GOOD, 1),
    C.TRANSIENT: (503, RETRIED, A.WARNING, O.BAD, 1),
    C.DEPENDENCY: (503, RETRIED, A.ERROR, O.BAD, 1),
    C.TIMEOUT: (504, RETRIED, A.WARNING, O.BAD, 1),
    C.RATE_LIMIT: (503, RETRIED, A.INFO, O.BAD, 1),
    C.RESOURCE: (507, RETRIED, A.CRITICAL, O.NOTHING, 1),
}


def error_of(category: ErrorCategory) -> SpineError:
    return error_from_dict({"category": category, "message": f"a {category} error", "context": {"tier": "T1"}})


def http_answer(error: SpineError) -> httpx.Response:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/api/x")
    def fail() -> None:
        raise error

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://spine") as client:
            return await client.get("/api/x")

    return asyncio.run(ask())


def exit_code(error: SpineError) -> object:
    with pytest.raises(SystemExit) as ended, spine_session(as_json=True):
        raise error
    return ended.value.code


def test_every_category_stands_in_the_table() -> None:
    assert TABLE.keys() == set(ErrorCategory)


@pytest.mark.parametrize("category", ErrorCategory)
def test_a_category_means_the_same_everywhere(category: ErrorCategory, capsys: pytest.CaptureFixture[str]) -> None:
    status, action, severity, outcome, code = TABLE[category]
    error = error_of(category)
    answer = http_answer(error)
    problem = answer.json()
    assert (answer.status_code, problem["category"], problem["retryable"]) == (status, category, action is RETRIED)
    assert ("retry-after" in answer.headers) is (action is RETRIED)
    assert SpineRetryPolicy(Retry(max_attempts=3)).evaluate(error, 1, 2).action is action
    alert = alert_of(error, title="x", source="y")
    assert (alert.severity, alert.category, alert.tier) == (severity, category, "T1")
    assert outcome_of(error) is outcome
    assert exit_code(error) == code
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["error"]["category"]) == ("failed", category)
    receipt = StepResult.failed(error)
    assert (receipt.category, receipt.to_dict()["error"]["retryable"]) == (category, action is RETRIED)
