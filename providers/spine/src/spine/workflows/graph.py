"""Which step runs after which. Pure; the in-process runner and the Airflow DAG are both built from it.

    a step                                      runs after
    ------------------------------------------  ----------------------------------------------------------
    the first of the list                       nothing
    with ``depends_on``                         exactly the steps named there (none for an empty list)
    behind a choice, not named by it            nothing reaches it: a problem, unless it has ``depends_on``
    any other                                   the step before it in the list
    a target of a choice                        that choice, besides the above
    the one behind a choice's last target       the choice too, when that has no ``else_step`` and the step no
                                                ``depends_on``: there it goes on when nothing held

    when all it runs after has ended            it
    ------------------------------------------  ----------------------------------------------------------
    any failed, or could not run                cannot run (``upstream_failed``)
    all were skipped                            is skipped
    else                                        runs; a step that failed and was continued counts as success

A choice skips its other target, except where the chosen one leads there: then that is a join, as ``notify`` behind
``rolling`` in the reference workflow (choice ``should_compute_rolling``: then ``rolling``, else ``notify``).
Two exclusive branches therefore need ``depends_on: [<the choice>]`` on the second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from spine.workflows.model import Choice, Step, StepType


class StepState(StrEnum):
    """How a step of a run ended; Airflow's words."""

    SUCCESS = "success"
    FAILED = "failed"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Graph:
    """The edges of a workflow, by step name. Names that do not exist are left out."""

    steps: tuple[Step, ...]
    upstream: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, tuple[str, ...]]
    """For each choice: every step it may lead to."""
    ways: Mapping[str, tuple[str | None, ...]]
    """For each choice: where each of its cases leads, and last where it goes when none holds (None: nowhere)."""
    _downstream: Mapping[str, tuple[str, ...]]

    def downstream(self, name: str) -> tuple[str, ...]:
        """Direct successors, in the order of the file."""
        return self._downstream[name]

    def descendants(self, name: str) -> set[str]:
        """Every step that ``name`` leads to, without itself (unless it is on a cycle)."""
        found: set[str] = set()
        open_ends = [name]
        while open_ends:
            fresh = [step for step in self.downstream(open_ends.pop()) if step not in found]
            found.update(fresh)
            open_ends.extend(fresh)
        return found

    def ancestors(self, name: str) -> tuple[str, ...]:
        """Every step that leads here, in the order of the file: those whose outputs this one may read."""
        found: set[str] = set()
        open_ends = [name]
        while open_ends:
            fresh = [before for before in self.upstream[open_ends.pop()] if before not in found]
            found.update(fresh)
            open_ends.extend(fresh)
        return tuple(step.name for step in self.steps if step.name in found)

    def order(self) -> tuple[str, ...]:
        """Every step after those it waits for; the order of the file otherwise. Steps on a cycle are missing."""
        done: dict[str, None] = {}
        while ready := next(self._ready(done), None):
            done[ready] = None
        return tuple(done)

    def cycle(self) -> tuple[str, ...]:
        """A cycle as ``a, b, a``, or nothing."""
        ordered = self.order()
        stuck = [step.name for step in self.steps if step.name not in ordered]
        if not stuck:
            return ()
        trail = [stuck[0]]
        while trail[-1] not in trail[:-1]:  # every stuck step waits for a stuck one, so this walk must close
            trail.append(next(name for name in self.upstream[trail[-1]] if name in stuck))
        return tuple(reversed(trail[trail.index(trail[-1]) :]))

    def joins(self, name: str) -> bool:
        """Whether more than one step leads here."""
        return len(self.upstream[name]) > 1

    def way(self, choice: str, case: int) -> str | None:
        """Where a choice goes by its n-th case (from 0; the number of cases: none held); None: nowhere."""
        return self.ways[choice][case]

    def skipped_by(self, choice: str, taken: str | None) -> frozenset[str]:
        """The steps a choice skips when it goes to ``taken`` (None: nowhere)."""
        kept = {taken, *self.descendants(taken)} if taken else set()
        return frozenset(name for name in self.downstream(choice) if name not in kept)

    def _ready(self, done: Mapping[str, None]) -> Iterator[str]:
        for step in self.steps:
            if step.name not in done and all(name in done for name in self.upstream[step.name]):
                yield step.name


def build_graph(steps: Iterable[Step]) -> Graph:
    """The graph of steps with unique names. Never raises: ``checks`` tells what is wrong with it."""
    listed = tuple(steps)
    names = [step.name for step in listed]
    ways = {step.name: _ways(step.action, listed) for step in listed if isinstance(step.action, Choice)}
    targets = {choice: tuple(dict.fromkeys(way for way in leads_to if way)) for choice, leads_to in ways.items()}
    upstream = {}
    for index, step in enumerate(listed):
        leading_here = [choice for choice, leads_to in targets.items() if step.name in leads_to]
        before = {name for name in (*_by_order(index, listed), *leading_here) if name in names}
        upstream[step.name] = tuple(name for name in names if name in before)
    downstream: dict[str, list[str]] = {name: [] for name in names}
    for name, waits_for in upstream.items():
        for each in waits_for:
            downstream[each].append(name)
    return Graph(listed, upstream, targets, ways, {name: tuple(behind) for name, behind in downstream.items()})


def ready_state(upstream: Iterable[StepState]) -> StepState | None:
    """What becomes of a step whose upstream ended so (second half of the table); None: it runs."""
    states = list(upstream)
    if StepState.FAILED in states or StepState.UPSTREAM_FAILED in states:
        return StepState.UPSTREAM_FAILED
    if states and StepState.SUCCESS not in states:
        return StepState.SKIPPED
    return None


def _by_order(index: int, steps: tuple[Step, ...]) -> tuple[str, ...]:
    step = steps[index]
    if step.depends_on is not None:
        return step.depends_on
    before = steps[index - 1] if index else None
    return (before.name,) if before and before.type is not StepType.CHOICE else ()


def _ways(choice: Choice, steps: tuple[Step, ...]) -> tuple[str | None, ...]:
    names = [step.name for step in steps]
    leads_to = [case.then if case.then in names else None for case in choice.cases]
    if choice.else_step is not None:
        return (*leads_to, choice.else_step if choice.else_step in names else None)
    last = max((names.index(name) for name in leads_to if name), default=None)
    return (*leads_to, _behind(last, steps))


def _behind(index: int | None, steps: tuple[Step, ...]) -> str | None:
    if index is None or index + 1 == len(steps) or steps[index + 1].depends_on is not None:
        return None
    return steps[index + 1].name
