"""An approval of a workflow as an Airflow task that asks a person, under *Required actions* in the UI."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowTaskTimeout

from spine.core.errors import DeadlineExceeded
from spine.operators.skipping import SkippingOperator
from spine.workflows.model import Approval, Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from spine.core.results import StepResult
    from spine.workflows.model import Step, Workflow

_OPTIONS = {Decision.APPROVE: "Approve", Decision.REJECT: "Reject"}


class ApprovalOperator(SkippingOperator, HITLOperator):
    """Ask, hold neither a worker nor the triggerer meanwhile, and act on the answer."""

    template_fields: Sequence[str] = ()  # workflows have references of their own, no Jinja

    def __init__(self, *, workflow: Workflow, step: Step, **kwargs: Any) -> None:
        action = step.action
        assert isinstance(action, Approval)
        super().__init__(
            workflow=workflow,
            step=step,
            subject=action.subject,
            body=action.body or None,
            options=list(_OPTIONS.values()),
            defaults=None if action.default is None else _OPTIONS[action.default],
            assigned_users=[{"id": name, "name": name} for name in action.approvers] or None,
            response_timeout=dt.timedelta(seconds=step.timeout) if step.timeout else None,
            **kwargs,
        )
        self.action = action

    def execute(self, context: Context) -> Any:
        try:
            self._write_question(context)
            return HITLOperator.execute(self, context)  # parks the task by an exception
        except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001 - on_error decides, whatever it is
            return self.receipt(context, self.settle(context, error))

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        from spine.core.results import StepStatus
        from spine.workflows.graph import build_graph

        try:
            self._write_question(context)
            result = self._answer(event, context)
        except Exception as error:  # noqa: BLE001 - on_error decides, whatever it is
            result = self.settle(context, error)
        rejected = result.status is StepStatus.SKIPPED
        skipped = build_graph(self.siblings).downstream(self.step.name) if rejected else ()
        return self.end(context, self.receipt(context, result), skipped=skipped)

    def _write_question(self, context: Context) -> None:
        from spine.workflows.references import resolve

        scope = self.scope(context)
        self.subject = str(resolve(self.action.subject, scope))
        self.body = str(resolve(self.action.body, scope)) or None

    def _answer(self, event: dict[str, Any], context: Context) -> StepResult:
        """:raises SpineError: a rejection that is a failure, or nobody answered and there is no default."""
        from spine.workflows.approvals import settle_approval

        if event.get("error_type") == "timeout":
            raise DeadlineExceeded(
                f"nobody answered '{self.subject}' within {self.step.timeout:g} s, and step '{self.step.name}' has no default",
                retryable=False,
            )
        if "error" in event:
            self.process_trigger_event_error(event)
        asked = replace(self.action, subject=self.subject)
        person = event["responded_by_user"]
        if person is None:  # nobody: Airflow gives the default as the answer
            return settle_approval(self.step, asked, None)
        decision = next(each for each, option in _OPTIONS.items() if option in event["chosen_options"])
        self._keep(context, decision, person["name"])
        return settle_approval(self.step, asked, decision, by=person["name"])

    def _keep(self, context: Context, decision: Decision, by: str) -> None:
        """The answer in the audit trail of the captures that it is about, if it is about any."""
        from spine.airflow_settings import load_settings
        from spine.hooks.storage import StorageHook
        from spine.workflows.approvals import keep_answer

        if not any(receipt.get("capture_id") for receipt in self._outputs(context).values()):
            return
        settings = load_settings()
        with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
            known = self._step_context(context, self.params_of_run(context), settings, storage)
            keep_answer(known, self.subject, decision, by)
