"""From a file to a workflow that can run, or to one error that tells everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spine.documents.document import Document, parse_document, read_document, read_text
from spine.documents.problems import Code, DocumentError, Problem
from spine.workflows.checks import check_workflow
from spine.workflows.model import Workflow
from spine.workflows.reader import read_workflow
from spine.workflows.schedules import check_schedules
from spine.workflows.secret_values import check_secrets


@dataclass(frozen=True, slots=True)
class Library:
    """The workflows of a folder, and what could not be read; one bad file takes no other with it."""

    workflows: tuple[Workflow, ...]
    errors: tuple[DocumentError, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What became of a text: a workflow, or the problems it has."""

    text: str
    packages: tuple[str, ...]
    outcome: Workflow | tuple[Problem, ...]


# By path: a process that comes back to a file whose text is still the same does not check it again.
_judged: dict[Path, _Judged] = {}
_MOST_JUDGED = 2_000


def load_workflow(path: Path, handler_packages: Iterable[str] = ()) -> Workflow:
    """Read and check one file.

    :param handler_packages: where handlers may lie, beside Spine's own.
    :raises DocumentError: with every problem of the file.
    """
    text, packages = read_text(path), tuple(handler_packages)
    known = _judged.get(path)
    if known is None or (known.text, known.packages) != (text, packages):
        known = _Judged(text, packages, _judge(path, text, packages))
        if len(_judged) >= _MOST_JUDGED:
            _judged.clear()
        _judged[path] = known
    if isinstance(known.outcome, Workflow):
        return known.outcome
    raise DocumentError(known.outcome)


def _judge(path: Path, text: str, packages: tuple[str, ...]) -> Workflow | tuple[Problem, ...]:
    try:
        workflow, document = _examined(path, text, packages)
        document.raise_problems()
    except DocumentError as error:
        return error.problems
    assert workflow is not None, "a document without a workflow has problems"
    return workflow


def problems_of(path: Path, handler_packages: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Everything there is to say about a file, warnings too, in its order; nothing when all is well."""
    try:
        _, document = _examined(path, read_text(path), handler_packages)
    except DocumentError as error:
        return error.problems
    return tuple(sorted(document.problems))


def _examined(path: Path, text: str, packages: Iterable[str]) -> tuple[Workflow | None, Document]:
    document = parse_document(path, text)
    workflow = read_workflow(document)
    check_secrets(document)
    if workflow is not None:
        check_workflow(document, workflow, packages)
        check_schedules(document, workflow)
    return workflow, document


def load_library(folder: Path, handler_packages: Iterable[str] = ()) -> Library:
    """Every workflow file of a folder, by path.

    A name of a workflow or a schedule belongs to the file that is named after it, else to the first; in another file it is
    an error.
    """
    packages = tuple(handler_packages)
    workflows: list[Workflow] = []
    errors: list[DocumentError] = []
    for path in workflow_files(folder):
        try:
            workflows.append(load_workflow(path, packages))
        except DocumentError as error:
            errors.append(error)
    owners: dict[str, Workflow] = {}
    for workflow in sorted(workflows, key=lambda each: not _is_named_after(each)):
        try:
            _require_free_names(workflow, owners)
        except DocumentError as error:
            errors.append(error)
        else:
            owners |= dict.fromkeys(workflow.dag_ids, workflow)
    kept = (workflow for workflow in workflows if owners.get(workflow.name) is workflow)
    return Library(tuple(kept), tuple(sorted(errors, key=lambda error: error.path)))


def load_named(folder: Path, name: str, handler_packages: Iterable[str] = ()) -> Workflow | None:
    """The workflow that has a DAG of this name, from as few files as possible.

    None: none has, or it is written in a way that a glance does not find.

    :raises DocumentError: none has, and a file that says the name is broken.
    """
    broken: DocumentError | None = None
    for path in files_named(folder, name):
        try:
            workflow = load_workflow(path, handler_packages)
        except DocumentError as error:  # perhaps another one, which has a step of that name
            broken = broken or error
            continue
        if name in workflow.dag_ids:
            return workflow
    if broken is not None:
        raise broken
    return None


def taken_names(folder: Path, handler_packages: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Names that two files of a folder claim."""
    errors = load_library(folder, handler_packages).errors
    return tuple(each for error in errors for each in error.problems if each.code is Code.DUPLICATE_WORKFLOW)


def workflow_files(folder: Path) -> list[Path]:
    """The YAML files of a folder, sorted."""
    return sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml"))


def files_named(folder: Path, name: str) -> Iterator[Path]:
    """The files that say ``name: <name>`` of the workflow, a schedule or a step, without parsing them.

    By convention ``a.b`` lives in ``a_b.yaml``; where it does, no other file need be opened, nor the folder be listed.
    """
    said = re.compile(rf"\bname['\"]?\s*:\s*['\"]?{re.escape(name)}(?=['\"\s,}}\]#]|$)")
    by_convention = folder / f"{_stem_of(name)}.yaml"
    if by_convention.is_file() and _says(by_convention, name, said):
        yield by_convention
    yield from (path for path in workflow_files(folder) if path != by_convention and _says(path, name, said))


def _says(path: Path, name: str, said: re.Pattern[str]) -> bool:
    content = path.read_bytes()
    return name.encode() in content and said.search(content.decode("utf-8", "replace")) is not None


def _stem_of(name: str) -> str:
    return name.replace(".", "_")


def _is_named_after(workflow: Workflow) -> bool:
    return workflow.path is not None and workflow.path.stem == _stem_of(workflow.name)


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
    raise DocumentError(document.problems)
