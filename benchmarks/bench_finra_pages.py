"""FINRA's two formats: how fast a page becomes Arrow text columns, and how fast a large week comes through the client.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_finra_pages --quick

The simulator runs in a process of its own on the same machine, so a pull measures both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.command_line import Sizes
from benchmarks.machine import timed
from benchmarks.progress import Progress
from benchmarks.report import Report
from benchmarks.simulator import simulated
from spine.core.tiers import Tier
from spine.finra.answers import Answer
from spine.finra.api_source import FIELDS
from spine.finra.client import FinraClient
from spine.finra.limits import RateLimit
from spine.finra.pages import WireFormat, read_page
from spine.finra.query import Query, equal
from spine.finra.redaction import Redactor
from spine.finra.synthetic import SyntheticMarket
from spine.finra.tuning import Tuning

WEEK = (equal("weekStartDate", "2026-04-06"), equal("tierIdentifier", "T2"))
UNLIMITED = RateLimit(per_minute=10**6, burst=10**5)


def main() -> None:
    sizes = Sizes(__doc__)
    sizes.add("symbols", full=6000, quick=300, help="symbols of the week's tier, 11 rows each")
    sizes.add("pulls", full=3, quick=1)
    args = sizes.parse()
    ways = [(text, n) for text in ("text", "json") for n in (1, 4)]
    report, progress = Report("finra_pages", "FINRA's two formats"), Progress(len(ways))
    weeks = []
    with simulated(SyntheticMarket(symbols=dict.fromkeys(Tier, args.symbols))) as url:
        pages = [one_page(url, wire) for wire in WireFormat]
        for way, in_flight in ways:
            weeks.append(pull(url, way, in_flight, args.pulls))
            progress.advance(1, f"{way}, {in_flight} in flight: {weeks[-1]['rows_per_second']:,} rows/s")
    page = {"format": "format", "rows": "rows", "bytes per row": "bytes_per_row", "rows/s": "rows_per_second"}
    report.table("pages", pages, page, heading="One page of 5,000 rows into columns")
    week = {"format": "format", "in flight": "concurrency", "rows": "rows", "MB": "megabytes", "seconds": "seconds"}
    report.table("weeks", weeks, {**week, "rows/s": "rows_per_second"}, heading="A whole week through the client")
    if args.save:
        report.save()


def one_page(url: str, wire: WireFormat) -> dict[str, Any]:
    import httpx

    body = {**Query("x", WEEK, FIELDS).body(), **wire.options(), "limit": 5000}
    said = httpx.post(
        f"{url}/data/group/otcMarket/name/weeklySummary", json=body, headers={"accept": wire}, timeout=120
    )
    answer = Answer(said.status_code, said.headers, said.content, url)
    seconds = best(lambda: read_page(answer, FIELDS, Redactor()), 20)
    rows = len(read_page(answer, FIELDS, Redactor()))
    return {
        "format": str(wire),
        "rows": rows,
        "bytes_per_row": round(len(answer.body) / rows),
        "rows_per_second": round(rows / seconds),
    }


def pull(url: str, rows_as: Any, concurrency: int, times: int) -> dict[str, Any]:
    tuning = Tuning(rows_as=rows_as, concurrency=concurrency, sync_limit=UNLIMITED, timeout=300)
    with FinraClient(url, tuning=tuning) as client:
        query = Query("weeklySummary", WEEK, FIELDS)

        def once() -> None:
            with client.pull(query, unique=True) as spool:
                sizes.append((spool.rows, spool.bytes_received))

        sizes: list[tuple[int, int]] = []
        seconds = best(once, times)  # the first pull is the one in which the simulator makes the week
    rows, received = sizes[0]
    return {
        "format": rows_as,
        "concurrency": concurrency,
        "rows": rows,
        "megabytes": round(received / 1e6, 1),
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
    }


def best(work: Callable[[], object], times: int) -> float:
    work()
    return min(timed(work) for _ in range(times))


if __name__ == "__main__":
    main()
