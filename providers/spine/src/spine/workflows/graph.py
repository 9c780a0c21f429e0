"""Which step runs after which. Pure; the in-process runner and the Airflow DAG are both built from it.

    a step                                      runs after
    ------------------------------------------  ----------------------------------------------------------
    the first of the list                       nothing
    with ``depends_on``                         exactly the steps named there (none for an empty list)
    behind a choice, not named by it            nothing reaches it: a problem, unless it has ``depends_on``
    any other                                   the step before it in the list
    ``then_step`` or ``else_step`` of a choice  that choice, besides the above
    the one behind ``then_step`` in the list    the choice too, when that has no ``else_step`` and the step no
                                                ``depends_on``: there a false condition goes on

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
from itertools import pairwise

from spine.workflows.model import Step, StepType


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
    """For each choice: where true leads, then where false leads, if anywhere."""

    def downstream(self, name: str) -> tuple[str, ...]:
        """Direct successors, in the order of the file."""
        return tuple(step.name for step in self.steps if name in self.upstream[step.name])

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
        return tuple(step.name for step in self.steps if name in self.descendants(step.name))

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

    def way(self, choice: str, condition: bool) -> str | None:
        """Where a choice goes; None when false leads nowhere."""
        return next(iter(self.targets[choice][0 if condition else 1 :]), None)

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
    choices = [step for step in listed if step.type is StepType.CHOICE]
    targets = {step.name: tuple(name for name in _targets(step, listed) if name in names) for step in choices}
    upstream = {}
    for index, step in enumerate(listed):
        leading_here = [choice for choice, leads_to in targets.items() if step.name in leads_to]
        waits_for = {name for name in (*_by_order(index, listed), *leading_here) if name in names}
        upstream[step.name] = tuple(name for name in names if name in waits_for)
    return Graph(listed, upstream, targets)


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


def _targets(choice: Step, steps: tuple[Step, ...]) -> tuple[str, ...]:
    named = [name for name in (choice.then_step, choice.else_step) if name]
    if choice.else_step is None:
        named += _behind(choice.then_step, steps)
    return tuple(named)


def _behind(name: str | None, steps: tuple[Step, ...]) -> list[str]:
    for step, following in pairwise(steps):
        if step.name == name and following.depends_on is None:
            return [following.name]
    return []
