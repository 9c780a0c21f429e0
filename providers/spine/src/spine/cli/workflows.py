"""``airflow spine workflows``: which there are, what is wrong with them, what one does, and how they are written."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.cli.simple_table import AirflowConsole

from spine.airflow_settings import load_settings
from spine.core.errors import SpineError, ValidationError
from spine.core.suggest import did_you_mean
from spine.documents.problems import DocumentError
from spine.workflows.graph import Graph, build_graph
from spine.workflows.loader import Library, load_library, load_workflow, problems_of, taken_names, workflow_files
from spine.workflows.model import Choice

if TYPE_CHECKING:
    from spine.workflows.model import Step, Workflow


def list_workflows(args: Namespace) -> None:
    """Every good workflow; the broken ones are told on stderr."""
    library = _library()
    AirflowConsole().print_as(data=list(library.workflows), output=args.output, mapper=_row)
    _print_problems(library.errors)


def lint_workflows(args: Namespace) -> None:
    """Check files or folders. Exits with 1 on an error, under ``--strict`` on a warning too."""
    from spine.workflows.reports import FORMATS

    packages = load_settings().handler_packages
    files = [file for path in _paths(args.paths) for file in (workflow_files(path) if path.is_dir() else [path])]
    found = [problem for file in files for problem in problems_of(file, packages)]
    found += [problem for path in _paths(args.paths) if path.is_dir() for problem in taken_names(path, packages)]
    print(FORMATS[args.format](found, len(files)))
    if (args.strict and found) or any(not problem.code.is_warning for problem in found):
        sys.exit(1)


def _paths(given: list[str]) -> list[Path]:
    return [Path(path) for path in given] or [load_settings().workflows_dir]


def explain_language(args: Namespace) -> None:
    """What a step type or a key is."""
    from spine.workflows.explain import explain, reference

    try:
        print(reference() if args.markdown else explain(args.word or ""), end="" if args.markdown else "\n")
    except ValidationError as error:
        sys.exit(error.message)


def print_schema(args: Namespace) -> None:
    """The language as a JSON Schema."""
    from spine.workflows.json_schema import workflow_schema

    print(json.dumps(workflow_schema(), indent=2))


def draw_workflow(args: Namespace) -> None:
    """One workflow as a picture."""
    from spine.workflows.picture import PICTURES

    text = PICTURES[args.format](_workflow(args.workflow))
    if args.out is None:
        print(text, end="")
    else:
        Path(args.out).write_text(text, encoding="utf-8")
        print(f"wrote {args.out}")


def plan_workflow(args: Namespace) -> None:
    """What a run with these params would do; nothing is touched."""
    from spine.cli.run import parse_params
    from spine.workflows.plan import plan

    workflow = _workflow(args.workflow)
    try:
        steps = plan(workflow, parse_params(args.params or []))
    except SpineError as error:
        sys.exit(error.message)
    words = {True: "yes", False: "no", None: "perhaps"}
    AirflowConsole().print_as(
        data=steps,
        output=args.output,
        mapper=lambda step: {"step": step.path, "type": step.type, "runs": words[step.runs], "does": step.does},
    )


def diff_workflows(args: Namespace) -> None:
    """What two versions do differently. Exits with 1 when they do."""
    from spine.workflows.difference import differences

    packages = load_settings().handler_packages
    try:
        found = differences(*(load_workflow(Path(path), packages) for path in (args.old, args.new)))
    except DocumentError as error:
        _print_problems((error,))
        sys.exit(2)
    print("\n".join(found) or "no difference in meaning")
    if found:
        sys.exit(1)


def show_workflow(args: Namespace) -> None:
    """The steps of a workflow, in the order they run."""
    workflow = _workflow(args.workflow)
    graph = build_graph(workflow.steps)
    steps = [workflow.step(name) for name in graph.order()]
    AirflowConsole().print_as(data=steps, output=args.output, mapper=lambda step: _step_row(step, graph))


def _workflow(name: str) -> Workflow:
    """One of this deployment; the command ends when there is none of that name."""
    library = _library()
    workflow = next((each for each in library.workflows if each.name == name), None)
    if workflow is None:
        _print_problems(library.errors)
        sys.exit(f"no workflow '{name}'; {did_you_mean(name, [each.name for each in library.workflows])}")
    return workflow


def _library() -> Library:
    settings = load_settings()
    return load_library(settings.workflows_dir, settings.handler_packages)


def _print_problems(errors: tuple[DocumentError, ...]) -> None:
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
