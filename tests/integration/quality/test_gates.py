"""Gates on whole weeks: nothing bad gets through, nothing good is stopped, and each row ends where it belongs."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from spine.core.tiers import Tier
from spine.core.weeks import published_on
from spine.quality import settling
from spine.quality.decisions import DecisionKind, decisions_of, record_decision
from spine.storage.base import Storage
from spine.storage.ledger import find_capture
from spine.workflows.loader import load_workflow
from spine.workflows.model import Decision as Answer
from spine.workflows.runner import run_workflow
from tests.support.gated_weeks import LAST, SYMBOLS, VENUES, Judged, judge, lines_of, load_history
from tests.support.storage import open_upgraded
from tests.support.weekly import PREFIX, REAL_FILE, Weekly, file_of, line

GOOD = len(SYMBOLS) * len(VENUES)
UPDATED = published_on(Tier.OTCE, LAST).isoformat()


@pytest.fixture(params=["sqlite", "postgres"])
def weekly(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Weekly]:
    url = f"sqlite:///{tmp_path / 'spine.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with open_upgraded(url) as storage:
        yield Weekly(storage, tmp_path)


@pytest.fixture
def known(weekly: Weekly) -> Weekly:
    """With eight good weeks before."""
    load_history(weekly)
    return weekly


def row(symbol: str = "XTRA", mpid: str = "VENA", shares: object = 500, trades: object = 5, **other: str) -> str:
    return line(symbol, mpid, shares, trades, **{"updated": UPDATED, **other})


def open_(found: Judged) -> None:
    assert (found.run.state, found.held) == ("success", None), found


def test_a_good_week_passes_and_readers_see_it(known: Weekly) -> None:
    found = judge(known, file_of(*lines_of(LAST)))
    open_(found)
    assert found.published == GOOD and not found.alerts
    assert set(found.statuses.values()) == {"PASS"}


def test_every_database_says_the_same(upgraded_storage: Storage, tmp_path: Path) -> None:
    """Db2 (Derby stands in) over a copy of the rows."""
    weekly = Weekly(upgraded_storage, tmp_path)
    load_history(weekly, weeks=4)
    held = judge(weekly, file_of(*lines_of(LAST, times=2.2), row(symbol="")))
    assert (held.held, held.published) == ("gate", 0)
    closed = {name for name, status in held.statuses.items() if status != "PASS"}
    assert closed == {"typical_volume", "shares_as_usual", "trades_as_usual"}
    passed = judge(weekly, file_of(*lines_of(LAST)))
    open_(passed)
    assert (passed.published, len(passed.statuses)) == (GOOD, 22)


def test_the_first_week_ever_passes(weekly: Weekly) -> None:
    open_(judge(weekly, file_of(*lines_of(LAST))))


@pytest.mark.parametrize(
    ("content", "closed_by"),
    [
        pytest.param(lines_of(LAST, venues=VENUES[:7]), "usual_venues", id="30 % of the venues missing"),
        pytest.param(lines_of(LAST, times=2.2), "typical_volume", id="doubled volumes"),
        pytest.param(lines_of(LAST, symbols=SYMBOLS[:20]), "symbols_as_usual", id="half of the symbols lost"),
        pytest.param(lines_of(LAST, symbols=[f"OTHER{n}" for n in range(40)]), "same_tier", id="the rows of another tier"),
        pytest.param([each.replace(published_on(Tier.OTCE, LAST - dt.timedelta(weeks=1)).isoformat(), UPDATED)
                      for each in lines_of(LAST - dt.timedelta(weeks=1))], "new_content", id="last week's file again"),
    ],
)  # fmt: skip
def test_a_bad_week_is_held_without_anyone_having_set_a_number(
    known: Weekly, content: list[str], closed_by: str
) -> None:
    before = known.rows(f"{PREFIX}_venue_volume_latest")
    found = judge(known, file_of(*content))
    assert (found.run.state, found.held, found.statuses[closed_by]) == ("failed", "gate", "HOLD"), found.statuses
    assert found.alerts[f"gate:{closed_by}"] == "ERROR"
    assert known.rows(f"{PREFIX}_venue_volume_latest") == before, "readers see nothing of it"
    [result] = [each for each in known.rows("core_quality") if each["check_name"].endswith(closed_by)]
    assert result["actual_value"] and result["expected_value"] and result["rule_version"] == "2"


def test_a_restatement_that_is_held_leaves_the_week_as_it_was(known: Weekly) -> None:
    open_(judge(known, file_of(*lines_of(LAST))))
    before = known.rows(f"{PREFIX}_venue_volume_latest")
    assert judge(known, file_of(*lines_of(LAST, times=3))).held == "gate"
    assert known.rows(f"{PREFIX}_venue_volume_latest") == before


def test_thanksgiving_is_no_accident(weekly: Weekly) -> None:
    thanksgiving = dt.date(2025, 11, 28)
    load_history(weekly, last=thanksgiving)
    found = judge(weekly, file_of(*lines_of(thanksgiving, times=0.6)), thanksgiving)
    open_(found)
    assert set(found.statuses.values()) == {"PASS"}, found.statuses


def test_a_person_lets_a_held_week_pass_and_its_run_goes_on(known: Weekly) -> None:
    content = file_of(*lines_of(LAST, times=2.2))
    held = judge(known, content)
    decision = settling.approve(known.storage, held.capture_id, by="ann", reason="a split", clock=known.clock)
    found = judge(known, content)
    open_(found)
    assert (found.published, found.capture_id) == (GOOD, held.capture_id)
    assert known.rows("core_quality", capture_id=held.capture_id, status="APPROVED")
    states = [row["state"] for row in known.rows("core_alerts", cause="gate:typical_volume")]
    assert sorted(states) == ["FIRING", "RESOLVED"]
    assert [each.kind for each in decisions_of(known.storage, held.capture_id)] == [DecisionKind.APPROVE]
    assert decision.by == "ann"


def test_an_approval_is_void_when_the_content_changes(known: Weekly) -> None:
    held = judge(known, file_of(*lines_of(LAST, times=2.2)))
    settling.approve(known.storage, held.capture_id, by="ann", reason="a split", clock=known.clock)
    other = judge(known, file_of(*lines_of(LAST, times=2.3)))
    assert other.capture_id != held.capture_id and other.held == "gate"
    with pytest.raises(Exception, match="superseded"):
        settling.approve(known.storage, held.capture_id, by="ann", reason="again", clock=known.clock)


def test_what_a_person_holds_no_run_lets_pass(known: Weekly) -> None:
    content = file_of(*lines_of(LAST))
    good = judge(known, content)
    settling.hold(known.storage, good.capture_id, by="ann", reason="FINRA called", clock=known.clock)
    again = judge(known, content)
    assert (again.run.state, again.held, again.published) == ("failed", "person", 0)
    settling.approve(known.storage, good.capture_id, by="ben", reason="they called again", clock=known.clock)
    assert judge(known, content).published == GOOD


def test_a_run_that_dies_before_its_gates_shows_nothing_and_the_next_one_goes_on(known: Weekly) -> None:
    path = known.write(file_of(*lines_of(LAST)), "judged.psv")
    known.ingest(tier="OTCE", week_ending=LAST.isoformat(), file_path=path, staged=True)
    assert {row["hold_kind"] for row in known.rows("core_captures") if str(row["week_ending"]) == str(LAST)} == {
        "staged"
    }
    assert not [row for row in known.rows("core_latest") if str(row["week_ending"]) == str(LAST)]
    open_(judge(known, file_of(*lines_of(LAST))))


SCENARIOS: dict[str, tuple[list[str], dict[str, int], int, dict[str, str]]] = {
    "exact duplicates": ([row(), row(), row()], {"DUPLICATE_ROW": 2}, 1, {}),
    "one key with different numbers": ([row(), row(shares=501)], {"CONFLICTING_KEY": 2}, 0, {}),
    "missing volume, trades and venue": (
        [row(shares=""), row(trades=""), row(mpid="")], {"BAD_NUMBER": 2, "EMPTY_MPID": 1}, 0, {},
    ),
    "zero rows": (
        [row("Z1", shares=0, trades=0), row("Z2", shares=0, trades=1180), row("Z3", shares=335000, trades=0)],
        {"ZERO_VOLUME": 1, "TRADES_WITHOUT_SHARES": 1, "SHARES_WITHOUT_TRADES": 1}, 0, {},
    ),
    "commas instead of pipes": ([row(f"C{n}").replace("|", ",") for n in range(3)], {"FIELD_COUNT": 3}, 0, {}),
    "a truncated last row": ([row()[:25]], {"FIELD_COUNT": 1}, 0, {}),
    "outliers": (
        [row("BIG", shares=999_999_999_999, trades=1_000_000), row("ONE", shares=1, trades=1), row("NEG", shares=-50_000_000)],
        {"ABSURD_VOLUME": 1, "NEGATIVE_VOLUME": 1}, 1, {"gate:absurd_volume": "WARNING"},
    ),
    "dates in other forms": (
        [row("D1", updated="12/12/2025"), row("D2", updated="Dec 12, 2025"), row("D3", updated="2025/12/12")],
        {"BAD_DATE": 3}, 0, {},
    ),
    "unicode and special characters in symbols": (
        [row("ÄPFEL"), row("A B"), row("BRK.B"), row("A;DROP")], {"INVALID_SYMBOL": 3}, 1, {},
    ),
    "scientific notation and decimal shares": ([row("SCI", shares="1.5E3"), row("DEC", shares="12.345678")], {}, 2, {}),
    "too few and too many columns": ([row("F").rpartition("|")[0], row("G") + "|x"], {"FIELD_COUNT": 2}, 0, {}),
    "a row of another tier": ([row("T", tier="NMS Tier 1")], {"TIER_MISMATCH": 1}, 0, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_bad_row_ends_where_it_belongs(name: str, tmp_path: Path) -> None:
    bad, rejects, published, alerts = SCENARIOS[name]
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        weekly = Weekly(storage, tmp_path)
        load_history(weekly, weeks=5)
        found = judge(weekly, file_of(*lines_of(LAST), *bad))
        assert found.alerts == alerts
        open_(found)
        assert found.rejects == rejects
        assert found.published == GOOD + published


def test_rows_set_aside_are_kept_with_their_content_and_everything_adds_up(known: Weekly) -> None:
    import json

    suite = Path(known.settings.include_dir, "expectations", "finra_otc_transparency.ingested.yaml").read_text()
    include = known.root / "tuned"
    shutil.copytree(known.settings.include_dir, include)
    (include / "expectations" / "finra_otc_transparency.ingested.yaml").write_text(
        suite.replace("total_shares >= 100000000000", "total_shares >= 1000000 AND symbol = 'BIG'")
    )
    tuned = Weekly(known.storage, known.root, known.clock, include=include)
    found = judge(tuned, file_of(*lines_of(LAST), row("BIG", shares=1_000_000), row("BIG2", shares=999)))
    open_(found)
    assert (found.rejects, found.published) == ({"ABSURD_VOLUME": 1}, GOOD + 1)
    [kept] = tuned.rows("core_rejects", capture_id=found.capture_id)
    assert kept["stage"] == "QUARANTINED" and json.loads(kept["raw_json"])["symbol"] == "BIG"
    normalized = found.run.results["normalize"].output
    assert (normalized["rows"], normalized["quarantined"]) == (GOOD + 1, 1)
    from spine.quality.reconcile import reconcile

    assert reconcile(tuned.storage, [Tier.OTCE], LAST, LAST) == []


REAL = Path(os.environ.get("SPINE_FINRA_DATA") or Path(__file__).parents[4] / "shared" / "data" / "finra") / REAL_FILE


@pytest.mark.skipif(not REAL.exists(), reason="FINRA's real file is not here")
def test_the_real_week_passes_its_suites(weekly: Weekly) -> None:
    found = judge(weekly, REAL.read_text())
    open_(found)
    assert set(found.statuses.values()) == {"PASS"} and len(found.statuses) == 22
    assert found.published == 5328


def test_an_approval_of_what_was_something_else_is_recorded_as_void(known: Weekly) -> None:
    content = file_of(*lines_of(LAST, times=2.2))
    held = judge(known, content)
    settling.approve(known.storage, held.capture_id, by="ann", reason="a split", clock=known.clock)
    open_(judge(known, content))
    [line_number] = known.storage.query("SELECT MIN(line_number) FROM finra_otc_transparency_lines").rows[0]
    known.storage.execute(
        "INSERT INTO core_rejects (domain, partition_key, capture_id, stage, line_number, reason_code, reason_detail, "
        "raw_json, source_locator, execution_id, created_at) "
        "VALUES ('x', 'x', :capture_id, 'QUARANTINED', :line, 'X', '', '{}', '', '', :now)",
        {"capture_id": held.capture_id, "line": line_number, "now": known.clock()},
    )
    known.storage.execute(
        "UPDATE core_captures SET hold_kind = 'gate', hold_reason = 'again' WHERE hold_kind IS NULL "
        "AND capture_id = :capture_id",
        {"capture_id": held.capture_id},
    )
    assert judge(known, content).held == "gate", "the approval was of other content"
    kinds = [each.kind for each in decisions_of(known.storage, held.capture_id)]
    assert kinds == [DecisionKind.VOID, DecisionKind.APPROVE]
    assert known.rows("core_alerts", cause="approval_void")


def test_what_a_mended_rule_accepts_comes_back_in_a_new_capture(known: Weekly) -> None:
    include = known.root / "tuned"
    shutil.copytree(known.settings.include_dir, include)
    suite = include / "expectations" / "finra_otc_transparency.ingested.yaml"
    strict = suite.read_text().replace("total_shares >= 100000000000", "symbol = 'BIG'")
    suite.write_text(strict)
    tuned = Weekly(known.storage, known.root, known.clock, include=include)
    replay = load_workflow(include / "workflows" / "finra_replay_week.yaml", ())
    week = {"tier": "OTCE", "week_ending": LAST.isoformat(), "window_weeks": 2}
    first = judge(tuned, file_of(*lines_of(LAST), row("BIG"), row("NULL", shares=0, trades=0)))
    assert (first.published, first.rejects) == (GOOD, {"ABSURD_VOLUME": 1, "ZERO_VOLUME": 1})
    assert tuned.run(workflow=replay, **week).results["replay"].status == "unchanged", "nothing has changed"

    suite.write_text(strict.replace("symbol = 'BIG'", "symbol = 'NONE'"))
    ended = tuned.run(workflow=replay, **week, by="ann", replay_reason="BIG is no fault")
    back = ended.results["replay"].output
    assert (back["recovered"], back["replay_of"]) == (1, first.capture_id)
    seen = [each for each in tuned.rows(f"{PREFIX}_venue_volume_latest") if str(each["week_ending"]) == str(LAST)]
    assert len(seen) == GOOD + 1 and {each["capture_id"] for each in seen} == {back["capture_id"]}
    [capture] = tuned.rows("core_captures", capture_id=back["capture_id"])
    assert (capture["source_type"], capture["source_name"]) == ("replay", f"replay of {first.capture_id}")
    rejects = [each["reason_code"] for each in tuned.rows("core_rejects", capture_id=back["capture_id"])]
    assert rejects == ["ZERO_VOLUME"]
    from spine.quality.reconcile import reconcile

    assert reconcile(tuned.storage, [Tier.OTCE], LAST, LAST) == []
    assert tuned.run(workflow=replay, **week).results["replay"].status == "unchanged", "once is enough"


def test_a_stricter_rule_ends_what_was_certified(known: Weekly) -> None:
    include = known.root / "tuned"
    shutil.copytree(known.settings.include_dir, include)
    tuned = Weekly(known.storage, known.root, known.clock, include=include)
    content = file_of(*lines_of(LAST))
    good = judge(tuned, content)
    capture = find_capture(known.storage, good.capture_id)
    assert capture is not None
    with known.storage.transaction() as session:
        record_decision(
            session, capture, DecisionKind.CERTIFY, by="ann", reason="month end", now=known.clock(), purpose="trading"
        )
    suite = include / "expectations" / "finra_otc_transparency.ingested.yaml"
    stricter = suite.read_text().replace("version: 2", "version: 3")
    suite.write_text(
        stricter.replace("expect: ExpectTypicalVolume\n", "expect: ExpectTypicalVolume\n    args: {max_change: 0}\n")
    )
    assert judge(tuned, content).held == "gate"
    kinds = [each.kind for each in decisions_of(known.storage, good.capture_id)]
    assert kinds == [DecisionKind.UNCERTIFY, DecisionKind.CERTIFY]
    assert known.rows("core_alerts", cause="certification_lost:trading", summary_type="ATS_W_SMBL_FIRM")


def test_an_answer_to_an_approval_step_is_in_the_audit_trail_and_opens_no_gate(known: Weekly, tmp_path: Path) -> None:
    text = """
        name: asked
        params: {tier: {default: OTCE}, file_path: {default: asked.psv}, source: {default: file}}
        steps:
          - {name: ingest, type: pipeline, pipeline: finra.otc_transparency.ingest_week}
          - {name: release, type: approval, subject: Good enough?}
        """
    path = tmp_path / "asked.yaml"
    path.write_text(dedent(text))
    known.write(file_of(*lines_of(LAST, times=2.2)), "asked.psv")
    ended = run_workflow(
        load_workflow(path), {}, storage=known.storage, settings=known.settings, clock=known.clock,
        decide=lambda step, approval: Answer.APPROVE,
    )  # fmt: skip
    capture_id = str(ended.steps["ingest"].result.to_dict()["capture_id"])
    [decided] = decisions_of(known.storage, capture_id)
    assert (decided.kind, decided.reason) == (DecisionKind.APPROVE_STEP, "Good enough?")
    assert judge(known, file_of(*lines_of(LAST, times=2.2))).held == "gate"
