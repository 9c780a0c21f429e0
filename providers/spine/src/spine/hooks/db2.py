"""The connection type ``db2`` of Airflow's connection form."""

from __future__ import annotations

from spine.hooks.storage import StorageHook


class Db2Hook(StorageHook):
    """IBM Db2 as the domain database; Airflow brings a connection type for the others itself."""

    conn_type = "db2"
    hook_name = "IBM Db2"
