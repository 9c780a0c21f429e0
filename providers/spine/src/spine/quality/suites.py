"""Suites of rules in include/expectations: which Great Expectations judge a stage, and what a broken one does.

Read without Great Expectations; whether it knows an expectation and its arguments is for ``spine.quality.gx``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from spine.alerts.model import AlertSeverity
from spine.core.errors import ConfigurationError, ValidationError
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.documents.document import Document, read_document
from spine.documents.json_schema import object_schema
from spine.documents.keys import MAPPING, NAME, NAMES, SWITCH, TEXT, VERSION, Key, Kind, ListOf, Record
from spine.documents.problems import Code
from spine.documents.records import Values, read_record
from spine.storage.ledger import Stage

LINES = "lines"
CATEGORIES = ("COMPLETENESS", "INTEGRITY", "BUSINESS_RULE")
TELLS_ROWS = "ExpectNoRowsWhere"
"""The one expectation whose rows can be set aside: its condition says which they are."""


class Outcome(StrEnum):
    """What a broken rule does, mildest first."""

    WARN = "warn"
    QUARANTINE = "quarantine"
    HOLD = "hold"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        return list(Outcome).index(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation.

    :param on: the rows it sees: the capture's ``lines``, or a derived table by the name behind the dataset's.
    :param args: keywords of the expectation; a value ``{by_tier: {T1: ..., ...}}`` is the tier's.
    :param reason_code: of the rejects that a quarantine makes.
    :param category: COMPLETENESS, INTEGRITY or BUSINESS_RULE, for the scorecard.
    :param environments: only in these ([spine] environment); empty: everywhere.
    :param per_venue: only for summary types that have a row for each venue.
    :param tiers: only these; empty: all.
    """

    name: str
    expect: str
    outcome: Outcome
    on: str = LINES
    args: Mapping[str, Any] = field(default_factory=dict)
    reason_code: str = ""
    category: str = "INTEGRITY"
    severity: AlertSeverity | None = None
    environments: tuple[str, ...] = ()
    per_venue: bool = False
    tiers: tuple[Tier, ...] = ()
    message: str = ""
    description: str = ""

    def args_for(self, tier: Tier) -> dict[str, Any]:
        """Its keywords for a tier; without those that have no value for it."""
        chosen = {name: _of_tier(value, tier) for name, value in self.args.items()}
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules of one stage of a dataset, as one version."""

    name: str
    dataset: str
    stage: Stage
    version: str
    rules: tuple[Rule, ...]
    description: str = ""

    def rules_for(self, tier: Tier, environment: str, *, per_venue: bool = True) -> tuple[Rule, ...]:
        """Those that apply to a capture of a tier.

        :param per_venue: whether its summary type has a row for each venue.
        """
        return tuple(
            rule
            for rule in self.rules
            if (not rule.tiers or tier in rule.tiers)
            and (not rule.environments or environment in rule.environments)
            and (per_venue or not rule.per_venue)
        )


def _tiers(value: Any) -> bool:
    try:
        return isinstance(value, list) and bool(value) and all(Tier.parse(each) for each in value)
    except ValidationError:
        return False


_TIERS = Kind(
    "a list of tiers", _tiers, {"type": "array", "minItems": 1, "items": {"type": "string"}}, tuple(map(str, Tier))
)
RULE = Record(
    "a rule",
    (
        Key("name", NAME, "Its id: stays the same while the rule means the same.", required=True),
        Key("expect", NAME, "Class of Great Expectations or of spine.quality.expectations.", required=True),
        Key("outcome", Kind.one_of(Outcome), "What happens when it does not hold.", required=True),
        Key("on", NAME, "The rows it sees: `lines`, or a derived table such as `venue_share`.", default="lines"),
        Key("args", MAPPING, "Arguments of the expectation; `{by_tier: {T1: ...}}` chooses by tier."),
        Key("reason_code", NAME, "Of the rejects that a quarantine makes.", default="the rule's name in capitals"),
        Key("category", Kind.one_of(CATEGORIES), "What kind of rule it is.", default="INTEGRITY"),
        Key("severity", Kind.one_of(AlertSeverity), "Of its alert.", default="ERROR for fail and hold, else WARNING"),
        Key("environments", NAMES, "Only in these, as [spine] environment names them.", default="everywhere"),
        Key("per_venue", SWITCH, "Only for summary types that have a row for each venue.", default="false"),
        Key("tiers", _TIERS, "Only these tiers.", default="all"),
        Key("message", TEXT, "What people should do about it."),
        Key("description", TEXT, "Why the rule is there."),
    ),
)
SUITE = Record(
    "a suite",
    (
        Key("dataset", NAME, "The dataset that it judges.", required=True),
        Key("stage", Kind.one_of(Stage), "The stage whose rows it sees.", required=True),
        Key("version", VERSION, "Recorded with every outcome.", required=True),
        Key("description", TEXT, "What it is for."),
        Key("rules", ListOf(RULE), "The rules.", required=True),
    ),
)


def suite_schema() -> dict[str, Any]:
    """JSON Schema of a suite, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:spine:suite:1",
        "title": "Spine suite",
        **object_schema(SUITE.keys),
    }


