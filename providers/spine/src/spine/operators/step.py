"""One step of a workflow as an Airflow task."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowTaskTimeout

from spine.core.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from spine.core.results import StepResult
    from spine.core.settings import Settings
    from spine.pipelines.context import StepContext
    from spine.storage.base import Storage
    from spine.workflows.model import Step, Workflow

log = logging.getLogger(__name__)


class SpineStepOperator(BaseOperator):
    """Run a step and return its receipt, which is what the steps behind it and the UI see.

    A failure with ``on_error: continue`` is such a receipt too (``failed_continue``), because no trigger rule can tell
    a passed-over failure from a hard one. Any other failure is raised as the SpineError it is;
    ``spine.retries.SpineRetryPolicy`` decides whether Airflow tries again.

    :param workflow: the workflow the step belongs to.
    :param step: the step; ``task_id`` must be its name, for the receipts of other steps are found by it.
    """

    def __init__(self, *, workflow: Workflow, step: Step, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.workflow = workflow
        self.step = step

    def execute(self, context: Context) -> dict[str, Any]:
        return self.run_step(context).to_dict()

    def run_step(self, context: Context) -> StepResult:
        """One attempt.

        :raises SpineError: it failed and the workflow does not pass over that.
        """
        from spine.airflow_settings import load_settings
        from spine.workflows.steps import settle_failure

        params = self._params(context)
        try:
            return self._attempt(context, params, load_settings())
        except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001 - on_error decides, whatever it is
            return settle_failure(self.step, self._explained(error), workflow=self.workflow.name, log=log)

    def _params(self, context: Context) -> dict[str, Any]:
        """The run's, checked again, as Airflow lets unknown keys of a conf through; and with the week it is for.

        :raises ValidationError: an invalid param, or a week that contradicts the run's dates.
        """
        from spine.operators.run_week import week_of_run
        from spine.workflows.params import validate_params

        params = validate_params(self.workflow, dict(context["params"]))
        if "week_ending" in params:
            week_ending = week_of_run(context, params["week_ending"])
            params["week_ending"] = week_ending and week_ending.isoformat()
        return params

    def _attempt(self, context: Context, params: Mapping[str, Any], settings: Settings) -> StepResult:
        from spine.hooks.storage import StorageHook
        from spine.workflows.steps import run_step

        with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
            return run_step(self.step, self._step_context(context, params, settings, storage))

    def _step_context(
        self, context: Context, params: Mapping[str, Any], settings: Settings, storage: Storage
    ) -> StepContext:
        from spine.hooks.connections import AirflowConnections
        from spine.notifications.slack import SlackMessages
        from spine.pipelines.context import StepContext

        return StepContext(
            storage=storage,
            settings=settings,
            params=params,
            outputs=self._outputs(context),
            run_id=context["run_id"],
            workflow=self.workflow.name,
            log=log,
            notifier=SlackMessages(),
            connections=AirflowConnections(),
        )

    def _outputs(self, context: Context) -> dict[str, Mapping[str, Any]]:
        """The receipts of the steps that lead here; a skipped one has none."""
        from spine.workflows.graph import build_graph

        names = build_graph(self.workflow.steps).ancestors(self.step.name)
        receipts = {name: context["ti"].xcom_pull(task_ids=name) for name in names}
        return {name: receipt for name, receipt in receipts.items() if isinstance(receipt, dict)}

    def _explained(self, error: BaseException) -> BaseException:
        if not isinstance(error, AirflowTaskTimeout):
            return error
        late = DeadlineExceeded(f"step '{self.step.name}' took longer than its timeout of {self.step.timeout:g} s")
        late.__cause__ = error
        return late
