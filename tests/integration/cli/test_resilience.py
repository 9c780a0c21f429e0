"""``airflow spine breakers`` and ``airflow spine dlq``: what is held back, what failed for good, and what people do about it."""

from __future__ import annotations

import json
import logging
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.cli.cli_parser import get_parser

from spine.cli import breakers, dlq
from spine.cli.run import run
from spine.storage.base import Storage
from tests.support.include import INCLUDE
from tests.support.storage import open_upgraded
from tests.support.weekly import file_of, good_lines

pytestmark = pytest.mark.integration
WORKFLOW = "finra.weekly_refresh"
NAME = "finra:api.finra.org"


@dataclass
class Shell:
    """Commands as they are typed, each with its exit code and what it prints."""

    capsys: pytest.CaptureFixture[str]
    files: Path
    storage: Storage

    def __call__(self, command: Callable[[Namespace], None], **args: Any) -> tuple[object, Any]:
        self.capsys.readouterr()
        code: object = 0
        try:
            command(Namespace(**{"output": "json", "verbose": False, **args}))
        except SystemExit as ended:
            code = ended.code
        out = self.capsys.readouterr()
        return code, json.loads(out.out) if out.out.strip() else out.err

    def run(self, *params: str) -> tuple[object, Any]:
        return self(run, workflow=WORKFLOW, params=["tier=OTCE", *params])

    def retry(self, dlq_id: str | None = None, **args: Any) -> tuple[object, Any]:
        return self(dlq.retry, **{"dlq_id": dlq_id, "due": False, "trigger": False, "limit": 100, **args})

    def list(self, status: str | None = None) -> Any:
        return self(dlq.list_letters, status=status, limit=100)[1]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    path = tmp_path / "domain.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    monkeypatch.setenv("AIRFLOW__SPINE__FILE_ROOT", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(INCLUDE))
    logger = logging.getLogger("spine")
    level = logger.level
    with open_upgraded(f"sqlite:///{path}") as storage:
        yield Shell(capsys, tmp_path, storage)
    logger.setLevel(level)  # the commands set it for their process


def test_a_run_tells_programs_how_it_ended(shell: Shell) -> None:
    code, told = shell.run("file_path=week_otc.psv")
    assert (code, told["state"], told["steps"]["ingest"]["state"]) == (1, "failed", "failed")
    assert (told["error"]["category"], told["error"]["retryable"]) == ("SOURCE", False)
    assert told["error"]["context"] == {
        "workflow": WORKFLOW, "step": "ingest", "run_id": told["run_id"], "tier": "OTCE",
        "dead_letter": shell.list()[0]["dlq_id"],
    }  # fmt: skip
    code, told = shell.run("teir=T1")
    assert (code, told["state"], told["error"]["category"]) == (1, "failed", "VALIDATION")
    (shell.files / "week_otc.psv").write_text(file_of(*good_lines()))
    code, told = shell.run("file_path=week_otc.psv")
    assert (code, told["state"], told["error"]) == (0, "success", None)
    assert told["steps"]["ingest"]["parsed"] == 20


def test_a_letter_is_seen_retried_and_resolved(shell: Shell) -> None:
    assert shell.list() == [{"dead_letters": "none"}]
    shell.run("file_path=week_otc.psv")
    [row] = shell.list()
    assert (row["source_id"], row["status"], row["error_category"]) == (f"{WORKFLOW}/ingest", "exhausted", "SOURCE")
    code, letter = shell(dlq.show, dlq_id=row["dlq_id"][:6])
    assert letter["payload"]["params"]["file_path"] == "week_otc.psv"
    assert shell.retry(row["dlq_id"][:6])[0] == 1, "the file is still not there"
    (shell.files / "week_otc.psv").write_text(file_of(*good_lines()))
    code, [done] = shell.retry(row["dlq_id"])
    assert (code, done["status"]) == (0, "resolved")
    assert [each["dlq_id"] for each in shell.list("resolved")] == [row["dlq_id"]]


def test_a_person_gives_a_letter_up(shell: Shell) -> None:
    shell.run("file_path=week_otc.psv")
    [row] = shell.list()
    code, [done] = shell(dlq.resolve, dlq_id=row["dlq_id"], reason="no such week")
    assert (code, done["status"]) == (0, "resolved")
    assert shell(dlq.show, dlq_id=row["dlq_id"])[1]["resolution"] == "no such week"


def test_what_cannot_be_retried_is_told(shell: Shell) -> None:
    assert shell.retry(due=True) == (0, [{"dead_letters": "none"}])
    code, told = shell.retry()
    assert (code, "Give an ID, or --due" in told) == (1, True)
    code, told = shell.retry("beef")
    assert (code, "there is no dead letter 'beef'" in told) == (1, True)


def test_a_letter_may_be_handed_to_airflow(shell: Shell, airflow_env: Path) -> None:
    shell.run("file_path=week_otc.psv")
    [row] = shell.list()
    code, told = shell.retry(row["dlq_id"], trigger=True)  # its DAG is not serialized in the tests' Airflow
    assert (code, f"Airflow did not start {WORKFLOW}" in told) == (1, True)
    assert shell.list()[0]["status"] == "exhausted"


def test_breakers_are_listed_tripped_and_reset(shell: Shell) -> None:
    assert shell(breakers.list_breakers) == (0, [{"breakers": "none"}])
    code, [known] = shell(breakers.trip, name=NAME)
    assert (code, known["name"], known["state"]) == (0, NAME, "open")
    code, [known] = shell(breakers.list_breakers)
    assert (code, known["state"], known["last_error"].startswith("opened by ")) == (1, "open", True)
    shell(breakers.reset, name=NAME)
    assert shell(breakers.list_breakers)[0] == 0


@pytest.mark.parametrize(
    "words",
    ["breakers list", "breakers reset x", "breakers trip x", "dlq list --status pending", "dlq show x", "dlq retry x",
     "dlq retry --due --trigger", "dlq resolve x --reason y", "run x --output json"],
)  # fmt: skip
def test_the_words_are_known(words: str) -> None:
    assert callable(get_parser().parse_args(["spine", *words.split()]).func)
