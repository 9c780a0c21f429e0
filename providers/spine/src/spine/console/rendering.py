"""Templates to HTML answers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse

if TYPE_CHECKING:
    from jinja2 import Environment

# The pages load nothing from elsewhere, and only Airflow may frame them.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(
    template: str, *, status_code: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A template of this package as an answer."""
    text = _environment().get_template(template).render(**values)
    return HTMLResponse(text, status_code, {**HEADERS, **(headers or {})})


@lru_cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("spine.console"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"number": number, "day": day, "instant": instant, "unbroken": unbroken}
    return environment


def number(value: int | str | None) -> str:
    """With thousands separators; exact decimal text keeps its decimals."""
    if value is None:
        return "\N{EN DASH}"
    return f"{value:,}" if isinstance(value, int) else f"{Decimal(value):,}"


def day(value: dt.date) -> str:
    return f"{value.day} {value:%b %Y}"


def instant(value: dt.datetime) -> str:
    utc = value.astimezone(dt.UTC)
    return f"{utc.day} {utc:%b %Y %H:%M} UTC"


def unbroken(text: str) -> str:
    """Dates that stay on one line: with hyphens that do not break."""
    return re.sub(r"(?<=\d)-(?=\d)", "\N{NON-BREAKING HYPHEN}", text)
