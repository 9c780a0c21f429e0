"""What to ask of a dataset: fields, filters and order, with FINRA's rules about them checked before anything is sent.

Filters travel by POST only: FINRA ignores them on GET and answers 200 with rows of any week.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spine.core.errors import ValidationError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
# FINRA sorts only what is fixed to one partition. Datasets that are not named here are left to FINRA's own judgement.
PARTITION_FIELDS: dict[str, tuple[str, ...]] = {
    "weeklysummary": ("weekStartDate", "tierIdentifier"),
    "monthlysummary": ("monthStartDate", "tierIdentifier"),
    "consolidatedshortinterest": ("settlementDate",),
    "regshodaily": ("tradeReportDate",),
}
_HISTORIC_PERIODS = {"weekstartdate", "historicalweek", "historicalmonth"}


class Comparison(StrEnum):
    EQUAL = "EQUAL"
    NOT_EQUAL = "NOT_EQUAL"
    GREATER = "GREATER"
    LESSER = "LESSER"
    GTE = "GTE"
    LTE = "LTE"


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against one value."""

    field: str
    value: str | dt.date
    comparison: Comparison = Comparison.EQUAL


@dataclass(frozen=True, slots=True)
class OneOf:
    """One field against several values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DateRange:
    """A date field from ``start`` to ``end``, both included."""

    field: str
    start: dt.date
    end: dt.date


Filter = Compare | OneOf | DateRange


def equal(field: str, value: str | dt.date) -> Compare:
    return Compare(field, value)


@dataclass(frozen=True, slots=True)
class Query:
    """A question about one dataset. All filters hold at once.

    :param fields: columns wanted, all when None.
    :param sort: field names, ``-`` in front for descending.
    :raises ValidationError: FINRA would refuse it, or answer something else than was meant.
    """

    dataset: str
    filters: tuple[Filter, ...] = ()
    fields: tuple[str, ...] | None = None
    sort: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.dataset):
            raise ValidationError(f"dataset {self.dataset!r} is no dataset name; expected letters and digits")
        if self.dataset.lower().endswith("historic"):
            self._check_historic()
        if self.sort:
            self._check_sort()

    def body(self) -> dict[str, Any]:
        """The JSON that FINRA expects, without paging and format."""
        compares = [each for each in self.filters if isinstance(each, Compare)]
        choices = [each for each in self.filters if isinstance(each, OneOf)]
        ranges = [each for each in self.filters if isinstance(each, DateRange)]
        parts = {
            "fields": list(self.fields or ()),
            "compareFilters": [
                {"fieldName": each.field, "fieldValue": str(each.value), "compareType": str(each.comparison)}
                for each in compares
            ],
            "domainFilters": [{"fieldName": each.field, "values": list(each.values)} for each in choices],
            "dateRangeFilters": [
                {"fieldName": each.field, "startDate": str(each.start), "endDate": str(each.end)} for each in ranges
            ],
            "sortFields": list(self.sort),
        }
        return {key: part for key, part in parts.items() if part}

    def _fixed(self) -> set[str]:
        """Fields held to one value, in lower case as FINRA matches them."""
        return {
            each.field.lower()
            for each in self.filters
            if isinstance(each, Compare) and each.comparison is Comparison.EQUAL
        }

    def _check_sort(self) -> None:
        partition = PARTITION_FIELDS.get(self.dataset.lower(), ())
        free = [field for field in partition if field.lower() not in self._fixed()]
        if free:
            raise ValidationError(
                f"{self.dataset} can be sorted only with an EQUAL filter on each of {', '.join(partition)}; "
                f"{', '.join(free)} is free. Fix it, or leave sort out"
            )

    def _check_historic(self) -> None:
        fixed = self._fixed()
        periods = fixed & _HISTORIC_PERIODS
        if len(periods) != 1 or len(self.filters) != len(fixed) or fixed - periods - {"tieridentifier"}:
            raise ValidationError(
                f"{self.dataset} takes an EQUAL filter on exactly one of weekStartDate, historicalWeek and "
                "historicalMonth, and one on tierIdentifier if you like; filter the rest after reading"
            )
        if self.sort:
            raise ValidationError(f"{self.dataset} cannot be sorted; leave sort out")
