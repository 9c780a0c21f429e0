"""Retention: superseded captures lose their rows, one after the other, each in one transaction under its week's lease.

So it may be killed at any moment and run again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from spine.core.errors import TransientError
from spine.core.tiers import Tier
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.base import lease_key
from spine.pipelines.context import StepContext
from spine.pipelines.derive import derived_tables
from spine.pipelines.rolling import MAX_WINDOW_WEEKS
from spine.storage.leases import lease
from spine.storage.ledger import REJECTS_TABLE
from spine.storage.retention import Superseded, count_rows, lock_partition, read_entries, remove_rows, superseded


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Which superseded captures go.

    :param superseded_before: those that were superseded before this instant: their successor was captured before it.
    :param keep: how many of a week's newest captures stay in any case, at least 1.
    """

    superseded_before: dt.datetime
    keep: int = 1
    tier: Tier | None = None
    first_week: dt.date | None = None
    last_week: dt.date | None = None

    def lets_go(self, found: Superseded) -> bool:
        partition = found.entry.partition
        return (
            found.at < self.superseded_before
            and self.tier in (None, partition.tier)
            and (self.first_week is None or self.first_week <= partition.week_ending)
            and (self.last_week is None or partition.week_ending <= self.last_week)
        )


@dataclass(frozen=True, slots=True)
class Prunable:
    """A capture that goes, and its rows by table."""

    going: Superseded
    rows: Mapping[str, int]

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one capture.

    :param rows: those removed, by table.
    :param left_because: why it was left as it is, or ''.
    """

    capture_id: str
    rows: Mapping[str, int] = field(default_factory=dict)
    left_because: str = ""


@dataclass(frozen=True, slots=True)
class Pruning:
    """One application of a rule.

    :param who: the person or the service, for the record.
    """

    context: StepContext
    rule: RetentionRule
    who: str
    dataset: Dataset = OTC_TRANSPARENCY

    def plan(self) -> list[Prunable]:
        """What would go now, oldest week first."""
        entries = read_entries(self.context.storage, self.dataset.name)
        found = [each for each in superseded(entries, keep=self.rule.keep) if self.rule.lets_go(each)]
        found.sort(key=lambda each: (each.entry.partition.week_ending, each.entry.capture_no))
        rows = count_rows(self.context.storage, [each.entry for each in found], self._tables())
        return [Prunable(each, rows[each.entry.capture_id]) for each in found]

    def carry_out(self, planned: Iterable[Prunable]) -> Iterator[Outcome]:
        """Remove the rows of one capture after the other; what is meanwhile needed, or worked on, is left."""
        tables = self._tables()
        return (self._prune(each.going, tables) for each in planned)

    def _tables(self) -> dict[str, str]:
        """Tables with rows of captures, each with the column that tells them apart."""
        derived = derived_tables(self.context.settings.sql_dir, self.dataset)
        return {self.dataset.lines_table: "capture_no", **dict.fromkeys((*derived, REJECTS_TABLE), "capture_id")}

    def _prune(self, planned: Superseded, tables: Mapping[str, str]) -> Outcome:
        context, entry = self.context, planned.entry
        try:
            with (
                lease(
                    context.storage, lease_key(entry.partition), context.run_id, clock=context.clock, wait=0.0
                ) as held,
                context.storage.transaction() as session,
            ):
                lock_partition(session, entry)
                later = entry.partition.week_ending + dt.timedelta(weeks=MAX_WINDOW_WEEKS)
                entries = read_entries(
                    session, self.dataset.name, tier=entry.partition.tier, first=entry.partition.week_ending, last=later
                )
                still = (each for each in superseded(entries, keep=self.rule.keep) if self.rule.lets_go(each))
                going = next((each for each in still if each.entry.capture_id == entry.capture_id), None)
                if going is None:
                    return Outcome(entry.capture_id, left_because="it is needed again, or gone already")
                rows = remove_rows(session, going, tables, self.who, context.stamp())
                held.confirm(session)
        except TransientError as error:  # another run works on the week, or writes
            return Outcome(entry.capture_id, left_because=error.message)
        self._log(going, rows)
        return Outcome(entry.capture_id, rows)

    def _log(self, gone: Superseded, rows: Mapping[str, int]) -> None:
        self.context.log.info(
            "%s pruned %s, %s rows: superseded by %s on %s",
            self.who, gone.entry.capture_id, f"{sum(rows.values()):,}", gone.by, gone.at.date(),
        )  # fmt: skip
