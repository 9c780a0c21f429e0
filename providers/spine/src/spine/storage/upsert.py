"""Bring a staged set of rows into a table with one statement each; what databases spell differently stands here alone.

The stage is an ordinary table made and dropped inside the transaction, because the bulk loaders of the drivers look for
a table in the main schema, where a temporary one is not. Nobody else ever sees it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ConfigurationError, LoadError
from spine.storage.base import Session
from spine.storage.sql import checked_identifier

LINE_NUMBER = "line_number"


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """What a merge did to the rows of the stage, and how many others it removed."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0

    @property
    def changed(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class Target:
    """A table to be loaded.

    :param key: columns that name a row; they carry a unique constraint, and none of them is null.
    :param compared: the other columns that make a row another one when they differ.
    :param stamps: columns that are set with every row written and never compared (when, by whom).
    """

    table: str
    key: tuple[str, ...]
    compared: tuple[str, ...]
    stamps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.table, *self.columns):
            checked_identifier(name)

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *self.compared, *self.stamps)


def create_stage(session: Session, target: Target) -> str:
    """An empty table with the target's columns and ``line_number``; its name."""
    stage = f"spine_stage_{uuid.uuid4().hex[:12]}"
    columns = ", ".join(target.columns)
    select = f"SELECT {columns}, CAST(0 AS BIGINT) AS {LINE_NUMBER} FROM {target.table} WHERE 1 = 0"
    session.execute(_spelling(session).create_stage.format(stage=stage, select=select))
    return stage


def drop_stage(session: Session, stage: str) -> None:
    session.execute(f"DROP TABLE {checked_identifier(stage)}")


def repeated_keys(session: Session, target: Target, stage: str) -> list[dict[str, Any]]:
    """Staged rows whose key occurs more than once, in the order of their lines."""
    key = ", ".join(target.key)
    same = " AND ".join(f"s.{name} = d.{name}" for name in target.key)
    columns = ", ".join(f"s.{name}" for name in (*target.key, *target.compared, LINE_NUMBER))
    return list(
        session.query(
            f"SELECT {columns} FROM {stage} s JOIN (SELECT {key} FROM {stage} GROUP BY {key} HAVING COUNT(*) > 1) d ON {same} "
            f"ORDER BY s.{LINE_NUMBER}"
        )
    )


def remove_lines(session: Session, stage: str, lines: Sequence[int]) -> int:
    """Take lines out of the stage; how many were there."""
    removed = 0
    for start in range(0, len(lines), 500):
        numbers = ", ".join(str(int(line)) for line in lines[start : start + 500])
        removed += session.execute(f"DELETE FROM {stage} WHERE {LINE_NUMBER} IN ({numbers})")
    return removed


def merge(session: Session, target: Target, stage: str) -> MergeCounts:
    """Insert new rows and update those that differ; a row that is equal already is not touched.

    :raises LoadError: the database touched another number of rows than differ.
    """
    spelling = _spelling(session)
    staged = _count(session, f"FROM {stage}")
    same_key = " AND ".join(f"t.{name} = s.{name}" for name in target.key)
    both = f"FROM {stage} s JOIN {target.table} t ON {same_key}"
    existing = _count(session, both)
    # Counted by us: what a database reports as touched differs from one to the next.
    differing = _count(session, f"{both} WHERE {_differs(target.compared, 't.{column}', 's.{column}')}")
    touched = session.execute(spelling.merge(target, stage))
    counts = MergeCounts(inserted=staged - existing, updated=differing, unchanged=existing - differing)
    if touched not in (-1, counts.inserted + counts.updated):
        raise LoadError(f"{target.table}: {counts.inserted} new and {counts.updated} changed rows, {touched} written")
    return counts


def append(session: Session, target: Target, stage: str) -> MergeCounts:
    """Insert every staged row.

    :raises LoadError: a constraint refused one.
    """
    columns = ", ".join(target.columns)
    staged = _count(session, f"FROM {stage}")
    session.execute(f"INSERT INTO {target.table} ({columns}) SELECT {columns} FROM {stage}")
    return MergeCounts(inserted=staged)


