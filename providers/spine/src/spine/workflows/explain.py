"""The language in words: one key, one step type, or all of it as the reference."""

from __future__ import annotations

from collections.abc import Iterator

from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean
from spine.documents.keys import Key, Kind, ListOf, Record
from spine.workflows.language import STEP_KINDS, WORKFLOW, StepKind, common_step_keys, step_keys


def explain(words: str = "") -> str:
    """What a step type or a key is: ``map``, ``retry``, ``map.items``; nothing: the overview.

    :raises ValidationError: neither.
    """
    if not words:
        return "\n".join(_overview())
    owner, _, name = words.rpartition(".")
    found = [*_matching_kinds(words), *_matching_keys(owner, name)]
    if not found:
        kinds = [str(kind.type) for kind in STEP_KINDS]
        keys = {key.name for key in WORKFLOW.keys} | {key.name for kind in STEP_KINDS for key in step_keys(kind.type)}
        raise ValidationError(
            f"neither a step type nor a key: {words!r}; {did_you_mean(name, [*kinds, *sorted(keys)])}"
        )
    return "\n\n".join(found)


def reference() -> str:
    """The whole language as Markdown."""
    lines = ["## A workflow", "", *_table(WORKFLOW.keys), ""]
    lines += ["## Every step", "", *_table(common_step_keys()), ""]
    for kind in STEP_KINDS:
        lines += [f"## {kind.type}", "", kind.doc, "", "```yaml", f"- {kind.example}", "```", "", *_table(kind.keys)]
        if kind.without:
            lines += ["", f"Not for this type: {', '.join(f'`{key}`' for key in sorted(kind.without))}."]
        lines.append("")
    for name, record in _records():
        lines += [f"## {name}", "", *_table(record.keys), ""]
    return "\n".join(lines).rstrip() + "\n"


def _overview() -> Iterator[str]:
    yield "A workflow:"
    yield from (_line(key) for key in WORKFLOW.keys)
    yield ""
    yield "Step types:"
    yield from (f"  {kind.type:<10} {kind.doc}" for kind in STEP_KINDS)
    yield ""
    yield "More on each: airflow spine workflows explain <type or key>, for example: explain map, explain retry"


def _matching_kinds(words: str) -> Iterator[str]:
    for kind in STEP_KINDS:
        if words == kind.type:
            yield "\n".join(_kind_lines(kind))


def _kind_lines(kind: StepKind) -> Iterator[str]:
    yield f"{kind.type} step: {kind.doc}"
    yield ""
    yield f"  - {kind.example}"
    yield ""
    yield from (_line(key) for key in step_keys(kind.type) if key.name != "type")


def _matching_keys(owner: str, name: str) -> Iterator[str]:
    """:param owner: a step type, a record, or '' for any."""
    for where, keys in _key_groups():
        for key in keys:
            if key.name == name and owner in ("", where):
                yield "\n".join(_key_lines(where, key))


def _key_groups() -> Iterator[tuple[str, tuple[Key, ...]]]:
    yield "workflow", WORKFLOW.keys
    yield "step", common_step_keys()
    yield from ((str(kind.type), kind.keys) for kind in STEP_KINDS)
    yield from ((name, record.keys) for name, record in _records())


def _key_lines(where: str, key: Key) -> Iterator[str]:
    yield f"{key.name} (of {where}): {key.doc}"
    yield f"  value: {_label(key)}"
    yield f"  {'required' if key.required else f'default: {key.default}' if key.default else 'optional'}"
    record = key.kind.record if isinstance(key.kind, ListOf) else key.kind
    if isinstance(record, Record):
        yield from (_line(inner) for inner in record.keys)


def _records() -> Iterator[tuple[str, Record]]:
    """The mappings inside keys, each once, by the key that holds them."""
    seen: set[str] = set()
    for keys in (WORKFLOW.keys, *(step_keys(kind.type) for kind in STEP_KINDS)):
        for key in keys:
            record = key.kind.record if isinstance(key.kind, ListOf) else key.kind
            if isinstance(record, Record) and key.name not in seen:
                seen.add(key.name)
                yield key.name, record


def _line(key: Key) -> str:
    mark = "*" if key.required else " "
    default = f" [{key.default}]" if key.default else ""
    return f" {mark} {key.name:<16} {key.doc}{default}"


def _table(keys: tuple[Key, ...]) -> Iterator[str]:
    yield "| key | value | default | |"
    yield "|---|---|---|---|"
    for key in keys:
        default = "**required**" if key.required else key.default
        cells = (f"`{key.name}`", _label(key), default, key.doc)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _label(key: Key) -> str:
    if isinstance(key.kind, Kind):
        return key.kind.label
    if isinstance(key.kind, ListOf):
        return f"a list; each {key.kind.record.label}" + (", or plain text" if key.kind.record.shorthand else "")
    return key.kind.label
