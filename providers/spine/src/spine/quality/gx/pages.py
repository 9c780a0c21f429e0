"""Great Expectations' own page (Data Docs) of what a gate said, as one HTML document. Made when somebody asks: it costs more
than the judging does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spine.quality.gate_results import GateResult


def page_of(result: GateResult) -> str:
    """The page of a judgement that was just made."""
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    assert result.judgement is not None, "only a judgement that was just made has a page"
    raw: list[Any] = list(result.judgement.raw)
    passed = sum(bool(each.success) for each in raw)
    validation = ExpectationSuiteValidationResult(
        success=passed == len(raw),
        results=raw,
        suite_name=f"{result.suite.name} version {result.suite.version}",
        statistics={
            "evaluated_expectations": len(raw),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(raw) - passed,
            "success_percent": 100 * passed / len(raw) if raw else None,
        },
        meta={
            "batch_spec": {"capture_id": result.capture.capture_id},
            "run_id": {"run_name": result.capture.capture_id},
        },
    )
    view: Any = _made(DefaultJinjaPageView)
    renderer: Any = _made(ValidationResultsPageRenderer, run_info_at_end=True)
    return str(view.render(renderer.render(validation)))


def _made(kind: Any, **options: Any) -> Any:
    """Without the types that Great Expectations has not written down."""
    return kind(**options)
