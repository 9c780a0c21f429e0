"""Finding migrations in an include folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.core.errors import ConfigurationError
from spine.storage.migrations import find_migrations
from tests.support.paths import ROOT


def folder_with(tmp_path: Path, *names: str) -> Path:
    (tmp_path / "migrations").mkdir()
    for name in names:
        (tmp_path / "migrations" / name).touch()
    return tmp_path


def test_files_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "0010_c.sql", "0002_b.sql", "0001_a.sql", "0002_b.db2.sql", "README.md")
    assert [migration.migration_id for migration in find_migrations(folder)] == ["0001_a", "0002_b", "0010_c"]


def test_two_files_with_one_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="two migrations share the number 0002"):
        find_migrations(folder_with(tmp_path, "0001_a.sql", "0002_b.sql", "0002_c.sql"))


@pytest.mark.parametrize("name", ["3_c.sql", "0003-c.sql", "c.sql", "0003.sql", "00003_c.sql"])
def test_a_misnamed_file_is_not_passed_over(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="is misnamed; expected a name like 0003_what"):
        find_migrations(folder_with(tmp_path, "0001_a.sql", name))


def test_a_missing_or_empty_folder_points_to_the_setting(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", folder_with(tmp_path)):
        with pytest.raises(ConfigurationError, match=r"check \[spine\] include_dir"):
            find_migrations(folder)


def test_the_repository_s_own_migrations_are_in_order() -> None:
    assert find_migrations(ROOT / "include" / "sql")[0].migration_id == "0001_core"
