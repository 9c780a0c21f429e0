"""A broken file is told completely: every problem, each with its place and, where there is one, a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.documents.problems import Code, DocumentError
from spine.workflows.loader import load_workflow
from tests.support.paths import ROOT
from tests.support.workflows import problems_of, write

OK = "{name: a, type: pipeline, pipeline: test.ok}"
HANDLER = "tests.support.workflows.echo"


def steps(*lines: str) -> str:
    return "name: x\nsteps:\n" + "\n".join(f"- {line}" for line in lines)


def nested(depth: int) -> str:
    """As many maps inside each other, around one step."""
    inner = OK
    for number in range(depth):
        inner = f"{{name: m{number}, type: map, items: [1], steps: [{inner}]}}"
    return inner


PROBLEMS = {
    "not yaml": ("name: [a", "2:1 E011 not YAML"),
    "two documents": ("a: 1\n---\nb: 2", "2:1 E011 not YAML"),
    "not a mapping": ("- 1", "1:1 E014 a workflow is a mapping"),
    "empty": ("", "1:1 E014 a workflow is a mapping"),
    "unknown key": (f"name: x\nsteps: [{OK}]\nstepz: 1", "3:1 E012 unknown key 'stepz'; did you mean 'steps'?"),
    "unknown step key": (
        steps("{name: a, type: pipeline, pipeline: test.ok, pipline: b}"),
        "3:48 E012 unknown key 'pipline'; did you mean 'pipeline'?",
    ),
    "missing name": (f"steps: [{OK}]", "1:1 E013 'name' is missing"),
    "missing steps": ("name: x", "1:1 E013 'steps' is missing"),
    "no steps": ("name: x\nsteps: []", "2:8 E001 the workflow has no steps"),
    "step without type": (steps("{name: a}"), "3:3 E013 'type' is missing"),
    "step that is no mapping": (steps("5"), "3:3 E014 a step is a mapping, found a number (5)"),
    "bad asset": (
        steps(f"{OK[:-1]}, produces: [a b]}}"),
        "3:58 E014 'produces' is a list, expected a list of asset names",
    ),
    "wrong type": (f"name: x\nsteps: [{OK}]\ntags: t", "3:7 E014 'tags' is text ('t'), expected a list of names"),
    "bad name": (f"name: a b\nsteps: [{OK}]", "1:7 E015 a workflow's name"),
    "duplicate key": (f"name: x\nname: y\nsteps: [{OK}]", "2:1 E016 the key 'name' is already on line 1"),
    "foreign tag": ("name: !!python/name:os.system x", "1:7 E017 the tag"),
    "alias into itself": ("name: &a [*a]", "1:7 E017 more than 50000 values"),
    "secret": (
        f"name: x\ndefaults: {{api_key: abc}}\nsteps: [{OK}]",
        "2:21 E018 the value of 'api_key' does not belong",
    ),
    "too deep": ("[" * 200_000, "1:41 E017 nested more than 40 levels deep"),
    "key that is no text": ("1: 2", "1:1 E014 the key '1' is not text; put it in quotes"),
    "duplicate step": (steps(OK, OK), "4:10 E020 step 'a' is already on line 3"),
    "unknown type": (steps("{name: a, type: lamda}"), "3:19 E015 unknown type 'lamda'; did you mean 'lambda'?"),
    "bad step name": (steps("{name: a b, type: pipeline, pipeline: test.ok}"), "3:10 E015 step name 'a b'"),
    "pipeline step without pipeline": (steps("{name: a, type: pipeline}"), "3:3 E004 pipeline step 'a' needs"),
    "unknown pipeline": (
        steps("{name: a, type: pipeline, pipeline: test.okk}"),
        "3:39 E021 unknown pipeline 'test.okk'; did you mean 'test.ok'?",
    ),
    "lambda without handler": (steps("{name: a, type: lambda}"), "3:3 E002 lambda step 'a' needs 'handler'"),
    "handler of another package": (
        steps("{name: a, type: lambda, handler: os.system}"),
        "3:36 E023 handler 'os.system' lies outside the allowed packages (spine, tests.support)",
    ),
    "handler that an allowed module imported": (
        steps("{name: a, type: lambda, handler: tests.support.workflows.contextmanager}"),
        "3:36 E023 handler",
    ),
    "handler that is not there": (
        steps("{name: a, type: lambda, handler: tests.support.workflows.ecko}"),
        "3:36 E022 handler 'tests.support.workflows.ecko': no 'ecko' in 'tests.support.workflows'; did you mean",
    ),
    "module that is not there": (
        steps("{name: a, type: lambda, handler: tests.support.nope.echo}"),
        "3:36 E022 handler 'tests.support.nope.echo': importing 'tests.support.nope' failed with ModuleNotFoundError",
    ),
    "handler that is no function": (
        steps("{name: a, type: lambda, handler: tests.support.workflows.NOT_CALLABLE}"),
        "3:36 E022 handler 'tests.support.workflows.NOT_CALLABLE' is int, expected a function",
    ),
    "choice without condition": (steps("{name: c, type: choice, then_step: a}", OK), "3:3 E003 choice step 'c' needs"),
    "choice without then_step": (
        steps("{name: c, type: choice, condition: 'true'}", OK),
        "3:3 E013 choice step 'c' needs 'then_step'",
    ),
    "case without target": (
        steps("{name: c, type: choice, cases: [{when: 'true'}, {when: 'true', then: a}]}", OK),
        "3:35 E013 'then' is missing",
    ),
    "cases and a condition": (
        steps("{name: c, type: choice, condition: 'true', cases: [{when: 'true', then: a}]}", OK),
        "3:27 E005 'condition' does not fit beside 'cases'",
    ),
    "target of a case": (
        steps("{name: c, type: choice, cases: [{when: 'true', then: b}]}", OK),
        "3:56 E030 no step 'b'; known: a, c",
    ),
    "condition of a case": (
        steps("{name: c, type: choice, cases: [{when: params.q, then: a}]}", OK),
        "3:43 E025 'params.q' names no param of the workflow",
    ),
    "map without items": (
        steps("{name: m, type: map, items: [], steps: [" + OK + "]}"),
        "3:31 E014 'items' is a list, expected a list that is not empty, or one ${...} reference",
    ),
    "map in a map in a map in a map": (
        steps(nested(4)),
        "3:170 E035 more than 3 maps inside each other",
    ),
    "step in a map": (
        steps("{name: m, type: map, items: [1], steps: [{name: a, type: pipeline, pipeline: test.okk}]}"),
        "3:80 E021 unknown pipeline 'test.okk'; did you mean 'test.ok'?",
    ),
    "wait for nothing": (
        steps("{name: w, type: wait}"),
        "3:3 E013 a wait takes one of 'duration', 'until' and 'publication', found none",
    ),
    "wait until no instant": (
        steps("{name: w, type: wait, until: tomorrow}"),
        "3:32 E015 'tomorrow' is no instant",
    ),
    "wait for no time": (
        steps("{name: w, type: wait, duration: 10x}"),
        "3:35 E014 'duration' is text ('10x'), expected seconds, or text such as 90s, 10m, 2h or 1d",
    ),
    "gate without checks": (steps("{name: g, type: gate, checks: []}"), "3:33 E013 'checks' is empty"),
    "check that cannot be read": (steps("{name: g, type: gate, checks: ['1 <']}"), "3:38 E024 '1 <' cannot be read"),
    "approval without a question": (steps("{name: p, type: approval}"), "3:3 E013 approval step 'p' needs 'subject'"),
    "key of another step type": (
        steps("{name: a, type: pipeline, pipeline: test.ok, handler: x.y}"),
        "3:48 E005 'handler' does not fit a pipeline step",
    ),
    "a choice cannot be passed over": (
        steps("{name: c, type: choice, condition: 'true', then_step: a, on_error: continue}", OK),
        "3:60 E005 'on_error' does not fit a choice step",
    ),
    "retry without on_error": (
        steps("{name: a, type: pipeline, pipeline: test.ok, retry: {max_attempts: 2}}"),
        "3:55 E005 'retry' needs 'on_error: retry'",
    ),
    "no attempts": (
        steps("{name: a, type: pipeline, pipeline: test.ok, on_error: retry, retry: {max_attempts: 0}}"),
        "3:87 E014 'max_attempts' is a number (0), expected a whole number from 1",
    ),
    "bad condition": (
        steps("{name: c, type: choice, condition: 'a and', then_step: a}", OK),
        "3:44 E024 'a and' cannot be read",
    ),
    "call in a condition": (
        steps('{name: c, type: choice, condition: "1 < f(x)", then_step: a}', OK),
        "3:43 E024 '1 < f(x)' the only call is default(value, otherwise)",
    ),
    "unknown param in a condition": (
        steps("{name: c, type: choice, condition: params.q == 1, then_step: a}", OK),
        "3:39 E025 'params.q' names no param of the workflow",
    ),
    "unknown step in a reference": (
        steps("{name: a, type: lambda, handler: " + HANDLER + ', config: {x: "${outputs.b.rows}"}}'),
        "3:81 E025 'outputs.b.rows' names no step 'b'; known: a",
    ),
    "unknown target": (
        steps("{name: c, type: choice, condition: 'true', then_step: aa}", OK),
        "3:57 E030 no step 'aa'; did you mean 'a'?",
    ),
    "unknown dependency": (
        steps("{name: a, type: pipeline, pipeline: test.ok, depends_on: [b]}"),
        "3:61 E030 no step 'b'",
    ),
    "cycle": (
        steps("{name: b, type: pipeline, pipeline: test.ok, depends_on: [a]}", OK),
        "3:60 E031 steps wait for each other: ",
    ),
    "waits for itself": (
        steps("{name: b, type: pipeline, pipeline: test.ok, depends_on: [b]}"),
        "3:60 E031 steps wait for each other: b -> b",
    ),
    "backward jump": (
        steps(OK, "{name: c, type: choice, condition: 'true', then_step: a}"),
        "4:57 E032 step 'a' stands before 'c'; a choice only leads forward",
    ),
    "unreachable step": (
        steps(
            "{name: c, type: choice, condition: 'true', then_step: b}",
            OK,
            OK.replace("name: a", "name: b"),
        ),
        "4:3 E033 nothing leads to step 'a'",
    ),
    "waits for a choice that does not lead to it": (
        steps(
            "{name: c, type: choice, condition: 'true', then_step: a}",
            OK,
            "{name: b, type: pipeline, pipeline: test.ok, depends_on: [c]}",
        ),
        "5:60 E034 step 'b' depends on choice 'c', which does not lead to it",
    ),
    "waits for a step beside the choice": (
        steps(
            OK,
            "{name: c, type: choice, condition: 'true', then_step: b, depends_on: []}",
            "{name: b, type: pipeline, pipeline: test.ok, depends_on: [a]}",
        ),
        "5:60 E034 step 'b' of choice 'c' also waits for 'a'",
    ),
    "param that is no mapping": (
        f"name: x\nparams: {{n: 5}}\nsteps: [{OK}]",
        "2:13 E014 param 'n' is described by a mapping, found a number (5); write 'n: {default: 5}'",
    ),
    "unknown word in a param": (
        f"name: x\nparams: {{n: {{minimun: 5}}}}\nsteps: [{OK}]",
        "2:14 E012 unknown key 'minimun'; did you mean 'minimum'?",
    ),
    "param that is no schema": (
        f"name: x\nparams: {{n: {{type: strng}}}}\nsteps: [{OK}]",
        "2:13 E041 param 'n' has no valid JSON Schema",
    ),
    "default against its own rule": (
        f"name: x\nparams: {{n: {{type: integer, default: a}}}}\nsteps: [{OK}]",
        "2:38 E041 the default of param 'n': 'a' is not of type 'integer'",
    ),
    "two defaults": (
        f"name: x\nparams: {{n: {{default: 1}}}}\ndefaults: {{n: 2}}\nsteps: [{OK}]",
        "3:15 E041 param 'n' also has a default under 'params'",
    ),
    # The other problems of schedules are in test_schedules.py.
    "two schedules of one name": (
        f"name: x\nschedules:\n- {{name: s, publication: T1}}\n- {{name: s, publication: T2}}\nsteps: [{OK}]",
        "4:10 E042 schedule 's' is already on line 3",
    ),
    "schedule without a time": (f"name: x\nschedules:\n- {{name: s}}\nsteps: [{OK}]", "3:3 E043 schedule 's' needs"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem_names_its_place(case: str, tmp_path: Path) -> None:
    text, expected = PROBLEMS[case]
    path = tmp_path / "flow.yaml"
    path.write_text(text)
    found = problems_of(path)
    assert [problem for problem in found if problem.startswith(expected)], found


def test_every_code_but_those_of_the_file_system_has_a_case() -> None:
    covered = {expected.split()[1] for _, expected in PROBLEMS.values()}
    errors = {code for code in Code if not code.is_warning}
    assert errors - covered == {Code.UNREADABLE, Code.DUPLICATE_WORKFLOW, Code.NOT_BUILT}


def test_all_problems_of_a_file_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text("name: x\nname: y\ntags: 3\nsteps:\n- {name: a, type: lamda}\n- {name: b, type: pipeline}\n")
    with pytest.raises(DocumentError) as caught:
        load_workflow(path)
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{path}:").split()[:2] for line in lines] == [
        ["2:1", "E016"],
        ["3:7", "E014"],
        ["5:19", "E015"],
        ["6:3", "E004"],
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe\xff", "1:1 E010 byte 0 is not UTF-8 text"),
        (b"# " + b"x" * 1_000_001, "1:1 E010 the file is larger than 1000000 bytes"),
        (b"a: \x00", "1:1 E010 not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_too(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_bytes(content)
    assert problems_of(path)[0].startswith(expected)
    path.unlink()
    assert problems_of(path) == ["1:1 E010 cannot be read: No such file or directory"]


def test_values_stay_what_was_written(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"""
        name: x
        defaults: {{day: 2025-12-19, country: no, code: 0123, clock: 12:30, rate: 1.5, on: true, none: }}
        steps: [{OK}]
        """,
    )
    defaults = {name: param.default for name, param in load_workflow(path).params.items()}
    assert defaults == {
        "day": "2025-12-19", "country": "no", "code": "0123", "clock": "12:30", "rate": 1.5, "on": True, "none": None,
    }  # fmt: skip


def test_anchors_and_merges_are_understood(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        name: x
        steps:
          - &first {name: a, type: pipeline, pipeline: test.ok, description: shared}
          - {<<: *first, name: b}
        """,
    )
    assert [(step.name, step.description) for step in load_workflow(path).steps] == [("a", "shared"), ("b", "shared")]


def test_the_weekly_refresh_is_without_problems() -> None:
    workflow = load_workflow(ROOT / "include/workflows/finra_weekly_refresh.yaml")
    assert workflow.name == "finra.weekly_refresh"
    assert len(workflow.steps) == 10
