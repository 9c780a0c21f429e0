"""A file or folder is there whole or not at all, and nothing is replaced unasked."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from spine.core.errors import ConfigurationError, PermissionDenied, ResourceError, ValidationError
from spine.exports.export import Request, export
from tests.support.processes import worker
from tests.support.weekly import Weekly

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 8, 4, tzinfo=dt.UTC)


def write(market: Weekly, target: Path, *, force: bool = False, folders: bool = False) -> int:
    partition_by = ("tier",) if folders else ()
    return export(market.storage, Request("raw", target, partition_by=partition_by, force=force), now=NOW).rows


def test_what_is_there_stays_unless_it_may_be_replaced(market: Weekly, tmp_path: Path) -> None:
    target = tmp_path / "raw.parquet"
    target.write_text("mine")
    with pytest.raises(ValidationError, match="exists; --force replaces it"):
        write(market, target)
    assert target.read_text() == "mine"
    write(market, target, force=True)
    assert pq.read_metadata(target).num_rows > 0
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_may_be_read_by_those_who_may_read_others(market: Weekly, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write(market, tmp_path / "raw.parquet")
    assert (tmp_path / "raw.parquet").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_only_a_folder_of_an_export_is_replaced(market: Weekly, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "raw"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    for force in (False, True):
        with pytest.raises(ValidationError, match="remove it yourself" if force else "--force"):
            write(market, mine, force=force, folders=True)
    rows = write(market, theirs, folders=True)
    (theirs / "tier=T1").mkdir()
    assert write(market, theirs, folders=True, force=True) == rows
    assert sorted(each.name for each in theirs.iterdir()) == ["_spine_export.json", "tier=OTCE", "tier=T2"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine", "raw"]


@pytest.mark.parametrize("folders", [True, False])
def test_a_file_is_no_folder(market: Weekly, tmp_path: Path, folders: bool) -> None:
    target = tmp_path / "target"
    target.touch() if folders else target.mkdir()
    with pytest.raises(ValidationError, match="expected a " + ("folder" if folders else "file")):
        write(market, target, force=True, folders=folders)


def test_a_folder_that_is_not_there(market: Weekly, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=f"no folder {tmp_path / 'none'}; make it"):
        write(market, tmp_path / "none" / "raw.parquet")


def test_a_folder_that_may_not_be_written(market: Weekly, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    folder = tmp_path if os.geteuid() else Path("/sys")  # where not even root may
    with pytest.raises(PermissionDenied, match=r"raw\.parquet cannot be written: .*choose another folder"):
        write(market, folder / "raw.parquet")


def test_a_name_that_no_file_may_have(market: Weekly, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written: File name too long"):
        write(market, tmp_path / ("x" * 300))


def test_a_full_device_is_told_as_such(market: Weekly) -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(ResourceError, match="No space left on device"),
    ):
        export(market.storage, Request("raw", full), now=NOW)


@pytest.mark.parametrize("name", ["raw.parquet", "raw.csv"])
def test_a_full_disk_leaves_nothing_behind(storage_url: str, tmp_path: Path, name: str) -> None:
    with worker("export_on_a_small_disk", storage_url, str(tmp_path / name)) as exporting:
        assert exporting.says() == "ready"
        exporting.go()
        code, said = exporting.result()
    assert (code, said.startswith("[RESOURCE]"), "cannot be written: File too large" in said) == (0, True, True), said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.chaos
@pytest.mark.parametrize("name", ["raw.parquet", "raw.csv"])
def test_a_killed_export_leaves_nothing_that_looks_whole(storage_url: str, tmp_path: Path, name: str) -> None:
    with worker("export_and_stay", storage_url, str(tmp_path / name)) as exporting:
        assert exporting.says() == "ready"
        exporting.go()
        assert exporting.says() == "writing"
        exporting.process.kill()
        exporting.process.wait()
    [left] = tmp_path.iterdir()
    assert left.name.startswith(f".{name}.") and left.name.endswith(".part")


@pytest.fixture(scope="module")
def storage_url(market: Weekly) -> str:
    return f"sqlite:///{market.storage.path}"  # type: ignore[attr-defined]


def test_an_interrupted_export_cleans_up(market: Weekly, tmp_path: Path) -> None:
    def told(*_: object) -> None:
        raise KeyboardInterrupt

    for target, folders in ((tmp_path / "raw.parquet", ()), (tmp_path / "raw", ("tier",))):
        with pytest.raises(KeyboardInterrupt):
            export(market.storage, Request("raw", target, partition_by=folders), now=NOW, told=told)
    assert list(tmp_path.iterdir()) == []
