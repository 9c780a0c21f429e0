"""What a gate costs: ten expectations on a week of 200,000 rows, split into import, plan and execution, beside plain SQL.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_gate --quick

The same ten checks by Great Expectations inside the database (as gates do), by one SELECT that counts them all, and by Great
Expectations over the rows in pandas, each way in a new process. Import is everything a process does but once; plan is what a
warm process spends on a week without rows (rules, metrics, statements); execution is the rest, the rows' own. Each in
turn, the minimum of the repeats counts. Import counts the first use of drivers, too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.command_line import Sizes
from benchmarks.databases import open_upgraded, places
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report
from benchmarks.week_files import week_file, week_params
from benchmarks.week_runs import run_pipelines

_LINES = "finra_otc_transparency_lines"
_CONDITIONS = {
    "symbol_given": "symbol = ''",
    "venue_given": "mpid = ''",
    "shares_positive": "total_shares < 0",
    "trades_positive": "total_trades < 0",
    "shares_and_trades": "total_shares = 0 AND total_trades > 0",
    "trades_and_shares": "total_trades = 0 AND total_shares > 0",
    "absurd_volume": "total_shares >= 100000000000",
    "average_trade_size": "total_shares > 1000000.0 * total_trades",
    "issue_named": "issue_name = ''",
}
_COLUMNS: Columns = {
    "database": "database",
    "way": "way",
    "rows": "rows",
    "import": "import_seconds",
    "plan": "plan_seconds",
    "execution": "execution_seconds",
    "in a new process": lambda row: round(row["import_seconds"] + row["plan_seconds"] + row["execution_seconds"], 3),
    "peak MB above interpreter": "peak_megabytes",
}
_WAYS = {
    "gate": "a gate: Great Expectations in the database",
    "sql": "one SELECT",
    "pandas": "Great Expectations, pandas",
}


def main() -> None:
    args = options()
    report = Report("gate", "What a gate costs", ("Seconds. Ten checks; none of them fails.",))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name, places(Path(name)) as found:
        progress = Progress(len(found) * len(_WAYS) * args.repeats)
        for place in found:
            with place.fresh() as url:
                count = load(url, Path(name), args.rows)
                best: dict[str, dict[str, Any]] = {}
                for _ in range(args.repeats):
                    for way, label in _WAYS.items():
                        measured = child.run("benchmarks.bench_gate:measure", way, url)
                        best[way] = _better(best.get(way), measured)
                        progress.advance(1, f"{place.name}: {label}")
                rows += [
                    {"database": place.name, "way": label, "rows": count, **best[way]} for way, label in _WAYS.items()
                ]
    report.table("gates", rows, _COLUMNS)
    if args.save:
        report.save()


def options() -> argparse.Namespace:
    sizes = Sizes(__doc__)
    sizes.add("rows", full=200_000, quick=5_000, help="rows of the week")
    sizes.add("repeats", full=5, quick=1)
    return sizes.parse()


def _better(known: dict[str, Any] | None, measured: dict[str, Any]) -> dict[str, Any]:
    return measured if known is None else {name: min(known[name], value) for name, value in measured.items()}


def load(url: str, folder: Path, rows: int) -> int:
    """A week of that many rows and one of a single row; how many it has."""
    path = week_file(folder, rows)
    with open_upgraded(url) as storage:
        outputs, _ = run_pipelines(storage, week_params(path), folder, ["ingest_week"])
        return int(outputs["ingest_week"]["parsed"])


def measure(way: str, url: str) -> dict[str, Any]:
    """Seconds of one way, in a process of its own."""
    from spine.storage.connect import connect_storage

    storage = connect_storage(url)
    started = time.perf_counter()
    if way != "sql":
        from spine.quality.gx.imports import great_expectations

        great_expectations()
        import spine.quality.expectations  # noqa: F401
    whole, nothing = f"SELECT * FROM {_LINES}", f"SELECT * FROM {_LINES} WHERE 1 = 0"
    judge = {"gate": _by_gate, "sql": _by_sql, "pandas": _by_pandas}[way]
    judge(storage, nothing, expected=False)
    imported = time.perf_counter() - started
    started = time.perf_counter()
    judge(storage, nothing, expected=False)
    plan = time.perf_counter() - started
    started = time.perf_counter()
    judge(storage, whole, expected=True)
    execution = max(time.perf_counter() - started - plan, 0.0)
    storage.close()
    named = {"import_seconds": imported, "plan_seconds": plan, "execution_seconds": execution}
    return {name: round(seconds, 3) for name, seconds in named.items()}


def _rules() -> list[tuple[Any, dict[str, Any]]]:
    from spine.quality.suites import Outcome, Rule

    rules = [Rule(name, "ExpectNoRowsWhere", Outcome.WARN) for name in _CONDITIONS]
    told = [(rule, {"condition": _CONDITIONS[rule.name], "most": 0.05}) for rule in rules]
    counted = Rule("row_count", "ExpectTableRowCountToBeBetween", Outcome.HOLD)
    return [*told, (counted, {"min_value": 1, "max_value": 1_000_000})]


def _by_gate(storage: Any, query: str, *, expected: bool) -> None:
    from spine.quality.gx.judging import judge

    found = judge(storage, {"lines": query}, _rules(), {"history": {"weeks": []}, "facts": {}})
    _require(all(each.passed for each in found.verdicts) or not expected)


def _by_sql(storage: Any, query: str, *, expected: bool) -> None:
    counts = ", ".join(f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)" for condition in _CONDITIONS.values())
    [row] = storage.query(f"SELECT COUNT(*), {counts} FROM ({query}) AS l").rows
    _require(not expected or all(int(each) <= 0.05 * int(row[0]) for each in row[1:]))


def _by_pandas(storage: Any, query: str, *, expected: bool) -> None:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    frame = storage.read_arrow(query).to_pandas()
    frame["total_shares"] = frame["total_shares"].astype(float)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("a")
    batch = asset.add_batch_definition_whole_dataframe("b").get_batch({"dataframe": frame})
    named = [
        gxe.ExpectColumnValueLengthsToBeBetween(column=each, min_value=1, mostly=0.95)
        for each in ("symbol", "mpid", "issue_name")
    ]
    numbers = [
        gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, mostly=0.95)
        for column, low, high in (
            ("total_shares", 0, None), ("total_trades", 0, None), ("total_shares", 1, None), ("total_trades", 1, None),
            ("total_shares", None, 1e11), ("total_trades", None, 1e9),
        )
    ]  # fmt: skip
    counted = gxe.ExpectTableRowCountToBeBetween(min_value=1, max_value=1_000_000)
    found = batch.validate(gx.ExpectationSuite(name="s", expectations=[*named, *numbers, counted]))
    _require(not expected or bool(found.success))


def _require(good: bool) -> None:
    if not good:
        raise SystemExit("a check fails that holds")


if __name__ == "__main__":
    main()
