"""Checks of a table that was loaded by declaration, against the database. Outcomes are kept in core_quality."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ConfigurationError, ValidationError
from spine.core.results import StepResult
from spine.core.suggest import did_you_mean
from spine.pipelines.context import StepContext
from spine.quality.checks import Check, record_checks
from spine.storage.loads import Load, LoadPartition
from spine.storage.sql import checked_identifier

OPTIONS = ("min_rows", "max_rows", "not_null", "max_reject_ratio")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the load before this step speaks of."""

    load: Load
    table: str
    lines: int
    rejected: int
    where: str
    params: Mapping[str, Any]


def check_load(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """Fail unless the partition that was just loaded is as it should be.

    Config: ``min_rows`` (default 1) and ``max_rows`` of the partition, ``not_null`` (columns that are null in no row of the
    table and were empty in no rejected one), ``max_reject_ratio`` (0 to 1).

    :raises ValidationError: naming every check that failed.
    """
    for option in config:
        if option not in OPTIONS:
            raise ConfigurationError(f"check_load has no option '{option}'; {did_you_mean(option, OPTIONS)}")
    loaded = _loaded(context)
    checks = [_row_count(context, loaded, config), *_nulls(context, loaded, config), *_rejects(loaded, config)]
    record_checks(context, loaded.load, checks)
    failed = [check.message for check in checks if not check.passed]
    receipt = {"load_id": loaded.load.capture_id, "checks": {check.name: check.passed for check in checks}}
    if failed:
        raise ValidationError(f"{loaded.load.capture_id}: {'; '.join(failed)}", context=receipt)
    return StepResult.done(f"{len(checks)} checks passed", **receipt)


def _loaded(context: StepContext) -> _Loaded:
    receipt = next((each for each in reversed(list(context.outputs.values())) if each and "table" in each), None)
    if receipt is None:
        raise ConfigurationError("check_load follows a step with pipeline core.load_table, and there is none before it")
    if "load_id" not in receipt:  # the source said that nothing changed, so the newest load is the one
        receipt = {**receipt, **_newest(context, receipt)}
    table = checked_identifier(str(receipt["table"]))
    kinds = context.storage.columns(table)
    values = {name: _bound(value, kinds.get(name, "")) for name, value in receipt["partition"].items()}
    where = " AND ".join(f"{checked_identifier(name)} = :{name}" for name in values) or "1 = 1"
    partition = LoadPartition(str(receipt["dataset"]), receipt["partition"])
    load = Load(str(receipt["load_id"]), partition, "")
    return _Loaded(load, table, int(receipt["lines"]), int(receipt["rejected"]), where, values)


def _newest(context: StepContext, receipt: Mapping[str, Any]) -> dict[str, Any]:
    partition = LoadPartition(str(receipt["dataset"]), receipt["partition"])
    row = context.storage.query(
        "SELECT load_id, record_count AS lines, rejected_count AS rejected FROM core_loads WHERE domain = :domain "
        f"AND partition_key = :key ORDER BY loaded_at DESC {context.storage.dialect.limit(1)}",
        {"domain": partition.dataset, "key": partition.key},
    ).first
    if row is None:
        raise ConfigurationError(f"nothing is loaded for {partition}")
    return row


def _bound(value: Any, kind: str) -> Any:
    """Receipts hold text; a date column wants a date."""
    return dt.date.fromisoformat(value) if kind.lower() == "date" else value


def _row_count(context: StepContext, loaded: _Loaded, config: Mapping[str, Any]) -> Check:
    rows = _count(context, f"{loaded.table} WHERE {loaded.where}", loaded.params)
    low, high = int(config.get("min_rows", 1)), config.get("max_rows")
    passed = low <= rows and (high is None or rows <= int(high))
    expected = f"at least {low:,}" if high is None else f"{low:,} to {int(high):,}"
    return Check("row_count", "COMPLETENESS", passed, f"{rows:,} rows, expected {expected}", str(rows), expected)


def _nulls(context: StepContext, loaded: _Loaded, config: Mapping[str, Any]) -> list[Check]:
    given = config.get("not_null") or []
    return [_null_check(context, loaded, checked_identifier(str(column))) for column in given]


def _null_check(context: StepContext, loaded: _Loaded, column: str) -> Check:
    nulls = _count(context, f"{loaded.table} WHERE {loaded.where} AND {column} IS NULL", loaded.params)
    prefix = f"{column}: "
    refused = _count(
        context,
        "core_rejects WHERE capture_id = :load_id AND reason_code = 'NULL_VALUE' "
        f"AND SUBSTR(reason_detail, 1, {len(prefix)}) = :prefix",
        {"load_id": loaded.load.capture_id, "prefix": prefix},
    )
    found = nulls + refused
    message = f"{found:,} rows without {column}" if found else f"every row has {column}"
    return Check(f"not_null_{column}", "INTEGRITY", not found, message, str(found), "0")


def _rejects(loaded: _Loaded, config: Mapping[str, Any]) -> list[Check]:
    if "max_reject_ratio" not in config:
        return []
    most, ratio = float(config["max_reject_ratio"]), loaded.rejected / max(loaded.lines, 1)
    message = f"{loaded.rejected:,} lines rejected ({ratio:.1%}), at most {most:.1%} allowed"
    return [Check("reject_ratio", "INTEGRITY", ratio <= most, message, f"{ratio:.6f}", f"<= {most}")]


def _count(context: StepContext, rest: str, params: Mapping[str, Any]) -> int:
    return int(context.storage.query(f"SELECT COUNT(*) FROM {rest}", params).scalar)
