"""Which captures may go: by hand-made histories, one for each reason to stay."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from spine.core.partitions import Partition
from spine.core.tiers import Tier
from spine.storage.ledger import Stage
from spine.storage.retention import Entry, superseded

WEEK = dt.date(2025, 11, 14)
START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
WHOLE = frozenset(Stage)
THREE = frozenset((Stage.INGESTED, Stage.NORMALIZED, Stage.AGGREGATED))


def entry(revision: int, stages: frozenset[Stage] = WHOLE, week: int = 0, **other: object) -> Entry:
    made = Entry(
        capture_no=10 * week + revision,
        capture_id=f"week {week}, revision {revision}",
        partition=Partition("finra.otc_transparency", Tier.T1, WEEK + dt.timedelta(weeks=week)),
        summary_type="ATS_W_SMBL_FIRM",
        revision=revision,
        captured_at=START + dt.timedelta(days=revision),
        held=False,
        pruned=False,
        stages=stages,
    )
    return replace(made, **other)  # type: ignore[arg-type]


def going(*entries: Entry, keep: int = 1) -> list[str]:
    return [each.entry.capture_id for each in superseded(entries, keep=keep)]


def test_what_readers_see_no_more_may_go() -> None:
    [found] = superseded([entry(0), entry(1)])
    assert (found.entry, found.by, found.at) == (entry(0), "week 0, revision 1", START + dt.timedelta(days=1))


def test_an_only_capture_stays() -> None:
    assert going(entry(0), entry(0, week=1)) == []


def test_a_capture_is_superseded_by_the_first_that_replaced_it() -> None:
    assert [(each.entry.revision, each.by) for each in superseded([entry(0), entry(1), entry(2)])] == [
        (0, "week 0, revision 1"),
        (1, "week 0, revision 2"),
    ]


def test_a_successor_that_is_not_finished_replaces_nothing() -> None:
    assert going(entry(0), entry(1, frozenset((Stage.INGESTED,)))) == []
    assert going(entry(0), entry(1, THREE)) == []
    assert [each.by for each in superseded([entry(0), entry(1, THREE), entry(2)])] == ["week 0, revision 2"] * 2


def test_a_capture_that_never_got_far_goes_with_the_others() -> None:
    assert going(entry(0, frozenset((Stage.INGESTED,))), entry(1)) == ["week 0, revision 0"]


def test_a_held_capture_stays_and_replaces_nothing() -> None:
    assert going(entry(0, held=True), entry(1)) == []
    assert going(entry(0), entry(1, held=True)) == []


def test_what_was_pruned_is_not_pruned_again_and_stands_for_nothing() -> None:
    assert going(entry(0, pruned=True), entry(1)) == []
    assert going(entry(0), entry(1, pruned=True), entry(2, held=True)) == []


def test_as_many_stay_as_are_to_be_kept() -> None:
    captures = [entry(revision) for revision in range(5)]
    assert len(going(*captures, keep=1)) == 4
    assert going(*captures, keep=3) == ["week 0, revision 0", "week 0, revision 1"]
    assert going(*captures, keep=5) == going(*captures, keep=9) == []


def test_what_the_newest_rolling_figures_rest_on_stays() -> None:
    old, new = entry(0), entry(1)
    rests = entry(0, week=1, inputs=frozenset((old.capture_id,)))
    assert going(old, new, rests) == []
    assert going(old, new, replace(rests, held=True)) == [old.capture_id]
    refreshed = replace(rests, inputs=frozenset((new.capture_id,)))
    assert going(old, new, refreshed) == [old.capture_id]


def test_what_superseded_rolling_figures_rest_on_may_go() -> None:
    old, new = entry(0), entry(1)
    rested = entry(0, week=1, inputs=frozenset((old.capture_id,)))
    rests = entry(1, week=1, inputs=frozenset((new.capture_id,)))
    assert going(old, new, rested, rests) == [old.capture_id, rested.capture_id]


def test_other_summary_types_are_other_histories() -> None:
    assert going(entry(0), entry(1, summary_type="OTC_W_SMBL_FIRM")) == []
