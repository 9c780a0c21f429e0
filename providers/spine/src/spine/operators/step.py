"""One step of a workflow as an Airflow task."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowTaskTimeout, TaskDeferralError

from spine.core.errors import DeadlineExceeded, DependencyError, SpineError
from spine.operators.step_place import Place, items_at, items_before, readable_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from spine.alerts.model import Alert
    from spine.core.results import StepResult
    from spine.core.settings import Settings
    from spine.pipelines.context import StepContext
    from spine.storage.base import Storage
    from spine.workflows.conditions import Scope
    from spine.workflows.model import Step, Workflow

log = logging.getLogger(__name__)
FAILURE = "failure"
"""XCom key of the receipt that a failed step in a map leaves for the map's own."""


class SpineStepOperator(BaseOperator):
    """Run a step and return its receipt, which is what the steps behind it and the UI see.

    A failure with ``on_error: continue`` is such a receipt too (``failed_continue``), because no trigger rule can tell
    a passed-over failure from a hard one. Any other failure is raised as the SpineError it is;
    ``spine.retries.SpineRetryPolicy`` decides whether Airflow tries again.

    :param workflow: the workflow the step belongs to.
    :param step: the step; the ``task_id`` must be what ``step_place`` says, for receipts are found by it.
    :param place: the maps around it.
    """

    def __init__(self, *, workflow: Workflow, step: Step, place: Place = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.workflow = workflow
        self.step = step
        self.place = place

    def execute(self, context: Context) -> dict[str, Any]:
        return self.receipt(context, self.run_step(context))

    def run_step(self, context: Context) -> StepResult:
        """One attempt.

        :raises SpineError: it failed and the workflow does not pass over that.
        """
        from spine.airflow_settings import load_settings

        params = self.params_of_run(context)
        try:
            return self._attempt(context, params, load_settings())
        except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001 - on_error decides, whatever it is
            return self.settle(context, error)

    def settle(self, context: Context, error: BaseException) -> StepResult:
        """What becomes of a failure: a receipt when the workflow passes over it.

        :raises SpineError: else.
        """
        from spine.core.results import StepResult
        from spine.workflows.steps import settle_failure

        place = self._known_place(context)
        try:
            return settle_failure(self.step, self._explained(error), workflow=self.workflow.name, log=log, place=place)
        except SpineError as failure:
            if self._is_last_attempt(context, failure):
                self._write_down(context, failure)
            if self.place:
                context["ti"].xcom_push(key=FAILURE, value=StepResult.failed(failure).to_dict())
            raise

    def receipt(self, context: Context, result: StepResult) -> dict[str, Any]:
        """The receipt as XCom takes it; the assets of the step are told."""
        if self.outlets:
            from spine.operators.assets import record_assets

            record_assets(self, context, result)
        receipt = result.to_dict()
        if receipt.get("error") and receipt["status"] == "failed_continue":
            self._tell_passed_over(context, receipt["error"])
        return receipt

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """A trigger that failed is a failure of the step like any other."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralError as error:
            failure = DependencyError(f"step '{self.step.name}' could not wait: {error}; see the log of the triggerer")
            failure.__cause__ = error
            return self.receipt(context, self.settle(context, failure))

    def scope(self, context: Context) -> Scope:
        """What expressions of the step see."""
        from spine.workflows.conditions import Scope

        return Scope(self.params_of_run(context), self._outputs(context))

    def params_of_run(self, context: Context) -> dict[str, Any]:
        """The run's, checked again, as Airflow lets unknown keys of a conf through; with the week and the items it is for.

        :raises ValidationError: an invalid param, or a week that contradicts the run's dates.
        """
        from spine.operators.run_week import week_of_run
        from spine.workflows.params import validate_params

        params = validate_params(self.workflow, dict(context["params"]))
        if "week_ending" in params:
            week_ending = week_of_run(context, params["week_ending"])
            params["week_ending"] = week_ending and week_ending.isoformat()
        return {**params, **items_at(self.place)}

    def _attempt(self, context: Context, params: Mapping[str, Any], settings: Settings) -> StepResult:
        from spine.hooks.storage import StorageHook

        with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
            return self._run_in(self._step_context(context, params, settings, storage))

    def _run_in(self, context: StepContext) -> StepResult:
        from spine.workflows.model import WorkflowCall
        from spine.workflows.outcomes import ended_well
        from spine.workflows.steps import run_step

        if isinstance(self.step.action, WorkflowCall):
            from spine.workflows.runner import call_workflow

            result = call_workflow(self.step.action, context)
        else:
            result = run_step(self.step, context)
        ended_well(self._full_name, result, context)
        return result

    def _step_context(
        self, context: Context, params: Mapping[str, Any], settings: Settings, storage: Storage
    ) -> StepContext:
        from spine.alerts.notify import OutboxNotifier
        from spine.hooks.connections import AirflowConnections
        from spine.pipelines.context import StepContext, utc_now
        from spine.workflows.runner import guards_for

        connections = AirflowConnections()
        return StepContext(
            storage=storage,
            settings=settings,
            params=params,
            outputs=self._outputs(context),
            run_id=context["run_id"],
            workflow=self.workflow.name,
            log=log,
            notifier=OutboxNotifier(self._message(context, params), storage, settings, connections, utc_now),
            connections=connections,
            guards=guards_for(storage, settings, utc_now),
            domain=self.workflow.domain,
        )

    def _message(self, context: Context, params: Mapping[str, Any]) -> Alert:
        """What is told by this step, without its text."""
        from spine.alerts.model import Alert, AlertSeverity
        from spine.notifications.about import about_run

        place = about_run(self.workflow.name, self.workflow.domain, context, params)
        title = f"{self.workflow.name} has something to tell"
        return Alert(AlertSeverity.INFO, title, "", step=self.step.name, cause="completion", **place)

    def _tell_passed_over(self, context: Context, error: Mapping[str, Any]) -> None:
        from spine.core.errors import error_from_dict
        from spine.notifications.run_alerts import passed_over

        try:
            params: Mapping[str, Any] = self.params_of_run(context)
        except SpineError:
            params = context["params"]
        passed_over(self, error_from_dict(error), context, params)

    @property
    def _full_name(self) -> str:
        return items_before(self.place) + self.step.name

    def _is_last_attempt(self, context: Context, failure: SpineError) -> bool:
        """Whether Airflow will not try again, as ``SpineRetryPolicy`` decides."""
        ti, retry = context["ti"], self.step.retries
        return retry.max_attempts == 1 or ti.try_number > ti.max_tries or not retry.covers(failure)

    def _write_down(self, context: Context, failure: SpineError) -> None:
        """The work as a dead letter. With a storage of its own: the failure may be that the step got none."""
        from spine.airflow_settings import load_settings
        from spine.hooks.storage import StorageHook
        from spine.workflows.outcomes import failed_for_good

        try:
            params, settings = self.params_of_run(context), load_settings()
            with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
                known = self._step_context(context, params, settings, storage)
                failed_for_good(self.step, self._full_name, failure, known)
        except Exception as error:  # noqa: BLE001 - the failure itself must reach Airflow, whatever keeps it from being recorded
            log.warning("no dead letter could be written: %s", error)

    def _known_place(self, context: Context) -> dict[str, Any]:
        """Run, tier, week and capture, as far as params and receipts can be had."""
        from spine.workflows.steps import place_of

        try:
            return place_of(self.params_of_run(context), self._outputs(context), context["run_id"])
        except Exception:  # noqa: BLE001 - often they are the failure
            return {"run_id": context["run_id"]}

    def _outputs(self, context: Context) -> dict[str, Mapping[str, Any]]:
        """The receipts of the steps that lead here; a skipped one has none."""
        tasks = readable_tasks(self.workflow, self.step, self.place)
        receipts = {name: context["ti"].xcom_pull(task_ids=task) for name, task in tasks.items()}
        return {name: receipt for name, receipt in receipts.items() if isinstance(receipt, dict)}

    def _explained(self, error: BaseException) -> BaseException:
        if not isinstance(error, AirflowTaskTimeout):
            return error
        late = DeadlineExceeded(f"step '{self.step.name}' took longer than its timeout of {self.step.timeout:g} s")
        late.__cause__ = error
        return late
