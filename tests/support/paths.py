"""Where things of this checkout are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROVIDER = ROOT / "providers" / "spine"
# Real FINRA files are not ours to publish, so they live beside the checkout, on the machines that have them.
FINRA_DATA = Path(os.environ.get("SPINE_FINRA_DATA", ROOT.parent / "shared" / "data" / "finra"))
