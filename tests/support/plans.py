"""How PostgreSQL would read: the nodes of its plans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from spine.storage.adbc import AdbcSession
from spine.storage.base import Params
from spine.storage.postgres import PostgresStorage
from spine.storage.sql import bind_values, first_word

_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Node:
    """
    :param relation: the table that it reads, '' for none.
    :param loops: how often it was executed; 0 for never, 1 in a plan that was only made.
    """

    kind: str
    relation: str
    rows: int
    loops: int


def plan_of(storage: PostgresStorage, sql: str, params: Params | None = None, *, run: bool = False) -> list[Node]:
    """Every node of a statement's plan; with ``run`` it is executed as well."""
    with storage.session() as session:
        return _explain(session, sql, params, "ANALYZE, TIMING OFF, " if run else "")


@contextmanager
def plans_of_what_runs() -> Iterator[list[tuple[str, list[Node]]]]:
    """Statements and their plans, each made right before the statement runs: where it runs, among what was done before it."""
    heard: list[tuple[str, list[Node]]] = []
    bind = AdbcSession._bind

    def listening(session: AdbcSession, sql: str, params: Params | None) -> Any:
        if first_word(sql) in _PLANNED:
            heard.append((sql, _explain(session, sql, params)))
        return bind(session, sql, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdbcSession, "_bind", listening)
        yield heard


def _explain(session: AdbcSession, sql: str, params: Params | None, options: str = "") -> list[Node]:
    text, values = bind_values(sql, session.dialect, params)
    with session._cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
        cursor.execute(f"EXPLAIN ({options}FORMAT JSON) {text}", tuple(map(session._storage.adapt, values)) or None)
        (plan,) = cursor.fetch_arrow_table().column(0).to_pylist()
    return list(_nodes(json.loads(plan)[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[Node]:
    yield Node(
        plan["Node Type"],
        plan.get("Relation Name", ""),
        plan.get("Actual Rows", plan["Plan Rows"]),
        plan.get("Actual Loops", 1),
    )
    for child in plan.get("Plans", []):
        yield from _nodes(child)
