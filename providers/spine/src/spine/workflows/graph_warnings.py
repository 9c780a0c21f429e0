"""What is allowed in a graph and seldom meant."""

from __future__ import annotations

from collections.abc import Iterator

from spine.documents.problems import Code
from spine.workflows.graph import Graph

MAX_CHAIN = 20


def warnings_of(graph: Graph) -> Iterator[tuple[Code, str, str, str]]:
    """Code, message, the step it is about, and what to do."""
    yield from _both_ways(graph)
    yield from _dead_ends(graph)
    yield from _long_chains(graph)


def _both_ways(graph: Graph) -> Iterator[tuple[Code, str, str, str]]:
    """Targets of one choice that run after one another by the mere order of the file."""
    by_name = {step.name: step for step in graph.steps}
    for choice, targets in graph.targets.items():
        for first in targets:
            for second in targets:
                joined = second in graph.descendants(first) and by_name[second].depends_on is None
                if first != second and joined:
                    message = f"when choice '{choice}' goes to '{first}', its other way '{second}' runs too: it follows '{first}'"
                    suggestion = (
                        f"if both are meant, write depends_on: [{choice}, {first}]; else depends_on: [{choice}]"
                    )
                    yield Code.BOTH_WAYS_RUN, message, second, suggestion


def _dead_ends(graph: Graph) -> Iterator[tuple[Code, str, str, str]]:
    for choice, ways in graph.ways.items():
        if ways[-1] is None:
            yield (
                Code.LEADS_NOWHERE,
                f"choice '{choice}' leads nowhere when nothing holds",
                choice,
                "give it an else_step",
            )


def _long_chains(graph: Graph) -> Iterator[tuple[Code, str, str, str]]:
    depth: dict[str, int] = {}
    for name in graph.order():
        depth[name] = 1 + max((depth[before] for before in graph.upstream[name]), default=0)
        if depth[name] == MAX_CHAIN + 1:
            message = f"more than {MAX_CHAIN} steps one after the other lead to '{name}'"
            yield Code.LONG_CHAIN, message, name, "let a workflow step call a part of them"
