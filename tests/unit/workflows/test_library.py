"""A folder of workflow files: who has which name, what is read to find one, and what is read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spine.documents.problems import DocumentError
from spine.workflows import loader
from spine.workflows.loader import files_named, load_library, load_named, load_workflow
from tests.support.workflows import PACKAGES, write

OK = "{name: a, type: pipeline, pipeline: test.ok}"


def test_one_bad_file_takes_no_other_with_it(tmp_path: Path) -> None:
    write(tmp_path, f"name: good\nsteps: [{OK}]", "b.yaml")
    write(tmp_path, f"name: good\nsteps: [{OK}]", "c.yml")
    write(tmp_path, "name: [", "a.yaml")
    library = load_library(tmp_path, PACKAGES)
    assert [workflow.name for workflow in library.workflows] == ["good"]
    assert [str(error.problems[0].code) for error in library.errors] == ["E011", "E040"]
    assert f"the name 'good' is taken by {tmp_path / 'b.yaml'}" in str(library.errors[1])


def test_a_name_belongs_to_the_file_that_is_named_after_it(tmp_path: Path) -> None:
    write(tmp_path, f"name: my.flow\nsteps: [{OK}]", "a.yaml")
    own = write(tmp_path, f"name: my.flow\nsteps: [{OK}]", "my_flow.yaml")
    library = load_library(tmp_path, PACKAGES)
    assert [workflow.path for workflow in library.workflows] == [own]
    assert load_named(tmp_path, "my.flow", PACKAGES) is library.workflows[0]
    assert f"a.yaml:1:7 E040 the name 'my.flow' is taken by {own}" in str(library.errors[0])


def test_a_file_is_checked_again_only_when_its_text_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    check = loader.check_workflow
    monkeypatch.setattr(loader, "check_workflow", lambda *args: checked.append(args[1].name) or check(*args))
    path = write(tmp_path, f"name: one\nsteps: [{OK}]")
    before = path.stat()
    assert load_workflow(path, PACKAGES) is load_workflow(path, PACKAGES)
    write(tmp_path, f"name: two\nsteps: [{OK}]")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_workflow(path, PACKAGES).name == "two"
    load_workflow(path, (*PACKAGES, "another"))
    assert checked == ["one", "two", "two"]


def test_a_broken_file_is_told_as_often_as_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "name: x")
    for _ in range(2):
        with pytest.raises(DocumentError, match="'steps' is missing"):
            load_workflow(path, PACKAGES)


def test_a_broken_file_that_only_mentions_a_name_does_not_hide_it(tmp_path: Path) -> None:
    write(tmp_path, "name: x\nsteps:\n- {name: wanted}", "a.yaml")
    write(tmp_path, f"name: wanted\nsteps: [{OK}]", "b.yaml")
    found = load_named(tmp_path, "wanted", PACKAGES)
    assert found is not None
    assert found.name == "wanted"
    with pytest.raises(DocumentError):
        load_named(tmp_path, "x", PACKAGES)


def test_a_name_is_found_without_parsing(tmp_path: Path) -> None:
    write(tmp_path, "name: other", "a.yaml")
    by_convention = write(tmp_path, "name: my.flow  # mine", "my_flow.yaml")
    elsewhere = write(tmp_path, "steps: []\nname: 'else.where'", "z.yaml")
    assert next(files_named(tmp_path, "my.flow")) == by_convention
    assert list(files_named(tmp_path, "else.where")) == [elsewhere]
    assert list(files_named(tmp_path, "else_where")) == []


@pytest.mark.parametrize(
    "written",
    [
        "- {name: nightly, cron: 1}",
        "- name: nightly # x",
        "- cron: 1\n    name: 'nightly'",
        "- {name: nightly}",
        "[{name: nightly}]",
        '[{"name" : "nightly"}]',
    ],
)
def test_the_name_of_a_schedule_is_found_too(written: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"name: other\nschedules:\n  {written}\n", "a.yaml")
    assert list(files_named(tmp_path, "nightly")) == [path]
    assert list(files_named(tmp_path, "nightl")) == []


def test_a_schedules_name_may_be_taken_by_another_file(tmp_path: Path) -> None:
    schedule = "{name: taken, publication: T1}"
    write(tmp_path, f"name: a\nschedules: [{schedule}]\nsteps: [{OK}]", "a.yaml")
    write(tmp_path, f"name: b\nschedules: [{schedule}]\nsteps: [{OK}]", "b.yaml")
    write(tmp_path, f"name: taken\nsteps: [{OK}]", "c.yaml")
    library = load_library(tmp_path, PACKAGES)
    assert [workflow.dag_ids for workflow in library.workflows] == [("a", "taken")]
    assert [(problem.line, problem.column) for error in library.errors for problem in error.problems] == [
        (2, 20), (1, 7),
    ]  # fmt: skip
    assert f"E040 the name 'taken' is taken by {tmp_path / 'a.yaml'}" in str(library.errors[0])
