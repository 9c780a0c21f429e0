"""Tables loaded by declaration, on each kind of database: every line accounted for, and all of a load or none of it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import ConfigurationError, LoadError, SourceError, SpineError, ValidationError
from spine.core.results import StepResult, StepStatus
from spine.core.settings import Settings
from spine.pipelines.connections import ConnectionDetails
from spine.pipelines.context import StepContext
from spine.pipelines.load_table import load_table
from spine.storage.base import Storage
from tests.support.connections import GivenConnections
from tests.support.http_server import Asked, Reply, json_reply, serving
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
COLUMNS: dict[str, Any] = {
    "week_ending": {"type": "date", "value": "2026-01-30"},
    "cusip": {"from": ["cusip", "CUSIP"]},
    "volume": {"type": "decimal", "from": "totalVolume", "nullable": False},
    "trades": {"type": "integer", "default": 0},
    "traded_at": "instant",
    "is_callable": "boolean",
    "avg_price": "double",
    "source": {"value": "TEST"},
    "loaded_at": {"stamp": "loaded_at"},
}
HEADER = "cusip|totalVolume|trades|traded_at|is_callable|avg_price"
A1 = "A1|100.5|3|2026-01-28T15:30:00Z|true|99.875"
B2 = "B2|7||2026-01-29T10:00:00-05:00|no|"
VALUES = "SELECT cusip, volume, trades, avg_price, is_callable FROM bonds ORDER BY cusip"

# A load that has merged its rows and goes no further.
KILLED = """
import sys, time
from pathlib import Path
import spine.pipelines.load_table
from tests.integration.pipelines.test_load_table import Bench
from tests.support.storage import open_storage

def stop(*args, **kwargs):
    print("merged", flush=True)
    time.sleep(600)

spine.pipelines.load_table.record_load = stop
with open_storage(sys.argv[1]) as storage:
    Bench(storage, Path(sys.argv[2])).load()
