"""Where a week comes from: a file below the file root, or FINRA's API."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, SpineError, ValidationError
from spine.core.guards import dependency_failed
from spine.core.redaction import redact
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, require_published
from spine.finra.files import find_download, tier_of_name
from spine.pipelines.base import given_summary_type, given_tier, given_week
from spine.pipelines.context import StepContext

if TYPE_CHECKING:
    from spine.finra.dataset import Dataset
    from spine.sources.base import ClosableReading


@dataclass(frozen=True, slots=True)
class Origin:
    """A source that is open.

    :param reading: to be closed by whoever takes it.
    :param week_ending: the week it was asked for, None when the rows are to tell.
    :param size: bytes, 0 when unknown.
    :param instead_of: the source that was asked first and failed, and ``because`` of what.
    :param sha256: the digest of those bytes, for a source that can tell it before it is read.
    """

    kind: str
    name: str
    tier: Tier
    week_ending: dt.date | None
    reading: ClosableReading
    size: int = 0
    sha256: Callable[[], str] | None = None
    instead_of: str = ""
    because: str = ""


def find_origin(context: StepContext, dataset: Dataset) -> Origin:
    """The source that the run's params name.

    :raises SpineError: unknown source, no tier, no such file, a path outside the file root, a week that is not out yet.
    """
    kind = _known_source(context.params.get("source") or "file", "source")
    other = context.params.get("fallback") and _known_source(context.params["fallback"], "fallback")
    if other == kind:
        raise ConfigurationError(f"fallback is {other!r}, which is the source itself; expected another one, or none")
    try:
        return _FINDERS[kind](context, dataset)
    except SpineError as error:
        if not other or not dependency_failed(error):
            raise
        return _instead(context, dataset, other, kind, error)


def _known_source(kind: Any, param: str) -> str:
    if kind not in _FINDERS:
        raise ConfigurationError(f"{param} {kind!r} is not known; {did_you_mean(str(kind), _FINDERS)}")
    return str(kind)


def _instead(context: StepContext, dataset: Dataset, other: str, kind: str, error: SpineError) -> Origin:
    """The other source, for the very week that was asked for: an older one would pass for it.

    :raises SpineError: the first source's error, when the other one has nothing either.
    """
    tier, week_ending = given_tier(context), given_week(context)
    if tier is not None and week_ending is None:
        week_ending = newest_published(tier, context.clock())
    params = {**context.params, "week_ending": week_ending and week_ending.isoformat()}
    try:
        found = _FINDERS[other](replace(context, params=params), dataset)
    except SpineError as none_either:
        raise error.with_context(fallback=none_either.message) from error.__cause__
    context.log.warning("%s failed, %s is used instead: %s", kind, found.name, error)
    return replace(found, instead_of=kind, because=redact(error.message))


def _file(context: StepContext, dataset: Dataset) -> Origin:
    from spine.sources.file import FileSource
    from spine.sources.paths import resolve_inside

    root, tier, week_ending = context.settings.file_root, given_tier(context), given_week(context)
    path: Path | None = None
    if given := context.params.get("file_path"):
        path = resolve_inside(given, root)
        tier = tier or tier_of_name(path)
    if tier is None:
        raise ValidationError("which tier? Pass tier, or a file_path whose name tells it (tier1, tier2, otc)")
    if week_ending:
        require_published(tier, week_ending, context.clock())
    path = path or find_download(root, tier, week_ending)
    options: Mapping[str, Any] = context.params.get("file_options") or {}
    try:
        source = FileSource(path, root=root, **options)
    except TypeError as error:  # options are keywords
        raise ConfigurationError(f"file_options {dict(options)}: {str(error).partition('() ')[2]}") from None
    reading = source.read()  # opens it: a missing file is told before anything else happens
    return Origin("file", source.name, tier, week_ending, reading, path.stat().st_size, lambda: _digest(path))


def _api(context: StepContext, dataset: Dataset) -> Origin:
    from spine.finra.api_source import FinraWeeklySource

    tier = given_tier(context)
    if tier is None:
        raise ValidationError("which tier? Pass tier: T1, T2 or OTCE")
    summary_type, given = given_summary_type(context, dataset), given_week(context)
    if given:
        require_published(tier, given, context.clock())
    with (
        context.connections.finra(context.settings.finra_conn_id) as client,
        context.guards.guard(client.dependency, client.breaker),
    ):
        week_ending = given or _newest(client.newest_weeks(tier, summary_type), tier, context)
        source = FinraWeeklySource(client, tier, week_ending, summary_type, now=context.clock)
        # The whole week is here when this returns: no transaction waits for a server far away.
        reading = source.read()
        return Origin("api", source.name, tier, week_ending, reading)  # the name tells which dataset it came from


def _newest(weeks: list[dt.date], tier: Tier, context: StepContext) -> dt.date:
    return max(weeks) if weeks else newest_published(tier, context.clock())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_FINDERS: dict[str, Callable[[StepContext, Dataset], Origin]] = {"file": _file, "api": _api}
