"""The language of workflow files as tables: which keys there are, what each takes and what it means.

The reader, the published JSON Schema, the reference and ``explain`` all come from here; nothing else lists a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ErrorCategory, ValidationError
from spine.core.tiers import Tier
from spine.documents.keys import (
    COUNT,
    FACTOR,
    MAPPING,
    NAME,
    NAMES,
    NAMES_OR_NAME,
    SECONDS,
    SWITCH,
    TEXT,
    VERSION,
    Key,
    Kind,
    ListOf,
    Record,
)
from spine.documents.problems import Code
from spine.documents.spans import DURATION, parse_duration
from spine.workflows.model import Backoff, Decision, OnError, OnReject, Severity, StepType
from spine.workflows.references import reference

_ASSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}")  # what stays as it is in the asset's URI


@dataclass(frozen=True, slots=True)
class StepKind:
    """A step type and the keys that only it has."""

    type: StepType
    doc: str
    keys: tuple[Key, ...]
    example: str
    without: frozenset[str] = frozenset()
    """Common keys that make no sense for it."""


def _is_tier(value: Any) -> bool:
    try:
        Tier.parse(value)
    except ValidationError:
        return False
    return True


def _is_duration(value: Any) -> bool:
    return reference(value) is not None or parse_duration(value) is not None


ASSETS = Kind(
    "a list of asset names (letters, digits, '_', '-', '.' and '/', no sign first)",
    lambda value: isinstance(value, list) and all(TEXT.fits(item) and _ASSET.fullmatch(item) for item in value),
    {"type": "array", "items": {"type": "string", "pattern": f"^{_ASSET.pattern}$"}},
)
ITEMS = Kind(
    "a list that is not empty, or one ${...} reference",
    lambda value: bool(value) and (isinstance(value, list) or reference(value) is not None),
    {"anyOf": [{"type": "array", "minItems": 1}, {"type": "string", "pattern": r"^\$\{.*\}$"}]},
)
SPAN = Kind(
    "seconds, or text such as 90s, 10m, 2h or 1d",
    _is_duration,
    {"anyOf": [SECONDS.schema, {"type": "string", "pattern": rf"{DURATION}|^\$\{{.*\}}$"}]},
)
TIER = Kind("a tier", _is_tier, {"type": "string"}, tuple(map(str, Tier)))
TIER_OR_REFERENCE = Kind(
    "a tier, or one ${...} reference", lambda value: reference(value) is not None or _is_tier(value), {"type": "string"}
)
CATEGORIES = Kind(
    f"a list of error categories ({', '.join(ErrorCategory)})",
    lambda value: isinstance(value, list) and bool(value) and all(item in list(ErrorCategory) for item in value),
    {"type": "array", "minItems": 1, "items": {"enum": list(map(str, ErrorCategory))}},
)

STEP_LIST = Kind("a list", lambda value: isinstance(value, list), {"type": "array", "minItems": 1})

RETRY = Record(
    "a retry policy",
    (
        Key("max_attempts", COUNT, "Attempts in all, the first one counted.", default="3"),
        Key("initial_delay", SECONDS, "Seconds between the first two attempts.", default="1"),
        Key("backoff", Kind.one_of(Backoff), "How the delay grows.", default="exponential"),
        Key("multiplier", FACTOR, "Growth of an exponential backoff.", default="2"),
        Key("max_delay", SECONDS, "No delay is longer.", default="60"),
        Key("on", CATEGORIES, "Error categories to try again.", default="those that may get better by themselves"),
    ),
)
CASE = Record(
    "a case",
    (
        Key("when", NAME, "Condition; the first case that holds is taken.", required=True),
        Key("then", NAME, "The step it leads to.", required=True),
    ),
)
CHECK = Record(
    "a check",
    (
        Key("check", NAME, "Condition that must hold.", required=True),
        Key("severity", Kind.one_of(Severity), "What a broken check does.", default="fail"),
        Key("message", TEXT, "What to tell people when it does not hold."),
    ),
    shorthand="check",
)
ALERTS = Record(
    "alerts",
    (
        Key("on_failure", NAMES_OR_NAME, "Channels that hear of a failed run."),
        Key("on_success", NAMES_OR_NAME, "Channels that hear of a good run."),
    ),
)
SCHEDULE = Record(
    "a schedule",
    (
        Key("name", NAME, "Its DAG id.", required=True),
        Key("publication", TIER, "Run once for each week of this tier, when FINRA publishes it."),
        Key("at", NAME, "New York time of that, HH:MM.", default="as soon as FINRA publishes"),
        Key("deadline", SPAN, "How long after it the week is to be there; else an alert tells who is late."),
        Key("cron", NAME, "Or five cron fields."),
        Key("timezone", NAME, "Zone of the cron fields.", default="UTC"),
        Key("params", MAPPING, "Params of its runs."),
        Key("enabled", SWITCH, "false leaves a DAG that only people start.", default="true"),
        Key("description", TEXT, "What it is for."),
    ),
)

PARAMS = Key("params", MAPPING, "Laid over the run's params; a value may be one `${...}` reference.")
_CONDITION = "An expression over params and the outputs of earlier steps."

_NO_RETRY = frozenset({"on_error", "retry", "timeout"})
_COMMON = (
    Key("name", NAME, "Unique among its siblings; the task's id.", required=True),
    Key("type", Kind.one_of(StepType), "What kind of step it is.", required=True),
    Key("description", TEXT, "For people; the task's documentation."),
    Key("depends_on", NAMES, "The steps it waits for.", default="the order of the file"),
    Key("on_error", Kind.one_of(OnError), "What its failure does.", default="stop"),
    Key("retry", RETRY, "How often and when to try again; needs `on_error: retry`."),
    Key("timeout", SPAN, "How long an attempt may take."),
    Key("pool", NAME, "Airflow pool whose slots bound how many such steps run at once."),
    Key(
        "produces", ASSETS, "Names of the assets that its success updates; a weekly run adds its week as the partition."
    ),
)

STEP_KINDS = (
    StepKind(
        StepType.PIPELINE,
        "Run a registered pipeline.",
        (
            Key("pipeline", NAME, "Its registered name.", required=True, missing=Code.PIPELINE_STEP_WITHOUT_PIPELINE),
            PARAMS,
        ),
        "{name: ingest, type: pipeline, pipeline: finra.otc_transparency.ingest_week}",
    ),
    StepKind(
        StepType.LAMBDA,
        "Call a Python function of an allowed package.",
        (
            Key("handler", NAME, "package.module.function.", required=True, missing=Code.LAMBDA_WITHOUT_HANDLER),
            PARAMS,
            Key("config", MAPPING, "Handed to the function as its second argument."),
        ),
        "{name: validate, type: lambda, handler: spine.quality.checks.validate_ingest, config: {min_rows: 1}}",
    ),
    StepKind(
        StepType.CHOICE,
        "Take one way: by one condition, or by the first of several cases that holds.",
        (
            Key("condition", NAME, _CONDITION, missing=Code.CHOICE_WITHOUT_CONDITION),
            Key("then_step", NAME, "The step it leads to when the condition holds."),
            Key("cases", ListOf(CASE), "Several ways, in place of `condition` and `then_step`."),
            Key("else_step", NAME, "Where it leads otherwise.", default="the step behind the last target"),
        ),
        "{name: enough, type: choice, condition: rows > 0, then_step: load, else_step: notify}",
        without=_NO_RETRY | {"produces"},
    ),
    StepKind(
        StepType.MAP,
        "Run a list of steps once for each item. An item that fails does not stop the others.",
        (
            Key("items", ITEMS, "A list, or one reference that gives one when the step starts.", required=True),
            Key("item", NAME, "Name of the param that holds the item.", default="item"),
            Key("max_concurrency", COUNT, "Items at work at once.", default="all of them"),
            Key("steps", STEP_LIST, "What to do for each.", required=True),
        ),
        "{name: tiers, type: map, items: [T1, T2], item: tier, steps: [{name: load, type: notify, message: '${params.tier}'}]}",
        without=frozenset({"retry", "timeout"}),
    ),
    StepKind(
        StepType.WAIT,
        "Wait for a time span, an instant, or FINRA's publication of the run's week. Takes no worker while it waits.",
        (
            Key("duration", SPAN, "How long."),
            Key("until", NAME, "ISO instant, or HH:MM of today; what is past is over."),
            Key("timezone", NAME, "Zone of an `until` that names none.", default="UTC"),
            Key("publication", TIER_OR_REFERENCE, "Tier whose week must be at FINRA."),
            Key("poll", SPAN, "Between two looks at FINRA.", default="300"),
        ),
        "{name: settle, type: wait, duration: 10m}",
    ),
    StepKind(
        StepType.GATE,
        "Let the run pass only when every check holds, and its capture passes a suite of Great Expectations.",
        (
            Key("checks", ListOf(CHECK), "Conditions, or mappings with `check`, `severity` and `message`."),
            Key("suite", NAME, "A suite of include/expectations that judges the run's capture, inside the database."),
            Key(
                "publish",
                SWITCH,
                "Whether a capture that passes the suite is shown to readers at once.",
                default="true",
            ),
        ),
        '{name: plausible, type: gate, checks: ["rows >= 100", {check: rejected == 0, severity: warn}]}',
        without=frozenset({"retry"}),
    ),
    StepKind(
        StepType.APPROVAL,
        "Ask a person, in Airflow's UI. Nobody answered in time: `default`, or failure.",
        (
            Key("subject", NAME, "The question.", required=True),
            Key("body", TEXT, "What the person should know."),
            Key("default", Kind.one_of(Decision), "What counts when nobody answered within `timeout`."),
            Key(
                "on_reject",
                Kind.one_of(OnReject),
                "Whether a rejection fails the step or skips what follows.",
                default="fail",
            ),
            Key("approvers", NAMES, "Users who may answer.", default="everyone who may edit the DAG"),
        ),
        "{name: release, type: approval, subject: Publish this week?, timeout: 4h, default: reject}",
        without=frozenset({"retry"}),
    ),
    StepKind(
        StepType.WORKFLOW,
        "Run another workflow to its end, within this step.",
        (Key("workflow", NAME, "Its name.", required=True), PARAMS),
        "{name: refresh, type: workflow, workflow: finra.weekly_refresh, params: {tier: T1}}",
    ),
    StepKind(
        StepType.NOTIFY,
        "Send a message; without one, a summary of the steps so far.",
        (
            Key("channel", NAME, "Where to.", default="the notifier's own"),
            Key("message", NAME, "Text, or one `${...}` reference."),
        ),
        '{name: tell, type: notify, channel: "#data-ops", on_error: continue}',
    ),
)

WORKFLOW = Record(
    "a workflow",
    (
        Key("name", NAME, "Unique; the DAG's id.", required=True),
        Key("domain", TEXT, "The dataset or business area; becomes a tag."),
        Key("description", TEXT, "For people; the first line is the DAG's title."),
        Key("version", VERSION, "The author's own.", default="1"),
        Key("owner", NAME, "Who answers for it."),
        Key("tags", NAMES, "For finding it."),
        Key("params", MAPPING, "Parameters of a run, each described by a JSON Schema: the trigger form."),
        Key("defaults", MAPPING, "Values of params that need no description."),
        Key("schedules", ListOf(SCHEDULE), "When it runs by itself; each becomes a DAG of its own."),
        Key("alerts", ALERTS, "Who hears of its runs."),
        Key("timeout", SPAN, "How long a whole run may take."),
        Key("steps", STEP_LIST, "What it does.", required=True),
    ),
)
# JSON Schema's keywords for one value, and those by which Airflow's trigger form shows it.
PARAM_KEYS = frozenset(
    (
        *("type", "enum", "const", "format", "default", "title", "description", "description_md", "examples"),
        *("values_display", "section", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "items", "minItems", "maxItems", "uniqueItems"),
        *("properties", "required", "additionalProperties", "anyOf"),
    )
)


def step_kind(step_type: StepType) -> StepKind:
    """The entry of a type."""
    return next(kind for kind in STEP_KINDS if kind.type is step_type)


def step_keys(step_type: StepType) -> tuple[Key, ...]:
    """Every key that a step of a type may have: the common ones, then its own."""
    kind = step_kind(step_type)
    return (*(key for key in _COMMON if key.name not in kind.without), *kind.keys)


def common_step_keys() -> tuple[Key, ...]:
    """The keys that steps have whatever their type."""
    return _COMMON
