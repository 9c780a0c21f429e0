"""Results as people and programs read them: JSON, a Markdown table, a plot; all in benchmarks/results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import description

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS = Path(__file__).parent / "results"
Row = Mapping[str, Any]
Columns = Mapping[str, str | Callable[[Row], object]]
"""Heading of each column, and the key (or function) of its values."""


@dataclass(slots=True)
class Report:
    """The results of one benchmark.

    :param name: of the files, and of the module, ``bench_<name>.py``, unless ``module`` says another.
    :param notes: what a reader has to know to understand the numbers.
    """

    name: str
    title: str
    notes: Sequence[str] = ()
    module: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    _sections: list[str] = field(default_factory=list)

    def table(self, key: str, rows: Sequence[Row], columns: Columns, heading: str = "") -> None:
        """Add rows under a key of the JSON, and as a table of the page; shown on the terminal at once."""
        self.results[key] = list(rows)
        text = markdown_table(rows, columns)
        self._sections += [f"## {heading}", "", text, ""] if heading else [text, ""]
        print(f"\n{text}\n", flush=True)

    def save(self, draw: Callable[[Any], None] | None = None, *, panels: int = 1) -> None:
        """Write all of it.

        :param draw: draws into matplotlib's axes: one, or a list of as many as there are panels.
        """
        RESULTS.mkdir(exist_ok=True)
        machine = description()
        data = {"machine": machine, **self.results}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(data, indent=2, default=str) + "\n")
        place = f"{machine['when']}, {machine['cpus']} CPUs {machine['machine']}, Python {machine['python']}."
        lines = [
            f"# {self.title}",
            "",
            f"{place} What is measured: `benchmarks/bench_{self.module or self.name}.py`.",
            "",
        ]
        lines += [line for note in self.notes for line in (note, "")]
        if draw:
            plot(RESULTS / f"{self.name}.png", draw, panels)
            lines += [f"![{self.title}]({self.name}.png)", ""]
        page = "\n".join([*lines, *self._sections]).rstrip("\n")
        (RESULTS / f"{self.name}.md").write_text(f"{page}\n")
        print(f"saved in {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


def markdown_table(rows: Sequence[Row], columns: Columns) -> str:
    lines = [_line(columns), _line(["---"] * len(columns))]
    lines += [_line(_shown(row, value) for value in columns.values()) for row in rows]
    return "\n".join(lines)


def plot(path: Path, draw: Callable[[Any], None], panels: int) -> None:
    """One look for all plots."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, panels, figsize=(2 + 4.5 * panels, 4), layout="constrained")
    for each in [axes] if panels == 1 else axes:
        each.spines[["top", "right"]].set_visible(False)
    draw(axes)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def grouped_bars(axes: Axes, labels: Sequence[str], groups: Mapping[str, Sequence[float]], form: str = "%.1f") -> None:
    """A group of bars for each label, one bar of it for each entry of ``groups``."""
    width = 0.8 / len(groups)
    for number, (name, values) in enumerate(groups.items()):
        offset = (number - (len(groups) - 1) / 2) * width
        bars = axes.bar([at + offset for at in range(len(labels))], values, width, label=name)
        axes.bar_label(bars, fmt=form, fontsize=7)
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    legend_below(axes)


def legend_below(axes: Axes) -> None:
    axes.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(row: Row, value: str | Callable[[Row], object]) -> str:
    found = value(row) if callable(value) else row.get(value, "")
    if isinstance(found, bool) or found is None:
        return "" if found is None else str(found)
    return f"{found:,}" if isinstance(found, int) else str(found)
