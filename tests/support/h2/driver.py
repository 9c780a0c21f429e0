"""H2's PostgreSQL port spoken to in the words of ``ibm_db_dbi``, so that Spine's Db2 storage runs on it unchanged."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from select import select
from typing import Any

import ibm_db_dbi
import psycopg
from psycopg.waiting import Ready

from tests.support.h2.literals import with_values

# PostgreSQL's numbers for types; every other one is text.
_TYPES = {
    16: ibm_db_dbi.BOOLEAN,
    20: ibm_db_dbi.BIGINT,
    23: ibm_db_dbi.NUMBER,
    701: ibm_db_dbi.FLOAT,
    1082: ibm_db_dbi.DATE,
    1114: ibm_db_dbi.DATETIME,
    1700: ibm_db_dbi.DECIMAL,
}


class Cursor:
    """A cursor whose values stand in the text: H2 takes the same statement, and binding is for Derby to try."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor
        self.close = cursor.close
        self.fetchall = cursor.fetchall
        self.fetchmany = cursor.fetchmany

    def execute(self, sql: str, values: Sequence[object] | None = None) -> None:
        self._cursor.execute(with_values(sql, values or ()).encode())

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        self.execute("; ".join(with_values(sql, row) for row in rows))

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def description(self) -> list[tuple[Any, ...]]:
        return [
            (column.name, _TYPES.get(column.type_code, ibm_db_dbi.STRING), None, None, *_digits(column), True)
            for column in self._cursor.description or ()
        ]


class Connection:
    """In autocommit mode at first."""

    def __init__(self, url: str) -> None:
        self._connection = _Impatient.connect(url, autocommit=True, prepare_threshold=None)
        self.set_autocommit = self._connection.set_autocommit
        self.commit = self._connection.commit
        self.rollback = self._connection.rollback
        self.close = self._connection.close

    def cursor(self) -> Cursor:
        return Cursor(self._connection.cursor())


class _Impatient(psycopg.Connection[Any]):
    """H2 holds each piece of an answer until the one before is acknowledged: at once, or after 40 ms."""

    def wait(self, gen: Any, interval: float = 0.0) -> Any:
        with socket.socket(fileno=os.dup(self.fileno())) as line:
            try:
                wanted = next(gen)
                while True:
                    ready = select([line] if wanted & Ready.R else [], [line] if wanted & Ready.W else [], [])
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                    wanted = gen.send((Ready.R if ready[0] else 0) | (Ready.W if ready[1] else 0))
            except StopIteration as ended:
                return ended.value


def _digits(column: psycopg.Column) -> Iterator[int]:
    yield column.precision or 31
    yield column.scale if column.scale is not None else 6
