"""Nothing outside the file root is opened, and what cannot be opened is named with a way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spine.core.errors import ConfigurationError, PermissionDenied, SourceError
from spine.sources.file import FileSource
from spine.sources.paths import resolve_inside
from tests.support.sources import read_file, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    inside = tmp_path / "root"
    inside.mkdir()
    write(inside / "week.psv", "a|b\n1|2\n")
    write(tmp_path / "secret.psv", "a|b\n3|4\n")
    return inside


def test_a_relative_path_starts_at_the_root(root: Path) -> None:
    assert resolve_inside("week.psv", root) == (root / "week.psv").resolve()


def test_an_absolute_path_inside_the_root_is_read(root: Path) -> None:
    assert FileSource(root / "week.psv", root=root).read().columns == ("a", "b")


@pytest.mark.parametrize("path", ["../secret.psv", "below/../../secret.psv", "/etc/passwd"])
def test_a_path_that_leaves_the_root_is_denied(root: Path, path: str) -> None:
    with pytest.raises(PermissionDenied) as denied:
        FileSource(path, root=root, format="psv").read()
    assert str(root) in denied.value.message
    assert "[spine] file_root" in denied.value.message


def test_a_folder_whose_name_starts_like_the_root_is_outside(root: Path, tmp_path: Path) -> None:
    (tmp_path / "root-two").mkdir()
    with pytest.raises(PermissionDenied):
        resolve_inside(tmp_path / "root-two" / "x.psv", root)


def test_a_symlink_that_leaves_the_root_is_denied(root: Path, tmp_path: Path) -> None:
    (root / "link.psv").symlink_to(tmp_path / "secret.psv")
    with pytest.raises(PermissionDenied):
        FileSource("link.psv", root=root).read()


def test_a_symlinked_folder_that_leaves_the_root_is_denied(root: Path, tmp_path: Path) -> None:
    (root / "up").symlink_to(tmp_path)
    with pytest.raises(PermissionDenied):
        FileSource("up/secret.psv", root=root).read()


def test_a_symlink_inside_the_root_is_followed(root: Path) -> None:
    (root / "latest.psv").symlink_to("week.psv")
    assert read_file(root / "latest.psv").values == [("1", "2")]


def test_a_root_that_is_itself_a_symlink_is_fine(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    assert FileSource("week.psv", root=tmp_path / "alias").read().columns == ("a", "b")


def test_a_loop_of_symlinks_is_an_error_of_the_source(root: Path) -> None:
    (root / "one.psv").symlink_to("two.psv")
    (root / "two.psv").symlink_to("one.psv")
    with pytest.raises(SourceError):
        FileSource("one.psv", root=root).read()


@pytest.mark.parametrize("path", ["", "  ", "a\0b.psv"])
def test_what_is_no_path_is_an_error_of_configuration(root: Path, path: str) -> None:
    with pytest.raises(ConfigurationError):
        resolve_inside(path, root)


def test_a_name_longer_than_the_system_takes_is_an_error_of_the_source(root: Path) -> None:
    with pytest.raises(SourceError):
        FileSource("x" * 5000 + ".psv", root=root).read()


def test_a_missing_root_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\[spine\] file_root"):
        resolve_inside("week.psv", tmp_path / "nowhere")


def test_a_root_that_is_a_file_is_an_error_of_configuration(root: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a folder"):
        resolve_inside("x", root / "week.psv")


def test_a_missing_file_suggests_close_names(root: Path) -> None:
    with pytest.raises(SourceError, match=r"no file 'weak\.psv'.*'week\.psv'"):
        FileSource("weak.psv", root=root).read()


def test_a_missing_file_without_close_names_says_where_paths_start(root: Path) -> None:
    with pytest.raises(SourceError, match="relative to"):
        FileSource("zzzzzzzzzzzzz.csv", root=root).read()


def test_a_missing_folder_is_said_to_be_missing(root: Path) -> None:
    with pytest.raises(SourceError, match="folder does not exist"):
        FileSource("2025/week.psv", root=root).read()


def test_a_folder_is_not_a_file(root: Path) -> None:
    (root / "folder.psv").mkdir()
    with pytest.raises(SourceError, match="is a folder; expected a regular file"):
        FileSource("folder.psv", root=root).read()


def test_a_fifo_is_refused_without_waiting_for_a_writer(root: Path) -> None:
    os.mkfifo(root / "pipe.psv")
    with pytest.raises(SourceError, match="is a FIFO"):
        FileSource("pipe.psv", root=root).read()


def test_a_device_is_refused() -> None:
    with pytest.raises(SourceError, match="is a device"):
        FileSource("zero", root=Path("/dev"), format="psv").read()


def test_a_file_that_may_not_be_read_is_denied(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests may run as root, whom no file mode stops.
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("spine.sources.paths.os.open", refuse)
    with pytest.raises(PermissionDenied, match=r"'week\.psv' cannot be read"):
        FileSource("week.psv", root=root).read()


def test_an_error_knows_the_path(root: Path) -> None:
    write(root / "empty.psv", "")
    with pytest.raises(SourceError) as failure:
        FileSource("empty.psv", root=root).read()
    assert failure.value.context["path"] == str(root / "empty.psv")
