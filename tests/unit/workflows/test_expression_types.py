"""What must fail in a condition is told when the file is loaded; what may be right is left alone."""

from __future__ import annotations

import pytest

from spine.workflows.conditions import parse_expression
from spine.workflows.expression_types import Names, Value, named_types, schema_value, type_problems

NAMES = Names(
    params={
        "tier": schema_value({"type": "string", "enum": ["T1", "T2"]}),
        "weeks": schema_value({"type": "integer"}),
        "week_ending": schema_value({"type": ["string", "null"]}),
        "force": schema_value({"type": "boolean"}),
        "tiers": schema_value({"type": "array"}),
        "either": schema_value({"anyOf": [{"type": "string"}, {"type": "boolean"}]}),
        "anything": Value(),
    },
    outputs={"ingest": {"rows": named_types(["number"]), "skip": named_types(["boolean"])}},
    later=frozenset({"notify"}),
)
OPEN = Names(NAMES.params, {**NAMES.outputs, "handler": None})


@pytest.mark.parametrize(
    "text",
    [
        "force",
        "not skip",
        "either",
        "anything",
        "rows > 0 and tier == 'T1'",
        "params.week_ending == null",
        "params.tier in params.tiers",
        "'T' in params.tier",
        "outputs.ingest.rows / (weeks + 1) >= 0.5",
        "outputs.ingest.skip",
        "default(outputs.ingest.nothing, 0) > 1",
        "default(missing, false)",
        "params.anything.deep.down == 1",
        "week_ending < '2026-01-01'",
    ],
)
def test_what_can_be_right_is_left_alone(text: str) -> None:
    assert type_problems(parse_expression(text), NAMES, condition=True) == []


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("rows", 0, "'rows' is a number, expected true or false"),
        ("  rows", 2, "'rows' is a number, expected true or false"),
        ("not rows", 4, "'rows' is a number, expected true or false"),
        ("force and weeks", 10, "'weeks' is a number, expected true or false"),
        ("tier > 5", 0, "compares text with 5, which are never equal"),
        ("tier == 'T9'", 8, "'T9' is none of the values it is compared with"),
        ("force < true", 0, "orders true or false"),
        ("tier + 1 > 0", 0, "'tier' is text, expected a number"),
        ("-tier == 1", 1, "'tier' is text, expected a number"),
        ("1 in weeks", 5, "'weeks' is a number, expected a list or text"),
        ("wekks > 1", 0, "'wekks' is unknown"),
        ("params.tierr == 'T1'", 0, "'params.tierr' names no param of the workflow"),
        ("outputs.ingest.row > 1", 0, "step 'ingest' gives no 'row'"),
        ("outputs.ingst.rows > 1", 0, "names no step 'ingst'"),
        ("outputs.notify.sent", 0, "step 'notify' does not lead here"),
        ("default(outputs.ingst.rows, 0) > 1", 8, "names no step 'ingst'"),
        ("rows.much == 1", 0, "'rows' is a number, which has no 'much'"),
    ],
)
def test_what_must_fail_is_told_with_its_place(text: str, offset: int, message: str) -> None:
    (problem,) = type_problems(parse_expression(text), NAMES, condition=True)
    assert (problem.offset, message in problem.message) == (offset, True), problem


def test_a_bare_name_may_be_what_a_step_gives_that_declares_nothing() -> None:
    assert type_problems(parse_expression("whatever > 1"), OPEN, condition=True) == []
    assert type_problems(parse_expression("params.whatever > 1"), OPEN, condition=True) != []


def test_a_reference_may_be_of_any_type() -> None:
    assert type_problems(parse_expression("rows"), NAMES, condition=False) == []


def test_the_suggestion_names_the_nearest() -> None:
    (problem,) = type_problems(parse_expression("params.weks > 1"), NAMES, condition=True)
    assert problem.suggestion == "did you mean 'weeks'?"
