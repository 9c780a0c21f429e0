"""Which rows and columns an export has, and what it says of itself."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from spine.core.errors import ConfigurationError, TransformError, ValidationError
from spine.core.tiers import Tier
from spine.exports.export import Request, export
from spine.exports.parts import NothingSelected
from spine.exports.receipt import Receipt
from spine.exports.selection import Selection
from spine.pipelines.context import StepContext
from spine.pipelines.registry import get_pipeline
from spine.storage.as_of import read_as_of
from spine.storage.ledger import set_hold
from tests.support.exports import RESTATED, WEEKS, load_market
from tests.support.storage import open_upgraded
from tests.support.weekly import PREFIX, Weekly

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 8, 4, 1, 2, 3, tzinfo=dt.UTC)
VOLUME = f"{PREFIX}_venue_volume"


def exported(market: Weekly, target: Path, relation: str = "venue_volume", **options: Any) -> Receipt:
    selection = {name: options.pop(name) for name in list(options) if name in Selection.__dataclass_fields__}
    return export(market.storage, Request(relation, target, selection=Selection(**selection), **options), now=NOW)


def rows_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out.parquet"


@pytest.mark.parametrize(
    ("selection", "where"),
    [
        ({"tiers": (Tier.T2,)}, "tier = 'T2'"),
        ({"tiers": (Tier.OTCE, Tier.T1)}, "tier = 'OTCE'"),
        ({"first_week": WEEKS[1]}, f"week_ending >= '{WEEKS[1]}'"),
        ({"last_week": WEEKS[1]}, f"week_ending <= '{WEEKS[1]}'"),
        ({"first_week": WEEKS[1], "last_week": WEEKS[1]}, f"week_ending = '{WEEKS[1]}'"),
        ({"tiers": (Tier.T2,), "first_week": WEEKS[2]}, f"tier = 'T2' AND week_ending = '{WEEKS[2]}'"),
        ({"summary_types": ("ATS_W_SMBL_FIRM",)}, "1 = 1"),
    ],
    ids=str,
)
def test_tiers_weeks_and_summary_types(market: Weekly, target: Path, selection: dict[str, Any], where: str) -> None:
    receipt = exported(market, target, **selection)
    expected = market.storage.query(f"SELECT capture_id, line_number FROM {VOLUME}_latest WHERE {where}").rows
    assert Counter((row["capture_id"], row["line_number"]) for row in rows_of(target)) == Counter(expected)
    assert receipt.rows == len(expected) > 0
    assert {capture.capture_id for capture in receipt.captures} == {capture for capture, _ in expected}


def test_symbols_are_counted_by_the_database(market: Weekly, target: Path) -> None:
    symbols = tuple(row[0] for row in market.storage.query(f"SELECT DISTINCT symbol FROM {VOLUME} ORDER BY 1").rows[:2])
    receipt = exported(market, target, symbols=symbols)
    assert {row["symbol"] for row in rows_of(target)} == set(symbols)
    sql = f"SELECT COUNT(*) FROM {VOLUME}_latest WHERE symbol IN (:one, :other)"
    assert receipt.rows == market.scalar(sql, one=symbols[0], other=symbols[1])
    assert receipt.counted_by == "database"


def test_rows_come_by_week_tier_and_key(market: Weekly, target: Path) -> None:
    exported(market, target)
    keys = [(row["week_ending"], row["tier"], row["symbol"], row["mpid"]) for row in rows_of(target)]
    assert keys == sorted(keys)


def test_columns_are_those_that_are_named_in_that_order(market: Weekly, target: Path) -> None:
    receipt = exported(market, target, columns=("total_shares", "symbol"))
    assert pq.read_schema(target).names == ["total_shares", "symbol"] == list(receipt.columns)


def test_revisions_are_every_capture(market: Weekly, target: Path) -> None:
    receipt = exported(market, target, revisions=True)
    restated = [each.revision for each in receipt.captures if (each.tier, each.week_ending) == ("T2", RESTATED)]
    assert restated == [0, 1]
    assert receipt.rows == market.scalar(f"SELECT COUNT(*) FROM {VOLUME}")


def test_as_of_is_what_was_known_then(market: Weekly, target: Path) -> None:
    restated = market.scalar("SELECT MAX(captured_at) FROM core_captures")
    before = dt.datetime.fromisoformat(restated) - dt.timedelta(seconds=1)
    receipt = exported(market, target, "symbol_summary", as_of=before)
    known = read_as_of(market.storage, f"{PREFIX}_symbol_summary", before).to_pylist()
    found = {(row["capture_id"], row["symbol"]): float(row["total_volume"]) for row in rows_of(target)}
    assert found == {(row["capture_id"], row["symbol"]): row["total_volume"] for row in known}
    assert {each.revision for each in receipt.captures} == {0}


def test_rolling_figures_of_every_window(tmp_path: Path, target: Path) -> None:
    """The ledger counts the rows of one window; a capture may have several."""
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        market = load_market(storage, tmp_path)
        week = {"first_week": RESTATED, "last_week": RESTATED}
        [capture] = exported(market, target, "symbol_rolling", **week).captures
        steps = {"ingest": {"capture_id": capture.capture_id}}
        context = StepContext(storage, market.settings, {"window_weeks": 3}, steps, clock=market.clock)
        get_pipeline("finra.otc_transparency.compute_rolling").run(context)
        receipt = exported(market, target, "symbol_rolling", **week, force=True)
        assert {row["window_weeks"] for row in rows_of(target)} == {2, 3}
        assert receipt.counted_by == "ledger"


def test_held_and_pruned_captures_are_left_out(tmp_path: Path, target: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        market = load_market(storage, tmp_path)
        sql = "SELECT capture_id, updated_at FROM core_manifest WHERE stage = 'NORMALIZED' ORDER BY updated_at"
        captures = {id_: dt.datetime.fromisoformat(at) for id_, at in storage.query(sql).rows}
        first, *_, newest = captures
        storage.execute("UPDATE core_captures SET pruned_at = :at WHERE capture_id = :id", {"at": NOW, "id": first})
        receipt = exported(market, target, revisions=True)
        assert {each.capture_id for each in receipt.captures} == captures.keys() - {first}
        with pytest.raises(ValidationError, match=f"retention removed the rows of {first}"):
            exported(market, target, as_of=NOW, force=True)
        set_hold(storage, newest, "wrong")
        receipt = exported(market, target, first_week=RESTATED, last_week=RESTATED, force=True)
        assert [each.revision for each in receipt.captures] == [0]


def test_a_file_says_what_it_is(market: Weekly, target: Path) -> None:
    receipt = exported(market, target, tiers=(Tier.T2,))
    metadata = {name.decode(): text.decode() for name, text in pq.read_schema(target).metadata.items()}
    assert metadata["spine.dataset"] == "finra.otc_transparency"
    assert metadata["spine.table"] == VOLUME
    assert metadata["spine.exported_at"] == "2026-08-04T01:02:03+00:00"
    assert json.loads(metadata["spine.selection"]) == {"tiers": ["T2"]}
    assert json.loads(metadata["spine.captures"]) == [capture.to_dict() for capture in receipt.captures]
    values = {**receipt.captures[0].to_dict()}
    assert len(market.storage.query(metadata["spine.query"], values)) == values["rows"]


def test_the_receipt_is_of_the_bytes(market: Weekly, target: Path) -> None:
    receipt = exported(market, target)
    [file] = receipt.files
    assert (file.bytes, file.sha256) == (target.stat().st_size, hashlib.sha256(target.read_bytes()).hexdigest())
    told = receipt.to_dict()
    assert json.loads(json.dumps(told))["sha256"] == file.sha256
    assert sum(capture["rows"] for capture in told["captures"]) == told["rows"] == file.rows


def test_the_same_rows_are_the_same_bytes(market: Weekly, tmp_path: Path) -> None:
    receipts = [exported(market, tmp_path / name) for name in ("a.parquet", "b.parquet", "a.csv", "b.csv")]
    digests = [receipt.files[0].sha256 for receipt in receipts]
    assert digests[0] == digests[1] != digests[2] == digests[3]


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "none"])
def test_compressions_of_parquet(market: Weekly, target: Path, compression: str) -> None:
    exported(market, target, compression=compression)
    found = pq.ParquetFile(target).metadata.row_group(0).column(0).compression
    assert found == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_csv_is_exact_and_quoted(tmp_path: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        storage.execute(
            "INSERT INTO fact_bond_trade_activity (week_ending, tier, cusip, symbol, issuer_name, volume_total, trade_count, "
            "avg_price, source, loaded_at) VALUES ('2026-04-10', 'T1', '=1+1', '', :issuer, 5, 1, 0.0000001, 'x', :at)",
            {"issuer": 'a "b", c\nd', "at": NOW},
        )
        path = tmp_path / "bonds.csv"
        receipt = export(storage, Request("bond_trade_activity", path), now=NOW)
        header, row = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        found = dict(zip(header, row, strict=True))
        assert found["issuer_name"] == 'a "b", c\nd'
        assert (found["cusip"], found["week_ending"], found["avg_price"]) == ("=1+1", "2026-04-10", "1e-7")
        assert found["loaded_at"] == "2026-08-04 01:02:03.000000Z"
        assert '"",' in path.read_text(), "an empty text is quoted, so that it differs from a missing one"
        assert found["volume_customer"] == ""
        assert (receipt.counted_by, receipt.captures) == ("database", ())


def test_quantities_in_csv_have_no_exponent(market: Weekly, tmp_path: Path) -> None:
    path = tmp_path / "volume.csv.gz"
    exported(market, path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    stored = {
        (row["capture_id"], str(row["line_number"])): row["total_shares"]
        for row in market.storage.query(f"SELECT capture_id, line_number, total_shares FROM {VOLUME}_latest")
    }
    for row in rows:
        text = row["total_shares"]
        assert text.replace(".", "").isdigit() and text[-7] == "."
        assert float(Decimal(text)) == stored[row["capture_id"], row["line_number"]]
    assert len(rows) == len(stored)


def test_folders_by_week_and_tier(market: Weekly, tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    receipt = exported(market, folder, partition_by=("tier", "week_ending"), revisions=True)
    keys = pa.schema([("tier", pa.string()), ("week_ending", pa.date32())])
    found = ds.dataset(folder, partitioning=ds.partitioning(keys, flavor="hive")).to_table()
    assert found.num_rows == receipt.rows == market.scalar(f"SELECT COUNT(*) FROM {VOLUME}")
    assert Counter(zip(found["tier"].to_pylist(), found["week_ending"].to_pylist(), strict=True)) == Counter(
        {
            (tier, dt.date.fromisoformat(week)): n
            for tier, week, n in market.storage.query(
                f"SELECT tier, week_ending, COUNT(*) FROM {VOLUME} GROUP BY tier, week_ending"
            ).rows
        }
    )
    for file in receipt.files:
        content = (folder / file.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
        assert "tier" not in pq.ParquetFile(folder / file.path).schema_arrow.names
    assert json.loads((folder / "_spine_export.json").read_text()) == receipt.to_dict()
    assert pc.sum(found["total_shares"]).as_py() > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"relation": "symbol_sumary"}, "did you mean 'symbol_summary'"),
        ({"relation": "core_captures"}, "nothing published is called 'core_captures'"),
        ({"relation": "finra_otc_transparency_lines"}, "nothing published"),
        ({"columns": ("symbl",)}, "venue_volume has no column 'symbl'; did you mean 'symbol'"),
        ({"columns": ("symbol", "symbol")}, "named twice"),
        ({"relation": "venue_share", "symbols": ("A",)}, "venue_share has no column symbol"),
        ({"relation": "tier_share", "revisions": True}, "newest captures only"),
        ({"relation": "bond_trade_activity", "revisions": True}, "without captures"),
        ({"first_week": WEEKS[1], "last_week": WEEKS[0]}, "swap them"),
        ({"as_of": dt.datetime(2026, 8, 4)}, "has no time zone"),  # noqa: DTZ001
        ({"as_of": NOW, "revisions": True}, "exclude each other"),
        ({"summary_types": ("ATS_W_SMBL_FRM",)}, "did you mean 'ATS_W_SMBL_FIRM'"),
        (
            {"partition_by": ("symbol",)},
            "partition-by takes no column 'symbol'; known: summary_type, tier, week_ending",
        ),
        ({"partition_by": ("tier",), "columns": ("tier",)}, "no column is left"),
        ({"partition_by": ("tier",), "file_format": "csv"}, "use --format parquet"),
        ({"relation": "bond_trade_activity", "partition_by": ("tier",)}, "no captures to partition by"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(market: Weekly, target: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        exported(market, target, **options)
    assert not target.exists()


def test_a_compression_that_the_format_has_not(market: Weekly, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="csv has no compression 'zstd'; known: gzip, none"):
        exported(market, tmp_path / "out.csv", compression="zstd")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tiers": (Tier.T1,)}, f"there is OTCE from {WEEKS[2]} to {WEEKS[2]}, T2 from {WEEKS[0]} to {WEEKS[2]}"),
        ({"summary_types": ("OTC_W_SMBL_FIRM",)}, "no capture of venue_volume is in the selection"),
        ({"symbols": ("NOWHERE",)}, "no row of venue_volume is in the selection"),
        ({"relation": "bond_trade_activity"}, "no row of bond_trade_activity"),
    ],
    ids=str,
)
def test_nothing_is_an_error_that_says_what_there_is(
    market: Weekly, target: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(NothingSelected, match=words):
        exported(market, target, **options)
    assert list(target.parent.iterdir()) == []


def test_an_empty_database_points_to_the_first_run(tmp_path: Path, target: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        with pytest.raises(NothingSelected, match="none was captured yet"):
            export(storage, Request("raw", target), now=NOW)
        storage.execute("DROP VIEW finra_otc_transparency_raw")
        with pytest.raises(ValidationError, match="nothing published is called 'raw'"):
            export(storage, Request("raw", target), now=NOW)


def test_rows_that_are_missing_are_noticed(tmp_path: Path, target: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        market = load_market(storage, tmp_path)
        table = f"{PREFIX}_symbol_summary"
        storage.execute(f"DELETE FROM {table} WHERE symbol = (SELECT MIN(symbol) FROM {table} WHERE tier = 'OTCE')")
        with pytest.raises(TransformError, match=r"finra.otc_transparency:\w+:.*rows were read .* expected"):
            exported(market, target, "symbol_summary")
        assert not target.exists()
