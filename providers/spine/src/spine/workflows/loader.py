"""From a file to a workflow that can run, or to one error that tells everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spine.workflows.checks import check_workflow
from spine.workflows.document import Document, read_document
from spine.workflows.errors import Code, Problem, WorkflowError
from spine.workflows.model import Workflow
from spine.workflows.reader import read_workflow
from spine.workflows.schedules import check_schedules
from spine.workflows.secret_values import check_secrets


@dataclass(frozen=True, slots=True)
class Library:
    """The workflows of a folder, and what could not be read; one bad file takes no other with it."""

    workflows: tuple[Workflow, ...]
    errors: tuple[WorkflowError, ...]


def load_workflow(path: Path, handler_packages: Iterable[str] = ()) -> Workflow:
    """Read and check one file.

    :param handler_packages: where handlers may lie, beside Spine's own.
    :raises WorkflowError: with every problem of the file.
    """
    workflow, document = _examined(path, handler_packages)
    document.raise_problems()
    assert workflow is not None, "a document without a workflow has problems"
    return workflow


def problems_of(path: Path, handler_packages: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Everything there is to say about a file, warnings too, in its order; nothing when all is well."""
    try:
        _, document = _examined(path, handler_packages)
    except WorkflowError as error:
        return error.problems
    return tuple(sorted(document.problems))


def _examined(path: Path, packages: Iterable[str]) -> tuple[Workflow | None, Document]:
    document = read_document(path)
    workflow = read_workflow(document)
    check_secrets(document)
    if workflow is not None:
        check_workflow(document, workflow, packages)
        check_schedules(document, workflow)
    return workflow, document


def load_library(folder: Path, handler_packages: Iterable[str] = ()) -> Library:
    """Every workflow file of a folder, by path.

    A name of a workflow or a schedule that is already taken is an error of the later file.
    """
    packages = tuple(handler_packages)
    workflows: list[Workflow] = []
    owners: dict[str, Workflow] = {}
    errors: list[WorkflowError] = []
    for path in workflow_files(folder):
        try:
            workflow = load_workflow(path, packages)
            _require_free_names(workflow, owners)
        except WorkflowError as error:
            errors.append(error)
        else:
            workflows.append(workflow)
            owners |= dict.fromkeys(workflow.dag_ids, workflow)
    return Library(tuple(workflows), tuple(errors))


def taken_names(folder: Path, handler_packages: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Names that two files of a folder claim."""
    errors = load_library(folder, handler_packages).errors
    return tuple(each for error in errors for each in error.problems if each.code is Code.DUPLICATE_WORKFLOW)


def workflow_files(folder: Path) -> list[Path]:
    """The YAML files of a folder, sorted."""
    return sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml"))


def files_named(folder: Path, name: str) -> Iterator[Path]:
    """The files that say ``name: <name>`` of the workflow, a schedule or a step, without parsing them.

    By convention ``a.b`` lives in ``a_b.yaml``; where it does, no other file need be opened.
    """
    line = re.compile(rf"^[ \t-]*\{{?[ \t]*name:[ \t]*(['\"]?){re.escape(name)}\1[ \t]*(?:[,}}#].*)?$", re.MULTILINE)
    files = workflow_files(folder)
    for path in sorted(files, key=lambda path: path.stem != name.replace(".", "_")):
        if line.search(path.read_text(encoding="utf-8", errors="replace")):
            yield path


def _require_free_names(workflow: Workflow, owners: Mapping[str, Workflow]) -> None:
    taken = [name for name in workflow.dag_ids if name in owners]
    if not taken:
        return
    assert workflow.path is not None
    document = read_document(workflow.path)
    read_workflow(document)
    for name in taken:
        where = ("name",) if name == workflow.name else ("schedules", document.schedules[name], "name")
        document.add(Code.DUPLICATE_WORKFLOW, f"the name '{name}' is taken by {owners[name].path}", *where)
    raise WorkflowError(document.problems)
