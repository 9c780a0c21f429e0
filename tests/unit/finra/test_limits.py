"""Requests keep their pace, whoever on this machine sends them."""

from __future__ import annotations

import logging
import math
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import ConfigurationError
from spine.finra.limits import (
    ASYNC_LIMIT,
    SYNC_LIMIT,
    FileMark,
    Limiter,
    Limiters,
    MemoryMark,
    RateLimit,
    machine_folder,
)


class Time:
    """Passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def sent(
    limit: RateLimit, requests: int, mark: MemoryMark | FileMark | None = None, time: Time | None = None
) -> list[float]:
    """When each of so many eager requests is sent."""
    time = time or Time()
    limiter = Limiter(limit, mark or MemoryMark(), sleep=time.sleep, clock=time)
    times = []
    for _ in range(requests):
        limiter.acquire()
        times.append(time.now)
    return times


@given(per_minute=st.integers(2, 300), burst=st.integers(1, 50))
def test_no_minute_holds_more_than_allowed(per_minute: int, burst: int) -> None:
    limit = RateLimit(per_minute, min(burst, per_minute - 1))
    times = sent(limit, per_minute * 2)
    # The (n + 1)th request after any request comes a minute later at the earliest.
    assert all(later - first >= 60 - 1e-6 for first, later in zip(times, times[per_minute:], strict=False))


def test_a_burst_goes_at_once_and_then_the_pace_is_kept() -> None:
    times = sent(RateLimit(per_minute=14, burst=4), 6)
    assert [time - times[0] for time in times] == pytest.approx([0, 0, 0, 0, 6, 12])


def test_finras_limits_are_kept_whole() -> None:
    times = sent(SYNC_LIMIT, 1201)
    assert times[1200] - times[0] >= 60 - 1e-6
    assert ASYNC_LIMIT.interval > 3


def test_rest_fills_the_bucket_again_but_not_beyond() -> None:
    time, mark = Time(), MemoryMark()
    limit = RateLimit(per_minute=14, burst=4)
    sent(limit, 10, mark, time)
    time.now += 10_000
    times = sent(limit, 5, mark, time)
    assert [each - times[0] for each in times] == pytest.approx([0, 0, 0, 0, 6])


def test_a_file_shares_the_pace_between_limiters(tmp_path: Path) -> None:
    time = Time()
    limit = RateLimit(per_minute=60, burst=1)
    first, second = (Limiter(limit, FileMark(tmp_path / "mark"), sleep=time.sleep, clock=time) for _ in range(2))
    started = time.now
    for _ in range(5):
        first.acquire()
        second.acquire()
    assert time.now - started == pytest.approx(9 * limit.interval)


@pytest.mark.parametrize(
    "content", [b"", b"x", struct.pack("<d", math.nan), struct.pack("<d", 9e99), struct.pack("<d", -1)]
)
def test_a_spoilt_file_costs_nothing_but_one_burst(tmp_path: Path, content: bytes) -> None:
    mark = tmp_path / "mark"
    mark.write_bytes(content)
    times = sent(RateLimit(per_minute=14, burst=4), 5, FileMark(mark))
    assert [time - times[0] for time in times] == pytest.approx([0, 0, 0, 0, 6])


def test_threads_do_not_share_a_moment(tmp_path: Path) -> None:
    waits: list[float] = []
    limiter = Limiter(
        RateLimit(per_minute=61, burst=1), FileMark(tmp_path / "m"), sleep=waits.append, clock=lambda: 50.0
    )
    with ThreadPoolExecutor(8) as threads:
        for _ in range(40):
            threads.submit(limiter.acquire)
    assert sorted(waits) == pytest.approx([float(number) for number in range(1, 40)])


def test_processes_do_not_share_a_moment(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from spine.finra.limits import *\n"
        "waits = []\n"
        "limiter = Limiter(RateLimit(61, 1), FileMark(Path(sys.argv[1])), sleep=waits.append, clock=lambda: 50.0)\n"
        "for _ in range(50): limiter.acquire()\n"
        "print(*waits)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "mark")], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    waits = [float(wait) for process in running for wait in process.communicate()[0].split()]
    assert sorted(waits) == pytest.approx([float(number) for number in range(1, 150)])


def test_each_key_has_a_limit_of_its_own(tmp_path: Path) -> None:
    limiters = Limiters(tmp_path / "new" / "folder")
    assert limiters.get("a", SYNC_LIMIT) is limiters.get("a", SYNC_LIMIT) is not limiters.get("b", SYNC_LIMIT)
    names = [path.name for path in (tmp_path / "new" / "folder").iterdir()]
    assert len(names) == 2
    assert not any(name == "a.mark" for name in names)


def test_where_no_folder_can_be_shared_the_process_limits_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path, target_is_directory=True)
    with caplog.at_level(logging.WARNING):
        for folder in (in_the_way, in_the_way / "below", link):
            Limiters(folder).get("a", SYNC_LIMIT).acquire()
    assert caplog.text.count("kept by this process alone") == 3
    assert not list(tmp_path.glob("*.mark"))


def test_the_machines_folder_belongs_to_one_user() -> None:
    assert machine_folder().name.startswith("spine-finra-")


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (10, 10), (10, 0)])
def test_a_limit_that_cannot_be_kept_is_refused(per_minute: int, burst: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot be kept"):
        RateLimit(per_minute, burst)


def test_a_limit_at_another_rate_keeps_its_kind() -> None:
    assert SYNC_LIMIT.at(None) is SYNC_LIMIT
    assert SYNC_LIMIT.at(600) == RateLimit(600, 20)
    assert SYNC_LIMIT.at(1) == RateLimit(1, 1)


def test_clients_of_one_process_share_the_pace_without_a_folder() -> None:
    waits: list[float] = []
    for _ in range(3):
        Limiters(sleep=waits.append).get("tests: one key for three clients", RateLimit(per_minute=2)).acquire()
    assert len(waits) == 2
