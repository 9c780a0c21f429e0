"""When workflows run by themselves: what a schedule must say, and the params it starts them with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spine.core.errors import ValidationError
from spine.core.publication import parse_publication_time
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.zones import zone_problem
from spine.documents.document import Document
from spine.documents.problems import Code
from spine.workflows.checks import WORKFLOW_NAME
from spine.workflows.model import Schedule, Workflow, WorkflowParam
from spine.workflows.params import valid_value

_CRON_FIELDS = 5
_A_DAY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)  # any: whether a cron ever comes must not depend on today


def params_of(workflow: Workflow, schedule: Schedule) -> dict[str, WorkflowParam]:
    """The workflow's params with the schedule's values as defaults; a publication sets ``tier`` by itself."""
    given = _given(workflow, schedule)
    return {
        name: replace(param, default=given[name], required=False) if name in given else param
        for name, param in workflow.params.items()
    }


def check_schedules(document: Document, workflow: Workflow) -> None:
    """Note what is wrong with them; whether another file has a name already is for ``load_library``."""
    for schedule in workflow.schedules:
        _ScheduleChecks(document, workflow, schedule).run()


def _given(workflow: Workflow, schedule: Schedule) -> Mapping[str, Any]:
    if schedule.publication is None or "tier" not in workflow.params:
        return schedule.params
    return {"tier": str(schedule.publication), **schedule.params}


class _ScheduleChecks:
    """The checks of one schedule."""

    def __init__(self, document: Document, workflow: Workflow, schedule: Schedule) -> None:
        self.document, self.workflow, self.schedule = document, workflow, schedule
        self.where = ("schedules", document.schedules[schedule.name])
        self.written = document.value["schedules"][document.schedules[schedule.name]]

    def run(self) -> None:
        self._check_name()
        self._check_keys()
        self._check_at()
        self._check_cron()
        self._check_timezone()
        self._check_params()
        self._check_week()

    def _check_name(self) -> None:
        name = self.schedule.name
        if not WORKFLOW_NAME.fullmatch(name):
            self._add(Code.VALUE_NOT_ALLOWED, "a schedule's name has letters, digits, '_', '-' and '.' only", "name")
        if name == self.workflow.name:
            self._add(Code.DUPLICATE_SCHEDULE, f"'{name}' is the workflow's own name", "name")

    def _check_keys(self) -> None:
        written = {key for key, value in self.written.items() if value is not None}
        for key, needed in (("at", "publication"), ("deadline", "publication"), ("timezone", "cron")):
            if key in written and needed not in written:
                self._add_key(key, f"'{key}' needs '{needed}'")
        if {"publication", "cron"} <= written:
            self._add_key("cron", "'cron' does not fit a schedule with 'publication'")
        if not written & {"publication", "cron"} and self.schedule.enabled:
            message = f"schedule '{self.schedule.name}' needs 'publication' or 'cron'"
            self._add(Code.BAD_SCHEDULE, message, suggestion="or 'enabled: false', for runs that only people start")

    def _check_at(self) -> None:
        if self.schedule.at is None:
            return
        try:
            parse_publication_time(self.schedule.at)
        except ValidationError as error:
            self._add(Code.BAD_SCHEDULE, error.message, "at")

    def _check_cron(self) -> None:
        if self.schedule.cron is None:
            return
        if problem := _cron_problem(self.schedule.cron):
            self._add(Code.BAD_SCHEDULE, f"cron '{self.schedule.cron}' {problem}", "cron")

    def _check_timezone(self) -> None:
        if problem := zone_problem(self.schedule.timezone):
            self._add(Code.VALUE_NOT_ALLOWED, problem, "timezone")

    def _check_params(self) -> None:
        params = self.workflow.params
        for name, value in self.schedule.params.items():
            if name not in params:
                suggestion, where = did_you_mean(name, params), (*self.where, "params", name)
                message = f"{self.workflow.name or 'the workflow'} has no param '{name}'"
                self.document.add(Code.BAD_PARAM, message, *where, suggestion=suggestion, of_key=True)
                continue
            try:
                valid_value(params[name], value)
            except ValidationError as error:
                self.document.add(Code.BAD_PARAM, error.message, *self.where, "params", name)
        for name, param in params_of(self.workflow, self.schedule).items():
            if param.required and self.schedule.enabled:
                message = f"schedule '{self.schedule.name}' must set param '{name}', which has no default"
                self._add(Code.BAD_PARAM, message, "params")

    def _check_week(self) -> None:
        """A publication decides which tier and which week its runs are for."""
        if self.schedule.publication is None:
            return
        tier = self.schedule.params.get("tier")
        if tier is not None and not _is(tier, self.schedule.publication):
            message = f"'tier: {tier}' contradicts 'publication: {self.schedule.publication}'"
            self.document.add(Code.BAD_SCHEDULE, message, *self.where, "params", "tier")
        if self.schedule.params.get("week_ending") is not None:
            message = "a publication sets week_ending for each run; leave it out"
            self.document.add(Code.BAD_SCHEDULE, message, *self.where, "params", "week_ending")

    def _add_key(self, key: str, message: str) -> None:
        self.document.add(Code.KEY_DOES_NOT_FIT, message, *self.where, key, of_key=True)

    def _add(self, code: Code, message: str, key: str | None = None, suggestion: str = "") -> None:
        where = (*self.where, key) if key else self.where
        self.document.add(code, message, *where, suggestion=suggestion)


def _is(text: object, tier: Tier) -> bool:
    try:
        return Tier.parse(text) is tier
    except ValidationError:
        return True  # no tier at all, which the check of the params tells


def _cron_problem(cron: str) -> str | None:
    """What is wrong with it, or None. Airflow's presets (``@daily`` ...) are fine."""
    from croniter import CroniterBadDateError, CroniterError, croniter

    if not cron.startswith("@") and len(cron.split()) != _CRON_FIELDS:
        return "does not have five fields: minute, hour, day of month, month, day of week"
    try:
        croniter(cron, _A_DAY).get_next()
    except CroniterBadDateError:
        return "names a day that never comes"
    except CroniterError as error:
        return f"cannot be read: {error}"
    return None
