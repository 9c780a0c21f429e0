"""Whether work and reads stay as fast as a history grows: with 1, 5 and 10 years of weeks in the database.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_history --quick

One history is built (history.py), and looked at on its way: the next weeks through the whole of finra.weekly_refresh, one
compute_rolling, a symbol's last 52 weeks, one week, one week as it was known. The ratio of the longest to the shortest
history is what counts: flat means within 20 %. Warm: everything was read before. Cold: the first read after the database was
started again and its files were dropped from the operating system's cache. On PostgreSQL VACUUM (ANALYZE) runs before we
look, as autovacuum would have by then; SQLite is left as Spine leaves it, and smaller. A fixed piece of work, timed at each
look, tells whether the machine was as idle as before.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import child, history
from benchmarks.command_line import Sizes
from benchmarks.databases import Place, open_upgraded, places
from benchmarks.history_measures import (
    READS,
    Present,
    cold_reads,
    rollings,
    settle,
    summary,
    warm_reads,
    weekly_refreshes,
)
from benchmarks.machine import pace
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report, legend_below

_MEASURES = {
    "weekly_refresh": "one weekly refresh, all tiers",
    "rolling": "one rolling",
    "symbol_52_weeks": "a symbol's last 52 weeks",
    "venue_volume_52_weeks": "a symbol's last 52 weeks by venue",
    "venue_volume_week": "one week by venue",
    "as_of_week": "one week as it was known",
}
Rows = list[dict[str, Any]]


def main() -> None:
    args = options()
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name, places(Path(name)) as found:
        chosen = [place for place in found if place.name in args.databases]
        progress = Progress(
            sum(_rows(place, args) for place in chosen) * (max(args.years) * args.weeks_a_year + args.refreshes)
        )
        for place in chosen:
            report = Report(
                f"history_{place.name}", f"Ten years of weeks, {place.name}", _notes(place, args), "history"
            )
            looks = list(grow(place, args, progress))
            measures = [measure for _, rows in looks for measure in rows]
            show(report, [size for size, _ in looks], measures)
            if args.save:
                report.save(partial(draw, measures=measures))


def options() -> argparse.Namespace:
    sizes = Sizes(__doc__)
    sizes.add("databases", full=["sqlite", "postgres"], quick=["sqlite", "postgres"])
    sizes.add("years", full=[1, 5, 10], quick=[1, 3], help="after which we look")
    sizes.add("weeks_a_year", full=history.WEEKS_A_YEAR, quick=6)
    sizes.add("rows", full=38_900, quick=1_500, help="venue rows of a week, all tiers together, on PostgreSQL")
    sizes.add("sqlite_rows", full=3_900, quick=600, help="the same on SQLite")
    sizes.add("refreshes", full=5, quick=2, help="weeks whose refresh is measured")
    sizes.add("reads", full=40, quick=8)
    sizes.add("cold_reads", full=3, quick=1)
    return sizes.parse()


def _notes(place: Place, args: argparse.Namespace) -> tuple[str, ...]:
    weeks = max(args.years) * args.weeks_a_year
    return (
        f"{weeks} weeks of three tiers, about {_rows(place, args) * weeks:,} venue rows, restated weeks included. "
        "Milliseconds; flat means that the last column is at most 1.2.",
    )


def _rows(place: Place, args: argparse.Namespace) -> int:
    return int(args.sqlite_rows if place.name == "sqlite" else args.rows)


def grow(place: Place, args: argparse.Namespace, progress: Progress) -> Iterator[tuple[dict[str, Any], Rows]]:
    """Build as far as the next look, look, and so on."""
    from spine.core.tiers import Tier

    rows = _rows(place, args)
    market = history.market_of(rows)
    symbols = history.lasting_symbols(market, Tier.T1, max(args.years) * args.weeks_a_year)
    with place.fresh() as url:
        with open_upgraded(url):  # once, before three processes want it
            pass
        built = 0
        for years in sorted(args.years):
            stops = [year * args.weeks_a_year for year in range(1, years + 1) if year * args.weeks_a_year > built]
            for stop in stops:
                calls = [(url, rows, tier, built, stop) for tier in history.TIERS]
                list(child.run_together("benchmarks.history:build", calls))
                progress.advance(rows * (stop - built), f"{place.name}: {stop} weeks")
                built = stop
            settle(url)
            present = Present(place, url, market, built, symbols)
            yield _size(present, years), [{"years": years, **each} for each in look(present, args)]
            built += args.refreshes
            progress.advance(rows * args.refreshes, f"{place.name}: looked at {years} years")


def look(present: Present, args: argparse.Namespace) -> Rows:
    """Every measure; the weekly refreshes last, as they add weeks."""
    common = {"database": present.place.name}
    found: Rows = [{**common, "measure": "rolling", "kind": "warm", **summary(rollings(present, args.refreshes))}]
    for read in READS:
        seconds, rows = warm_reads(present, read, args.reads)
        cold = cold_reads(present, read, args.cold_reads)
        found.append({**common, "measure": read, "kind": "warm", "rows": rows, **summary(seconds)})
        found.append({**common, "measure": read, "kind": "cold", "rows": rows, **summary(cold)})
    refreshes = list(weekly_refreshes(present, args.refreshes))
    steps = {step: round(min(each[step] for each in refreshes) * 1e3, 1) for step in refreshes[0]}
    seconds = [sum(each.values()) for each in refreshes]
    found.append({**common, "measure": "weekly_refresh", "kind": "warm", **summary(seconds), "steps_ms": steps})
    return found


def _size(present: Present, years: int) -> dict[str, Any]:
    with open_upgraded(present.url) as storage:
        captures = (
            storage.query("SELECT COUNT(*) AS captures, SUM(parsed_count) AS lines FROM core_captures").first or {}
        )
        bytes_there = (
            storage.query("SELECT pg_database_size(current_database())").scalar
            if storage.dialect.name == "postgres"
            else storage.query("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").scalar
        )
    lines = {name: int(value) for name, value in captures.items()}
    megabytes = round(int(bytes_there) / 1e6)
    return {"database": present.place.name, "years": years, **lines, "megabytes": megabytes, "pace_ms": pace()}


def show(report: Report, sizes: Rows, measures: Rows) -> None:
    names: Columns = {
        "database": "database",
        "years": "years",
        "captures": "captures",
        "lines": "lines",
        "MB": "megabytes",
        "a fixed piece of work, ms": "pace_ms",
    }
    report.table("sizes", sizes, names, heading="The history")
    compared = side_by_side(measures)
    years = sorted({each["years"] for each in measures})
    columns: Columns = {
        "database": "database",
        "measure": lambda row: _MEASURES[row["measure"]],
        "": "kind",
        "rows": "rows",
        **{f"{year} y min": f"min_{year}" for year in years},
        **{f"{year} y median": f"median_{year}" for year in years},
        "last/first by min": "ratio",
        "by median": "median_ratio",
    }
    report.table("growth", compared, columns, heading="Milliseconds with so many years present")
    steps: Rows = [
        {"database": each["database"], "years": each["years"], **each["steps_ms"]}
        for each in measures
        if "steps_ms" in each
    ]
    names = {name: name for name in steps[0]}
    report.table("steps", steps, names, heading="Steps of the weekly refresh, tiers added up, milliseconds")
    report.results["measures"] = measures


def side_by_side(measures: Rows) -> Rows:
    """One row for each measure, all years in it."""
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    for each in measures:
        key = (each["database"], each["measure"], each["kind"])
        row = merged.setdefault(key, {name: each.get(name, "") for name in ("database", "measure", "kind", "rows")})
        row |= {f"min_{each['years']}": each["min_ms"], f"median_{each['years']}": each["median_ms"]}
    first, last = (pick(each["years"] for each in measures) for pick in (min, max))
    for row in merged.values():
        row["ratio"] = round(row[f"min_{last}"] / row[f"min_{first}"], 2)
        row["median_ratio"] = round(row[f"median_{last}"] / row[f"median_{first}"], 2)
    return list(merged.values())


def draw(axes: Any, measures: Rows) -> None:
    """Warm times as multiples of those of the shortest history."""
    years = sorted({each["years"] for each in measures})
    for name, label in _MEASURES.items():
        times = {
            each["years"]: each["min_ms"] for each in measures if (each["measure"], each["kind"]) == (name, "warm")
        }
        axes.plot(years, [times[year] / times[years[0]] for year in years], marker="o", label=label)
    legend_below(axes)
    axes.axhspan(0.8, 1.2, color="0.92", zorder=0)
    axes.set(xlabel="years present", ylabel="time, first = 1", xticks=years, ylim=(0, None))


if __name__ == "__main__":
    main()
