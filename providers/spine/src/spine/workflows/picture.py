"""A workflow as a picture: Mermaid for documents that render it, SVG for everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from spine.workflows.graph import Graph, build_graph
from spine.workflows.model import Choice, Map, Step, StepType, Workflow

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 180, 44, 84, 22, 16
# Fill and edge of each type's box; the shape says the same to those who see no colours.
_COLOURS: Mapping[StepType, tuple[str, str]] = {
    StepType.PIPELINE: ("#e3eefb", "#2f6db3"),
    StepType.LAMBDA: ("#eaf5e6", "#4c8c2b"),
    StepType.CHOICE: ("#fff4d6", "#b8860b"),
    StepType.MAP: ("#f3e8fb", "#7b3fa0"),
    StepType.WAIT: ("#f0f0f0", "#707070"),
    StepType.GATE: ("#fde7e2", "#b5472f"),
    StepType.APPROVAL: ("#fde7f1", "#b0397a"),
    StepType.WORKFLOW: ("#e2f4f4", "#1f8080"),
    StepType.NOTIFY: ("#f5f1e6", "#8a7340"),
}
_MERMAID: Mapping[StepType, tuple[str, str]] = {
    StepType.CHOICE: ("{{", "}}"),
    StepType.MAP: ("[[", "]]"),
    StepType.WAIT: ("([", "])"),
    StepType.GATE: ("{", "}"),
    StepType.APPROVAL: ("[/", "/]"),
    StepType.WORKFLOW: ("[[", "]]"),
    StepType.NOTIFY: ("(", ")"),
}


def as_mermaid(workflow: Workflow) -> str:
    """A Mermaid flowchart; maps are subgraphs."""
    return "\n".join(["flowchart LR", *_mermaid(workflow.steps, "", "  ")]) + "\n"


def as_svg(workflow: Workflow) -> str:
    """A picture with a box for each step, from left to right in the order they run."""
    drawing = _Drawing(workflow)
    return drawing.text()


PICTURES: dict[str, Callable[[Workflow], str]] = {"svg": as_svg, "mermaid": as_mermaid}


def _mermaid(steps: tuple[Step, ...], prefix: str, indent: str) -> Iterator[str]:
    graph = build_graph(steps)
    for step in steps:
        opening, closing = _MERMAID.get(step.type, ("[", "]"))
        label = f"{step.name}<br/>{step.type}".replace('"', "'")
        if isinstance(step.action, Map):
            yield f'{indent}subgraph {prefix}{step.name}["{step.name}: for each {step.action.item}"]'
            yield from _mermaid(step.action.steps, f"{prefix}{step.name}__", indent + "  ")
            yield f"{indent}end"
        else:
            yield f'{indent}{prefix}{step.name}{opening}"{label}"{closing}'
    for before, after, label in _edges(graph):
        arrow = f'-- "{escape(label)}" -->' if label else "-->"
        yield f"{indent}{prefix}{before} {arrow} {prefix}{after}"


def _edges(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """From, to, and what the edge of a choice says."""
    for step in graph.steps:
        for before in graph.upstream[step.name]:
            yield before, step.name, _label(graph, before, step.name)


def _label(graph: Graph, choice: str, target: str) -> str:
    action = next(step.action for step in graph.steps if step.name == choice)
    if not isinstance(action, Choice):
        return ""
    ways = graph.ways[choice]
    words = [case.when for case, way in zip(action.cases, ways, strict=False) if way == target]
    return " or ".join([*words, "else"] if ways[-1] == target else words)


@dataclass(frozen=True, slots=True)
class _Box:
    column: int
    row: int

    @property
    def x(self) -> int:
        return _MARGIN + self.column * (_WIDTH + _GAP_X)

    @property
    def y(self) -> int:
        return 2 * _MARGIN + 14 + self.row * (_HEIGHT + _GAP_Y)

    @property
    def middle(self) -> int:
        return self.y + _HEIGHT // 2


class _Drawing:
    """Boxes in columns: a step stands one to the right of the last it waits for. What a map holds is named in its box."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.graph = build_graph(workflow.steps)
        self.boxes = self._placed()

    def _placed(self) -> dict[str, _Box]:
        columns: dict[str, int] = {}
        rows: dict[int, int] = {}
        boxes = {}
        for name in self.graph.order():
            column = max((columns[before] + 1 for before in self.graph.upstream[name]), default=0)
            columns[name] = column
            boxes[name] = _Box(column, rows.get(column, 0))
            rows[column] = boxes[name].row + 1
        return boxes

    def text(self) -> str:
        width = max(box.x + _WIDTH for box in self.boxes.values()) + _MARGIN
        height = max(box.y + _HEIGHT for box in self.boxes.values()) + _MARGIN
        steps = {step.name: step for step in self.workflow.steps}
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="{escape(self.workflow.name)}">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>',
            f'<text x="{_MARGIN}" y="{_MARGIN + 6}" font-size="14" font-weight="600">{escape(self.workflow.name)}</text>',
            *(self._edge(*edge) for edge in _edges(self.graph)),
            *(self._step(steps[name], box) for name, box in self.boxes.items()),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _edge(self, before: str, after: str, label: str) -> str:
        start, end = self.boxes[before], self.boxes[after]
        x1, y1, x2, y2 = start.x + _WIDTH, start.middle, end.x, end.middle
        passes = end.column - start.column > 1 and start.row == end.row
        bend = y1 - _HEIGHT // 2 - _GAP_Y // 2 - 4 if passes else None  # over the boxes between them
        middle = (
            f"C{x1 + 30} {bend} {x2 - 30} {bend} {x2} {y2}" if bend else f"C{x1 + 30} {y1} {x2 - 30} {y2} {x2} {y2}"
        )
        path = f'<path d="M{x1} {y1} {middle}" fill="none" stroke="#667" marker-end="url(#tip)"/>'
        if not label:
            return path
        words = label if len(label) < 17 else f"{label[:15]}…"
        at = bend + 8 if bend else (y1 + y2) // 2 - 5
        text = f'<text x="{(x1 + x2) // 2}" y="{at}" text-anchor="middle" fill="#445" font-size="10">{escape(words)}'
        return f"{path}{text}<title>{escape(label)}</title></text>"

    @staticmethod
    def _step(step: Step, box: _Box) -> str:
        fill, edge = _COLOURS[step.type]
        round_by = 22 if step.type in (StepType.WAIT, StepType.NOTIFY) else 3 if step.type is StepType.CHOICE else 7
        what = f"{step.type}: {_inside(step)}" if _inside(step) else str(step.type)
        words = what if len(what) < 34 else f"{what[:32]}…"
        dash = ' stroke-dasharray="5 3"' if step.type is StepType.CHOICE else ""
        return (
            f'<g><title>{escape(step.description or what)}</title><rect x="{box.x}" y="{box.y}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" rx="{round_by}" fill="{fill}" stroke="{edge}"{dash}/>'
            f'<text x="{box.x + 12}" y="{box.y + 19}" font-weight="600">{escape(step.name[:26])}</text>'
            f'<text x="{box.x + 12}" y="{box.y + 34}" font-size="10" fill="#445">{escape(words)}</text></g>'
        )


def _inside(step: Step) -> str:
    action = step.action
    if isinstance(action, Map):
        return ", ".join(inner.name for inner in action.steps)
    found = (
        getattr(action, key, None) for key in ("pipeline", "handler", "workflow", "channel", "subject", "publication")
    )
    text = next((str(value) for value in found if value), "")
    return text.rpartition(".")[2] if step.type in (StepType.LAMBDA, StepType.PIPELINE) else text
