"""The alias ``airflow dags backfill`` leans on a private list of Airflow: it may fail to appear, never to stop a command."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.cli.cli_config import ActionCommand, GroupCommand

from spine.cli.backfill import add_dags_backfill
from spine.cli.definition import get_spine_cli_commands

OTHER = ActionCommand(name="list", help="", func=print, args=())


def commands_after_adding(monkeypatch: pytest.MonkeyPatch, parser: Any) -> Any:
    monkeypatch.setitem(sys.modules, "airflow.cli.cli_parser", parser)
    assert [command.name for command in get_spine_cli_commands()] == ["spine"]
    return parser


def test_it_joins_airflows_group_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dags = GroupCommand(name="dags", help="", subcommands=(OTHER,))
    parser = commands_after_adding(monkeypatch, SimpleNamespace(airflow_commands=[OTHER, dags]))
    add_dags_backfill()
    assert [each.name for each in parser.airflow_commands[1].subcommands] == ["list", "backfill"]
    assert [each.name for each in dags.subcommands] == ["list"]  # core_commands, which others share, stays as it was


@pytest.mark.parametrize(
    "parser", [SimpleNamespace(), SimpleNamespace(airflow_commands=[]), SimpleNamespace(airflow_commands=5), None]
)
def test_another_airflow_only_lacks_it(parser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    commands_after_adding(monkeypatch, parser)