def remove_missing(session: Session, target: Target, stage: str, partition: Mapping[str, Any]) -> int:
    """Delete the rows of a partition that the stage does not have; how many."""
    within = " AND ".join(f"{target.table}.{checked_identifier(name)} = :{name}" for name in partition)
    same_key = " AND ".join(f"s.{name} = {target.table}.{name}" for name in target.key)
    missing = f"FROM {target.table} WHERE {within} AND NOT EXISTS (SELECT 1 FROM {stage} s WHERE {same_key})"
    removed = _count(session, missing, partition)
    session.execute(f"DELETE {missing}", partition)
    return removed


def _differs(columns: Iterable[str], left: str, right: str) -> str:
    """Whether any column differs, null being equal to null; in words that every database has."""
    terms = []
    for column in columns:
        a, b = left.format(column=column), right.format(column=column)
        terms.append(f"{a} <> {b} OR ({a} IS NULL AND {b} IS NOT NULL) OR ({a} IS NOT NULL AND {b} IS NULL)")
    return f"({' OR '.join(terms)})" if terms else "1 = 0"


def _on_conflict(target: Target, stage: str) -> str:
    columns, action = ", ".join(target.columns), "DO NOTHING"
    if target.compared:
        incoming = "excluded.{column}"
        assignments = ", ".join(
            f"{name} = {incoming.format(column=name)}" for name in (*target.compared, *target.stamps)
        )
        condition = _differs(target.compared, f"{target.table}.{{column}}", incoming)
        action = f"DO UPDATE SET {assignments} WHERE {condition}"
    # "WHERE 1 = 1" keeps SQLite from reading ON CONFLICT as the condition of a join.
    return (
        f"INSERT INTO {target.table} ({columns}) SELECT {columns} FROM {stage} WHERE 1 = 1 "
        f"ON CONFLICT ({', '.join(target.key)}) {action}"
    )


def _merge_into(target: Target, stage: str) -> str:
    same_key = " AND ".join(f"t.{name} = s.{name}" for name in target.key)
    update = ""
    if target.compared:
        assignments = ", ".join(f"{name} = s.{name}" for name in (*target.compared, *target.stamps))
        condition = _differs(target.compared, "t.{column}", "s.{column}")
        update = f"WHEN MATCHED AND {condition} THEN UPDATE SET {assignments} "
    incoming = ", ".join(f"s.{name}" for name in target.columns)
    return (
        f"MERGE INTO {target.table} t USING {stage} s ON {same_key} {update}"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(target.columns)}) VALUES ({incoming})"
    )


@dataclass(frozen=True, slots=True)
class _Spelling:
    """
    :param create_stage: with ``{stage}`` and ``{select}``, a query without rows.
    :param merge: the statement that brings a stage into its target.
    """

    create_stage: str
    merge: Callable[[Target, str], str]


# UNLOGGED on PostgreSQL writes a quarter less to the log, but 200,000 rows come no faster and 100 rows a half slower: the
# files that such a table starts from are synced at once.
_WITH_CONFLICTS = _Spelling("CREATE TABLE {stage} AS {select}", _on_conflict)
_WITH_MERGE = _Spelling("CREATE TABLE {stage} AS ({select}) WITH NO DATA", _merge_into)
_SPELLINGS = {"sqlite": _WITH_CONFLICTS, "postgres": _WITH_CONFLICTS, "db2": _WITH_MERGE}


def _count(session: Session, rest: str, params: Mapping[str, Any] | None = None) -> int:
    return int(session.query(f"SELECT COUNT(*) {rest}", params).scalar)


def _spelling(session: Session) -> _Spelling:
    name = session.dialect.name
    if name not in _SPELLINGS:
        raise ConfigurationError(f"tables cannot be loaded into {name} yet; known: {', '.join(_SPELLINGS)}")
    return _SPELLINGS[name]
