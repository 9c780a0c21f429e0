"""Expectations of a whole capture: is it what it claims to be?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from spine.quality.expectations.base import JSON, SpineExpectation, rows_of, weeks_with
from spine.quality.robust import THIN_FACTOR

_MOST_NAMED = 20


class SymbolsPresent(TableMetricProvider):
    """Which of given symbols the rows hold."""

    metric_name = "spine.symbols_present"
    value_keys = ("symbols",)
    domain_type = MetricDomainTypes.TABLE

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls, execution_engine: Any, metric_domain_kwargs: JSON, metric_value_kwargs: JSON, metrics: JSON,
        runtime_configuration: JSON,
    ) -> list[str]:  # fmt: skip
        rows = rows_of(execution_engine, metric_domain_kwargs)
        symbol: Any = sa.literal_column("symbol")
        query = sa.select(symbol).select_from(rows).where(symbol.in_(metric_value_kwargs["symbols"])).distinct()
        return sorted(str(each[0]) for each in execution_engine.execute_query(query).fetchall())


class ExpectRequiredSymbols(SpineExpectation):
    """Expect each of these symbols in some row."""

    symbols: list[str]

    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.symbols_present",)
    success_keys: ClassVar[tuple[str, ...]] = ("symbols",)

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        missing = sorted(set(self.symbols) - set(metrics["spine.symbols_present"]))
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        named = ", ".join(missing[:_MOST_NAMED])
        return {
            "success": not missing,
            "observed": f"missing: {named}{more}" if missing else "all there",
            "expected": f"{len(set(self.symbols)):,} symbols",
            "affected": len(missing),
        }


class ExpectValidRate(SpineExpectation):
    """Expect at least this part of a source's lines (neither blank nor comments) to be rows."""

    min_rate: float = 0.95  # the platform's
    facts: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_facts: ClassVar[bool] = True
    success_keys: ClassVar[tuple[str, ...]] = ("min_rate", "facts")

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        parsed, refused = int(self.facts["parsed"]), int(self.facts["refused"])
        rate = parsed / max(parsed + refused, 1)
        return {
            "success": rate >= self.min_rate,
            "observed": f"{rate:.2%} of the lines are rows, {refused:,} are not",
            "expected": f"at least {self.min_rate:.0%}",
            "affected": refused,
        }


class ExpectColumnsAsBefore(SpineExpectation):
    """Expect the source to have the columns that the last capture from that kind of source had."""

    facts: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_facts: ClassVar[bool] = True
    success_keys: ClassVar[tuple[str, ...]] = ("facts",)

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        now, before = self.facts.get("columns"), self.facts.get("columns_before")
        if not now or not before:
            return {"success": True, "observed": "no earlier capture to compare with", "expected": "the same columns"}
        new, gone = sorted(set(now) - set(before)), sorted(set(before) - set(now))
        changes = [f"new: {', '.join(new)}"] if new else []
        changes += [f"gone: {', '.join(gone)}"] if gone else []
        return {
            "success": not changes,
            "observed": "; ".join(changes) or f"the same {len(now)} columns",
            "expected": f"the {len(before)} columns of the capture before",
            "affected": len(new) + len(gone),
        }


class ExpectSymbolsOfLastWeek(SpineExpectation):
    """Expect most symbols of the newest earlier week to be traded again: rows of another tier share few of them.

    :param min_part: of the earlier week's symbols, 0 to 1.
    :param min_symbols: an earlier week with fewer is too small to tell.
    """

    min_part: float = 0.6
    min_symbols: int = 20
    facts: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_facts: ClassVar[bool] = True
    success_keys: ClassVar[tuple[str, ...]] = ("min_part", "min_symbols", "facts")

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        known, kept = int(self.facts.get("symbols_before") or 0), int(self.facts.get("symbols_kept") or 0)
        expected = f"at least {self.min_part:.0%} of the symbols of the week before"
        if known < self.min_symbols:
            return {"success": True, "observed": f"too little history: {known} symbols before", "expected": expected}
        return {
            "success": kept >= self.min_part * known,
            "observed": f"{kept:,} of {known:,} symbols of {self.facts['week_before']} ({kept / known:.0%})",
            "expected": expected,
            "baseline": {"week_ending": self.facts["week_before"], "symbols": known},
        }


class ExpectTypicalVolume(SpineExpectation):
    """Expect the volume of the typical symbol, per trading day, to be near that of the newest earlier week.

    The median over all symbols of both weeks: a week that was added up twice moves it, a few names that trade like never
    before do not. The sum of a tier of penny stocks is half as large or twice as large in an ordinary week.

    :param max_change: upwards as a part of it, 0.5 for half as much again, and downwards by the same factor; around a holiday
        half as much more is allowed.
    :param min_symbols: fewer symbols in common are too few to tell.
    """

    max_change: float = 0.5
    min_symbols: int = 20
    facts: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_facts: ClassVar[bool] = True
    success_keys: ClassVar[tuple[str, ...]] = ("max_change", "min_symbols", "facts")

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        change, symbols = self.facts.get("typical_change"), int(self.facts.get("symbols_kept") or 0)
        most = 1 + self.max_change * (THIN_FACTOR if self.facts.get("holiday") else 1.0)
        expected = f"{1 / most - 1:+.0%} to {most - 1:+.0%} against the week before"
        if change is None or symbols < self.min_symbols:
            return {
                "success": True,
                "observed": f"too little history: {symbols} symbols in common",
                "expected": expected,
            }
        return {
            "success": 1 / most <= 1 + float(change) <= most,
            "observed": f"{float(change):+.0%} for the typical one of {symbols:,} symbols",
            "expected": expected,
            "baseline": {"week_ending": self.facts["week_before"], "symbols": symbols},
            "affected": symbols,
        }


class ExpectNewContent(SpineExpectation):
    """Expect numbers that no other week of the tier has: the same rows, shares and trades are an old file under a new date.

    :param min_rows: fewer rows may agree by chance.
    """

    min_rows: int = 20
    history: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_history: ClassVar[bool] = True
    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.figures",)
    success_keys: ClassVar[tuple[str, ...]] = ("min_rows", "history")

    @classmethod
    def of_history(cls, history: Mapping[str, Any], args: Mapping[str, Any]) -> JSON:
        return weeks_with(history, "rows", "shares", "trades")

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        now = metrics["spine.figures"]
        same = [
            week["week_ending"]
            for week in self.history.get("weeks", [])
            if now["rows"] >= self.min_rows
            and (week["rows"], week["trades"]) == (now["rows"], now["trades"])
            and abs(week["shares"] - now["shares"]) < 1e-6 * max(now["shares"], 1)
        ]
        return {
            "success": not same,
            "observed": f"the numbers of {', '.join(same)}" if same else "numbers of its own",
            "expected": f"numbers that none of {len(self.history.get('weeks', []))} other weeks has",
        }
