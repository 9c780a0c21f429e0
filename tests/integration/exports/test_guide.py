"""The examples of docs/export.md do what it says."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from spine.exports.export import Request, export
from tests.support.paths import ROOT
from tests.support.weekly import PREFIX, Weekly

pytestmark = pytest.mark.integration


def examples() -> Iterator[str]:
    text = (ROOT / "docs" / "export.md").read_text()
    yield from re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_examples_work(market: Weekly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = market.storage.path  # type: ignore[attr-defined]
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    folder = tmp_path / "volume"
    now = dt.datetime(2026, 8, 4, tzinfo=dt.UTC)
    export(market.storage, Request("venue_volume", folder, partition_by=("week_ending", "tier")), now=now)
    names: dict[str, Any] = {"url": f"sqlite:///{path}", "folder": folder}
    for example in examples():
        exec(compile(example, "docs/export.md", "exec"), names)

    assert str(names["frame"]["total_volume"].dtype) == "decimal128(24, 6)[pyarrow]"
    assert {type(week) for week in names["weekly"].index} == {dt.date}
    sql = f"SELECT SUM(total_volume) FROM {PREFIX}_symbol_summary_latest WHERE tier = 'T2'"
    assert float(names["weekly"]["total_volume"].sum()) == pytest.approx(market.scalar(sql), rel=1e-12)
    assert names["largest"]["total_volume"].iloc[0] == max(names["frame"]["total_volume"])
    assert names["table"].schema.field("hhi").type == pa.float64()
    assert float(names["shares"]) == pytest.approx(
        market.scalar(f"SELECT SUM(total_shares) FROM {PREFIX}_venue_volume_latest"), rel=1e-12
    )
    assert names["volume"].num_rows == market.scalar(f"SELECT COUNT(*) FROM {PREFIX}_venue_volume_latest")
    assert all(isinstance(value, Decimal) for value in names["volume"]["total_shares"].to_pylist())
