"""Pictures show every step and every way, and are well-formed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from spine.workflows.graph import build_graph
from spine.workflows.loader import load_workflow
from spine.workflows.picture import as_mermaid, as_svg
from tests.support.paths import ROOT
from tests.support.workflows import workflow_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("path", sorted((ROOT / "include/workflows").glob("*.yaml")), ids=lambda path: path.name)
def test_every_step_has_a_box_and_every_edge_a_line(path: Path) -> None:
    workflow = load_workflow(path)
    root = ElementTree.fromstring(as_svg(workflow))
    boxes = [(float(box.get("x", 0)), float(box.get("y", 0))) for box in root.iter(f"{SVG}rect")]
    assert len(set(boxes)) == len(workflow.steps)
    graph = build_graph(workflow.steps)
    lines = [line for line in root.iter(f"{SVG}path") if line.get("marker-end")]
    assert len(lines) == sum(map(len, graph.upstream.values()))


def test_what_people_write_does_not_break_the_picture(tmp_path: Path) -> None:
    workflow = workflow_of(
        tmp_path,
        """
        name: x
        steps:
          - {name: c, type: choice, condition: "1 < 2 and 'a\\"b' != '<'", then_step: d}
          - {name: d, type: notify, channel: "<&>", description: "a < b & c"}
        """,
    )
    ElementTree.fromstring(as_svg(workflow))


def test_mermaid_names_the_ways(tmp_path: Path) -> None:
    text = as_mermaid(load_workflow(ROOT / "include/workflows/finra_weekly_refresh.yaml"))
    assert 'should_compute_rolling -- "not skip_rolling" --> rolling' in text
    assert 'should_compute_rolling -- "else" --> notify' in text
