"""An assessment as one HTML page that needs nothing else: for a manager's screen, an attachment or a printer."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spine.alerts.model import AlertSeverity
from spine.core.tiers import Tier
from spine.quality.assessment.issues import MEANINGS, Check
from spine.quality.assessment.scoring import DIMENSIONS, SYMBOL_WEIGHTS, WEEK_WEIGHTS, Grade, grade_of

if TYPE_CHECKING:
    from spine.quality.assessment.assess import Assessment
    from spine.quality.assessment.issues import Issue
    from spine.quality.assessment.weeks import WeekScore

MOST_ISSUES = 200
MOST_SYMBOLS = 25
_MOST_CELLS = 60  # weeks in the matrix; older ones stand in the curve alone
_WIDTH, _HEIGHT = 640, 120


@dataclass(frozen=True, slots=True)
class Curve:
    """A tier's scores over the weeks, as the points of a polyline in a box of ``_WIDTH`` by ``_HEIGHT``."""

    tier: Tier
    points: str
    mean: float
    worst: WeekScore


@dataclass(frozen=True, slots=True)
class Finding:
    """Issues that say the same of several weeks.

    :param where: tiers and weeks.
    :param remedy: empty where ``Assessment.remedies`` together close them.
    """

    severity: AlertSeverity
    check: Check
    where: str
    message: str
    remedy: str


def findings(found: Assessment) -> list[Finding]:
    """What was found, the worst first, each thing once."""
    alike: dict[tuple[AlertSeverity, Check, str], list[Issue]] = {}
    for issue in found.issues:
        alike.setdefault((issue.severity, issue.check, issue.message), []).append(issue)
    return [
        Finding(severity, check, _where(issues), message, issues[0].remedy if len(issues) == 1 else "")
        for (severity, check, message), issues in alike.items()
    ]


def _where(issues: Sequence[Issue]) -> str:
    tiers = ", ".join(tier for tier in Tier if any(issue.tier is tier for issue in issues))
    weeks = sorted({issue.week_ending for issue in issues if issue.week_ending})
    if len(weeks) < 2:
        return f"{tiers} {weeks[0] if weeks else 'everywhere'}".strip()
    return f"{tiers}, {len(weeks)} weeks {weeks[0]} to {weeks[-1]}"


def page_of(found: Assessment) -> str:
    """The whole page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("spine.quality.assessment"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    weeks = sorted({each.week_ending for each in found.weeks}, reverse=True)
    cells = {(each.tier, each.week_ending): each for each in found.weeks}
    curves = [_curve(found.of_tier(tier)) for tier in found.scope.tiers if len(found.of_tier(tier)) > 1]
    return environment.get_template("assessment.html").render(
        found=found,
        verdict=verdict(found),
        findings=findings(found),
        grades=Counter(each.score.grade for each in found.weeks),
        symbol_grades=Counter(each.score.grade for each in found.symbols),
        all_grades=list(Grade),
        weeks=weeks[:_MOST_CELLS],
        hidden=max(0, len(weeks) - _MOST_CELLS),
        cells=cells,
        curves=curves,
        size=(_WIDTH, _HEIGHT),
        dimensions=DIMENSIONS,
        means=_means(found.weeks),
        grade_of=grade_of,
        meanings=MEANINGS,
        week_weights=WEEK_WEIGHTS,
        symbol_weights=SYMBOL_WEIGHTS,
        most_issues=MOST_ISSUES,
        most_symbols=MOST_SYMBOLS,
        left_out=[check for check in Check if check not in found.made],
    )


def verdict(found: Assessment) -> str:
    """The assessment in a sentence or two."""
    if not found.weeks:
        return "No week of these is published yet."
    critical, errors, warnings = (
        len(found.worst(severity)) for severity in (AlertSeverity.CRITICAL, AlertSeverity.ERROR, AlertSeverity.WARNING)
    )
    good = sum(each.score.grade is Grade.A for each in found.weeks)
    said = [f"{good} of {len(found.weeks)} weeks have an A."]
    if critical:
        said.append(f"{_count(critical, 'published number is', 'published numbers are')} wrong and must be mended.")
    if errors:
        said.append(f"{_count(errors, 'thing is', 'things are')} missing or held back.")
    if warnings:
        said.append(f"{_count(warnings, 'thing is', 'things are')} worth a look.")
    if not critical + errors + warnings:
        said.append("Nothing is missing, and every check holds.")
    return " ".join(said)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _means(weeks: Sequence[WeekScore]) -> dict[str, float | None]:
    """Each dimension over all weeks, 0 to 1."""
    means: dict[str, float | None] = {}
    for name in WEEK_WEIGHTS:
        known = [value for each in weeks if (value := each.score.dimensions[name]) is not None]
        means[name] = sum(known) / len(known) if known else None
    return means


def _curve(weeks: Sequence[WeekScore]) -> Curve:
    first, last = weeks[0].week_ending, weeks[-1].week_ending
    points = (f"{_x(each.week_ending, first, last):.1f},{_y(each.score.value):.1f}" for each in weeks)
    mean = sum(each.score.value for each in weeks) / len(weeks)
    return Curve(weeks[0].tier, " ".join(points), round(mean, 1), min(weeks, key=lambda each: each.score.value))


def _x(week: dt.date, first: dt.date, last: dt.date) -> float:
    return _WIDTH * (week - first).days / max((last - first).days, 1)


def _y(value: float) -> float:
    return _HEIGHT * (1 - value / 100)
