"""A request for rows, understood: POST with all of the query language, GET with what FINRA lets it say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spine.finra.simulator.datasets import ApiDataset, Field
from spine.finra.simulator.filters import AnyOf, read_filters
from spine.finra.simulator.messages import JSON, TEXT, Refusal, Request

DEFAULT_LIMIT = 1000
MAX_LIMIT = 5000
MAX_ASYNC_LIMIT = 100_000
MAX_OFFSET = 500_000
DELIMITERS = (",", "|", "\t", "\x01")
_HISTORIC_FIELDS = ("weekStartDate", "historicalweek", "historicalmonth")


@dataclass(frozen=True, slots=True)
class Query:
    """
    :param sort: fields with whether they descend.
    :param limit: as granted: more than the most allowed is silently the most.
    """

    dataset: ApiDataset
    filters: tuple[AnyOf, ...]
    fields: tuple[Field, ...]
    sort: tuple[tuple[str, bool], ...]
    limit: int
    offset: int
    asynchronous: bool
    accept: str
    delimiter: str
    quote_values: bool | None

    @property
    def max_limit(self) -> int:
        return MAX_ASYNC_LIMIT if self.asynchronous else MAX_LIMIT


def read_query(dataset: ApiDataset, request: Request) -> Query:
    """
    :raises Refusal: 400, 406 or 415, naming what cannot be understood.
    """
    accept = accepted(request.headers.get("accept", ""))
    said = _post_words(request) if request.method == "POST" else _get_words(request)
    # On GET the names of filters are just unknown parameters: ignored, with 200.
    filters = read_filters(dataset, said) if request.method == "POST" else ()
    asynchronous = _flag(said, "async") or False
    most = MAX_ASYNC_LIMIT if asynchronous else MAX_LIMIT
    query = Query(
        dataset=dataset,
        filters=filters,
        fields=tuple(dataset.field(name) for name in _names(said, "fields")),
        sort=_sort(dataset, _names(said, "sortFields")),
        limit=min(_number(said, "limit", DEFAULT_LIMIT, 1), most),
        offset=_number(said, "offset", 0, 0),
        asynchronous=asynchronous,
        accept=accept,
        delimiter=said.get("delimiter") or ",",
        quote_values=_flag(said, "quoteValues"),
    )
    _check(query)
    return query


def accepted(header: str) -> str:
    """The first media type of an Accept header that FINRA has; text/plain when the client takes anything.

    :raises Refusal: 406.
    """
    for part in (header or "*/*").lower().split(","):
        kind = part.partition(";")[0].strip()
        if kind in (JSON, "application/*"):
            return JSON
        if kind in (TEXT, "text/*", "*/*"):
            return TEXT
    raise Refusal(406, f"Not acceptable: {header}; expected {JSON} or {TEXT}")


def _post_words(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refusal(415, f"Unsupported media type {kind!r}; expected {JSON}")
    return request.json_object()


def _get_words(request: Request) -> dict[str, Any]:
    return dict(request.params)


def _names(said: Mapping[str, Any], key: str) -> Sequence[str]:
    given = said.get(key) or []
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refusal(400, f"{key} must be a list of field names")
    return [name.strip() for name in names]


def _sort(dataset: ApiDataset, names: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    return tuple((dataset.field(name.lstrip("+-")).name, name.startswith("-")) for name in names)


def _number(said: Mapping[str, Any], key: str, default: int, least: int) -> int:
    given = said.get(key)
    text = str(default if given is None else given)
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Refusal(400, f"Invalid {key} {given!r}; expected a whole number of at least {least}")
    return int(text)


def _flag(said: Mapping[str, Any], key: str) -> bool | None:
    given = said.get(key)
    if given is None or isinstance(given, bool):
        return given
    if str(given).lower() not in ("true", "false"):
        raise Refusal(400, f"Invalid {key} {given!r}; expected true or false")
    return str(given).lower() == "true"


def _check(query: Query) -> None:
    """Rules between the parts of a request."""
    if query.offset > MAX_OFFSET:
        raise Refusal(400, f"Invalid offset {query.offset}; at most {MAX_OFFSET}")
    if query.delimiter not in DELIMITERS:
        raise Refusal(400, f"Invalid delimiter {query.delimiter!r}")
    if query.dataset.historic:
        _check_historic(query)
    fixed = {name for name in query.dataset.partition_fields for each in query.filters if each.fixes(name)}
    if query.sort and (query.dataset.historic or fixed != set(query.dataset.partition_fields)):
        wanted = ", ".join(query.dataset.partition_fields)
        raise Refusal(400, f"Sorting requires an EQUAL compareFilter on each partition field: {wanted}")


def _check_historic(query: Query) -> None:
    """One week or month, perhaps a tier, and nothing else (FINRA's notice of 2021-03-08)."""
    periods = [each for each in query.filters if any(each.fixes(name) for name in _HISTORIC_FIELDS)]
    others = [each for each in query.filters if each not in periods and not each.fixes("tierIdentifier")]
    if len(periods) != 1 or others:
        raise Refusal(
            400,
            f"{query.dataset.name} requires an EQUAL compareFilter on exactly one of weekStartDate, historicalWeek and "
            "historicalMonth, and takes no other filter than tierIdentifier",
        )
