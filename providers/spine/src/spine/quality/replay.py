"""Lines that were refused, judged again by today's rules: what is recovered comes back in a new capture of the week.

The old capture stays as it is. Lines that never became rows (stage INGESTED) are not here: read their file again with ``force``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, ValidationError
from spine.core.partitions import Partition, capture_id
from spine.core.results import StepResult
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.base import given_summary_type, given_tier, given_week, lease_key
from spine.pipelines.context import StepContext
from spine.pipelines.ingest import STAGED_REASON
from spine.pipelines.normalize import NormalizeWeek
from spine.quality.quarantine import quarantine
from spine.quality.suites import Outcome, load_suite, suite_names
from spine.storage.leases import lease
from spine.storage.ledger import (
    Capture,
    HoldKind,
    Stage,
    captures_of,
    find_capture,
    insert_capture,
    record_stage,
    stage_metrics,
)

if TYPE_CHECKING:
    from spine.storage.base import Session

_COPIED = (
    "line_number, symbol, mpid, crd_number, product_type, issue_name, venue_name, total_shares, total_trades, "
    "source_last_update_date"
)


class _Tried(Exception):
    """Carries what a trial found out of its transaction, which leaves no trace."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class ReplayWeek:
    """Make a new, staged capture of a week's stored lines, when today's rules would accept more of them.

    Params: ``tier``, ``week_ending``, ``summary_type``; ``replay_reason`` and ``by`` for the record. The steps behind it are
    those of every week: gates, normalize, aggregate.
    """

    dataset: Dataset
    description: str = (
        "Judge a week's refused lines again by today's rules; what is recovered comes back as a new capture."
    )

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.replay_week"

    def run(self, context: StepContext) -> StepResult:
        """:raises ConfigurationError: nothing is there to replay; :raises ValidationError: no tier or week was given."""
        tier, week_ending = given_tier(context), given_week(context)
        if tier is None or week_ending is None:
            raise ValidationError("which week? Give tier and week_ending")
        partition = Partition(self.dataset.name, tier, week_ending)
        with lease(context.storage, lease_key(partition), context.run_id, clock=context.clock) as held:
            known = captures_of(context.storage, partition, given_summary_type(context, self.dataset))
            old = self._newest(context, partition, known)
            published = int((stage_metrics(context.storage, old.capture_id, Stage.NORMALIZED) or {})["row_count"])
            recovered = self._trial(context, old) - published
            if recovered <= 0:
                said = f"today's rules accept no more lines of {old.capture_id}"
                return StepResult.unchanged(said, capture_id=old.capture_id, recovered=0)
            with context.storage.transaction() as session:
                new = self._copy(session, context, old, revision=known[0].revision + 1)
                metrics = self._metrics(session, context, old, recovered)
                stamp = context.stamp()
                record_stage(session, new, Stage.INGESTED, row_count=new.parsed_count, metrics=metrics, stamp=stamp)
                held.confirm(session)
        said = f"{recovered:,} lines of {old.capture_id} come back in {new.capture_id}"
        return StepResult.done(said, capture_id=new.capture_id, replay_of=old.capture_id, recovered=recovered)

    def _newest(self, context: StepContext, partition: Partition, known: list[Capture]) -> Capture:
        """The newest capture with rows that is normalized."""
        if not known or known[0].pruned_at is not None:
            raise ConfigurationError(f"nothing is stored of {partition} that could be replayed")
        if stage_metrics(context.storage, known[0].capture_id, Stage.NORMALIZED) is None:
            raise ConfigurationError(f"{known[0].capture_id} is not normalized yet; run its workflow first")
        return known[0]

    def _trial(self, context: StepContext, old: Capture) -> int:
        """How many lines today's rules would accept, the suite's quarantines included."""
        try:
            with context.storage.transaction() as session:
                new = self._copy(session, context, old, revision=old.revision + 1)
                self._set_aside(session, context, new)
                judged = NormalizeWeek(self.dataset).judge(session, context, new, context.stamp())
                raise _Tried(int(judged["row_count"]))
        except _Tried as tried:
            return tried.rows

    def _set_aside(self, session: Session, context: StepContext, capture: Capture) -> None:
        name = f"{self.dataset.sql_folder}.ingested"
        if name not in suite_names(context.settings.expectations_dir):
            return
        tier = capture.partition.tier
        for rule in load_suite(context.settings.expectations_dir, name).rules_for(
            tier, context.settings.environment, per_venue=self.dataset.per_venue(capture.summary_type)
        ):
            if rule.outcome is Outcome.QUARANTINE:
                condition = str(rule.args_for(tier)["condition"])
                quarantine(session, capture, rule.reason_code, condition, rule.message, context.stamp(), self.dataset)

    def _copy(self, session: Session, context: StepContext, old: Capture, *, revision: int) -> Capture:
        """A staged capture with all of the old one's lines, none of them judged."""
        now = context.clock()
        name = capture_id(old.partition, now)
        number = insert_capture(
            session,
            {
                "capture_id": name,
                "domain": old.partition.dataset,
                "tier": str(old.partition.tier),
                "week_ending": old.partition.week_ending,
                "summary_type": old.summary_type,
                "revision": revision,
                "captured_at": now,
                "source_type": "replay",
                "source_name": f"replay of {old.capture_id}",
                "source_bytes": 0,
                "source_sha256": "",
                "content_hash": old.content_hash,
                "line_count": old.parsed_count,
                "parsed_count": old.parsed_count,
                "rejected_count": 0,
                "is_forced": 1,
                "hold_reason": STAGED_REASON,
                "hold_kind": str(HoldKind.STAGED),
                "execution_id": context.run_id,
                "batch_id": context.params.get("batch_id"),
            },
        )
        session.execute(
            f"INSERT INTO {self.dataset.lines_table} (capture_no, {_COPIED}) "
            f"SELECT {int(number)}, {_COPIED} FROM {self.dataset.lines_table} WHERE capture_no = :old",
            {"old": old.capture_no},
        )
        capture = find_capture(session, name)
        assert capture is not None
        return capture

    def _metrics(self, session: Session, context: StepContext, old: Capture, recovered: int) -> dict[str, Any]:
        """Provenance, beside what later steps read of a capture's ingestion."""
        known = stage_metrics(session, old.capture_id, Stage.INGESTED) or {}
        kept: dict[str, Any] = {name: known[name] for name in ("keys_ascend", "columns") if name in known}
        why = {name: str(context.params.get(name) or "") for name in ("by", "replay_reason")}
        return {**kept, **why, "replay_of": old.capture_id, "recovered": recovered}


replay_week = ReplayWeek(OTC_TRANSPARENCY)
