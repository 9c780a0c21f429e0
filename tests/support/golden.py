"""Outputs kept as files, compared byte for byte. ``SPINE_UPDATE_GOLDEN=1`` writes them anew; review the difference."""

from __future__ import annotations

import os

from tests.support.paths import ROOT

GOLDEN = ROOT / "tests" / "golden"


def assert_golden(name: str, text: str) -> None:
    """``text`` is what tests/golden/``name`` holds."""
    path = GOLDEN / name
    if os.environ.get("SPINE_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
