"""The content that tests deploy: this checkout's include folder."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.support.paths import ROOT

INCLUDE = ROOT / "include"
_FOR_DERBY = Path(__file__).parent / "db2_wire" / "include"


def include_for(dialect: str, folder: Path) -> Path:
    """The include folder for a database; for what stands in for Db2 a copy, made below ``folder``.

    A real Db2 gets the SQL that everyone gets. Apache Derby has no window functions, so that the copy has variants.
    """
    if dialect != "db2":
        return INCLUDE
    target = folder / "include"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=folder) as building:
            made = Path(shutil.copytree(INCLUDE, Path(building) / "include"))
            _say_otherwise(made)
            with suppress(OSError):  # another process was faster
                made.rename(target)
    return target


def holding_nothing(folder: Path) -> Path:
    """The content in ``folder``, where gates warn of what they would hold: for histories of several markets that do not
    belong together."""
    shutil.copytree(INCLUDE, folder, dirs_exist_ok=True)
    warn_instead_of_holding(folder / "expectations")
    return folder


def warn_instead_of_holding(suites: Path) -> None:
    for suite in suites.glob("*.yaml"):
        suite.write_text(suite.read_text().replace("outcome: hold", "outcome: warn"))


def _say_otherwise(include: Path) -> None:
    for variant in _FOR_DERBY.rglob("*.db2.sql"):
        name = include / variant.relative_to(_FOR_DERBY)
        assert name.with_suffix("").with_suffix(".sql").exists(), f"{variant} is a variant of nothing"
        shutil.copy(variant, name)
