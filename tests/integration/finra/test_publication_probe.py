"""What the publication sensor asks by default: FINRA, through an Airflow connection."""

from __future__ import annotations

import json

import pytest

from spine.core.tiers import Tier
from spine.core.weeks import newest_published
from spine.finra.simulator import Simulator
from spine.triggers.publication import finra_weeks
from tests.support.finra import NOW

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("tier", list(Tier))
def test_finra_has_the_weeks_that_are_published(
    tier: Tier, plain_simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {"conn_type": "finra", "host": plain_simulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_FINRA_SIMULATED", json.dumps(connection))
    assert max(finra_weeks("finra_simulated", tier)) == newest_published(tier, NOW)
