"""Handlers that quote what they should not, and one whose dependency is down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spine.core.errors import DependencyError, SourceError
from spine.core.results import StepResult
from spine.pipelines.context import StepContext

CANARIES = ("canary-password", "canary-extra", "canary-query", "canary-userinfo", "canary-token")


def leak(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """Fail with every secret there is. Config: ``as`` (error, cause, group, ours)."""
    login = context.connections.details("leaky")
    words = (
        f"login {login.password} and {login.extra['api_key']}, https://u:canary-userinfo@h.example/x?k=canary-query, "
        "Authorization: Bearer canary-token"
    )
    match config["as"]:
        case "error":
            raise RuntimeError(words)
        case "cause":
            try:
                raise ValueError(words)
            except ValueError as cause:
                raise DependencyError("the gateway cannot be reached", context={"said": words}) from cause
        case "group":
            raise ExceptionGroup(words, [KeyError(words)])
        case _:
            raise SourceError(words, retryable=True)


def use_guarded(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """Use a dependency that may be down. Config: ``down``."""
    with context.guards.guard("http:optional.example", {"failure_threshold": 1}):
        if config["down"]:
            raise DependencyError("it is down")
    return StepResult.done("used")
