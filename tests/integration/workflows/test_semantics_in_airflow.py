"""Whatever the shape of a workflow, Airflow ends every step, and the run, as the reference interpreter says."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from spine.documents.problems import DocumentError
from tests.support.any_workflow import documents, expected
from tests.support.dag_runs import DagRunEnd, DagsFolder

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("airflow_env"),
    # Airflow's in-process API server imports starlette's test client.
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]

_NUMBERS = count()


def run(folder: DagsFolder, document: dict[str, Any], conf: dict[str, Any]) -> DagRunEnd:
    for old in (folder.path / "workflows").glob("*.yaml"):
        old.unlink()
    name = f"drawn{next(_NUMBERS)}"
    return folder.run(yaml.safe_dump({**document, "name": name}, sort_keys=False), conf, name)


def step_states(ended: DagRunEnd, document: dict[str, Any]) -> dict[str, str]:
    """By step: a map's state is that of its result, and one that could not be had is a failure of the map."""
    states = {}
    for step in document["steps"]:
        if step["type"] != "map":
            states[step["name"]] = ended.tasks[step["name"]]
            continue
        begun, result = ended.tasks[f"{step['name']}.items"], ended.tasks[f"{step['name']}.result"]
        states[step["name"]] = "failed" if begun == "success" and result == "upstream_failed" else result
    return states


# Shrinking would take longer than looking: a failing workflow is small already.
@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(document=documents(most_steps=6), yes=st.booleans())
def test_every_step_ends_as_the_interpreter_says(document: dict[str, Any], yes: bool, dags_folder: DagsFolder) -> None:
    try:
        ended = run(dags_folder, document, {"yes": yes})
    except DocumentError:
        assume(False)
    states = {name: state for name, state in expected(document, yes=yes).items() if "." not in name}
    assert step_states(ended, document) == states, yaml.safe_dump(document, sort_keys=False)
    assert ended.state == ("failed" if "failed" in states.values() else "success")
    for state in sorted(set(states.values())):
        event(state)
