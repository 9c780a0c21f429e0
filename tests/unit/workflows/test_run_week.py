"""One answer to which week a run is for."""

from __future__ import annotations

import datetime as dt

import pytest

from spine.core.errors import ValidationError
from spine.workflows.run_week import PublicationRun, resolve_week

WEEK, OTHER = dt.date(2026, 10, 9), dt.date(2026, 10, 16)
MONDAY, LATER = dt.date(2026, 10, 5), dt.date(2026, 11, 20)
SCHEDULED, MANUAL, BACKFILL = (
    PublicationRun(WEEK, MONDAY), PublicationRun(WEEK, LATER), PublicationRun(WEEK, MONDAY, backfill=True),
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "run", "week"),
    [
        (None, None, None),
        (OTHER, None, OTHER),
        (None, SCHEDULED, WEEK),
        (None, MANUAL, WEEK),
        (None, BACKFILL, WEEK),
        (OTHER, SCHEDULED, OTHER),
        (OTHER, MANUAL, OTHER),
        (WEEK, BACKFILL, WEEK),
    ],
)
def test_what_was_asked_goes_before_the_schedule(
    asked: dt.date | None, run: PublicationRun | None, week: dt.date | None
) -> None:
    assert resolve_week(asked, run) == week


def test_the_conf_of_a_backfill_may_not_move_its_runs() -> None:
    with pytest.raises(ValidationError, match="contradicts its run for the week ending 2026-10-09"):
        resolve_week(OTHER, BACKFILL)


def test_a_logical_date_before_the_runs_week_is_not_passed_over() -> None:
    with pytest.raises(ValidationError, match=r'lies in the week ending 2026-09-25.*"week_ending": "2026-09-25"'):
        resolve_week(None, PublicationRun(WEEK, dt.date(2026, 9, 21)))
