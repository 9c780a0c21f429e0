"""What is judged without the jsonschema package is judged as jsonschema does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from spine.workflows.loader import load_workflow
from spine.workflows.plain_schemas import is_surely_valid, surely_fits
from tests.support.paths import ROOT

TYPES = ["null", "boolean", "integer", "number", "string", "array", "object", "text", 1]
VALUES = st.sampled_from([None, True, False, 0, 1, -1, 1.0, 2.5, "", "a", "abc", "2026-10-30", [], [1], {}, {"a": 1}])
SCHEMAS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), max_size=3),
        "enum": st.lists(VALUES, max_size=4) | VALUES,
        "const": VALUES,
        "format": st.sampled_from(["date", "anything", 1]),
        "title": st.sampled_from(["t", 1, None]),
        "examples": VALUES,
        "minimum": VALUES,
        "maximum": VALUES,
        "minLength": VALUES,
        "maxLength": VALUES,
        "pattern": st.sampled_from(["a", "("]),
        "values_display": VALUES,
        "minItems": VALUES,
        "maxItems": VALUES,
        "items": st.fixed_dictionaries(
            {}, optional={"type": st.sampled_from(TYPES), "enum": st.lists(VALUES, max_size=3)}
        ),
    },
)


def is_valid(schema: dict[str, Any]) -> bool:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


@given(SCHEMAS)
def test_a_schema_that_is_surely_valid_is_valid(schema: dict[str, Any]) -> None:
    assert is_valid(schema) or not is_surely_valid(schema)


@given(SCHEMAS, VALUES)
def test_a_value_that_surely_fits_fits(schema: dict[str, Any], value: Any) -> None:
    assert not surely_fits(value, schema) or Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"type": ["string", "null"], "format": "date"}, None, True),
        ({"type": ["string", "null"], "format": "date"}, "2026-10-30", False),
        ({"enum": [1]}, True, False),
        ({"type": "integer", "minimum": 2, "maximum": 52}, 6, True),
        ({"type": "integer", "minimum": 2}, 1, False),
        ({"pattern": "a"}, "a", False),
    ],
)
def test_what_is_certain(schema: dict[str, Any], value: Any, fits: bool) -> None:
    assert surely_fits(value, schema) is fits


@pytest.mark.parametrize("path", sorted((ROOT / "include/workflows").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_params_of_the_examples_need_no_other_judge(path: Any) -> None:
    for param in load_workflow(path).params.values():
        assert is_surely_valid(param.schema), f"{param.name}: add its keywords to plain_schemas"
        assert param.required or surely_fits(param.default, param.schema)
