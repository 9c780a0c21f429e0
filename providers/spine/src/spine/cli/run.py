"""``airflow spine run``: a workflow in this process, without scheduler or metadata database."""

from __future__ import annotations

import json
import logging
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from spine.cli.session import spine_session
from spine.core.errors import ValidationError
from spine.storage.migrations import require_current

if TYPE_CHECKING:
    from spine.workflows.runner import StepRun


def run(args: Namespace) -> None:
    """Run it and print a line per step, or with ``--output json`` one document at the end. Exits with 1 when it failed."""
    from spine.hooks.connections import AirflowConnections
    from spine.workflows.catalog import find_workflow
    from spine.workflows.runner import run_workflow

    logging.getLogger("spine").setLevel(logging.INFO if getattr(args, "verbose", False) else logging.CRITICAL)
    as_json = getattr(args, "output", None) == "json"
    with spine_session(as_json=as_json) as (settings, storage):
        require_current(storage, settings.sql_dir)
        workflow = find_workflow(args.workflow, settings)
        ended = run_workflow(
            workflow,
            parse_params(args.params or []),
            storage=storage,
            settings=settings,
            connections=AirflowConnections(),
            on_step=None if as_json else print_step,
        )
        print(json.dumps(ended.to_dict()) if as_json else f"{workflow.name} {ended.run_id}: {ended.state}")
        if str(ended.state) != "success":
            raise SystemExit(1)


def parse_params(pairs: list[str]) -> dict[str, Any]:
    """``key=value`` pairs; a value is read as JSON where it is JSON, else as text.

    :raises ValidationError: a pair without ``=``.
    """
    params: dict[str, Any] = {}
    for pair in pairs:
        key, found, value = pair.partition("=")
        if not found or not key:
            raise ValidationError(f"parameter {pair!r} has no value; expected KEY=VALUE")
        params[key] = _json_or_text(value)
    return params


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def print_step(name: str, step: StepRun) -> None:
    """One line for a step that ended."""
    message = step.result.message if step.result else ""
    print(f"  {name:<24} {step.state:<16} {message}", flush=True)