"""


@dataclass
class Bench:
    """A table, a folder of files, and a clock that moves on with each load."""

    storage: Storage
    folder: Path
    connections: GivenConnections = field(default_factory=GivenConnections)
    loads: int = 0

    def load(self, *, force: bool = False, **changes: Any) -> StepResult:
        written = {
            "source": {"type": "file", "path": "bonds.psv"},
            "table": "bonds",
            "columns": COLUMNS,
            "key": ["week_ending", "cusip"],
            "partition": "week_ending",
            **changes,
        }
        self.loads += 1
        now = NOW + dt.timedelta(minutes=self.loads)
        return load_table.run(
            StepContext(
                storage=self.storage,
                settings=Settings(include_dir=ROOT / "include", file_root=self.folder),
                params={"load": written, "force": force},
                run_id=f"run{self.loads}",
                workflow="test.bonds",
                clock=lambda: now,
                connections=self.connections,
            )
        )

    def write(self, *lines: str, header: str = HEADER) -> None:
        (self.folder / "bonds.psv").write_text("\n".join([header, *lines, ""]))

    def rows(self) -> list[tuple[Any, ...]]:
        return [
            (cusip, float(volume), trades, price, flag)
            for cusip, volume, trades, price, flag in self.storage.query(VALUES).rows
        ]

    def rejects(self) -> dict[int, tuple[str, str]]:
        rows = self.storage.query(
            "SELECT line_number, reason_code, reason_detail FROM core_rejects ORDER BY line_number"
        )
        return {row["line_number"]: (row["reason_code"], row["reason_detail"]) for row in rows}

    def written_at(self) -> dict[str, str]:
        return {row["cusip"]: str(row["loaded_at"]) for row in self.storage.query("SELECT cusip, loaded_at FROM bonds")}

    def count(self, table: str) -> int:
        return int(self.storage.query(f"SELECT COUNT(*) FROM {table}").scalar)


@pytest.fixture
def bench(upgraded_storage: Storage, tmp_path: Path) -> Bench:
    types = upgraded_storage.dialect.types
    upgraded_storage.execute(
        f"CREATE TABLE bonds (week_ending {types['date']} NOT NULL, cusip {types['code']} NOT NULL, "
        f"volume {types['decimal']} NOT NULL, trades {types['bigint']}, traded_at {types['instant']}, "
        f"is_callable {types['integer']}, avg_price {types['double']}, source {types['code']} NOT NULL, "
        f"loaded_at {types['instant']} NOT NULL, PRIMARY KEY (week_ending, cusip))"
    )
    folder = tmp_path / "files"
    folder.mkdir()
    return Bench(upgraded_storage, folder)


def counts(result: StepResult) -> tuple[int, ...]:
    return tuple(result.output[name] for name in ("inserted", "updated", "unchanged", "deleted", "rejected"))


class TestUpsert:
    def test_rows_are_typed_and_filled(self, bench: Bench) -> None:
        bench.write(A1, B2)
        result = bench.load()
        assert result.status is StepStatus.DONE and counts(result) == (2, 0, 0, 0, 0)
        assert bench.rows() == [("A1", 100.5, 3, 99.875, 1), ("B2", 7.0, 0, None, 0)]
        when = bench.storage.query("SELECT traded_at FROM bonds ORDER BY cusip").rows
        assert [str(value)[:16].replace("T", " ") for (value,) in when] == ["2026-01-28 15:30", "2026-01-29 15:00"]

    def test_the_same_again_changes_nothing(self, bench: Bench) -> None:
        bench.write(A1, B2)
        bench.load()
        before = bench.written_at()
        again = bench.load()
        assert again.status is StepStatus.UNCHANGED and counts(again) == (0, 0, 2, 0, 0)
        assert bench.written_at() == before

    def test_a_changed_value_updates_its_row_alone(self, bench: Bench) -> None:
        bench.write(A1, B2)
        bench.load()
        before = bench.written_at()
        bench.write(A1, B2.replace("|7|", "|8|"), "C3|1||||")
        assert counts(bench.load()) == (1, 1, 1, 0, 0)
        assert sorted(row[:2] for row in bench.rows()) == [("A1", 100.5), ("B2", 8.0), ("C3", 1.0)]
        after = bench.written_at()
        assert after["A1"] == before["A1"] and after["B2"] != before["B2"]

    def test_null_and_a_value_differ_both_ways(self, bench: Bench) -> None:
        bench.write(A1)
        bench.load()
        bench.write(A1.replace("99.875", ""))
        assert counts(bench.load()) == (0, 1, 0, 0, 0)
        bench.write(A1)
        assert counts(bench.load()) == (0, 1, 0, 0, 0)

    def test_rows_that_do_not_come_again_stay(self, bench: Bench) -> None:
        bench.write(A1, B2)
        bench.load()
        bench.write(A1)
        assert counts(bench.load()) == (0, 0, 1, 0, 0) and bench.count("bonds") == 2

    def test_a_table_of_keys_and_stamps_alone(self, bench: Bench) -> None:
        kind = bench.storage.dialect.types["code"]
        bench.storage.execute(f"CREATE TABLE cusips (cusip {kind} PRIMARY KEY, load_id {kind})")
        bench.write(A1, B2)
        options: dict[str, Any] = {
            "table": "cusips", "columns": {"cusip": None, "load_id": {"stamp": "load_id"}}, "key": "cusip", "partition": [],
        }  # fmt: skip
        first = bench.load(**options)
        assert counts(first) == (2, 0, 0, 0, 0) and counts(bench.load(**options)) == (0, 0, 2, 0, 0)
        assert bench.storage.query("SELECT DISTINCT load_id FROM cusips").rows == [(first.output["load_id"],)]


class TestRejects:
    def test_every_row_that_cannot_be_typed_is_one(self, bench: Bench) -> None:
        bench.write(
            A1,
            "|1||||",
            "C3|||||",
            "D4|x||||",
            "E5|1.1234567||||",
            "F6|1|2.5|||",
            "G7|1||2026-01-28T15:30:00||",
            "H8|1|||maybe|",
            "I9|1||||nan",
            "J1|1",
            "K1|1e3||||1E2",
        )
        result = bench.load()
        assert {line: code for line, (code, _) in bench.rejects().items()} == {
            3: "NULL_VALUE", 4: "NULL_VALUE", 5: "NOT_A_DECIMAL", 6: "NOT_A_DECIMAL", 7: "NOT_AN_INTEGER",
            8: "NOT_AN_INSTANT", 9: "NOT_A_BOOLEAN", 10: "NOT_A_NUMBER", 11: "FIELD_COUNT",
        }  # fmt: skip
        assert (
            bench.rejects()[5][1] == "volume: 'x' is not a number with at most 18 digits before and 6 behind the point"
        )
        assert counts(result) == (2, 0, 0, 0, 9) and result.output["lines"] == 11
        assert result.output["reject_reasons"]["NULL_VALUE"] == 2
        assert bench.rows()[1] == ("K1", 1000.0, 0, 100.0, None)

    def test_a_reject_keeps_its_row(self, bench: Bench) -> None:
        bench.write(A1, "D4|x||||")
        load_id = bench.load().output["load_id"]
        row = bench.storage.query("SELECT capture_id, domain, stage, raw_json, record_key FROM core_rejects").first
        assert row is not None
        assert (row["capture_id"], row["domain"], row["stage"]) == (load_id, "test.bonds", "LOADED")
        assert json.loads(row["raw_json"])["totalVolume"] == "x" and row["record_key"] == "D4"

    def test_of_equal_rows_the_first_stays(self, bench: Bench) -> None:
        bench.write(A1, A1.replace("100.5", "100.50"), A1)
        assert counts(bench.load()) == (1, 0, 0, 0, 2)
        assert bench.rejects() == dict.fromkeys((3, 4), ("DUPLICATE_ROW", "the same as line 2"))

    def test_of_rows_that_contradict_each_other_none_is_loaded(self, bench: Bench) -> None:
        bench.write(A1, B2, A1.replace("100.5", "200"))
        assert counts(bench.load()) == (1, 0, 0, 0, 2)
        assert {code for code, _ in bench.rejects().values()} == {"CONFLICTING_KEY"}
        assert [row[0] for row in bench.rows()] == ["B2"]

    def test_too_many_of_them_refuse_the_load(self, bench: Bench) -> None:
        bench.write(A1, "D4|x||||")
        with pytest.raises(ValidationError, match="1 of 2 lines are rejected"):
            bench.load(max_reject_ratio=0.1)
        assert bench.count("bonds") == bench.count("core_loads") == 0


class TestEmpty:
    def test_nothing_is_an_error_unless_allowed(self, bench: Bench) -> None:
        bench.write()
        with pytest.raises(SourceError, match="gave no rows"):
            bench.load()
        assert counts(bench.load(allow_empty=True)) == (0, 0, 0, 0, 0)

    def test_nothing_usable_is_an_error_even_then(self, bench: Bench) -> None:
        bench.write("D4|x||||")
        with pytest.raises(SourceError, match="none of its 1 lines"):
            bench.load(allow_empty=True)

    def test_a_column_without_any_value_is_told(self, bench: Bench) -> None:
        bench.write("A1|1||||", "B2|2||||")
        assert bench.load().output["empty_columns"] == ["traded_at", "is_callable", "avg_price"]


class TestReplacePartition:
    def test_rows_that_do_not_come_again_go(self, bench: Bench) -> None:
        bench.write(A1, B2)
        bench.load()
        other = {**COLUMNS, "week_ending": {"type": "date", "value": "2026-02-06"}}
        bench.load(columns=other)
        bench.write(A1)
        assert counts(bench.load(mode="replace_partition")) == (0, 0, 1, 1, 0)
        assert bench.count("bonds") == 3

    def test_an_allowed_nothing_empties_the_partition(self, bench: Bench) -> None:
        bench.write(A1, B2)
        bench.load()
        bench.write()
        result = bench.load(mode="replace_partition", allow_empty=True)
        assert counts(result) == (0, 0, 0, 2, 0) and bench.count("bonds") == 0


class TestAppend:
    def options(self, bench: Bench) -> dict[str, Any]:
        types = bench.storage.dialect.types
        bench.storage.execute(f"CREATE TABLE notes (cusip {types['code']}, volume {types['decimal']})")
        columns = {"cusip": None, "volume": {"type": "decimal", "from": "totalVolume"}}
        return {"table": "notes", "columns": columns, "mode": "append", "key": [], "partition": []}

    def test_every_row_is_added(self, bench: Bench) -> None:
        options = self.options(bench)
        bench.write(A1, A1)
        assert counts(bench.load(**options)) == (2, 0, 0, 0, 0)
        bench.write(A1)
        bench.load(**options)
        assert bench.count("notes") == 3

    def test_the_same_bytes_are_added_once(self, bench: Bench) -> None:
        options = self.options(bench)
        bench.write(A1)
        bench.load(**options)
        assert bench.load(**options).status is StepStatus.UNCHANGED
        assert bench.count("notes") == 1 and bench.count("core_loads") == 1
        bench.load(force=True, **options)
        assert bench.count("notes") == 2


class TestLedger:
    def test_a_load_is_recorded_with_its_rows(self, bench: Bench) -> None:
        bench.write(A1, "D4|x||||")
        load_id = bench.load().output["load_id"]
        row = bench.storage.query("SELECT * FROM core_loads").first
        assert row is not None and load_id.startswith("test.bonds:2026-01-30:")
        assert (row["load_id"], row["partition_key"]) == (load_id, '{"week_ending":"2026-01-30"}')
        assert (row["record_count"], row["inserted_count"], row["rejected_count"]) == (2, 1, 1)
        stage = bench.storage.query("SELECT stage, row_count, capture_id FROM core_manifest").first
        assert stage == {"stage": "LOADED", "row_count": 1, "capture_id": load_id}

    def test_a_load_that_fails_half_way_leaves_nothing(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        bench.write(A1, B2)
        bench.load()
        before = (bench.rows(), bench.storage.tables(), bench.count("core_loads"))

        def fail(*args: Any, **kwargs: Any) -> None:
            raise KeyboardInterrupt

        bench.write(A1.replace("100.5", "1"), "D4|x||||")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("spine.pipelines.load_table.record_load", fail)
            bench.load()
        assert (bench.rows(), bench.storage.tables(), bench.count("core_loads")) == before
        assert bench.count("core_rejects") == 0

    def test_a_process_killed_half_way_leaves_nothing(self, bench: Bench, database_url: str) -> None:
        bench.write(A1, B2)
        before = bench.storage.tables()
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, database_url, str(bench.folder)], stdout=subprocess.PIPE, cwd=ROOT
        ) as process:
            assert process.stdout is not None and process.stdout.readline() == b"merged\n"
            process.kill()
        assert (bench.count("bonds"), bench.count("core_loads")) == (0, 0) and bench.storage.tables() == before
        assert counts(bench.load()) == (2, 0, 0, 0, 0)  # its lease is taken over: it is dead

    def test_no_stage_is_left_behind(self, bench: Bench) -> None:
        before = bench.storage.tables()
        bench.write(A1)
        bench.load()
        assert bench.storage.tables() == before

    def test_a_constraint_that_refuses_a_row_refuses_the_load(self, bench: Bench) -> None:
        bench.write("A1|||||", B2)
        with pytest.raises(LoadError):
            bench.load(columns={**COLUMNS, "volume": {"type": "decimal", "from": "totalVolume"}})
        assert bench.count("bonds") == bench.count("core_rejects") == 0


class TestDeclarations:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"tabel": "x"}, "tabel: there is no such option; did you mean 'table'"),
            ({"columns": {"cusip": {"form": "x"}}}, "columns.cusip.form: there is no such option; did you mean 'from'"),
            ({"columns": {"cusip": {"type": "strnig"}}}, "columns.cusip.type"),
            ({"columns": {"cusip": {"from": "a", "value": 1}}}, "one of 'from', 'value' and 'stamp'"),
            ({"columns": {}}, "columns"),
            ({"key": ["cusp"]}, "no column; did you mean 'cusip'"),
            ({"key": []}, "mode upsert needs 'key'"),
            ({"partition": ["cusip"]}, "partition column 'cusip' needs a 'value'"),
            ({"mode": "replace_partition", "partition": []}, "needs 'partition'"),
            ({"mode": "merge"}, "mode"),
            ({"table": "bonds; DROP TABLE bonds"}, "not a plain SQL identifier"),
            ({"table": "bond"}, "no table 'bond'; did you mean 'bonds'"),
            ({"columns": {**COLUMNS, "avgprice": None}}, "no column 'avgprice'; did you mean 'avg_price'"),
            ({"source": {"type": "ftp"}}, "source.type"),
            ({"source": {"type": "file", "path": "bonds.psv", "delimeter": "|"}}, "no option 'delimeter'"),
            ({"source": {"type": "http", "url": "http://h/", "auth": {}}}, "'auth' cannot be set here"),
            ({"source": {"type": "http", "path": "/x"}}, "'path' goes with 'connection'"),
            ({"source": {"type": "http", "connection": "nobody"}}, "no connection 'nobody'"),
            ({"columns": {**COLUMNS, "week_ending": {"type": "date", "value": "soon"}}}, "'soon' is no date"),
        ],
    )
    def test_mistakes_are_named(self, bench: Bench, changes: Mapping[str, Any], message: str) -> None:
        bench.write(A1)
        with pytest.raises(ConfigurationError) as caught:
            bench.load(**changes)
        assert message in str(caught.value)

    def test_a_field_that_the_source_lacks(self, bench: Bench) -> None:
        bench.write("1", header="totalVolumes")
        with pytest.raises(SourceError, match="no field 'cusip' or 'CUSIP'"):
            bench.load()

    def test_a_column_without_a_unique_key_is_refused(self, bench: Bench) -> None:
        if bench.storage.dialect.name == "db2":
            pytest.skip("MERGE asks for no unique key")
        bench.write(A1)
        with pytest.raises(SpineError):
            bench.load(key=["cusip"])


class TestSources:
    SOURCE: Mapping[str, Any] = {"type": "http", "connection": "gate", "path": "/weekly", "data_path": "results"}

    def connect(self, bench: Bench, url: str, **extra: Any) -> None:
        bench.connections = GivenConnections(ConnectionDetails("gate", "http", host=url, extra=extra))

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("x-api-key") != "s3cret":
            return Reply(status=401)
        if asked.headers.get("if-none-match") == '"1"':
            return Reply(status=304)
        results = [{"CUSIP": "A1", "totalVolume": 100.5, "new": 1}, {"cusip": "B2", "totalVolume": 7, "trades": 2}]
        return json_reply({"results": results}, ETag='"1"')

    def test_a_server_behind_a_connection(self, bench: Bench) -> None:
        with serving(self.answer) as server:
            self.connect(bench, server.url, api_key="s3cret")
            assert counts(bench.load(source=self.SOURCE)) == (2, 0, 0, 0, 0)
            assert [row[:3] for row in bench.rows()] == [("A1", 100.5, 0), ("B2", 7.0, 2)]

    def test_a_server_is_asked_whether_anything_changed(self, bench: Bench) -> None:
        with serving(self.answer) as server:
            self.connect(bench, server.url, api_key="s3cret")
            bench.load(source=self.SOURCE)
            again = bench.load(source=self.SOURCE)
            assert again.status is StepStatus.UNCHANGED and "says so" in again.message
            assert counts(bench.load(source=self.SOURCE, force=True)) == (0, 0, 2, 0, 0)
            columns = {**COLUMNS, "source": {"value": "OTHER"}}
            assert counts(bench.load(source=self.SOURCE, columns=columns)) == (0, 2, 0, 0, 0)

    def test_a_server_that_fails_on_its_last_page(self, bench: Bench) -> None:
        def answer(asked: Asked) -> Reply:
            page = [{"cusip": asked.query["offset"], "totalVolume": 1}]
            return json_reply(page) if asked.query["offset"] < "2" else Reply(status=404)

        with serving(answer) as server:
            self.connect(bench, server.url)
            source = {"type": "http", "connection": "gate", "paging": {"type": "offset", "page_size": 1}}
            with pytest.raises(SourceError):
                bench.load(source=source)
        assert bench.count("bonds") == bench.count("core_loads") == 0

    def test_a_query_of_the_same_database(self, bench: Bench) -> None:
        bench.write(A1, B2)
        bench.load()
        query = 'SELECT cusip, volume * 2 AS "totalVolume", trades FROM bonds WHERE cusip <> :without'
        source = {"type": "database", "query": query, "params": {"without": "B2"}}
        columns = {name: COLUMNS[name] for name in ("cusip", "volume", "trades", "source", "loaded_at")}
        columns["week_ending"] = {"type": "date", "value": "2026-02-06"}
        assert counts(bench.load(source=source, columns=columns)) == (1, 0, 0, 0, 0)
        assert sorted(row[:2] for row in bench.rows()) == [("A1", 100.5), ("A1", 201.0), ("B2", 7.0)]
