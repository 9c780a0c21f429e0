"""Great Expectations at work: rules over batches inside the database, and what they say as plain values.

Its validator is driven directly. The data context and its assets around it are for people who keep their configuration in
Great Expectations, and cost three times what the judging of a small week does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean
from spine.quality.gx.imports import great_expectations
from spine.quality.suites import Rule

if TYPE_CHECKING:
    from spine.storage.base import Storage

_FORMAT = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": 0}}  # counts, never a row's values
_NOT_LIMITS = ("column", "batch_id", "row_condition", "condition_parser", "facts", "history", "severity")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule said.

    :param error: why it could not be judged; empty where it was.
    :param affected: rows (or symbols, venues) that it is about.
    """

    rule: Rule
    passed: bool
    observed: str
    expected: str
    baseline: Mapping[str, Any] | None = None
    affected: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts in the order of the suite, and Great Expectations' own results for its pages."""

    verdicts: tuple[Verdict, ...]
    raw: tuple[Any, ...]


def expectation_class(name: str) -> Any:
    """A class of Spine's or of Great Expectations. :raises ConfigurationError: there is none of that name."""
    great_expectations()
    import great_expectations.expectations as gxe

    from spine.quality.expectations import CUSTOM

    if name in CUSTOM:
        return CUSTOM[name]
    found = getattr(gxe, name, None)
    if not (isinstance(found, type) and name.startswith("Expect")) and name != "UnexpectedRowsExpectation":
        known = [each for each in dir(gxe) if each.startswith("Expect")]
        raise ConfigurationError(f"no expectation '{name}'; {did_you_mean(name, [*CUSTOM, *known])}")
    return found


def configuration(rule: Rule, args: Mapping[str, Any], told: Mapping[str, Any]) -> Any:
    """The rule as Great Expectations takes it.

    :param told: ``history`` and ``facts``, which a class is given that asks for them.
    :raises ConfigurationError: unknown class, or arguments that it does not take.
    """
    cls = expectation_class(rule.expect)
    extra = {"facts": told["facts"]} if getattr(cls, "needs_facts", False) else {}
    if getattr(cls, "needs_history", False):
        extra["history"] = cls.of_history(told["history"], args)
    fields = getattr(cls, "__fields__", {})
    for name in args:
        if name not in fields:
            raise ConfigurationError(
                f"rule '{rule.name}': {rule.expect} takes no '{name}'; {did_you_mean(name, fields)}"
            )
    try:
        return cls(**args, **extra, meta={"rule": rule.name}).configuration
    except (ValueError, TypeError) as error:  # pydantic's
        raise ConfigurationError(f"rule '{rule.name}': {rule.expect}: {error}") from None


def judge(
    storage: Storage,
    batches: Mapping[str, str],
    rules: Sequence[tuple[Rule, Mapping[str, Any]]],
    told: Mapping[str, Any],
) -> Judgement:
    """Judge rules, each with its arguments, over the batch that it names.

    :param batches: a SELECT for each name that a rule may say ``on``.
    :raises ConfigurationError: a rule that Great Expectations cannot understand.
    """
    great_expectations()
    configurations = [configuration(rule, args, told) for rule, args in rules]
    verdicts: dict[int, Verdict] = {}
    raw: dict[int, Any] = {}
    with _engine(storage, batches) as (engine, queries):
        for on in dict.fromkeys(rule.on for rule, _ in rules):
            places = [number for number, (rule, _) in enumerate(rules) if rule.on == on]
            with _validator(engine, queries[on]) as validator:
                results = validator.graph_validate(
                    configurations=[configurations[number] for number in places], runtime_configuration=_FORMAT
                )
            for number, result in zip(
                places, _in_order(results, [configurations[each] for each in places]), strict=True
            ):
                raw[number] = result
                verdicts[number] = _verdict(rules[number][0], rules[number][1], result)
    order = sorted(verdicts)
    return Judgement(tuple(verdicts[number] for number in order), tuple(raw[number] for number in order))


_RUNS_ITS_SQL = ("sqlite", "postgres")


@contextmanager
def _engine(storage: Storage, batches: Mapping[str, str]) -> Iterator[tuple[Any, Mapping[str, str]]]:
    """The database itself, or a copy of the rows where it does not run Great Expectations' SQL."""
    if storage.dialect.name not in _RUNS_ITS_SQL:
        from spine.quality.gx.copies import in_memory

        with in_memory(storage, batches) as copies:
            yield copies
        return
    with storage.sqlalchemy_engine() as engine:
        yield engine, batches


@contextmanager
def _validator(engine: Any, query: str) -> Iterator[Any]:
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.validator.validator import Validator

    class Quiet(Validator):
        def _determine_progress_bars(self) -> bool:
            return False

    execution = SqlAlchemyExecutionEngine(engine=engine, create_temp_table=False)
    rows: Any = SqlAlchemyBatchData(execution_engine=execution, query=query, create_temp_table=False)
    batch = Batch(data=rows)
    execution.load_batch_data(batch.id, rows)
    try:
        yield Quiet(execution_engine=execution, batches=[batch])
    finally:
        execution.close()  # of SQLite it keeps a connection for itself


def _in_order(results: Sequence[Any], configurations: Sequence[Any]) -> Iterator[Any]:
    """Results as the configurations stand: Great Expectations puts those that raised first."""
    left = list(results)
    for wanted in configurations:
        index = next(
            number for number, result in enumerate(left)
            if result.expectation_config.type == wanted.type and _same(result.expectation_config, wanted)
        )  # fmt: skip
        yield left.pop(index)


def _same(one: Any, other: Any) -> bool:
    given = {name: value for name, value in one.kwargs.items() if name != "batch_id"}
    return bool(given == {name: value for name, value in other.kwargs.items() if name != "batch_id"})


def _verdict(rule: Rule, args: Mapping[str, Any], result: Any) -> Verdict:
    if error := _exception(result):
        return Verdict(rule, False, "not judged", _limits(args), error=error)
    found = dict(result.result or {})
    details = found.get("details") or {}
    observed = found.get("observed_value")
    if observed is None and "unexpected_count" in found:
        observed = f"{found['unexpected_count']:,} of {found['element_count']:,} rows unexpected"
    return Verdict(
        rule,
        bool(result.success),
        f"{observed:,}" if isinstance(observed, int) else str(observed),
        str(details.get("expected") or _limits(args)),
        details.get("baseline"),
        int(details.get("affected") or found.get("unexpected_count") or 0),
    )


def _exception(result: Any) -> str:
    """The first line of what a rule raised; empty where it raised nothing."""
    info = result.exception_info or {}
    each = [info] if "raised_exception" in info else list(info.values())
    raised = [item for item in each if isinstance(item, Mapping) and item.get("raised_exception")]
    return str(raised[0].get("exception_message") or "it raised").strip().splitlines()[0] if raised else ""


def _limits(args: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in args.items() if name not in _NOT_LIMITS) or "to hold"
