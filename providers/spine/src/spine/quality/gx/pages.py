"""Great Expectations' own page (Data Docs) of what a gate said, as one HTML document that needs nothing else.

Its template fetches styles and scripts from half a dozen servers. Here they are left out, and a few lines of style take their
place: a trading firm's browser reaches none of them, and the page must not tell others that somebody looks at it.
"""

from __future__ import annotations

import re
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
    for verdict, each in zip(result.judgement.verdicts, raw, strict=True):
        each.expectation_config.meta = {**(each.expectation_config.meta or {}), "expected": verdict.expected}
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
    return _alone(str(view.render(renderer.render(validation))))


_FETCHED = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*>|<footer\b.*?</footer>|<style\b.*?</style>|<nav\b.*?</nav>"
    r"|<!--.*?-->|<button\b.*?</button>|<input\b[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_LINK = re.compile(r"<a\b[^>]*\bhref=\"(?!#)[^\"]*\"[^>]*>(.*?)</a>", re.DOTALL | re.IGNORECASE)
_EVENTS = re.compile(r"\son\w+=\"[^\"]*\"", re.IGNORECASE)
_STYLE = """<style>
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
body { max-width: 1000px; margin: 0 auto; padding: 24px; }
table { border-collapse: collapse; width: 100%; margin: 8px 0 20px; }
th, td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; border-top: 1px solid light-dark(#dfe3e8, #2f384c); }
ul { list-style: none; padding: 0; } li, p { margin: 2px 0; }
.badge { padding: 0 7px; border-radius: 5px; background: light-dark(#eef1f5, #2f384c); font-weight: 600; }
.fa-check-circle::before, .fa-times::before, .fa-exclamation-triangle::before { font-weight: 700; font-style: normal; }
.fa-check-circle::before { content: "\\2713"; color: light-dark(#14713d, #5ecf8c); }
.fa-times::before, .fa-exclamation-triangle::before { content: "\\2715"; color: light-dark(#b3261e, #ff8a80); }
.sticky { display: none; }
.bg-light, .alert { background: none !important; }
</style>"""


def _alone(page: str) -> str:
    """The page without anything from elsewhere, and without links that lead nowhere from here."""
    page = _EVENTS.sub("", _LINK.sub(r"\1", _FETCHED.sub("", page)))
    return page.replace("</head>", f"{_STYLE}</head>", 1)


def _made(kind: Any, **options: Any) -> Any:
    """Without the types that Great Expectations has not written down."""
    return kind(**options)
