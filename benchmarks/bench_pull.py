"""A large week from the API through FinraWeeklySource.read(), against httpx fetching the same pages and keeping nothing.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_pull --rows 170000 --repeat 3

Ours: pages of 5,000 rows, four in flight, read into columns, counted, checked for repeats, spooled and digested. The floor: an
async loop over the same requests, four in flight, that throws the answers away; and one after the other, for comparison. In
turn, the minimum of the repeats counts; FINRA's request limit is lifted for both. The simulator is a process of its own, and
so is the pull whose memory is measured: its peak above the bare interpreter, reading all rows afterwards included.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
NOW = dt.datetime(2026, 5, 15, 18, tzinfo=dt.UTC)
WEEK_ENDING = dt.date(2026, 4, 10)
IN_FLIGHT = 4
PAGE_ROWS = 5000
_ROWS_PER_SYMBOL = 22.4  # of the synthetic market's first tier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[85_000, 170_000, 340_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", metavar="URL", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(memory_of_a_pull(args.child)))
        return
    results = []
    for rows in args.rows:
        with simulator(rows) as url:
            results.append(measure(url, args.repeat))
            print(json.dumps(results[-1]))
    save(results)


@contextmanager
def simulator(rows: int) -> Iterator[str]:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, rows), daemon=True)
    process.start()
    yield ours.recv()
    ours.send("end")
    process.join()


def serve(ours: Connection, rows: int) -> None:
    from spine.core.tiers import Tier
    from spine.finra.simulator import running_simulator
    from spine.finra.synthetic import SyntheticMarket

    market = SyntheticMarket(symbols={Tier.T1: round(rows / _ROWS_PER_SYMBOL)})
    with running_simulator(market=market, weeks=8, now=NOW) as running:
        ours.send(running.url)
        ours.recv()


def measure(url: str, repeat: int) -> dict[str, Any]:
    """The first pull is not timed: in it the simulator makes the week."""
    rows, received = pull(url, rows_too=True)
    times: dict[str, list[float]] = {"ours": [], "floor": [], "one by one": []}
    for _ in range(repeat):
        times["ours"].append(_timed(lambda: pull(url)))
        times["floor"].append(_timed(lambda: asyncio.run(throw_away(url, rows, IN_FLIGHT))))
        times["one by one"].append(_timed(lambda: asyncio.run(throw_away(url, rows, 1))))
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
        **json.loads(_run([sys.executable, "-m", "benchmarks.bench_pull", "--child", url])),
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
    """In a process of its own: what the imports alone take, and the peak, in megabytes above the bare interpreter."""
    interpreter = _memory("VmRSS")
    import httpx  # noqa: F401
    import pyarrow.compute  # noqa: F401

    import spine.finra.client
    import spine.sources.batches  # noqa: F401

    imported = _memory("VmRSS")
    pull(url, rows_too=True)
    peak = _memory("VmHWM")
    return {
        "imports_megabytes": round((imported - interpreter) / 1e3),
        "peak_megabytes": round((peak - interpreter) / 1e3),
    }


def save(results: list[dict[str, Any]]) -> None:
    """Results as data and as a table."""
    machine = {
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    (RESULTS / "pull.json").write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    lines = [
        "# A week from the API",
        "",
        f"{machine['when']}, {machine['cpus']} CPUs {machine['machine']}, Python {machine['python']}. "
        "What is measured: `benchmarks/bench_pull.py`.",
        "",
        "| rows | pages | MB | seconds | async httpx | ratio | async httpx, one by one | rows/s "
        "| peak MB above interpreter | of it imports |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each['rows']:,} | {each['pages']} | {each['megabytes']} | {each['seconds']} | {each['floor_seconds']} "
        f"| {each['ratio']} | {each['floor_one_by_one_seconds']} | {each['rows_per_second']:,} "
        f"| {each['peak_megabytes']} | {each['imports_megabytes']} |"
        for each in results
    ]
    (RESULTS / "pull.md").write_text("\n".join(lines) + "\n")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _memory(key: str) -> int:
    """Kilobytes, from the kernel."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(f"{key}:")))


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    main()
