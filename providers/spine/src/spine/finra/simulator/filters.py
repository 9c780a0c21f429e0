"""FINRA's filters: what a request may ask of rows, and which rows of an Arrow table pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spine.core.errors import ValidationError
from spine.core.weeks import parse_date
from spine.finra.simulator.datasets import ApiDataset, Field, FieldType
from spine.finra.simulator.messages import Refusal

Value = str | float | dt.date

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "EQUAL": pc.equal,
    "NOT_EQUAL": pc.not_equal,
    "GREATER": pc.greater,
    "LESSER": pc.less,
    "GTE": pc.greater_equal,
    "LTE": pc.less_equal,
    "BEGINS_WITH": lambda column, value: pc.starts_with(column, pattern=value.as_py()),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one field. ``operator`` is a compareType, ``IN`` or ``BETWEEN`` (both ends included)."""

    field: Field
    operator: str
    values: tuple[Value, ...]

    def passes(self, rows: pa.Table) -> Any:
        """Which rows pass; a row without the value passes nothing, as in SQL."""
        column = rows[self.field.name]
        if self.field.type is FieldType.NUMBER:
            column = column.cast(pa.float64())
        if self.operator == "IN":
            return pc.is_in(column, value_set=pa.array(self.values, column.type))
        if self.operator == "BETWEEN":
            first, last = self.values
            return pc.and_(pc.greater_equal(column, first), pc.less_equal(column, last))
        return _COMPARISONS[self.operator](column, pa.scalar(self.values[0], column.type))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Conditions of which one is enough. All filters of a request but ``orFilters`` have just one."""

    conditions: tuple[Condition, ...]

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset(condition.field.name for condition in self.conditions)

    def fixes(self, field: str) -> bool:
        """Whether it is an EQUAL filter on this field."""
        return [(each.field.name, each.operator) for each in self.conditions] == [(field, "EQUAL")]

    def passes(self, rows: pa.Table) -> Any:
        return pc.fill_null(reduce(pc.or_kleene, (each.passes(rows) for each in self.conditions)), False)


def passing(rows: pa.Table, filters: Sequence[AnyOf]) -> pa.Table:
    for each in filters:
        rows = rows.filter(each.passes(rows))
    return rows


def read_filters(dataset: ApiDataset, body: Mapping[str, Any]) -> tuple[AnyOf, ...]:
    """All filters of a request body; every one of them must be met.

    Within one element of ``orFilters`` one condition is enough: FINRA's website uses it so, no page documents it.

    :raises Refusal: 400, a filter that cannot be understood.
    """
    found = [AnyOf((_compare(dataset, each),)) for each in _objects(body, "compareFilters")]
    found += [AnyOf((_date_range(dataset, each),)) for each in _objects(body, "dateRangeFilters")]
    found += [AnyOf((_domain(dataset, each),)) for each in _objects(body, "domainFilters")]
    for group in _objects(body, "orFilters"):
        conditions = tuple(_compare(dataset, each) for each in _objects(group, "compareFilters"))
        if not conditions:
            raise Refusal(400, "orFilters: an element without compareFilters")
        found.append(AnyOf(conditions))
    return tuple(found)


def _objects(body: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    listed = body.get(key) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise Refusal(400, f"{key} must be a list of objects")
    return iter(listed)


def _compare(dataset: ApiDataset, given: Mapping[str, Any]) -> Condition:
    field, operator = dataset.field(given.get("fieldName")), str(given.get("compareType", "EQUAL")).upper()
    if operator not in _COMPARISONS or (operator == "BEGINS_WITH" and field.type is not FieldType.STRING):
        raise Refusal(400, f"Invalid compareType {operator} for field {field.name}")
    return Condition(field, operator, (_value(field, given.get("fieldValue")),))


def _date_range(dataset: ApiDataset, given: Mapping[str, Any]) -> Condition:
    field = dataset.field(given.get("fieldName"))
    if field.type is not FieldType.DATE:
        raise Refusal(400, f"dateRangeFilters: {field.name} is not a date field")
    return Condition(field, "BETWEEN", (_value(field, given.get("startDate")), _value(field, given.get("endDate"))))


def _domain(dataset: ApiDataset, given: Mapping[str, Any]) -> Condition:
    field, values = dataset.field(given.get("fieldName")), given.get("values")
    if not isinstance(values, list) or not values:
        raise Refusal(400, f"domainFilters: values of {field.name} must be a list")
    return Condition(field, "IN", tuple(_value(field, value) for value in values))


def _value(field: Field, value: object) -> Value:
    try:
        if value is None:
            raise ValueError(value)
        if field.type is FieldType.DATE:
            return parse_date(value)
        return float(str(value)) if field.type is FieldType.NUMBER else str(value)
    except (ValidationError, ValueError):
        raise Refusal(400, f"Invalid value {value!r} for field {field.name} of type {field.type}") from None
