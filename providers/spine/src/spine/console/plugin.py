"""What a file in ``plugins/`` imports to add the console to a deployment.

Every Airflow process imports this module and only the API server serves the console, so nothing of it is imported here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class LazyASGI:
    """An ASGI application that is imported at its first request.

    :param target: ``package.module:attribute``.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            module, _, attribute = self.target.partition(":")
            self._app = getattr(import_module(module), attribute)
        await self._app(scope, receive, send)


class SpineConsolePlugin(AirflowPlugin):
    """The console under Browse in Airflow's navigation, and its API."""

    name = "spine_console"
    fastapi_apps: list[Any] = [  # noqa: RUF012 - as the base class declares it
        {"app": LazyASGI("spine.console.app:app"), "url_prefix": "/spine", "name": "Spine console"}
    ]
    # A relative address: Airflow may be served below a path of its own.
    external_views: list[Any] = [  # noqa: RUF012
        {
            "name": "Spine Console",
            "href": "spine/",
            "destination": "nav",
            "category": "browse",
            "url_route": "spine-console",
        }
    ]
