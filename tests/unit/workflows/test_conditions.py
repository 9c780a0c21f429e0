"""The expression language: what it computes, and that nothing else gets through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import ConfigurationError
from spine.workflows.conditions import ExpressionError, Scope, parse_expression
from spine.workflows.references import resolve

SCOPE = Scope(
    params={"tier": "T1", "weeks": 6, "rows": -1, "flag": False, "nothing": None},
    outputs={
        "ingest": {"rows": 10, "status": "done", "skip_rolling": True},
        "check": {"skip_rolling": False, "nested": {"deep": [1, 2]}},
    },
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not skip_rolling", True),
        ("rows > 0", True),
        ("params.rows < 0", True),
        ("params.tier == 'T1' and outputs.ingest.rows > 0", True),
        ("params.tier in ('T2', 'OTCE')", False),
        ("params.tier not in ['T2']", True),
        ("2 in nested.deep", True),
        ("0 < rows <= 10", True),
        ("0 < rows < 10", False),
        ("rows * 2 - 5 + 1 / 2 == 15.5", True),
        ("-weeks < 0", True),
        ("nothing == null", True),
        ("true and not false", True),
        ("flag or rows == 10", True),
        ("flag and unknown_name", False),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    assert parse_expression(text).truth(SCOPE) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("skip_roling", "unknown name 'skip_roling'; did you mean 'skip_rolling'?"),
        ("outputs.ingst.rows > 0", "'outputs' has no 'ingst'; did you mean 'ingest'?"),
        ("params.tier.upper == 1", "'params.tier' is str 'T1', which has no 'upper'"),
        ("rows", "'rows' is int 10, expected true or false"),
        ("not 'false'", "is str 'false', expected true or false"),
        ("tier * 1000000000 == ''", "'tier' is str 'T1', expected a number"),
        ("tier > 3", "cannot be computed"),
        ("1 / 0 == 1", "cannot be computed: division by zero"),
        ("1 in 5", "cannot be computed"),
    ],
)
def test_what_cannot_be_computed_says_why(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_expression(text).truth(SCOPE)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("__import__('os')", 0),
        ("1 < f(x)", 4),
        ("(lambda: 1)", 1),
        ("[x for x in params]", 0),
        ("params['x'] == 1", 0),
        ("f'{rows}' == ''", 0),
        ("rows if flag else 1", 0),
        ("(rows := 1)", 1),
        ("rows ** 9 > 1", 0),
        ("rows is null", 0),
        ("{1: 2}", 0),
        ("b'x' == tier", 0),
        ("1j == 1", 0),
        ("a and", 5),
        ("rows = 1", 5),
        ("flag and rows ** 9 > 1", 9),
        ("", 0),
        ("  f()", 2),
        ("x" * 1001, 0),
        ("not " * 60 + "flag", 200),
    ],
)
def test_constructs_beyond_the_language_are_refused_where_they_stand(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert caught.value.offset == offset


def test_a_dot_never_reaches_an_attribute() -> None:
    for text in ("params.__class__ == 1", "outputs.keys == 1", "params.tier.__len__ == 1", "tier.__class__ == 1"):
        with pytest.raises(ConfigurationError):
            parse_expression(text).value(SCOPE)


SNIPPETS = st.sampled_from(
    ["rows", "params", ".", "tier", "(", ")", "[", "]", " and ", " not ", " in ", "==", "<", "+", "*", "'T1'", "1", ",",
     "outputs", "ingest", "__class__", "lambda", ":", " if ", " else ", "f", "{", "}", "\\", "\n", "é", "True"]
)  # fmt: skip


@given(st.lists(SNIPPETS, max_size=12).map("".join) | st.text(max_size=40))
def test_any_text_is_a_value_or_a_configuration_error(text: str) -> None:
    try:
        value = parse_expression(text).value(SCOPE)
    except ConfigurationError:
        return
    assert isinstance(value, (str, int, float, bool, type(None), list, dict))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text().filter(lambda text: not text.startswith("${")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(VALUES)
def test_values_without_references_stay_as_they_are(value: Any) -> None:
    assert resolve(value, SCOPE) == value


def test_a_reference_keeps_the_type_of_what_it_names() -> None:
    config = {"weeks": "${params.weeks}", "deep": ["${nested}", "cost ${params.weeks}"], "twice": "${weeks * 2}"}
    assert resolve(config, SCOPE) == {
        "weeks": 6,
        "deep": [{"deep": [1, 2]}, "cost ${params.weeks}"],
        "twice": 12,
    }