def load_suite(folder: Path, name: str) -> Suite:
    """``<folder>/<name>.yaml``.

    :raises ConfigurationError: there is none. :raises DocumentError: every problem of the file with its place.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = did_you_mean(name, suite_names(folder))
        raise ConfigurationError(f"no suite {name!r} in {folder}; {known}")
    return read_suite(read_document(path))


def suite_names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_suite(document: Document) -> Suite:
    """:raises DocumentError: with every problem of the file."""
    if not isinstance(document.value, dict):
        document.add(Code.WRONG_TYPE, "a suite is a mapping with 'dataset', 'stage', 'version' and 'rules'")
        document.raise_problems()
    values = read_record(document, document.value, (), SUITE.keys)
    rules = [_rule(each) for each in values.get("rules", []) if {"name", "expect", "outcome"} <= each.keys()]
    _check_rules(document, document.value.get("rules"))
    document.raise_problems()
    return Suite(
        name=document.path.stem,
        dataset=values["dataset"],
        stage=Stage(values["stage"]),
        version=str(values["version"]),
        rules=tuple(rules),
        description=values.get("description", "").strip(),
    )


def _rule(values: Values) -> Rule:
    severity = values.get("severity")
    return Rule(
        name=values["name"],
        expect=values["expect"],
        outcome=Outcome(values["outcome"]),
        on=values.get("on", LINES),
        args=values.get("args", {}),
        reason_code=values.get("reason_code") or values["name"].upper(),
        category=values.get("category", "INTEGRITY"),
        environments=tuple(values.get("environments", ())),
        severity=None if severity is None else AlertSeverity(severity),
        per_venue=values.get("per_venue", False),
        tiers=tuple(Tier.parse(each) for each in values.get("tiers", ())),
        message=values.get("message", "").strip(),
        description=values.get("description", "").strip(),
    )


def _check_rules(document: Document, written: Any) -> None:
    """Names stand once, and only lines can be quarantined."""
    if not isinstance(written, list):
        return
    if not written:
        document.add(Code.MISSING_KEY, "the suite has no rules", "rules")
    seen: dict[str, int] = {}
    for number, rule in enumerate(written):
        if not isinstance(rule, dict):
            continue
        name = str(rule.get("name"))
        if name in seen:
            line = document.line("rules", seen[name], "name")
            document.add(Code.DUPLICATE_KEY, f"rule '{name}' is already on line {line}", "rules", number, "name")
        seen.setdefault(name, number)
        tells = rule.get("on", LINES) == LINES and rule.get("expect") == TELLS_ROWS
        if rule.get("outcome") == Outcome.QUARANTINE and not tells:
            message = f"only lines that {TELLS_ROWS} finds can be quarantined; take warn, hold or fail"
            document.add(Code.VALUE_NOT_ALLOWED, message, "rules", number, "outcome")


def _of_tier(value: Any, tier: Tier) -> Any:
    if isinstance(value, Mapping) and set(value) == {"by_tier"}:
        return next((given for name, given in value["by_tier"].items() if Tier.parse(name) is tier), None)
    return value
