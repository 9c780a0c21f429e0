"""The console's application. Imported in the API server alone, at its first request (see spine.console.plugin)."""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI

from spine import __version__
from spine.console import api, pages, quality_api, quality_pages, resilience_api
from spine.console.problems import add_problem_handlers


def create_app() -> FastAPI:
    """Every route, behind the login: whoever may see Airflow's own pages may see these.

    FastAPI's own documentation pages have no place for a login, so they are off; the API describes itself instead.
    """
    app = FastAPI(
        title="Spine console",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(requires_access_view(AccessView.WEBSITE))],
    )
    app.include_router(pages.router)
    app.include_router(quality_pages.router)
    app.include_router(api.router, prefix="/api/v1")
    app.include_router(quality_api.router, prefix="/api/v1")
    app.include_router(resilience_api.router, prefix="/api/v1")
    add_problem_handlers(app)
    return app


app = create_app()
