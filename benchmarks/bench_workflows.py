"""Building DAGs from workflow files, beside the same graphs written by hand and built by dag-factory.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_workflows --quick

Each way in a process of its own, in turn, the minimum of the repeats counts. Imports are told apart from building: an Airflow
process imports once and builds again and again. A task's start is the whole DAG file in the process that runs the task, with
one workflow file in the folder and with many. dag-factory is no dependency: where it cannot be imported it is left out, and said
(``pip install --target FOLDER --no-deps dag-factory==1.1.0``, then ``--dag-factory FOLDER``).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.command_line import Sizes
from benchmarks.report import Columns, Report, grouped_bars
from benchmarks.workflow_folders import names, write_by_hand, write_dag_factory, write_ours

_WAYS = {"by_hand": "hand-written Python", "ours": "Spine", "dag_factory": "dag-factory 1.1.0"}
_BUILDS: Columns = {
    "workflows": "workflows",
    "way": lambda row: _WAYS[row["way"]],
    "import s": "import_seconds",
    "build s": "build_seconds",
    "ms each": "milliseconds_each",
    "times by hand": "ratio",
    "peak MB above interpreter": "peak_megabytes",
}
_NOTE = "Eight steps each, a choice among them. `import s` is what a way needs beyond `airflow.sdk`."
_STARTS: Columns = {"workflow files": "workflows", "DAG file, ms": "milliseconds", "times one file": "ratio"}


def main() -> None:
    sizes = Sizes(__doc__)
    sizes.add("workflows", full=[10, 100, 500], quick=[10])
    sizes.add("repeat", full=5, quick=2)
    sizes.add("dag_factory", full="", quick="", help="folder with dag-factory")
    args = sizes.parse()
    ways = [way for way in _WAYS if way != "dag_factory" or _can_import(args.dag_factory)]
    if "dag_factory" not in ways:
        print("dag-factory left out: it cannot be imported; see this script's first lines")
    report = Report("workflows", "Building DAGs from workflow files", [_NOTE])
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name:
        folder = Path(name)
        os.environ.update(AIRFLOW_HOME=str(folder / "home"), AIRFLOW__CORE__LOAD_EXAMPLES="False")
        os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(folder / "dags")
        builds = [row for count in args.workflows for row in _builds(folder, count, ways, args)]
        starts = _starts(folder, [1, max(args.workflows)], args.repeat)
    report.table("builds", builds, _BUILDS, "Building")
    report.table("starts", starts, _STARTS, "A task's start")
    if args.save:
        report.save(lambda axes: _draw(axes, builds, ways))


def _can_import(folder: str) -> bool:
    probe = [sys.executable, "-c", "import sys; sys.path.append(sys.argv[1]); import dagfactory", folder]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _builds(folder: Path, count: int, ways: list[str], args: Any) -> list[dict[str, Any]]:
    places = {way: folder / f"{way}_{count}" for way in ways}
    write = {"by_hand": write_by_hand, "ours": write_ours, "dag_factory": write_dag_factory}
    for way in ways:
        write[way](places[way], count)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(args.repeat):
        for way in ways:
            runs[way].append(child.run(f"benchmarks.bench_workflows:build_{way}", places[way], count, args.dag_factory))
    best = {way: min(each, key=lambda run: run["build_seconds"]) for way, each in runs.items()}
    floor = best["by_hand"]["build_seconds"]
    return [
        {
            "workflows": count,
            "way": way,
            **{key: round(value, 3) for key, value in best[way].items()},
            "milliseconds_each": round(best[way]["build_seconds"] / count * 1000, 2),
            "ratio": round(best[way]["build_seconds"] / floor, 2),
        }
        for way in ways
    ]


def build_by_hand(folder: str, count: str, _: str) -> dict[str, float]:
    """In a process of its own, as are the others."""
    import airflow.sdk

    started = time.perf_counter()
    import airflow.providers.standard.operators.python  # noqa: F401

    imported = time.perf_counter()
    made = 0
    for path in sorted(Path(folder).glob("*.py")):
        scope: dict[str, Any] = {"__name__": path.stem}
        exec(compile(path.read_text(), str(path), "exec"), scope)  # as Airflow does with DAG files
        made += 1
    return _told(started, imported, made, int(count))


def build_ours(folder: str, count: str, _: str) -> dict[str, float]:

    started = time.perf_counter()
    from spine.core.settings import Settings
    from spine.workflows.dag_factory import load_dags

    imported = time.perf_counter()
    made = len(load_dags(Settings(include_dir=Path(folder) / "include", file_root=Path(folder))))
    return _told(started, imported, made, int(count))


def build_dag_factory(folder: str, count: str, installed: str) -> dict[str, float]:

    sys.path.append(installed)
    os.environ["DAGFACTORY_TELEMETRY_OPTOUT"] = os.environ["DO_NOT_TRACK"] = "true"
    started = time.perf_counter()
    import dagfactory  # type: ignore[import-not-found]

    imported = time.perf_counter()
    scope: dict[str, Any] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        dagfactory.load_yaml_dags(globals_dict=scope, config_filepath=str(path))
    made = sum(name.startswith("flow_") for name in scope)
    return _told(started, imported, made, int(count))


def _told(started: float, imported: float, made: int, count: int) -> dict[str, float]:
    ended = time.perf_counter()
    if made != count:
        raise SystemExit(f"{made} DAGs of {count}")
    return {"import_seconds": imported - started, "build_seconds": ended - imported}


def _starts(folder: Path, counts: list[int], repeat: int) -> list[dict[str, Any]]:
    for count in counts:
        write_ours(folder / f"start_{count}", count)
    seconds: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(max(repeat, 5)):
        for count in counts:
            found = child.run("benchmarks.bench_workflows:start_task", folder / f"start_{count}", names(count)[-1])
            seconds[count].append(found["seconds"])
    first = min(seconds[counts[0]])
    return [
        {
            "workflows": count,
            "milliseconds": round(min(seconds[count]) * 1000, 1),
            "ratio": round(min(seconds[count]) / first, 2),
        }
        for count in counts
    ]


def start_task(folder: str, dag_id: str) -> dict[str, float]:
    """From the import of the DAG file's first module to the one DAG, as a process that runs a task does it."""
    from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager

    started = time.perf_counter()
    from spine.core.settings import Settings
    from spine.workflows.dag_factory import load_dags

    with _airflow_parsing_context_manager(dag_id=dag_id, task_id="s1"):
        dags = load_dags(Settings(include_dir=Path(folder) / "include", file_root=Path(folder)))
    if list(dags) != [dag_id]:
        raise SystemExit(f"built {list(dags)[:5]}, asked for {dag_id}")
    return {"seconds": time.perf_counter() - started}


def _draw(axes: Any, rows: list[dict[str, Any]], ways: list[str]) -> None:
    counts = sorted({row["workflows"] for row in rows})
    each = {(row["way"], row["workflows"]): row["milliseconds_each"] for row in rows}
    groups = {_WAYS[way]: [each[way, count] for count in counts] for way in ways}
    grouped_bars(axes, [f"{count} workflows" for count in counts], groups)
    axes.set_ylabel("ms to build one")


if __name__ == "__main__":
    main()
