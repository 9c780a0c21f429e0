"""FINRA's two formats: how fast a page becomes Arrow text columns, and how fast a large week comes through the client.

    .venv/bin/python -m benchmarks.bench_finra_pages [--symbols 6000] [--pulls 3]

The simulator runs in a process of its own on the same machine, so a pull measures both sides.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from spine.core.tiers import Tier
from spine.finra.answers import Answer
from spine.finra.api_source import FIELDS
from spine.finra.client import FinraClient
from spine.finra.limits import RateLimit
from spine.finra.pages import WireFormat, read_page
from spine.finra.query import Query, equal
from spine.finra.redaction import Redactor
from spine.finra.tuning import Tuning

RESULTS = Path(__file__).parent / "results" / "finra_pages.json"
NOW = dt.datetime(2026, 5, 15, 18, tzinfo=dt.UTC)
WEEK = (equal("weekStartDate", "2026-04-06"), equal("tierIdentifier", "T2"))
UNLIMITED = RateLimit(per_minute=10**6, burst=10**5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=6000)
    parser.add_argument("--pulls", type=int, default=3)
    args = parser.parse_args()
    with simulator(args.symbols) as url:
        results = {
            "machine": f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}",
            "one page": [one_page(url, wire) for wire in WireFormat],
            "whole week": [pull(url, way, n, args.pulls) for way in ("text", "json") for n in (1, 4)],
        }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(RESULTS.read_text())


@contextmanager
def simulator(symbols: int) -> Iterator[str]:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, symbols), daemon=True)
    process.start()
    yield ours.recv()
    ours.send("end")
    process.join()


def serve(ours: Connection, symbols: int) -> None:
    from spine.finra.simulator import running_simulator
    from spine.finra.synthetic import SyntheticMarket

    market = SyntheticMarket(symbols=dict.fromkeys(Tier, symbols))
    with running_simulator(market=market, weeks=8, now=NOW) as running:
        ours.send(running.url)
        ours.recv()


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
    return min(_timed(work) for _ in range(times))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
