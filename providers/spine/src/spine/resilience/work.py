"""Which piece of work failed, so that the same one is known again, and what it takes to run it once more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spine.core.errors import SpineError
from spine.core.redaction import is_secret_name, redact
from spine.core.tiers import Tier

NEWEST = "newest"
_LONGEST_PARAM = 10_000  # characters; what is longer is data, which the queue does not keep
_LONGEST_NAME = 250


class SourceType(StrEnum):
    WORKFLOW = "workflow"
    STEP = "step"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Work:
    """
    :param source_id: ``workflow/step``, a workflow, or the id of a message.
    :param partition: ``T1:2026-04-10``, or what else tells apart runs of the same step; may be empty.
    :param payload: JSON-ready; of a step its ``workflow``, ``step`` and the run's ``params``.
    """

    source_type: SourceType
    source_id: str
    partition: str
    payload: Mapping[str, Any]
    domain: str = ""

    @property
    def letter_id(self) -> str:
        """The same for the same work, 32 hex digits."""
        return letter_id(self.source_type, self.source_id, self.partition)


def letter_id(source_type: SourceType, source_id: str, partition: str) -> str:
    return hashlib.sha256("|".join((source_type, source_id, partition)).encode()).hexdigest()[:32]


def failed_step(workflow: str, step: str, params: Mapping[str, Any], error: SpineError, domain: str = "") -> Work:
    """A step that failed for good.

    A run for the newest week is pinned to the week that it failed for, where the error knows that: later there is another.
    """
    place = {name: str(error.context[name]) for name in ("tier", "week_ending") if error.context.get(name)}
    kept, withheld = _fit_to_keep({**params, **{name: place[name] for name in place if name in params}})
    payload = {"workflow": workflow, "step": step, "params": kept, "withheld": withheld}
    return Work(SourceType.STEP, _source_id(workflow, step), partition_of({**params, **place}), payload, domain)


def ids_of_step(workflow: str, step: str, params: Mapping[str, Any], output: Mapping[str, Any]) -> list[str]:
    """Every letter that the success of a step answers: of the week it worked on, and of the newest if that was asked for."""
    found = {**params, **{name: output[name] for name in ("tier", "week_ending") if output.get(name)}}
    partitions = dict.fromkeys((partition_of(found), partition_of(params)))
    return [letter_id(SourceType.STEP, _source_id(workflow, step), partition) for partition in partitions]


def partition_of(params: Mapping[str, Any]) -> str:
    """Tier, week and summary type; where a workflow knows none of them, a digest of its params."""
    tier, week, kind = (params.get(name) for name in ("tier", "week_ending", "summary_type"))
    if not tier and not week:
        given = {name: value for name, value in params.items() if value is not None}
        digest = hashlib.sha256(json.dumps(given, sort_keys=True, default=str).encode()).hexdigest()
        return f"params:{digest[:16]}" if given else ""
    parts = [_tier(tier), str(week or NEWEST), *([str(kind)] if kind else [])]
    return ":".join(parts)[:_LONGEST_NAME]


def _tier(tier: Any) -> str:
    try:
        return str(Tier.parse(tier)) if tier else ""
    except SpineError:  # a workflow of someone's own, whose tiers are others
        return str(tier)


def _source_id(workflow: str, step: str) -> str:
    return f"{workflow}/{step}"[:_LONGEST_NAME]


def _fit_to_keep(params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Params without those that hold a secret, or data; and the names of these."""
    withheld = sorted(name for name, value in params.items() if not _may_be_kept(name, value))
    return {name: value for name, value in params.items() if name not in withheld}, withheld


def _may_be_kept(name: str, value: Any) -> bool:
    text = json.dumps(value, default=str)
    return value is None or not (is_secret_name(name) or len(text) > _LONGEST_PARAM or redact(text) != text)
