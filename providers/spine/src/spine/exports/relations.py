"""What may be exported: the published tables and views that the database has, by short names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, ValidationError
from spine.core.suggest import did_you_mean
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.storage.column_types import column_types, known_types
from spine.storage.ledger import Stage

if TYPE_CHECKING:
    from spine.storage.base import Storage

_LATEST = "_latest"
_LOADED = "fact_"  # tables that are loaded by declaration (include/workflows)
_STAGES = {"raw": Stage.INGESTED, "venue_volume": Stage.NORMALIZED, "symbol_rolling": Stage.ROLLING}
# What views compute, of which SQLite's catalog knows no type.
_COMPUTED = {
    "total_symbol_volume_all_tiers": "total_volume",
    "tier_volume_share": "hhi",
    "tiers_loaded": "total_trades",
}


@dataclass(frozen=True, slots=True)
class Relation:
    """A published table or view.

    :param name: its short name, such as ``venue_volume``.
    :param table: where its rows are read.
    :param stage: the stage that publishes it; None for a table without captures, which keeps the newest state only.
    :param counted_by: the table whose row count in the ledger is that of this one.
    :param latest_only: whether only the newest captures are to be seen in it.
    :param types: its columns in order, with their Arrow types.
    """

    name: str
    table: str
    stage: Stage | None
    counted_by: str
    latest_only: bool
    types: Mapping[str, Any]

    @property
    def key(self) -> list[str]:
        """The columns that order the rows of one capture."""
        names = ("week_ending", "tier", "symbol", "cusip", "mpid", "window_weeks", "line_number")
        return [name for name in names if name in self.types]

    def require_columns(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The columns as named, or all of them.

        :raises ValidationError: one that is not there, or named twice.
        """
        for name in names:
            if name not in self.types:
                raise ValidationError(f"{self.name} has no column {name!r}; {did_you_mean(name, self.types)}")
            if names.count(name) > 1:
                raise ValidationError(f"column {name!r} is named twice; name it once")
        return names or tuple(self.types)


def find_relation(storage: Storage, name: str) -> Relation:
    """The relation of a short name, or of a table's or ``_latest`` view's own name.

    :raises ValidationError: nothing published bears that name; :raises ConfigurationError: the database is empty.
    """
    tables = set(storage.tables())
    published = _published(tables)
    if not published:
        raise ConfigurationError(f"{storage.describe()} has no published tables; run `airflow spine db upgrade`")
    full = {table.removesuffix(_LATEST): short for short, table in published.items()}
    short = name if name in published else full.get(name.removesuffix(_LATEST), "")
    if not short:
        raise ValidationError(f"nothing published is called {name!r}; {did_you_mean(name, published)}")
    table, loaded = published[short], published[short].startswith(_LOADED)
    return Relation(
        name=short,
        table=table,
        stage=None if loaded else _STAGES.get(short, Stage.AGGREGATED),
        counted_by="symbol_summary" if short == "tier_share" else short,
        latest_only=table.endswith(_LATEST),
        types=_types(storage, table),
    )


def _published(tables: set[str]) -> dict[str, str]:
    """Short names, and the table or view that has the rows of every capture (else those of the newest ones)."""
    prefix = f"{OTC_TRANSPARENCY.sql_folder}_"
    found = {name.removeprefix(_LOADED): name for name in tables if name.startswith(_LOADED)}
    if f"{prefix}raw" in tables:
        found["raw"] = f"{prefix}raw"
    for view in tables:
        if view.startswith(prefix) and view.endswith(_LATEST):
            table = view.removesuffix(_LATEST)
            found[table.removeprefix(prefix)] = table if table in tables else view
    return found


def _types(storage: Storage, table: str) -> dict[str, Any]:
    """:raises ConfigurationError: a column whose type nothing tells."""
    columns, declared = storage.columns(table), column_types(storage, table)
    known = known_types(storage) if len(declared) < len(columns) else {}
    types = {}
    for name in columns:
        kind = declared.get(name) or known.get(name) or known.get(_COMPUTED.get(name, ""))
        if kind is None:
            raise ConfigurationError(
                f"{storage.describe()} does not tell the type of {table}.{name}; give it the name of a column of a table"
            )
        types[name] = kind
    return types
