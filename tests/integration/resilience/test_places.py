"""Where something went wrong: every error that leaves a step says all that is known, and optional steps only say it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import DependencyError
from spine.core.partitions import Partition
from spine.core.tiers import Tier
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.pipelines.base import lease_key
from spine.storage.leases import lease
from spine.workflows.loader import load_workflow
from spine.workflows.model import Workflow
from spine.workflows.runner import WorkflowRun, run_workflow
from tests.support.include import INCLUDE
from tests.support.storage import open_upgraded
from tests.support.weekly import FRIDAY, Weekly, file_of, good_lines
from tests.support.workflows import write

pytestmark = pytest.mark.integration
FLOW = """
    name: small.week
    domain: finra.otc_transparency
    params: {file_path: {default: week_otc.psv}}
    steps:
      - {name: ingest, type: pipeline, pipeline: finra.otc_transparency.ingest_week}
      - {name: normalize, type: pipeline, pipeline: finra.otc_transparency.normalize_week}
      - {name: aggregate, type: pipeline, pipeline: finra.otc_transparency.aggregate_week}
      - {name: notify, type: notify, on_error: continue}
    """


@pytest.fixture
def weekly(tmp_path: Path) -> Iterator[Weekly]:
    include = tmp_path / "include"
    shutil.copytree(INCLUDE, include)
    with open_upgraded(f"sqlite:///{tmp_path / 'domain.db'}") as storage:
        weekly = Weekly(storage, tmp_path, include=include)
        weekly.write(file_of(*good_lines()))
        yield weekly


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return load_workflow(write(tmp_path / "flows", FLOW), ())


def context_of(ended: WorkflowRun) -> dict[str, Any]:
    known: dict[str, Any] = dict(ended.to_dict()["error"]["context"])
    assert (known.pop("workflow"), known.pop("run_id")) == ("small.week", ended.run_id)
    known.pop("dead_letter")
    return known


@pytest.mark.parametrize("step", ["normalize", "aggregate"])
def test_a_step_on_a_capture_names_it(weekly: Weekly, workflow: Workflow, step: str) -> None:
    assert weekly.include is not None
    for file in (weekly.include / "sql" / "finra_otc_transparency" / step).glob("*.sql"):
        file.write_text("SELECT nothing FROM nowhere")
    ended = weekly.attempt(workflow=workflow)
    place = {
        "tier": "OTCE",
        "week_ending": FRIDAY.isoformat(),
        "capture_id": ended.results["ingest"].output["capture_id"],
    }
    assert context_of(ended) == {"step": step, **place}


def test_an_ingest_names_the_week_it_found_and_the_capture_it_began(
    weekly: Weekly, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **options: Any) -> Any:
        raise KeyError("a defect")

    monkeypatch.setattr("spine.pipelines.ingest.record_stage", broken)
    known = context_of(weekly.attempt(workflow=workflow))
    assert known.pop("capture_id").startswith(f"finra.otc_transparency:OTCE:{FRIDAY}:")
    assert known.pop("at").startswith("test_places.py:")
    assert known == {"step": "ingest", "tier": "OTCE", "week_ending": FRIDAY.isoformat()}


def test_a_partition_that_is_taken_is_named(
    weekly: Weekly, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spine.pipelines.ingest.lease", partial(lease, wait=0))
    key = lease_key(Partition(OTC_TRANSPARENCY.name, Tier.OTCE, FRIDAY))
    with lease(weekly.storage, key, "another", clock=weekly.clock):
        ended = weekly.attempt(workflow=workflow)
    assert ended.to_dict()["error"]["type"] == "LeaseHeld"
    assert context_of(ended) == {"step": "ingest", "tier": "OTCE", "week_ending": FRIDAY.isoformat()}


def test_a_channel_that_is_down_lets_the_run_end_well_and_visible(weekly: Weekly, workflow: Workflow) -> None:
    class Down:
        def send(self, text: str, *, channel: str | None) -> bool:
            raise DependencyError("https://hooks.example/services/x?key=canary cannot be reached")

    ended = run_workflow(
        workflow, {}, storage=weekly.storage, settings=weekly.settings, clock=weekly.clock, notifier=Down()
    )
    assert ended.state == "success"
    receipt = ended.results["notify"].to_dict()
    assert (receipt["status"], receipt["error"]["category"]) == ("failed_continue", "DEPENDENCY")
    assert receipt["message"] == "https://hooks.example/services/x?*** cannot be reached"
    assert weekly.scalar("SELECT COUNT(*) FROM dead_letter_queue") == 0
