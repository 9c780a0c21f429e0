"""The table in ``graph``, row by row."""

from __future__ import annotations

from itertools import pairwise

import pytest

from spine.workflows.graph import StepState, build_graph, ready_state
from spine.workflows.loader import load_workflow
from spine.workflows.model import Case, Choice, PipelineCall, Step
from tests.support.paths import ROOT


def step(name: str, *depends_on: str, root: bool = False) -> Step:
    waits = tuple(depends_on) if depends_on or root else None
    return Step(name, PipelineCall("test.ok"), depends_on=waits)


def choice(name: str, then_step: str, else_step: str | None = None) -> Step:
    return Step(name, Choice((Case("true", then_step),), else_step))


def test_a_step_follows_the_one_before_it() -> None:
    assert build_graph([step("a"), step("b"), step("c")]).upstream == {"a": (), "b": ("a",), "c": ("b",)}


def test_depends_on_replaces_the_order_of_the_list() -> None:
    graph = build_graph([step("a"), step("b"), step("c", "a"), step("d", "b", "c"), step("e", root=True)])
    assert graph.upstream == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}
    assert [name for name in graph.upstream if graph.joins(name)] == ["d"]


def test_steps_may_be_listed_before_those_they_wait_for() -> None:
    graph = build_graph([step("a"), step("last", "c"), step("c", "a")])
    assert graph.order() == ("a", "c", "last")


def test_the_reference_workflow_joins_at_notify() -> None:
    graph = build_graph(load_workflow(ROOT / "include/workflows/finra_weekly_refresh.yaml").steps)
    assert graph.order() == (
        "ingest", "validate_ingest", "normalize", "aggregate", "validate_week", "refresh_dependents", "check_rolling",
        "should_compute_rolling", "rolling", "notify",
    )  # fmt: skip
    assert graph.upstream["rolling"] == ("should_compute_rolling",)
    assert graph.upstream["notify"] == ("should_compute_rolling", "rolling")
    assert graph.way("should_compute_rolling", 0) == "rolling"
    assert graph.way("should_compute_rolling", 1) == "notify"
    assert graph.skipped_by("should_compute_rolling", "rolling") == frozenset()
    assert graph.skipped_by("should_compute_rolling", "notify") == {"rolling"}


def test_without_else_step_false_goes_behind_then_step() -> None:
    graph = build_graph([choice("c", "a"), step("a"), step("b")])
    assert graph.way("c", 1) == "b"
    assert graph.upstream["b"] == ("c", "a")


def test_without_else_step_and_a_step_behind_false_leads_nowhere() -> None:
    graph = build_graph([choice("c", "a"), step("a"), step("b", "a")])
    assert graph.way("c", 1) is None
    assert graph.skipped_by("c", None) == {"a"}
    assert graph.upstream["b"] == ("a",)


def test_exclusive_branches_say_so_with_depends_on() -> None:
    graph = build_graph([choice("c", "a", "b"), step("a"), step("b", "c"), step("d", "a", "b")])
    assert graph.upstream == {"c": (), "a": ("c",), "b": ("c",), "d": ("a", "b")}
    assert graph.skipped_by("c", "a") == {"b"}


def test_a_cycle_is_told_as_a_walk() -> None:
    graph = build_graph([step("a", "c"), step("b", "a"), step("c", "b"), step("d", root=True), step("e", "c")])
    assert graph.order() == ("d",)
    cycle = graph.cycle()
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    assert all(before in graph.upstream[after] for before, after in pairwise(cycle))


S, F, U, K = StepState.SUCCESS, StepState.FAILED, StepState.UPSTREAM_FAILED, StepState.SKIPPED


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ([], None),
        ([S], None),
        ([F], U),
        ([U], U),
        ([K], K),
        ([S, K], None),
        ([K, K], K),
        ([S, F], U),
        ([K, F], U),
        ([S, U], U),
    ],
)
def test_what_becomes_of_a_step(upstream: list[StepState], expected: StepState | None) -> None:
    assert ready_state(upstream) is expected
