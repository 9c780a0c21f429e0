"""From a file to a workflow that can run, or to one error that tells everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spine.workflows.checks import check_workflow
from spine.workflows.document import read_document
from spine.workflows.errors import Code, WorkflowError
from spine.workflows.model import Workflow
from spine.workflows.reader import read_workflow


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
    document = read_document(path)
    workflow = read_workflow(document)
    if workflow is not None:
        check_workflow(document, workflow, handler_packages)
    document.raise_problems()
    assert workflow is not None, "a document without a workflow has problems"
    return workflow


def load_library(folder: Path, handler_packages: Iterable[str] = ()) -> Library:
    """Every workflow file of a folder, by path. A name that is already taken is an error of the later file."""
    packages = tuple(handler_packages)
    workflows: dict[str, Workflow] = {}
    errors: list[WorkflowError] = []
    for path in workflow_files(folder):
        try:
            workflow = load_workflow(path, packages)
            if workflow.name in workflows:
                raise _taken(workflow, workflows[workflow.name])
        except WorkflowError as error:
            errors.append(error)
        else:
            workflows[workflow.name] = workflow
    return Library(tuple(workflows.values()), tuple(errors))


def workflow_files(folder: Path) -> list[Path]:
    """The YAML files of a folder, sorted."""
    return sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml"))


def files_named(folder: Path, name: str) -> Iterator[Path]:
    """The files that say ``name: <name>`` at their top level, without parsing them.

    By convention ``a.b`` lives in ``a_b.yaml``; where it does, no other file is opened.
    """
    line = re.compile(rf"^name:[ \t]*(['\"]?){re.escape(name)}\1[ \t]*(?:#.*)?$", re.MULTILINE)
    files = workflow_files(folder)
    for path in sorted(files, key=lambda path: path.stem != name.replace(".", "_")):
        if line.search(path.read_text(encoding="utf-8", errors="replace")):
            yield path


def _taken(workflow: Workflow, owner: Workflow) -> WorkflowError:
    assert workflow.path is not None
    document = read_document(workflow.path)
    document.add(Code.DUPLICATE_WORKFLOW, f"the name '{workflow.name}' is taken by {owner.path}", "name")
    return WorkflowError(document.problems)
