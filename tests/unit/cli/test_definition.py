"""The command line that ``airflow`` builds from the provider: every command parses, and leads somewhere."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module

import pytest
from airflow.cli.cli_config import ActionCommand, GroupCommand

from spine.cli.definition import get_spine_cli_commands
from spine.finra.download_file import FileFormat
from spine.finra.simulator import Keyless


def _leaves(commands: Iterable[ActionCommand | GroupCommand], path: str = "") -> Iterator[tuple[str, ActionCommand]]:
    for command in commands:
        name = f"{path} {command.name}".strip()
        if isinstance(command, GroupCommand):
            yield from _leaves(command.subcommands, name)
        else:
            yield name, command


_COMMANDS = dict(_leaves(get_spine_cli_commands()))


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(exit_on_error=False)
    for arg in _COMMANDS[command].args:
        arg.add_to_parser(parser)
    return parser


def test_the_commands_others_rely_on_are_there() -> None:
    db = {"db upgrade", "db status", "db prune", "db vacuum"}
    names = ("list", "lint", "show", "graph", "plan", "diff", "explain", "schema")
    workflows = {f"workflows {name}" for name in names}
    others = {"run", "doctor", "export", "demo", "synthesize", "simulate-finra", "rejects list", "rejects replay"}
    resilience = {
        "breakers list",
        "breakers reset",
        "breakers trip",
        "dlq list",
        "dlq show",
        "dlq retry",
        "dlq resolve",
    }
    told = (
        "list",
        "show",
        "history",
        "deliver",
        "retry",
        "expire",
        "prune",
        "silence",
        "silences",
        "lint",
        "route-test",
    )
    alerts = {f"alerts {name}" for name in (*told, "backtest")}
    scored = ("assess", "anomalies", "acknowledge", "resolve")
    judged = (
        *scored,
        "results",
        "hold",
        "approve",
        "reject",
        "certify",
        "audit",
        "readiness",
        "lint",
        "schema",
        "page",
    )
    quality = {f"quality {name}" for name in judged}
    assert set(_COMMANDS) == {f"spine {name}" for name in db | workflows | others | resilience | alerts | quality}


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_every_command_leads_to_a_function(name: str) -> None:
    path = inspect.getclosurevars(_COMMANDS[name].func).nonlocals["import_path"]
    module, _, function = path.rpartition(".")
    assert callable(getattr(import_module(module), function))


def test_a_run_takes_several_parameters() -> None:
    args = _parser("spine run").parse_args(["finra.weekly_refresh", "-p", "tier=T1", "--param", "force=true"])
    assert (args.workflow, args.params) == ("finra.weekly_refresh", ["tier=T1", "force=true"])


def test_what_was_not_asked_of_the_synthetic_market_stays_unset() -> None:
    given = vars(_parser("spine synthesize").parse_args(["--out", "files"]))
    assert {name: value for name, value in given.items() if value} == {"out": "files"}


def test_the_keyless_policies_offered_are_those_that_exist() -> None:
    [choices] = [arg.kwargs["choices"] for arg in _COMMANDS["spine simulate-finra"].args if "choices" in arg.kwargs]
    assert set(choices) == set(Keyless)


def test_the_file_formats_offered_are_those_that_exist() -> None:
    [choices] = [arg.kwargs["choices"] for arg in _COMMANDS["spine synthesize"].args if "choices" in arg.kwargs]
    assert set(choices) == set(FileFormat)
