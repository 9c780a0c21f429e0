"""Every Airflow process loads the plugin; only the server may load the console."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

from spine.console.plugin import LazyASGI, SpineConsolePlugin
from tests.support.paths import ROOT

_HEAVY = {"adbc_driver_manager", "fastapi", "holidays", "jinja2", "pandas", "pyarrow"}


def test_loading_the_plugin_loads_no_part_of_the_console() -> None:
    # Airflow itself brings some of them; what counts is what the plugin adds.
    code = (
        "import sys, airflow.plugins_manager; before = set(sys.modules); import spine_console; "
        f"print(sorted(name for name in set(sys.modules) - before if name in {_HEAVY!r} or name.startswith('spine.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "plugins", capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['spine.console', 'spine.console.plugin']"


def test_the_application_is_imported_at_its_first_request() -> None:
    lazy = LazyASGI("tests.unit.console.test_plugin:_application")
    called: list[dict[str, Any]] = []

    async def nothing(*_: Any) -> None:
        return None

    asyncio.run(lazy({"type": "http", "called": called}, nothing, nothing))  # type: ignore[arg-type]
    asyncio.run(lazy({"type": "http", "called": called}, nothing, nothing))  # type: ignore[arg-type]
    assert len(called) == 2


async def _application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    scope["called"].append(scope)


def test_addresses_are_relative_since_airflow_may_have_a_base_path() -> None:
    assert [view["href"] for view in SpineConsolePlugin.external_views] == ["spine/"]
