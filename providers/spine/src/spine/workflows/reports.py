"""Problems of workflow files as text, JSON, or SARIF, which code hosts show beside the line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from spine.documents.problems import Code, Problem

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(problems: Sequence[Problem], checked: int) -> str:
    """A line for each problem, and one for all."""
    return "\n".join([*map(str, problems), f"{checked} workflow file(s) checked, {len(problems)} problem(s)"])


def as_json(problems: Sequence[Problem], checked: int) -> str:
    """``{"checked": n, "problems": [{path, line, column, code, name, message, suggestion}]}``."""
    listed = [
        {
            "path": each.path,
            "line": each.line,
            "column": each.column,
            "code": str(each.code),
            "name": each.code.name.lower(),
            "message": each.message,
            "suggestion": each.suggestion,
        }
        for each in problems
    ]
    return json.dumps({"checked": checked, "problems": listed}, indent=2)


def as_sarif(problems: Sequence[Problem], checked: int) -> str:
    """SARIF 2.1.0, paths relative to the working directory where they lie in it."""
    rules = [{"id": str(code), "name": code.name.lower()} for code in Code]
    run = {
        "tool": {"driver": {"name": "spine workflows lint", "rules": rules}},
        "results": [_sarif_result(each) for each in problems],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def _sarif_result(problem: Problem) -> dict[str, Any]:
    text = f"{problem.message}; {problem.suggestion}" if problem.suggestion else problem.message
    return {
        "ruleId": str(problem.code),
        "level": "warning" if problem.code.is_warning else "error",
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(Path(problem.path))},
                    "region": {"startLine": problem.line, "startColumn": problem.column},
                }
            }
        ],
    }


def _uri(path: Path) -> str:
    absolute = path.resolve()
    try:
        return absolute.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return absolute.as_uri()


FORMATS: dict[str, Callable[[Sequence[Problem], int], str]] = {"text": as_text, "json": as_json, "sarif": as_sarif}
