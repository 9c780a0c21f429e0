"""Who may change what the console shows: whoever may change Airflow's connections, as operators may."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import requires_access_connection
from fastapi import Depends

may_operate = Depends(requires_access_connection(method="PUT"))
