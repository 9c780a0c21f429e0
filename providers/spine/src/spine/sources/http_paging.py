"""From one page of an answer to the request for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol
from urllib.parse import urljoin

from spine.core.errors import ConfigurationError, SourceError
from spine.core.suggest import did_you_mean
from spine.sources.http_options import shown_url
from spine.sources.options import split_path


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. A page's params go into the query, or into the JSON body where a POST has one."""

    method: str
    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    def with_page(self, page: Mapping[str, Any]) -> HttpRequest:
        if self.body is not None:
            return replace(self, body={**self.body, **page})
        return replace(self, params={**self.params, **page})

    def page_param(self, name: str) -> Any:
        return (self.params if self.body is None else self.body).get(name)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read to its end.

    :param rows: items it held, rejected ones included.
    :param members: what stands beside the rows in a JSON answer.
    :param next_link: the target of its ``Link: <...>; rel="next"`` (RFC 8288), as written.
    :param url: where it came from in the end.
    """

    request: HttpRequest
    rows: int
    members: Mapping[str, Any]
    next_link: str | None
    url: str


class Paging(Protocol):
    """Stateless: everything it needs is in the page."""

    def first(self, request: HttpRequest) -> HttpRequest: ...

    def following(self, page: Page) -> HttpRequest | None:
        """The next request, None after the last page."""


@dataclass(frozen=True, slots=True)
class SinglePage:
    def first(self, request: HttpRequest) -> HttpRequest:
        return request

    def following(self, page: Page) -> HttpRequest | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetPaging:
    """Rows are counted. Without ``total_path`` an empty or a short page is the last one.

    :param total_path: where the answer says how many rows there are; they must all come.
    """

    offset_param: str = "offset"
    limit_param: str = "limit"
    page_size: int = 100
    total_path: str = ""

    def __post_init__(self) -> None:
        if type(self.page_size) is not int or self.page_size < 1:
            raise ConfigurationError(f"page_size is {self.page_size!r}; expected a whole number from 1")

    def first(self, request: HttpRequest) -> HttpRequest:
        return request.with_page({self.offset_param: 0, self.limit_param: self.page_size})

    def following(self, page: Page) -> HttpRequest | None:
        reached = int(page.request.page_param(self.offset_param)) + page.rows
        ended = self._ended(page, reached) if self.total_path else page.rows < self.page_size
        return None if ended else page.request.with_page({self.offset_param: reached})

    def _ended(self, page: Page, reached: int) -> bool:
        where, text = shown_url(page.url), str(lookup(page.members, self.total_path))
        if reached == 0 and lookup(page.members, self.total_path) is None:
            return True
        if not (text.isascii() and text.isdigit()):
            raise SourceError(f"{where} says {text!r} at '{self.total_path}', where the number of rows was expected")
        total = int(text)
        if reached > total or (page.rows == 0 and reached < total):
            raise SourceError(f"{where} announced {total} rows and gave {reached}; fetch it again")
        return reached == total


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPaging:
    """Each page names the next one; no name, and it was the last."""

    cursor_param: str = "cursor"
    cursor_path: str = "next_cursor"

    def first(self, request: HttpRequest) -> HttpRequest:
        return request

    def following(self, page: Page) -> HttpRequest | None:
        cursor = lookup(page.members, self.cursor_path)
        if cursor is None or cursor == "" or cursor is False:
            return None
        if not isinstance(cursor, str):
            raise SourceError(f"{shown_url(page.url)} has no text or number at '{self.cursor_path}', the cursor")
        return page.request.with_page({self.cursor_param: cursor})


@dataclass(frozen=True, slots=True)
class LinkPaging:
    """Each page links to the next one in its ``Link`` header."""

    def first(self, request: HttpRequest) -> HttpRequest:
        return request

    def following(self, page: Page) -> HttpRequest | None:
        if page.next_link is None:
            return None
        return replace(page.request, url=urljoin(page.url, page.next_link), params={})


_KINDS: dict[str, Any] = {"none": SinglePage, "offset": OffsetPaging, "cursor": CursorPaging, "link": LinkPaging}


def parse_paging(paging: Mapping[str, Any] | str | None) -> Paging:
    """Paging from ``{type: offset | cursor | link | none, ...}``, or only the type.

    :raises ConfigurationError: an unknown type or option.
    """
    given = {"type": paging or "none"} if not isinstance(paging, Mapping) else dict(paging)
    kind = str(given.pop("type", None))
    if kind not in _KINDS:
        raise ConfigurationError(f"Unknown paging type '{kind}'; {did_you_mean(kind, _KINDS)}")
    known = [each.name for each in fields(_KINDS[kind])]
    for option in given:
        if option not in known:
            raise ConfigurationError(f"{kind} paging has no option '{option}'; {did_you_mean(option, known)}")
    made: Paging = _KINDS[kind](**given)
    return made


def reads_members(paging: Paging) -> bool:
    """Whether it needs what stands beside the rows, so that these must lie inside an object."""
    return isinstance(paging, CursorPaging) or (isinstance(paging, OffsetPaging) and bool(paging.total_path))


def lookup(members: Mapping[str, Any], dotted: str) -> Any:
    """The member a dotted path leads to, None where there is none."""
    found: Any = members
    for key in split_path(dotted):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
