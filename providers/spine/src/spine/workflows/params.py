"""What a run is started with: complete, valid parameters, or an error that names the one that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spine.core.errors import SpineError, ValidationError
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.workflows.model import Workflow, WorkflowParam
from spine.workflows.plain_schemas import is_surely_valid, surely_fits


def validate_params(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` with defaults filled in, ``tier`` in its canonical spelling and ``week_ending`` a Friday.

    :raises ValidationError: an unknown, missing or invalid parameter; ``context["param"]`` names it.
    """
    for name in given.keys() - workflow.params.keys():
        raise _invalid(name, f"{workflow.name} has no param '{name}'; {did_you_mean(name, workflow.params)}")
    return {name: _value(param, given) for name, param in workflow.params.items()}


def require_valid_schema(param: WorkflowParam) -> None:
    """:raises ValidationError: when what the author wrote is no JSON Schema."""
    if is_surely_valid(param.schema):
        return
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(dict(param.schema))
    except SchemaError as error:
        raise _invalid(param.name, f"param '{param.name}' has no valid JSON Schema: {error.message}") from None


def require_valid_default(param: WorkflowParam) -> None:
    """:raises ValidationError: when the default breaks the param's own rules."""
    if not param.required:
        valid_value(param, param.default)


def valid_value(param: WorkflowParam, value: Any) -> Any:
    """The value in its canonical spelling. :raises ValidationError: when it breaks the param's rules."""
    try:
        canonical = _canonical(param.name, value)
    except SpineError as error:
        raise _invalid(param.name, f"param '{param.name}': {error.message}") from None
    if (fault := _fault(param, value)) and _fault(param, canonical):
        raise _invalid(param.name, f"param '{param.name}': {fault}")
    return canonical


def _value(param: WorkflowParam, given: Mapping[str, Any]) -> Any:
    if param.name not in given and param.required:
        raise _invalid(param.name, f"param '{param.name}' is missing, and it has no default")
    return valid_value(param, given.get(param.name, param.default))


def _canonical(name: str, value: Any) -> Any:
    """The house's spelling of what a person may write in several ways."""
    if name == "tier" and value is not None:
        return str(Tier.parse(value))
    if name == "week_ending" and value is not None:
        return parse_week_ending(value).isoformat()
    return value


def _fault(param: WorkflowParam, value: Any) -> str | None:
    if surely_fits(value, param.schema):
        return None
    from jsonschema import Draft202012Validator, FormatChecker  # the draft and the formats that Airflow's form uses
    from jsonschema.exceptions import best_match

    fault = best_match(Draft202012Validator(dict(param.schema), format_checker=FormatChecker()).iter_errors(value))
    return None if fault is None else str(fault.message)


def _invalid(name: str, message: str) -> ValidationError:
    return ValidationError(message, context={"param": name})
