"""An assessment of whole weeks: each kind of wrong number is found, named and scored; what is right costs nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from spine.alerts.model import AlertSeverity
from spine.core.errors import ConfigurationError, ValidationError
from spine.core.tiers import Tier
from spine.quality import anomalies
from spine.quality.anomalies import read_anomalies
from spine.quality.assessment.assess import Assessment, Scope, assess, followed
from spine.quality.assessment.issues import Check
from spine.quality.assessment.report import page_of
from spine.quality.assessment.scoring import Grade
from spine.quality.assessment.stored import save
from spine.quality.readiness import ReadinessState, read_readiness, save_readiness
from spine.storage.base import Storage
from tests.support.gated_weeks import LAST, SYMBOLS, VENUES, judge, lines_of, load_history
from tests.support.storage import open_upgraded
from tests.support.weekly import PREFIX, Weekly, file_of, line

WEEKS = 8
FIRST = LAST - dt.timedelta(weeks=WEEKS)
BEFORE = LAST - dt.timedelta(weeks=1)
NUMBERS = {Check.LEDGER, Check.DUPLICATES, Check.ORPHANS, Check.RECOMPUTED, Check.TOTALS, Check.SHARES, Check.ROLLING}


@pytest.fixture
def weekly(tmp_path: Path) -> Weekly:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        known = Weekly(storage, tmp_path)
        fill(known)
        yield known


def fill(weekly: Weekly) -> None:
    """Eight good weeks and one more, that one through its gates and with its rolling means."""
    load_history(weekly, WEEKS)
    judged = judge(weekly, file_of(*lines_of(LAST)))
    assert judged.published == len(SYMBOLS) * len(VENUES), judged


def look(weekly: Weekly, **asked: object) -> Assessment:
    scope = Scope(**{"tiers": (Tier.OTCE,), "first": FIRST, "last": LAST, "full": True, **asked})
    return assess(weekly.context(), scope)


def wrong(found: Assessment) -> dict[Check, list[str]]:
    """Wrong numbers, by check."""
    critical = found.worst(AlertSeverity.CRITICAL)
    return {
        check: [each.about for each in critical if each.check is check] for check in {each.check for each in critical}
    }


def change(weekly: Weekly, sql: str, **params: object) -> None:
    weekly.storage.execute(sql, {"last": LAST, "before": BEFORE, **params} if ":" in sql else None)


def test_good_weeks_are_an_a_on_every_database(upgraded_storage: Storage, tmp_path: Path) -> None:
    weekly = Weekly(upgraded_storage, tmp_path)
    fill(weekly)
    found = look(weekly, symbols=True, source="same")
    # The weeks before the last one were loaded without the rolling means that five loaded weeks before them allow.
    assert {(each.check, each.about) for each in found.issues} == {(Check.COVERAGE, "partial")}
    assert not wrong(found)
    newest = found.weeks[-1]
    assert (newest.week_ending, newest.score.value, newest.score.grade) == (LAST, 100.0, Grade.A)
    assert newest.score.dimensions == {
        "completeness": 1.0, "consistency": 1.0, "validity": 1.0, "stability": 1.0, "timeliness": None,
    }  # fmt: skip
    assert {(one.symbol, one.score.value, one.weeks_there) for one in found.symbols} == {
        (symbol, 100.0, WEEKS + 1) for symbol in SYMBOLS
    }


_COLUMNS = (
    "symbol, mpid, crd_number, product_type, issue_name, venue_name, total_shares, total_trades, source_last_update_date, "
    "reason_code"
)
_LINES = f"{PREFIX}_lines"
_SUMMARY = f"{PREFIX}_symbol_summary"
_OF_LAST = "(SELECT capture_id FROM core_captures WHERE week_ending = :last)"
_NO_OF_LAST = "(SELECT capture_no FROM core_captures WHERE week_ending = :last)"


@pytest.mark.parametrize(
    ("statement", "check", "about"),
    [
        pytest.param(
            f"INSERT INTO {_LINES} SELECT capture_no, 9999, {_COLUMNS} FROM {_LINES} "
            f"WHERE capture_no = {_NO_OF_LAST} AND symbol = 'S07' AND mpid = 'VENB'",
            Check.DUPLICATES, "row_key", id="a row twice",
        ),
        pytest.param(
            f"UPDATE {_SUMMARY} SET total_volume = total_volume + 1 WHERE symbol = 'S03' AND capture_id = {_OF_LAST}",
            Check.RECOMPUTED, "symbol_totals", id="a total that is not the sum of its lines",
        ),
        pytest.param(
            f"UPDATE {PREFIX}_lines SET symbol = 'GHOST' WHERE capture_no = {_NO_OF_LAST} AND symbol = 'S05'",
            Check.ORPHANS, "symbols_without_summary", id="lines without a summary",
        ),
        pytest.param(
            f"DELETE FROM {_SUMMARY} WHERE symbol = 'S05' AND capture_id = {_OF_LAST}",
            Check.ORPHANS, "symbols_without_summary", id="a summary that is gone",
        ),
        pytest.param(
            f"UPDATE {PREFIX}_venue_share SET total_volume = total_volume + 5 WHERE rank = 2 AND capture_id = {_OF_LAST}",
            Check.TOTALS, "venue share:volume", id="venues that add up to more than symbols",
        ),
        pytest.param(
            f"UPDATE {PREFIX}_liquidity_score SET total_trades = 1 WHERE symbol = 'S00' AND capture_id = {_OF_LAST}",
            Check.TOTALS, "liquidity score:trades", id="trades that differ between tables",
        ),
        pytest.param(
            f"UPDATE {PREFIX}_venue_share SET market_share_pct = market_share_pct * 1.01 WHERE capture_id = {_OF_LAST}",
            Check.SHARES, "sum", id="shares of more than the whole",
        ),
        pytest.param(
            f"UPDATE {PREFIX}_venue_share SET rank = 3 WHERE rank = 2 AND capture_id = {_OF_LAST}",
            Check.SHARES, "ranks", id="a rank twice",
        ),
        pytest.param(
            f"UPDATE {PREFIX}_concentration SET hhi = 1.2 WHERE symbol = 'S09' AND capture_id = {_OF_LAST}",
            Check.SHARES, "concentration", id="an impossible concentration",
        ),
        pytest.param(
            f"UPDATE {PREFIX}_symbol_rolling SET avg_volume = 1 WHERE symbol = 'S11' AND capture_id = {_OF_LAST}",
            Check.ROLLING, "window:2", id="a rolling mean of other weeks",
        ),
        pytest.param(
            f"DELETE FROM {PREFIX}_lines WHERE capture_no = {_NO_OF_LAST} AND symbol = 'S01' AND mpid = 'VENA'",
            Check.LEDGER, "", id="a line that is gone",
        ),
        pytest.param(
            f"INSERT INTO {_LINES} SELECT 424242, line_number, {_COLUMNS} FROM {_LINES} "
            f"WHERE capture_no = {_NO_OF_LAST} AND symbol = 'S07'",
            Check.ORPHANS, f"{PREFIX}_lines", id="lines of no capture",
        ),
    ],
)  # fmt: skip
def test_a_wrong_number_is_found_by_its_check(weekly: Weekly, statement: str, check: Check, about: str) -> None:
    change(weekly, statement)
    found = look(weekly)
    assert about in "|".join(wrong(found).get(check, ())), wrong(found)
    if about != f"{PREFIX}_lines":  # that one is no week's
        assert found.weeks[-1].score.grade is Grade.F and found.weeks[-1].score.value <= 59
    assert all(each.score.grade is not Grade.F for each in found.weeks[:-1])


def test_a_restated_week_leaves_no_rolling_mean_behind_unnoticed(weekly: Weekly) -> None:
    """As if the dependants had not been computed again."""
    path = weekly.write(file_of(*lines_of(BEFORE, times=1.1)), "again.psv")
    weekly.load(tier="OTCE", week_ending=BEFORE.isoformat(), file_path=path, force=True)
    found = look(weekly)
    assert [each.week_ending for each in found.of_check(Check.ROLLING)] == [LAST]


def test_doubled_volumes_and_lost_venues_drift(weekly: Weekly) -> None:
    path = weekly.write(file_of(*lines_of(LAST, times=2.2, venues=VENUES[:6])), "odd.psv")
    weekly.load(tier="OTCE", week_ending=LAST.isoformat(), file_path=path)  # past its gates
    found = look(weekly)
    drifted = {each.about for each in found.of_check(Check.DRIFT)}
    assert drifted == {"usual_venues", "rows"}
    assert found.weeks[-1].score.grade > Grade.B
    assert found.weeks[-1].score.dimensions["completeness"] == pytest.approx(
        0.75 * 0.6
    )  # no rolling means, 6 of 10 venues


def test_a_week_that_is_not_there_or_held_is_an_error(weekly: Weekly) -> None:
    next_week, after = LAST + dt.timedelta(weeks=1), LAST + dt.timedelta(weeks=2)
    held = judge(weekly, file_of(*lines_of(next_week, times=2.2)), next_week)
    assert held.held == "gate"
    found = look(weekly, last=after)
    states = [(str(each.state), each.score.value, each.score.grade) for each in found.weeks[-2:]]
    assert states == [("held", 0.0, Grade.F), ("late_here", 0.0, Grade.F)]
    assert "approve" in next(each for each in found.issues if each.about == "held").remedy
    assert [remedy.reason for remedy in found.remedies if "not captured" in remedy.reason] == [
        f"OTCE {after} is not captured"
    ]


def test_a_held_restatement_costs_the_week_a_warning_alone(weekly: Weekly) -> None:
    judge(weekly, file_of(*lines_of(LAST, times=2.2)))
    found = look(weekly)
    assert (found.weeks[-1].score.value, found.weeks[-1].state) == (89.0, "held")


def test_refused_lines_cost_validity(weekly: Weekly) -> None:
    bad = [line("", "VENA", 1, 1)] * 20
    judge(weekly, file_of(*lines_of(LAST), *bad))
    found = look(weekly, symbols=True)
    newest = found.weeks[-1]
    assert newest.refused == 20 and newest.score.dimensions["validity"] == pytest.approx(1 - 5 * 20 / 420)


def test_what_the_source_has_today_is_compared_row_by_row(weekly: Weekly) -> None:
    assert not look(weekly, source="same").of_check(Check.SOURCE)
    weekly.write(file_of(*lines_of(LAST, times=1.5)), "judged.psv")
    found = [each for each in look(weekly, source="same").of_check(Check.SOURCE) if each.week_ending == LAST]
    assert [(each.severity, each.about) for each in found] == [(AlertSeverity.ERROR, "rows")]
    assert "has other rows today" in found[0].message and "source=file" in found[0].remedy
    (weekly.root / "judged.psv").unlink()
    gone = [each for each in look(weekly, source="same").of_check(Check.SOURCE) if each.week_ending == LAST]
    assert [(each.severity, each.about) for each in gone] == [(AlertSeverity.WARNING, "unread")]


def test_weeks_are_the_same_one_by_one(weekly: Weekly) -> None:
    whole = look(weekly)
    one_by_one = [look(weekly, first=each.week_ending, last=each.week_ending, full=False).weeks for each in whole.weeks]
    assert [week for (week,) in one_by_one] == list(whole.weeks)


def test_anomalies_are_on_record_until_they_are_gone(weekly: Weekly) -> None:
    broken = f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE capture_id = {_OF_LAST}"
    change(weekly, broken)
    context = weekly.context()
    first = save(context, look(weekly))
    assert [(each.check, each.about) for each in first.opened if each.severity is AlertSeverity.CRITICAL] == [
        (Check.SHARES, "ranks")
    ]
    assert not save(context, look(weekly)).opened
    (row,) = [each for each in read_anomalies(weekly.storage) if each["severity"] == "CRITICAL"]
    assert (row["state"], row["seen_count"], row["check_name"], row["tier"]) == ("open", 2, "shares", "OTCE")
    alerts = weekly.rows("core_alerts", source="assessment")
    assert [(each["state"], each["cause"]) for each in alerts] == [("FIRING", "shares:ranks")]
    (blocked,) = (
        each for each in read_readiness(weekly.storage, context.clock(), 60, [Tier.OTCE]) if each.week_ending == LAST
    )
    assert blocked.state is ReadinessState.BLOCKED and any("ranks" in issue for issue in blocked.issues)

    change(weekly, broken.replace("+ 1", "- 1"))
    assert [each["about"] for each in save(context, look(weekly)).gone] == ["ranks"]
    assert [each["severity"] for each in read_anomalies(weekly.storage)].count("CRITICAL") == 0
    states = {each["state"] for each in weekly.rows("core_alerts", source="assessment")}
    assert states == {"FIRING", "RESOLVED"}


def test_what_two_looks_at_once_opened_is_one_thing_to_the_next(weekly: Weekly) -> None:
    change(weekly, f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE capture_id = {_OF_LAST}")
    context = weekly.context()
    save(context, look(weekly))
    (one,) = [each for each in weekly.rows("core_anomalies") if each["severity"] == "CRITICAL"]
    names = ", ".join(one)
    twin = names.replace("anomaly_id", "'twin'")
    weekly.storage.execute(
        f"INSERT INTO core_anomalies ({names}) SELECT {twin} FROM core_anomalies WHERE anomaly_id = :known",
        {"known": one["anomaly_id"]},
    )
    assert not save(context, look(weekly)).opened
    open_ = [each for each in read_anomalies(weekly.storage) if each["severity"] == "CRITICAL"]
    assert [each["seen_count"] for each in open_] == [2]


def test_a_look_that_did_not_cover_an_anomaly_leaves_it(weekly: Weekly) -> None:
    change(weekly, f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE capture_id = {_OF_LAST}")
    context = weekly.context()
    save(context, look(weekly))
    save(context, look(weekly, last=BEFORE))
    assert "CRITICAL" in {each["severity"] for each in read_anomalies(weekly.storage)}


def test_what_a_person_settled_stays_settled_for_the_same_content(weekly: Weekly) -> None:
    change(weekly, f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE capture_id = {_OF_LAST}")
    context = weekly.context()
    save(context, look(weekly))
    (row,) = [each for each in read_anomalies(weekly.storage) if each["severity"] == "CRITICAL"]
    anomalies.acknowledge(weekly.storage, row["anomaly_id"], by="ann", note="looking", now=context.clock())
    assert read_anomalies(weekly.storage)[0]["state"] == "acknowledged"
    anomalies.resolve(weekly.storage, row["anomaly_id"], by="ann", note="known since May", now=context.clock())
    assert not save(context, look(weekly)).opened
    assert "CRITICAL" not in {each["severity"] for each in read_anomalies(weekly.storage)}
    with pytest.raises(ValidationError, match="is resolved already"):
        anomalies.resolve(weekly.storage, row["anomaly_id"], by="ann", note="again", now=context.clock())
    with pytest.raises(ValidationError, match="is not known"):
        anomalies.acknowledge(weekly.storage, "none", by="ann", note="x", now=context.clock())
    with pytest.raises(ValidationError, match="say why"):
        anomalies.acknowledge(weekly.storage, "none", by="ann", note=" ", now=context.clock())


def test_scores_are_rows(weekly: Weekly) -> None:
    context = weekly.context()
    for _ in range(2):  # the second one replaces the first
        save(context, look(weekly, symbols=True))
    rows = weekly.rows("core_quality_scores")
    weeks, symbols = [each for each in rows if not each["symbol"]], [each for each in rows if each["symbol"]]
    assert (len(weeks), len(symbols)) == (WEEKS + 1, len(SYMBOLS))
    assert {each["grade"] for each in symbols} == {"A"}
    newest = next(each for each in weeks if str(each["week_ending"]) == LAST.isoformat())
    assert (newest["score"], newest["consistency"], newest["timeliness"]) == (100.0, 1.0, None)


def test_one_symbol(weekly: Weekly) -> None:
    change(weekly, f"UPDATE {_SUMMARY} SET total_trades = 1 WHERE symbol = 'S03' AND capture_id = {_OF_LAST}")
    (one,) = look(weekly, symbol="S03").symbols
    assert (one.score.grade, one.notes) == (Grade.F, ("totals of one week are not the sums of their lines",))
    assert look(weekly, symbol="NONE").symbols == ()


def test_a_summary_type_without_venues_is_assessed_too(weekly: Weekly) -> None:
    totals = [line(symbol, "", 1000, 10, updated="2025-12-15") for symbol in SYMBOLS]
    path = weekly.write(file_of(*totals), "by_symbol.psv")
    weekly.load(tier="OTCE", week_ending=LAST.isoformat(), file_path=path, summary_type="ATS_W_SMBL")
    found = look(weekly, first=LAST, summary_type="ATS_W_SMBL")
    assert not wrong(found) and Check.SHARES not in found.made
    assert found.weeks[0].accepted == len(SYMBOLS)


OTHER = "OTC_W_SMBL_FIRM"


def load_other(weekly: Weekly) -> None:
    path = weekly.write(file_of(*lines_of(LAST)), "other.psv")
    weekly.load(tier="OTCE", week_ending=LAST.isoformat(), file_path=path, summary_type=OTHER)


def test_series_that_are_captured_are_followed_from_their_first_week(weekly: Weekly) -> None:
    asked = Scope(first=FIRST, last=LAST, full=True)
    now = weekly.clock()
    assert followed(weekly.storage, asked, now) == [asked]
    load_other(weekly)
    (_, other) = followed(weekly.storage, asked, now)
    assert (other.summary_type, other.tiers, other.first, other.last) == (OTHER, (Tier.OTCE,), LAST, LAST)
    context = weekly.context()
    for scope in followed(weekly.storage, asked, now):
        save(context, assess(context, scope))
        ready = read_readiness(weekly.storage, now, 60, scope.tiers, scope.summary_type)
        save_readiness(weekly.storage, ready, now)
    newest = {row["summary_type"] for row in weekly.rows("core_quality_scores", tier="OTCE", week_ending=LAST)}
    assert newest == {"ATS_W_SMBL_FIRM", OTHER}
    ready = weekly.rows("core_data_readiness", tier="OTCE", summary_type=OTHER)
    assert {str(row["week_ending"]) for row in ready if row["capture_id"]} == {LAST.isoformat()}


def test_the_week_of_one_series_says_nothing_of_another(weekly: Weekly) -> None:
    """A week of venues that is held, and the same week of the other firms, which is good: what is open stays open."""
    change(weekly, f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE capture_id = {_OF_LAST}")
    context = weekly.context()
    save(context, look(weekly, full=False))
    held = judge(weekly, file_of(*lines_of(LAST, times=2.2)))
    assert held.held == "gate"
    load_other(weekly)
    weekly.run(tier="OTCE", week_ending=LAST.isoformat(), file_path="other.psv", summary_type=OTHER, window_weeks=2)
    save(context, look(weekly, first=LAST, full=False, summary_type=OTHER))
    rows = weekly.rows("core_anomalies")
    still = {(row["about"], row["summary_type"]) for row in rows if row["state"] == "open"}
    assert {("ranks", "ATS_W_SMBL_FIRM"), ("ingested:typical_volume", "ATS_W_SMBL_FIRM")} <= still
    fired = {(row["cause"], row["state"], row["summary_type"]) for row in weekly.rows("core_alerts")}
    assert ("gate:typical_volume", "FIRING", "ATS_W_SMBL_FIRM") in fired
    assert not {cause for cause, state, _ in fired if state == "RESOLVED"}
    blocked = {row.week_ending: row for row in read_readiness(weekly.storage, context.clock(), 60, [Tier.OTCE])}[LAST]
    assert any(issue.startswith("critical") for issue in blocked.issues)
    other = read_readiness(weekly.storage, context.clock(), 60, [Tier.OTCE], OTHER)
    assert not any(issue.startswith("critical") for each in other for issue in each.issues)


def test_nothing_there_and_nothing_known_are_said(weekly: Weekly, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="unknown summary_type 'ATS'; known: ATS_W_SMBL, ATS_W_SMBL_FIRM"):
        look(weekly, summary_type="ATS")
    with pytest.raises(ConfigurationError, match="nothing is captured yet"):
        look(weekly, tiers=(Tier.T1,), first=None)


def test_the_page_needs_nothing_else_and_says_what_is_wrong(weekly: Weekly) -> None:
    change(weekly, f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE capture_id = {_OF_LAST}")
    change(weekly, f"UPDATE {PREFIX}_lines SET symbol = '<b>&x' WHERE capture_no = {_NO_OF_LAST} AND symbol = 'S05'")
    page = page_of(look(weekly, symbols=True))
    assert "ranks 2 to 11, 10 different, of 10" in page and "must be mended" in page
    assert "<b>&x" not in page and "&lt;b&gt;&amp;x" in page
    assert not any(word in page for word in ("http://", "https://", "<script", "url("))
