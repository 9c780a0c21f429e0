"""Other ways from the file into one table with the same primary key, each for a process of its own (benchmarks/child.py).

None of them accounts for lines, judges rows or keeps captures. Imports are not timed.
"""

from __future__ import annotations

import csv

# The project bans it, as two SQLite libraries on one file of one process undo each other's locks; here it is the only one.
import sqlite3  # noqa: TID251
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from benchmarks.floors import COLUMNS, TABLE

_CHUNK = 10_000
PEERS = {
    "pandas": "pandas to_sql",
    "insert_rows": "DbApiHook.insert_rows",
    "insert_rows_executemany": "DbApiHook.insert_rows(executemany=True)",
    "executemany": "csv.reader, executemany",
}


def pandas(url: str, file: str, rows: str) -> dict[str, Any]:
    """``read_csv`` and ``to_sql`` with their defaults, ten thousand rows at a time; the date's type is told, as it must be."""
    import pandas as pd
    import sqlalchemy as sa

    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    started = time.perf_counter()
    reading = {"sep": "|", "names": list(COLUMNS), "header": 0, "quoting": csv.QUOTE_NONE, "parse_dates": [COLUMNS[-1]]}
    frames = pd.read_csv(file, nrows=int(rows), chunksize=_CHUNK, **reading)
    with engine.begin() as connection:
        loaded = 0
        for frame in frames:
            frame.to_sql(TABLE, connection, if_exists="append", index=False, dtype={COLUMNS[-1]: sa.Date()})
            loaded += len(frame)
    return _result(loaded, started)


def insert_rows(url: str, file: str, rows: str, **options: Any) -> dict[str, Any]:
    """Airflow's way: a commit after each thousand rows."""
    hook = _hook(url)
    started = time.perf_counter()
    hook.insert_rows(TABLE, _lines(file, int(rows)), target_fields=list(COLUMNS), **options)
    return _result(int(hook.get_first(f"SELECT COUNT(*) FROM {TABLE}")[0]), started)


def insert_rows_executemany(url: str, file: str, rows: str) -> dict[str, Any]:
    return insert_rows(url, file, rows, executemany=True)


def executemany(url: str, file: str, rows: str) -> dict[str, Any]:
    """The plain loop over the driver, in one transaction."""
    connection, mark = _connect(url)
    started = time.perf_counter()
    statement = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join([mark] * len(COLUMNS))})"
    cursor, lines, loaded = connection.cursor(), _lines(file, int(rows)), 0
    while chunk := list(islice(lines, _CHUNK)):
        cursor.executemany(statement, chunk)
        loaded += len(chunk)
    connection.commit()
    connection.close()
    return _result(loaded, started)


def _lines(file: str, rows: int) -> Iterator[list[str]]:
    with open(file, encoding="utf-8", newline="") as text:  # noqa: PTH123 - csv wants a text file
        reader = csv.reader(text, delimiter="|", quoting=csv.QUOTE_NONE)
        next(reader)
        yield from islice(reader, rows)


def _connect(url: str) -> tuple[Any, str]:
    """A connection, and its parameter marker."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA synchronous = NORMAL")  # as Spine has it
        return connection, "?"
    import psycopg

    return psycopg.connect(url), "%s"


def _hook(url: str) -> Any:
    from benchmarks.airflow_hooks import plain_hook, postgres_hook

    return plain_hook("sqlite", lambda: _connect(url)[0]) if url.startswith("sqlite") else postgres_hook(url)


def _result(rows: int, started: float) -> dict[str, Any]:
    return {"rows": rows, "seconds": round(time.perf_counter() - started, 3)}
