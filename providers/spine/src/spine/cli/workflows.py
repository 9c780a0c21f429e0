"""``airflow spine workflows``: which there are, what is wrong with them, and what one does."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.cli.simple_table import AirflowConsole

from spine.airflow_settings import load_settings
from spine.core.suggest import did_you_mean
from spine.workflows.errors import WorkflowError
from spine.workflows.graph import Graph, build_graph
from spine.workflows.loader import Library, load_library, load_workflow
from spine.workflows.model import Choice

if TYPE_CHECKING:
    from spine.workflows.model import Step, Workflow


def list_workflows(args: Namespace) -> None:
    """Every good workflow; the broken ones are told on stderr."""
    library = _library()
    AirflowConsole().print_as(data=list(library.workflows), output=args.output, mapper=_row)
    _print_problems(library.errors)


def lint_workflows(args: Namespace) -> None:
    """Check files or folders. Exits with 1 when there is a problem."""
    settings = load_settings()
    checked, errors = 0, list[WorkflowError]()
    for path in map(Path, args.paths or [settings.workflows_dir]):
        found = _lint(path, settings.handler_packages)
        checked += len(found.workflows) + len(found.errors)
        errors += found.errors
    _print_problems(tuple(errors))
    problems = sum(len(error.problems) for error in errors)
    print(f"{checked} workflow file(s) checked, {problems} problem(s)")
    if errors:
        sys.exit(1)


def show_workflow(args: Namespace) -> None:
    """The steps of a workflow, in the order they run."""
    library = _library()
    workflow = next((each for each in library.workflows if each.name == args.workflow), None)
    if workflow is None:
        _print_problems(library.errors)
        known = [each.name for each in library.workflows]
        sys.exit(f"no workflow '{args.workflow}'; {did_you_mean(args.workflow, known)}")
    graph = build_graph(workflow.steps)
    steps = [workflow.step(name) for name in graph.order()]
    AirflowConsole().print_as(data=steps, output=args.output, mapper=lambda step: _step_row(step, graph))


def _library() -> Library:
    settings = load_settings()
    return load_library(settings.workflows_dir, settings.handler_packages)


def _lint(path: Path, packages: tuple[str, ...]) -> Library:
    if path.is_dir():
        return load_library(path, packages)
    try:
        return Library((load_workflow(path, packages),), ())
    except WorkflowError as error:
        return Library((), (error,))


def _print_problems(errors: tuple[WorkflowError, ...]) -> None:
    for error in errors:
        print(error, file=sys.stderr)


def _row(workflow: Workflow) -> dict[str, str]:
    return {
        "name": workflow.name,
        "domain": workflow.domain,
        "version": workflow.version,
        "steps": str(len(workflow.steps)),
        "params": ", ".join(workflow.params),
        "schedules": ", ".join(schedule.name for schedule in workflow.schedules if schedule.enabled),
        "file": str(workflow.path),
    }


def _step_row(step: Step, graph: Graph) -> dict[str, str]:
    return {
        "step": step.name,
        "type": str(step.type),
        "runs": " ".join(_action(step)),
        "after": ", ".join(graph.upstream[step.name]),
        "on_error": str(step.on_error),
    }


def _action(step: Step) -> Iterator[str]:
    action = step.action
    if isinstance(action, Choice):
        yield from (f"{case.when} ? {case.then} :" for case in action.cases)
        yield action.else_step or "(next)"
    yield from (str(getattr(action, key)) for key in ("pipeline", "handler", "workflow") if hasattr(action, key))
