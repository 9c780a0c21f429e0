"""What two versions of a workflow do differently: by meaning, so that comments, order of keys and quoting do not count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from spine.workflows.graph import build_graph
from spine.workflows.model import Step, Workflow

_NOT_MEANT = {"path", "source", "flat", "steps"}


def differences(old: Workflow, new: Workflow) -> list[str]:
    """A line for each difference; none when both do the same."""
    return [
        *_of_values("", _plain(old), _plain(new)),
        *_of_steps(old.steps, new.steps, "steps"),
    ]


def _of_steps(old: tuple[Step, ...], new: tuple[Step, ...], where: str) -> Iterator[str]:
    before, after = {step.name: step for step in old}, {step.name: step for step in new}
    yield from (f"- {where}.{name} (a {before[name].type} step)" for name in before if name not in after)
    yield from (f"+ {where}.{name} (a {after[name].type} step)" for name in after if name not in before)
    upstream_before, upstream_after = build_graph(old).upstream, build_graph(new).upstream
    for name in (name for name in before if name in after):
        place = f"{where}.{name}"
        yield from _of_values(place, _plain_step(before[name]), _plain_step(after[name]))
        if upstream_before[name] != upstream_after[name]:
            yield f"~ {place} runs after: {_listed(upstream_before[name])} -> {_listed(upstream_after[name])}"
        yield from _of_steps(_inner(before[name]), _inner(after[name]), place)


def _inner(step: Step) -> tuple[Step, ...]:
    return getattr(step.action, "steps", ())


def _plain_step(step: Step) -> dict[str, Any]:
    """``depends_on`` is told by what the step runs after."""
    values = _plain(step)
    values.pop("depends_on")
    action = values.pop("action")
    return {"type": str(step.type), **values, **action}


def _of_values(where: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{where}.{key}" if where else str(key)
            if key not in new:
                yield f"- {place}: {old[key]!r}"
            elif key not in old:
                yield f"+ {place}: {new[key]!r}"
            else:
                yield from _of_values(place, old[key], new[key])
    elif old != new:
        yield f"~ {where}: {old!r} -> {new!r}"


def _plain(value: Any) -> Any:
    """Dataclasses as mappings, named things by their names."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.name not in _NOT_MEANT}
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        named = [item["name"] for item in items if isinstance(item, dict) and "name" in item]
        return dict(zip(named, items, strict=True)) if items and len(named) == len(items) else items
    return value


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
