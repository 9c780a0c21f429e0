"""A table from a source, in any DAG."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

log = logging.getLogger(__name__)


class LoadTableOperator(BaseOperator):
    """Load a table of Spine's database from a file, an HTTP source or a query, and return a receipt with the counts.

    :param load: source, table, columns, key and mode, as a step of a workflow declares them. (templated)
    :param dataset: name in the ledger; by default the DAG's. (templated)
    :param force: ask and load even when nothing changed.
    :param storage_conn_id: the database; by default the one of ``[spine] storage_conn_id``.
    """

    template_fields: Sequence[str] = ("load", "dataset")

    def __init__(
        self,
        *,
        load: Mapping[str, Any],
        dataset: str | None = None,
        force: bool = False,
        storage_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.load = load
        self.dataset = dataset
        self.force = force
        self.storage_conn_id = storage_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from spine.airflow_settings import load_settings
        from spine.hooks.connections import AirflowConnections
        from spine.hooks.storage import StorageHook
        from spine.pipelines.context import StepContext, utc_now
        from spine.pipelines.load_table import load_table
        from spine.workflows.runner import guards_for

        settings = load_settings()
        with closing(StorageHook(self.storage_conn_id or settings.storage_conn_id).get_storage()) as storage:
            step = StepContext(
                storage=storage,
                settings=settings,
                params={"load": self.load, "force": self.force},
                run_id=context["run_id"],
                workflow=self.dataset or self.dag_id,
                log=log,
                connections=AirflowConnections(),
                guards=guards_for(storage, settings, utc_now),
            )
            return load_table.run(step).to_dict()
