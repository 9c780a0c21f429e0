"""``circuit_breakers``: reading a breaker, and replacing it by a compare-and-swap on its ``row_version``."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from spine.core.guards import BreakerLimits
from spine.resilience.breaker import Breaker, State
from spine.storage.ledger import as_instant

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

NAME_LENGTH = 200
_ERROR_LENGTH = 1000  # characters; as text they fit the narrowest column of any database
_INSTANTS = ("last_failure_at", "last_success_at", "opened_at", "half_opened_at")
_COLUMNS = (
    "name", "state", "generation", "failure_count", "success_count", "trial_count", *_INSTANTS, "last_error", "config",
    "updated_at", "row_version",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM circuit_breakers"
_WRITTEN = tuple(name for name in _COLUMNS if name not in ("name", "row_version"))


@dataclass(frozen=True, slots=True)
class Known:
    """A breaker as it stands in the table.

    :param row_version: 0 where it stands there not yet.
    :param limits: those it was last changed under.
    """

    name: str
    breaker: Breaker = field(default_factory=Breaker)
    row_version: int = 0
    last_error: str = ""
    limits: BreakerLimits = field(default_factory=BreakerLimits)
    updated_at: dt.datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        breaker = self.breaker
        return {
            "name": self.name,
            "state": str(breaker.state),
            "failure_count": breaker.failures,
            "success_count": breaker.successes,
            "trial_count": breaker.trials,
            **{name: each.isoformat() if (each := getattr(breaker, name)) else None for name in _INSTANTS},
            "last_error": self.last_error,
            "config": asdict(self.limits),
        }


def find(reader: Session | Storage, name: str) -> Known:
    """The breaker of that name; a closed one where none was written yet."""
    row = reader.query(f"{_SELECT} WHERE name = :name", {"name": name}).first
    return _known(row) if row else Known(name)


def every(reader: Session | Storage) -> list[Known]:
    """All of them, by name."""
    return [_known(row) for row in reader.query(f"{_SELECT} ORDER BY name")]


def swap(
    session: Session, known: Known, breaker: Breaker, *, error: str, limits: BreakerLimits, now: dt.datetime
) -> bool:
    """Write ``breaker`` in place of what is known; False when another process was faster.

    :raises LoadError: another process wrote its first row, just now; the transaction is only good for a rollback.
    """
    values = {
        "name": known.name,
        "state": str(breaker.state),
        "generation": breaker.generation,
        "failure_count": breaker.failures,
        "success_count": breaker.successes,
        "trial_count": breaker.trials,
        **{name: getattr(breaker, name) for name in _INSTANTS},
        "last_error": error[:_ERROR_LENGTH].replace("\0", " "),
        "config": asdict(limits),
        "updated_at": now,
        "row_version": known.row_version,
    }
    if known.row_version == 0:
        _insert(session, values)
        return True
    assignments = ", ".join(f"{name} = :{name}" for name in _WRITTEN)
    sql = f"UPDATE circuit_breakers SET {assignments}, row_version = row_version + 1 "
    return session.execute(f"{sql}WHERE name = :name AND row_version = :row_version", values) == 1


def _insert(session: Session, values: Mapping[str, Any]) -> None:
    names = ("breaker_id", *_COLUMNS)
    row = {**values, "breaker_id": hashlib.sha256(values["name"].encode()).hexdigest()[:32], "row_version": 1}
    marks = ", ".join(f":{name}" for name in names)
    session.execute(f"INSERT INTO circuit_breakers ({', '.join(names)}) VALUES ({marks})", row)


def _known(row: Mapping[str, Any]) -> Known:
    instants: dict[str, Any] = {name: as_instant(row[name]) for name in _INSTANTS}
    breaker = Breaker(
        State(row["state"]),
        row["generation"],
        row["failure_count"],
        row["success_count"],
        row["trial_count"],
        **instants,
    )
    limits = BreakerLimits().overlaid(json.loads(row["config"]), of=row["name"])
    updated = as_instant(row["updated_at"])
    return Known(row["name"], breaker, row["row_version"], row["last_error"] or "", limits, updated)
