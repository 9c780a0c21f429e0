"""Expectations of single rows, and of what must add up among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from spine.quality.expectations.base import JSON, SpineExpectation, rows_of

SHARES_TOLERANCE = 1e-4  # the platform's: shares of a tier sum to 1 within it


class RowsWhere(TableMetricProvider):
    """How many rows a SQL condition holds for."""

    metric_name = "spine.rows_where"
    value_keys = ("condition",)
    domain_type = MetricDomainTypes.TABLE

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls, execution_engine: Any, metric_domain_kwargs: JSON, metric_value_kwargs: JSON, metrics: JSON,
        runtime_configuration: JSON,
    ) -> int:  # fmt: skip
        rows = rows_of(execution_engine, metric_domain_kwargs)
        condition = sa.text(metric_value_kwargs["condition"].replace(":", "\\:"))
        query = sa.select(sa.func.count()).select_from(rows).where(condition)
        return int(execution_engine.execute_query(query).scalar() or 0)


class ExpectNoRowsWhere(SpineExpectation):
    """Expect that a SQL condition holds for no row, or for at most a part of them.

    :param condition: SQL over the rows' columns, in the portable core of the three databases. It comes from a file of the
        deployment, as the SQL of the pipelines does.
    :param most: the largest part of the rows, 0 to 1.
    """

    condition: str
    most: float = 0.0

    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.rows_where", "table.row_count")
    success_keys: ClassVar[tuple[str, ...]] = ("condition", "most")

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        found, rows = int(metrics["spine.rows_where"]), int(metrics["table.row_count"])
        part = found / rows if rows else 0.0
        expected = "no row" if not self.most else f"at most {self.most:.2%} of the rows"
        return {
            "success": part <= self.most,
            "observed": f"{found:,} of {rows:,} rows ({part:.2%})",
            "expected": f"{expected} where {self.condition}",
            "affected": found,
        }


class SharesOfVenues(TableMetricProvider):
    """Sum of the market shares, and the ranks that are there."""

    metric_name = "spine.venue_shares"
    domain_type = MetricDomainTypes.TABLE

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls, execution_engine: Any, metric_domain_kwargs: JSON, metric_value_kwargs: JSON, metrics: JSON,
        runtime_configuration: JSON,
    ) -> JSON:  # fmt: skip
        rows = rows_of(execution_engine, metric_domain_kwargs)
        share: Any = sa.literal_column("market_share_pct")
        rank: Any = sa.literal_column("rank")
        query = sa.select(share, rank).select_from(rows)
        found = execution_engine.execute_query(query).fetchall()
        return {"shares": [float(each[0]) for each in found], "ranks": sorted(int(each[1]) for each in found)}


class ExpectSumOfSharesToBeOne(SpineExpectation):
    """Expect the market shares of all venues to sum to 1 within ``tolerance``, and none to be negative."""

    tolerance: float = SHARES_TOLERANCE

    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.venue_shares",)
    success_keys: ClassVar[tuple[str, ...]] = ("tolerance",)

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        shares = metrics["spine.venue_shares"]["shares"]
        total, least = sum(shares), min(shares, default=0.0)
        return {
            "success": bool(shares) and abs(total - 1) <= self.tolerance and least >= 0,
            "observed": f"{total:.9f} over {len(shares):,} venues, the least {least:.6f}",
            "expected": f"1 within {self.tolerance:g}, none negative",
        }


class ExpectRanksConsecutive(SpineExpectation):
    """Expect the ranks of venues to be 1, 2, 3 ..., or to leave out numbers only behind ties."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.venue_shares",)

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        ranks = metrics["spine.venue_shares"]["ranks"]
        good = all(
            rank in (number, before) for number, (rank, before) in enumerate(zip(ranks, [0, *ranks], strict=False), 1)
        )
        return {
            "success": good,
            "observed": f"{len(ranks):,} ranks from {ranks[0]} to {ranks[-1]}" if ranks else "no ranks",
            "expected": "1 to the number of venues, ties alike",
        }
