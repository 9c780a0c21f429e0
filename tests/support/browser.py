"""A real Chromium without a window, and pages of it that are logged in to Airflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.standalone import Airflow

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# It runs as root in containers, and has nobody to report to.
_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The browser of this machine, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def running_chromium(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def logged_in_page(browser: Browser, airflow: Airflow, **options: Any) -> Iterator[Page]:
    """A page of a session of its own; ``options`` are playwright's, such as ``color_scheme``."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
    context.add_cookies([{"name": "_token", "value": airflow.token, "url": airflow.url}])
    try:
        yield context.new_page()
    finally:
        context.close()
