"""Files and parameters that are not what they should be: a clear error and no trace, or every bad line by its number."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import (
    ConfigurationError,
    PermissionDenied,
    SourceError,
    SpineError,
    TransformError,
    ValidationError,
)
from spine.pipelines.context import StepContext
from spine.pipelines.registry import get_pipeline
from spine.storage.base import Storage
from tests.support.storage import open_upgraded
from tests.support.weekly import HEADER, PREFIX, Clock, Weekly, file_of, good_lines, line

GOOD = tuple(good_lines(3))


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return Weekly(upgraded_storage, tmp_path)


@pytest.fixture
def alone(tmp_path: Path) -> Any:
    """On SQLite only: for what is decided before any database is asked."""
    with open_upgraded(f"sqlite:///{tmp_path / 'alone.db'}") as storage:
        yield Weekly(storage, tmp_path)


def refused(weekly: Weekly, kind: type[SpineError], words: str, **params: Any) -> None:
    """Ingesting ends in this error and leaves nothing behind, and no lease either."""
    with pytest.raises(SpineError, match=words) as caught:
        weekly.ingest(**params)
    assert type(caught.value) is kind, caught.value
    assert not any(weekly.counts().values())
    held = weekly.scalar("SELECT COUNT(*) FROM core_concurrency_locks WHERE expires_at > acquired_at")
    assert held == 0


def judged(weekly: Weekly, *lines: str, header: str = HEADER, **params: Any) -> dict[int, tuple[str, str]]:
    """Ingest and normalize good lines followed by these, and account for every line; the rejects by line number."""
    content = file_of(*GOOD, *lines, header=header)
    return accounted(weekly, weekly.write(content), **params)


def accounted(weekly: Weekly, path: str, **params: Any) -> dict[int, tuple[str, str]]:
    receipt = weekly.ingest(**{"tier": "OTCE", "file_path": path, **params}).to_dict()
    assert receipt["parsed"] + receipt["rejected"] == receipt["lines"]
    context = StepContext(weekly.storage, weekly.settings, params, {"ingest": receipt}, clock=weekly.clock)
    normalized = get_pipeline("finra.otc_transparency.normalize_week").run(context).to_dict()
    assert normalized["rows"] + normalized["rejected"] == receipt["parsed"]
    published = weekly.rows(f"{PREFIX}_venue_volume_latest")
    assert len(published) == normalized["rows"]
    rejects = weekly.rejects()
    assert len(rejects) == receipt["rejected"] + normalized["rejected"]
    assert not rejects.keys() & {row["line_number"] for row in published}
    return rejects


def test_a_missing_file(alone: Weekly) -> None:
    alone.write("", "week_otc.txt")
    refused(alone, SourceError, "There is no file .*In the same folder: 'week_otc.txt'", file_path="week_otc.psv")


def test_a_missing_download_names_the_file_and_the_newest_there_is(alone: Weekly) -> None:
    alone.write(file_of(*GOOD), "finra_otc_weekly_otc_20251208.csv")
    words = "no file finra_otc_weekly_otc_20251215.csv .*newest one there is finra_otc_weekly_otc_20251208.csv"
    refused(alone, SourceError, words, tier="OTCE", week_ending="2025-11-14")


def test_a_folder(alone: Weekly) -> None:
    (alone.root / "week_otc.psv").mkdir()
    refused(alone, SourceError, "is a folder; expected a regular file", file_path="week_otc.psv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "is empty: there is nothing in it, expected a header", id="empty"),
        pytest.param("\n\n# nothing\n", "nothing but 3 blank or comment lines", id="blank and comment lines alone"),
        pytest.param(f"{HEADER}\n", "a header and no lines", id="header only"),
        pytest.param(HEADER, "a header and no lines", id="header only without newline"),
        pytest.param(f"{HEADER}\n\n \n", "none of its first 2 lines is a row; .*line 2, BLANK_LINE", id="blank lines only"),
        pytest.param(file_of(line(), header="a|b|c|d|e|f|g|h"), r"header lacks symbol \(issuesymbol", id="wrong header"),
        pytest.param(file_of(*GOOD, header=GOOD[0]), "header lacks symbol", id="no header"),
        pytest.param(
            file_of(*GOOD, header=HEADER.replace("|MPID", "")), r"header lacks mpid \(mpid or venue\)", id="column missing"
        ),
        pytest.param(
            file_of(*GOOD, header=f"{HEADER}|totalShare"), "unknown column totalShare; did you mean", id="column too many"
        ),
        pytest.param(
            file_of(*GOOD, header=HEADER.replace("issueName", "MPID")), "are both named 'MPID'", id="column named twice"
        ),
        pytest.param(
            file_of(*(each.replace("|", ",") for each in GOOD)), "line 2, FIELD_COUNT: expected 8 fields, found 1",
            id="commas below a header with pipes",
        ),
        pytest.param(file_of(*GOOD).encode("utf-16"), "header .*(NUL bytes|not UTF-8).*utf-16", id="utf-16"),
        pytest.param(b"\x1f\x8b\x08\x00 gzip", "looks gzipped", id="gzip under another name"),
        pytest.param(
            file_of(line(tier="NMS Tier 1"), line("BBBB", tier="NMS Tier 1")),
            "none of its 2 lines is a row; the first: line 2, TIER_MISMATCH: .*row is of T1, the partition of OTCE",
            id="another tier throughout",
        ),
        pytest.param(
            file_of(line(updated="12/15/2025")), "nothing in the file tells its week; pass week_ending", id="no date readable"
        ),
        pytest.param(
            file_of(*(line(f"S{number}", shares="many") for number in range(3))),
            "none of its 3 lines is a row; the first: line 2, BAD_NUMBER: totalWeeklyShareQuantity: 'many' is not a number",
            id="every line rejected",
        ),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_week(alone: Weekly, content: str | bytes, words: str) -> None:
    refused(alone, SourceError if "pass week_ending" not in words else ValidationError, words,
            tier="OTCE", file_path=alone.write(content))  # fmt: skip


def test_a_file_cut_inside_its_gzip_stream(alone: Weekly) -> None:
    import gzip

    whole = gzip.compress(file_of(*good_lines(2000)).encode())
    path = alone.write(whole[: len(whole) // 2], "week_otc.csv.gz")
    refused(alone, SourceError, "ends inside its gzip stream", tier="OTCE", file_path=path)


def test_a_file_of_another_tier_than_its_name_says(alone: Weekly) -> None:
    path = alone.write(file_of(*GOOD), "finra_otc_weekly_tier1_20251215.csv")
    refused(alone, SourceError, "TIER_MISMATCH: .*the row is of OTCE, the partition of T1", file_path=path)


@pytest.mark.parametrize(
    ("params", "kind", "words"),
    [
        ({"tier": "T9"}, ValidationError, "unknown tier 'T9'; expected T1, T2 or OTCE"),
        ({"tier": None, "file_path": "plain.psv"}, ValidationError, "which tier"),
        ({"week_ending": "2025-11-12"}, ValidationError, "2025-11-12 is a Wednesday.* did you mean 2025-11-14"),
        ({"week_ending": "2025-02-30"}, ValidationError, "'2025-02-30' is not a date; expected YYYY-MM-DD"),
        ({"week_ending": "14.11.2025"}, ValidationError, "'14.11.2025' is not a date"),
        ({"file_path": "../week_otc.psv"}, PermissionDenied, "lies outside the file root"),
        ({"file_path": "/etc/passwd"}, PermissionDenied, "lies outside the file root"),
        ({"source": "ftp"}, ConfigurationError, "source 'ftp' is not known; .*file"),
        ({"file_options": {"format": "xlsx"}}, ConfigurationError, "Unknown format 'xlsx'"),
        ({"file_options": {"sheet": 1}}, ConfigurationError, "sheet"),
        ({"file_options": {"encoding": "klingon"}}, ConfigurationError, "Unknown encoding 'klingon'"),
    ],
)
def test_a_parameter_that_cannot_be_meant(
    alone: Weekly, params: dict[str, Any], kind: type[SpineError], words: str
) -> None:
    alone.write(file_of(*GOOD), "plain.psv")
    refused(alone, kind, words, **{"tier": "OTCE", "file_path": alone.write(file_of(*GOOD)), **params})


@pytest.mark.parametrize("weeks", [0, 1, 105, "six", 2.5, True])
def test_a_rolling_window_out_of_range(alone: Weekly, weeks: object) -> None:
    path = alone.write(file_of(*GOOD))
    capture_id = alone.load(file_path=path)
    context = StepContext(
        alone.storage, alone.settings, {"window_weeks": weeks}, {"ingest": {"capture_id": capture_id}}
    )
    with pytest.raises(ValidationError, match=re.escape(f"window_weeks {weeks!r} is not a whole number from 2 to 104")):
        get_pipeline("finra.otc_transparency.compute_rolling").run(context)


def test_a_week_before_its_publication(tmp_path: Path, alone: Weekly) -> None:
    six_eastern = dt.datetime(2025, 12, 15, 11, tzinfo=dt.UTC)
    early = Weekly(alone.storage, tmp_path, Clock(six_eastern - dt.timedelta(minutes=1)))
    words = "2025-11-14 of OTCE is not published yet: .* 2025-12-15 06:00 EST; the newest week out is 2025-11-07"
    refused(early, ValidationError, words, file_path=early.write(file_of(*GOOD)))
    refused(early, ValidationError, words, tier="OTCE", week_ending="2025-11-14")
    on_time = Weekly(alone.storage, tmp_path, Clock(six_eastern))
    assert on_time.ingest(tier="OTCE", file_path="week_otc.psv").status == "done"


# A line after three good ones and the reason it is refused for, with words of the detail; None where it is no bad line.
LINES: tuple[tuple[str, str | None, str], ...] = (
    (line("A,B"), "INVALID_SYMBOL", "'A,B' is not a symbol"),
    (line("A" * 21), "INVALID_SYMBOL", "at most 20"),
    (line("ÄÖ"), "INVALID_SYMBOL", "'ÄÖ'"),
    (line(""), "EMPTY_SYMBOL", "symbol ''"),
    (line("NOMPID", mpid=""), "EMPTY_MPID", "MPID ''"),
    (line("BADMPID", mpid="OT-N"), "INVALID_MPID", "'OT-N' is not an MPID"),
    (line("NEG", shares=-5), "NEGATIVE_VOLUME", "-5 shares"),
    (line("NEGT", trades=-1), "NEGATIVE_TRADES", "-1 trades"),
    (line("TEXT", shares="n/a"), "BAD_NUMBER", "'n/a' is not a number of shares"),
    (line("TEXTT", trades="few"), "BAD_NUMBER", "'few' is not a whole number"),
    (line("BLANK", shares=""), "BAD_NUMBER", "totalWeeklyShareQuantity: ''"),
    (line("BLANKT", trades=" "), "BAD_NUMBER", "totalWeeklyTradeCount: ''"),
    (line("SCI", shares="1.2345678923E7"), None, ""),  # so FINRA's JSON writes large fractions
    (line("SCI7", shares="1e-7"), "BAD_NUMBER", "'1e-7' is not a number of shares"),
    (line("SCI99", shares="1e99"), "BAD_NUMBER", "'1e99'"),
    (line("SCIT", trades="1e2"), "BAD_NUMBER", "'1e2' is not a whole number"),
    (line("HEX", shares="0x10"), "BAD_NUMBER", "'0x10'"),
    (line("THOUSANDS", shares="1,000"), "BAD_NUMBER", "'1,000'"),
    (line("INF", shares="inf"), "BAD_NUMBER", "'inf'"),
    (line("HALF", trades="1.5"), "BAD_NUMBER", "'1.5' is not a whole number"),
    (line("D13", shares="9999999999999"), None, ""),
    (line("D15", shares="999999999999999"), None, ""),
    (line("D16", shares="9999999999999999"), "BAD_NUMBER", "at most 15 before"),
    (line("D20", shares="9" * 20), "BAD_NUMBER", "at most 15 before"),
    (line("F6", shares="0.000001"), None, ""),
    (line("F7", shares="0.0000001"), "BAD_NUMBER", "6 after the point"),
    (line("SIGN", shares="+7"), None, ""),
    (line("SPACE", shares=" 7 "), None, ""),
    (line("NOSHARES", shares=0), "TRADES_WITHOUT_SHARES", "0 shares, 5 trades"),
    (line("NOTRADES", trades=0), "SHARES_WITHOUT_TRADES", "100 shares, 0 trades"),
    (line("NOTHING", shares=0, trades=0), "ZERO_VOLUME", "0 shares, 0 trades"),
    (line("T2ROW", tier="NMS Tier 2"), "TIER_MISMATCH", "the row is of T2, the partition of OTCE"),
    (line("NOTIER", tier=""), "TIER_MISMATCH", "unknown tier ''"),
    (line("TIER?", tier="Tier 9"), "TIER_MISMATCH", "unknown tier 'Tier 9'"),
    (line("EARLY", updated="2025-12-08"), "WEEK_MISMATCH", "last updated on 2025-12-08, before the week"),
    (line("LATER", updated="2025-12-22"), None, ""),
    (line("UNDATED", updated=""), None, ""),
    (line("TIMED", updated="2025-12-15T06:00:00"), None, ""),
    (line("US", updated="12/15/2025"), "BAD_DATE", "'12/15/2025' is not a date; expected YYYY-MM-DD"),
    (line("WORDS", updated="Dec 15, 2025"), "BAD_DATE", "'Dec 15, 2025'"),
    (line("SLASHES", updated="2025/12/15"), "BAD_DATE", "'2025/12/15'"),
    (line("FEB30", updated="2025-02-30"), "BAD_DATE", "'2025-02-30'"),
    (line("COMMAS").replace("|", ","), "FIELD_COUNT", "expected 8 fields, found 1"),
    (line("SHORT").rpartition("|")[0], "FIELD_COUNT", "expected 8 fields, found 7"),
    (line("LONG") + "|more", "FIELD_COUNT", "expected 8 fields, found 9"),
    ("", "BLANK_LINE", "blank"),
    ("  \t", "BLANK_LINE", "blank"),
    ("# a remark", "COMMENT_LINE", "'#'"),
    (line("NUL", issue="a\0b"), "NUL_BYTE", "NUL"),
    (line("QUOTE", issue='Inv"ented Inc'), None, ""),
    (line("QUOTES", issue='"Invented" Inc'), None, ""),
    (line("CR", issue="a\rb"), None, ""),
    (line("lower", mpid="otcn"), None, ""),
)


def test_every_bad_line_is_refused_by_its_number_for_its_reason(weekly: Weekly) -> None:
    rejects = judged(weekly, *(text for text, _, _ in LINES))
    first = len(GOOD) + 2
    expected = {number: code for number, (_, code, _) in enumerate(LINES, start=first) if code}
    assert {number: code for number, (code, _) in rejects.items()} == expected
    for number, (_, code, words) in enumerate(LINES, start=first):
        assert not code or words in rejects[number][1], (number, rejects[number])
    kept = {row["line_number"]: row for row in weekly.rows(f"{PREFIX}_venue_volume_latest")}
    good = {number for number, (_, code, _) in enumerate(LINES, start=first) if not code}
    assert kept.keys() == {2, 3, 4} | good
    by_symbol = {row["symbol"]: float(row["total_shares"]) for row in kept.values()}
    assert (by_symbol["D13"], by_symbol["D15"]) == (9_999_999_999_999, 999_999_999_999_999)
    assert by_symbol["SCI"] == 12_345_678.923
    assert (by_symbol["F6"], by_symbol["SIGN"], by_symbol["SPACE"], by_symbol["LOWER"]) == (0.000001, 7, 7, 100)


def test_a_refused_line_is_kept_as_it_came(weekly: Weekly) -> None:
    judged(weekly, line("SHORT")[:9], line("TEXT", shares="n/a"), line("NEG", shares=-5))
    raws = weekly.storage.query("SELECT raw_json FROM core_rejects ORDER BY line_number").rows
    assert [words in raw for (raw,), words in zip(raws, (line("SHORT")[:9], '"n/a"', '"NEG"'), strict=True)] == [
        True
    ] * 3


def test_of_exact_duplicates_the_first_stays(weekly: Weekly) -> None:
    rejects = judged(weekly, line("TWIN"), line("OTHER"), line("TWIN"), line("TWIN", shares="100.000"))
    assert rejects == {7: ("DUPLICATE_ROW", "the same as line 5"), 8: ("DUPLICATE_ROW", "the same as line 5")}


def test_of_one_key_with_different_numbers_none_stays(weekly: Weekly) -> None:
    rejects = judged(weekly, line("TWIN"), line("TWIN", mpid="OTCX"), line("TWIN", trades=6))
    assert {code for code, _ in rejects.values()} == {"CONFLICTING_KEY"}
    assert rejects.keys() == {5, 7}
    assert "lines 5, 7 give different numbers for one key; none is published" in rejects[5][1]


def test_a_bad_twin_does_not_condemn_a_good_line(weekly: Weekly) -> None:
    rejects = judged(weekly, line("TWIN"), line("TWIN", shares=-100))
    assert {number: code for number, (code, _) in rejects.items()} == {6: "NEGATIVE_VOLUME"}


def test_a_capture_of_which_every_row_breaks_a_rule_publishes_nothing(weekly: Weekly) -> None:
    weekly.write(file_of(line("A", shares=0), line("B", trades=0)))
    ended = weekly.attempt(tier="OTCE", file_path="week_otc.psv")
    assert (ended.state, ended.steps["normalize"].state, ended.steps["aggregate"].state) == (
        "failed", "failed", "upstream_failed",
    )  # fmt: skip
    assert "every one of its 2 rows broke a rule" in ended.results["normalize"].message
    assert not weekly.rows(f"{PREFIX}_venue_volume_latest")
    assert weekly.counts()["core_manifest"] == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(file_of(*GOOD).removesuffix("\n"), id="no final newline"),
        pytest.param("\ufeff" + file_of(*GOOD), id="byte order mark"),
        pytest.param(file_of(*GOOD).replace("\n", "\r\n"), id="CRLF"),
        pytest.param(
            file_of(
                *("|".join(reversed(each.split("|"))) for each in GOOD), header="|".join(reversed(HEADER.split("|")))
            ),
            id="columns in another order",
        ),
        pytest.param(file_of(*GOOD, header=HEADER.upper()), id="header in capitals"),
    ],
)
def test_a_file_that_only_looks_different(alone: Weekly, content: str) -> None:
    assert accounted(alone, alone.write(content)) == {}
    assert sorted(row["symbol"] for row in alone.rows(f"{PREFIX}_venue_volume_latest")) == [
        "GOOD00",
        "GOOD01",
        "GOOD02",
    ]


def test_a_truncated_last_line(alone: Weekly) -> None:
    whole = file_of(*GOOD)
    rejects = accounted(alone, alone.write(whole[: whole.rindex("|", 0, -15)]))
    assert {number: code for number, (code, _) in rejects.items()} == {4: "FIELD_COUNT"}


def test_a_line_that_is_not_utf_8(alone: Weekly) -> None:
    content = file_of(*GOOD).encode() + line("UMLAUT", issue="Käse AG").encode("latin-1") + b"\n"
    rejects = accounted(alone, alone.write(content))
    assert rejects == {5: ("INVALID_ENCODING", "byte 0xE4 at position 13 of the line is not UTF-8")}


def test_a_file_of_another_encoding_that_is_given(alone: Weekly) -> None:
    content = file_of(*GOOD, line("UMLAUT", issue="Käse AG")).encode("latin-1")
    assert accounted(alone, alone.write(content), file_options={"encoding": "latin-1"}) == {}
    assert alone.rows(f"{PREFIX}_raw", symbol="UMLAUT")[0]["issue_name"] == "Käse AG"


def test_a_line_of_ten_megabytes(alone: Weekly) -> None:
    rejects = accounted(alone, alone.write(file_of(*GOOD, "x" * 10_000_000, line("AFTER"))))
    assert rejects == {5: ("LINE_TOO_LONG", "the line is 10000000 bytes long, 1048576 are allowed")}


def test_quotes_without_their_partner_cost_one_line(alone: Weekly) -> None:
    rows = [each.replace("|", ",") for each in (HEADER, GOOD[0], line("ODD", issue='"Open Inc'), *GOOD[1:])]
    rejects = accounted(alone, alone.write("\n".join(rows) + "\n", "week_otc.csv"))
    assert rejects.keys() == {3}
    assert "quote" in rejects[3][1]


def test_errors_leave_an_earlier_capture_alone(weekly: Weekly) -> None:
    weekly.load(file_path=weekly.write(file_of(*GOOD)))
    before = weekly.counts(), weekly.pictures()
    weekly.write(file_of(*(line(f"S{number}", shares="many") for number in range(3))))
    with pytest.raises(SourceError, match="none of its 3 lines"):
        weekly.ingest(tier="OTCE", file_path="week_otc.psv")
    assert (weekly.counts(), weekly.pictures()) == before


def test_rows_that_do_not_add_up_stop_the_stage(alone: Weekly) -> None:
    capture_id = alone.ingest(file_path=alone.write(file_of(*GOOD))).output["capture_id"]
    alone.storage.execute("UPDATE core_captures SET parsed_count = 4")
    context = StepContext(alone.storage, alone.settings, {}, {"ingest": {"capture_id": capture_id}}, clock=alone.clock)
    with pytest.raises(TransformError, match="4 parsed rows do not equal 3 normalized \\+ 0 rejected"):
        get_pipeline("finra.otc_transparency.normalize_week").run(context)
    assert alone.counts()["core_manifest"] == 1


def test_a_row_from_the_future_is_refused(weekly: Weekly) -> None:
    found = judged(weekly, line("AAAA"), line("BBBB", updated="2099-01-05"))
    ((code, detail),) = found.values()
    assert code == "BAD_DATE"
    assert "still to come" in detail


@pytest.mark.parametrize("twice", ["Symbol", "mpid"])
def test_two_columns_for_one_thing_are_refused(weekly: Weekly, twice: str) -> None:
    path = weekly.write(f"{HEADER}|{twice}\n{line('AAAA')}|X\n")
    refused(weekly, SourceError, "mean the same", tier="OTCE", file_path=path)
