"""Which rows to export, in the words of the command line."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.finra.dataset import OTC_TRANSPARENCY


@dataclass(frozen=True, slots=True)
class Selection:
    """
    :param tiers: none is all, as with symbols and summary types.
    :param first_week: a Friday, as is ``last_week``; both are included.
    :param as_of: what was known at this instant, instead of now.
    :param revisions: every capture that has its rows and is not held, instead of the newest ones.
    :raises ValidationError: it contradicts itself.
    """

    tiers: tuple[Tier, ...] = ()
    first_week: dt.date | None = None
    last_week: dt.date | None = None
    symbols: tuple[str, ...] = ()
    summary_types: tuple[str, ...] = ()
    as_of: dt.datetime | None = None
    revisions: bool = False

    def __post_init__(self) -> None:
        if self.as_of and self.as_of.tzinfo is None:
            raise ValidationError(
                f"as_of {self.as_of} has no time zone; write one, such as {self.as_of.isoformat()}+00:00"
            )
        if self.as_of and self.revisions:
            raise ValidationError("as_of and revisions exclude each other; revisions are all captures, whenever known")
        if self.first_week and self.last_week and self.first_week > self.last_week:
            raise ValidationError(f"the first week {self.first_week} is after the last one {self.last_week}; swap them")
        for name in self.summary_types:
            OTC_TRANSPARENCY.summary_type(name)

    def where(self, alias: str) -> tuple[str, dict[str, Any]]:
        """Conditions on the columns of a capture, each begun with AND, and their values."""
        clauses, values = "", dict[str, Any]()
        for column, given in (("tier", self.tiers), ("summary_type", self.summary_types)):
            clause, bound = one_of(f"{alias}.{column}", column, tuple(map(str, given)))
            clauses, values = clauses + clause, {**values, **bound}
        if self.first_week:
            clauses, values = (
                f"{clauses} AND {alias}.week_ending >= :first_week",
                {**values, "first_week": self.first_week},
            )
        if self.last_week:
            clauses, values = (
                f"{clauses} AND {alias}.week_ending <= :last_week",
                {**values, "last_week": self.last_week},
            )
        return clauses, values

    def to_dict(self) -> dict[str, Any]:
        """What was asked for, JSON-ready."""
        words = {
            "tiers": list(map(str, self.tiers)),
            "first_week": self.first_week and self.first_week.isoformat(),
            "last_week": self.last_week and self.last_week.isoformat(),
            "symbols": list(self.symbols),
            "summary_types": list(self.summary_types),
            "as_of": self.as_of and self.as_of.isoformat(),
            "revisions": self.revisions,
        }
        return {name: value for name, value in words.items() if value}


def one_of(column: str, name: str, values: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The condition, begun with AND, that a column is one of the values; nothing for none."""
    bound = {f"{name}_{number}": value for number, value in enumerate(values)}
    return (f" AND {column} IN ({', '.join(f':{each}' for each in bound)})" if bound else ""), bound
