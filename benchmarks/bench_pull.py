"""A large week from the API through FinraWeeklySource.read(), against httpx fetching the same pages and keeping nothing.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_pull --rows 170000 --repeat 3

Ours: pages of 5,000 rows, four in flight, read into columns, counted, checked for repeats, spooled and digested. The floor: an
async loop over the same requests, four in flight, that throws the answers away; and one after the other, for comparison. In
turn, the minimum of the repeats counts; FINRA's request limit is lifted for both. The simulator is a process of its own, and
so is the pull whose memory is measured: its peak above the bare interpreter, reading all rows afterwards included.
"""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks import child
from benchmarks.command_line import Sizes
from benchmarks.machine import memory, timed
from benchmarks.progress import Progress
from benchmarks.report import Report, grouped_bars
from benchmarks.simulator import NOW, simulated
from benchmarks.week_files import WEEK_ENDING, market_of

IN_FLIGHT = 4
PAGE_ROWS = 5000
_COLUMNS = {
    "rows": "rows",
    "pages": "pages",
    "MB": "megabytes",
    "seconds": "seconds",
    "async httpx": "floor_seconds",
    "ratio": "ratio",
    "async httpx, one by one": "floor_one_by_one_seconds",
    "rows/s": "rows_per_second",
    "peak MB above interpreter": "peak_megabytes",
    "of it imports": "imports_megabytes",
}


def main() -> None:
    sizes = Sizes(__doc__)
    sizes.add("rows", full=[85_000, 170_000, 340_000], quick=[10_000], help="rows of the week")
    sizes.add("repeat", full=3, quick=1)
    args = sizes.parse()
    report, progress, results = Report("pull", "A week from the API"), Progress(sum(args.rows)), []
    for rows in args.rows:
        with simulated(market_of(rows)) as url:
            results.append(measure(url, args.repeat))
        progress.advance(rows, f"{results[-1]['rows']:,} rows: {results[-1]['ratio']} times the floor")
    report.table("results", results, _COLUMNS)
    if args.save:
        report.save(lambda axes: draw(axes, results))


def measure(url: str, repeat: int) -> dict[str, Any]:
    """The first pull is not timed: in it the simulator makes the week."""
    rows, received = pull(url, rows_too=True)
    times: dict[str, list[float]] = {"ours": [], "floor": [], "one by one": []}
    for _ in range(repeat):
        times["ours"].append(timed(lambda: pull(url)))
        times["floor"].append(timed(lambda: asyncio.run(throw_away(url, rows, IN_FLIGHT))))
        times["one by one"].append(timed(lambda: asyncio.run(throw_away(url, rows, 1))))
    ours, floor, single = (min(each) for each in times.values())
    return {
        "rows": rows,
        "pages": -(-rows // PAGE_ROWS),
        "megabytes": round(received / 1e6, 1),
        "seconds": round(ours, 3),
        "floor_seconds": round(floor, 3),
        "floor_one_by_one_seconds": round(single, 3),
        "ratio": round(ours / floor, 2),
        "rows_per_second": round(rows / ours),
        **child.run("benchmarks.bench_pull:memory_of_a_pull", url),
    }


def pull(url: str, *, rows_too: bool = False) -> tuple[int, int]:
    """Rows handed on, and bytes received.

    :param rows_too: take every row, batch by batch, as a capture would.
    """
    from spine.core.tiers import Tier
    from spine.finra.api_source import FinraWeeklySource
    from spine.finra.client import FinraClient
    from spine.finra.limits import RateLimit
    from spine.finra.tuning import Tuning

    unlimited = RateLimit(per_minute=10**6, burst=10**5)
    tuning = Tuning(page_rows=PAGE_ROWS, concurrency=IN_FLIGHT, sync_limit=unlimited, timeout=300)
    with FinraClient(url, tuning=tuning) as client:
        source = FinraWeeklySource(client, Tier.T1, WEEK_ENDING, now=lambda: NOW)
        with source.read() as reading:
            rows = sum(batch.rows.num_rows for batch in reading) if rows_too else 0
            return rows, reading.bytes_read


async def throw_away(url: str, rows: int, in_flight: int) -> None:
    """The same requests, for nothing."""
    import httpx

    from spine.core.tiers import Tier
    from spine.core.weeks import monday_of
    from spine.finra.api_source import FIELDS, SORT
    from spine.finra.pages import WireFormat
    from spine.finra.query import Query, equal

    partition = (equal("weekStartDate", monday_of(WEEK_ENDING)), equal("tierIdentifier", Tier.T1))
    query = Query("weeklySummary", (*partition, equal("summaryTypeCode", "ATS_W_SMBL_FIRM")), FIELDS, SORT)
    body = {**query.body(), **WireFormat.TEXT.options(), "limit": PAGE_ROWS}
    where = f"{url}/data/group/otcMarket/name/weeklySummary"
    room = asyncio.Semaphore(in_flight)
    async with httpx.AsyncClient(timeout=300, headers={"accept": WireFormat.TEXT}) as client:

        async def fetch(offset: int) -> None:
            async with room:
                answer = await client.post(where, json={**body, "offset": offset})
                assert answer.status_code == 200

        await asyncio.gather(*(fetch(offset) for offset in range(0, rows, PAGE_ROWS)))


def memory_of_a_pull(url: str) -> dict[str, Any]:
    """In a process of its own: what the imports alone take above the bare interpreter, in megabytes."""
    interpreter = memory("VmRSS")
    import httpx  # noqa: F401
    import pyarrow.compute  # noqa: F401

    import spine.finra.client
    import spine.sources.batches  # noqa: F401

    imported = memory("VmRSS")
    pull(url, rows_too=True)
    return {"imports_megabytes": round((imported - interpreter) / 1e3)}


def draw(axes: Any, results: list[Any]) -> None:
    names = {"Spine": "seconds", "async httpx that keeps nothing": "floor_seconds"}
    labels = [f"{each['rows']:,} rows" for each in results]
    grouped_bars(axes, labels, {name: [each[key] for each in results] for name, key in names.items()}, "%.2f")
    axes.set_ylabel("seconds")


if __name__ == "__main__":
    main()
