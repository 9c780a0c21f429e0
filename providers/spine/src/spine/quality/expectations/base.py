"""What Spine's expectations have in common: metrics of the rows as one statement each, and results that explain themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, render_suite_parameter_string
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render.components import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer

JSON = dict[str, Any]


class SpineExpectation(BatchExpectation):
    """One verdict on a whole batch, from metrics and from what it was told of the ledger and of earlier weeks.

    A subclass names its metrics in ``metric_dependencies`` and implements ``verdict``.
    """

    needs_history: ClassVar[bool] = False
    needs_facts: ClassVar[bool] = False
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "table")
    success_keys: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of_history(cls, history: Mapping[str, Any], args: Mapping[str, Any]) -> JSON:
        """What of the history the class looks at: Great Expectations copies its configuration time and again."""
        raise NotImplementedError(cls.__name__)

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        """``success``, ``observed``, ``expected`` and, where there is one, ``baseline`` and ``affected``."""
        raise NotImplementedError(type(self).__name__)

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[Any]:
        """The rule in words on Great Expectations' own page, in place of all that it was told."""
        known = configuration or (result.expectation_config if result is not None else None)
        meta = getattr(known, "meta", None) or {}
        text = f"{meta.get('rule', cls.__name__)}: {meta.get('expected', 'to hold')}".replace("$", "$$")
        return [
            RenderedStringTemplateContent(
                content_block_type="string_template", string_template={"template": text, "params": {}}
            )
        ]

    def _validate(self, metrics: JSON, runtime_configuration: Any = None, execution_engine: Any = None) -> JSON:
        found = self.verdict(metrics)
        details = {name: found[name] for name in ("expected", "baseline", "affected") if name in found}
        return {
            "success": bool(found["success"]),
            "result": {"observed_value": found["observed"], "details": details},
        }


def rows_of(execution_engine: Any, metric_domain_kwargs: JSON) -> Any:
    """The batch as something to select from."""
    return execution_engine.get_domain_records(domain_kwargs=metric_domain_kwargs)


def _column(name: str) -> Any:
    return sa.literal_column(name)


class BatchFigures(TableMetricProvider):
    """How much a batch of lines holds: by venue rows, shares and trades, and the number of symbols."""

    metric_name = "spine.figures"
    domain_type = MetricDomainTypes.TABLE

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls, execution_engine: Any, metric_domain_kwargs: JSON, metric_value_kwargs: JSON, metrics: JSON,
        runtime_configuration: JSON,
    ) -> JSON:  # fmt: skip
        rows = rows_of(execution_engine, metric_domain_kwargs)
        mpid, shares, trades = (_column(name) for name in ("mpid", "total_shares", "total_trades"))
        by_venue = sa.select(mpid, sa.func.count(), sa.func.sum(shares), sa.func.sum(trades))
        venues = execution_engine.execute_query(by_venue.select_from(rows).group_by(mpid)).fetchall()
        symbols = sa.select(sa.func.count(sa.distinct(sa.literal_column("symbol")))).select_from(rows)
        return figures(venues, int(execution_engine.execute_query(symbols).scalar() or 0))


def figures(venues: list[Any], symbols: int) -> JSON:
    """From (MPID, rows, shares, trades) of each venue."""
    return {
        "rows": sum(int(each[1]) for each in venues),
        "shares": float(sum(each[2] for each in venues)),
        "trades": sum(int(each[3]) for each in venues),
        "symbols": symbols,
        "venues": len(venues),
        "shares_by_venue": {str(each[0]): float(each[2]) for each in venues},
    }


def weeks_with(history: Mapping[str, Any], *names: str) -> JSON:
    """The history with these figures of its weeks alone."""
    kept = dict.fromkeys(("week_ending", "trading_days", "is_thin", "rows", *names))
    return {**history, "weeks": [{name: week[name] for name in kept} for week in history["weeks"]]}
