"""One pass over the pages of an answer, which must come to an end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from spine.core.errors import SourceError, SpineError
from spine.core.suggest import did_you_mean
from spine.sources.base import SourceBatch
from spine.sources.formats import Format
from spine.sources.http_client import NOT_MODIFIED, HttpAnswer
from spine.sources.http_paging import HttpRequest, Page, Paging, SinglePage
from spine.sources.options import ReadOptions

if TYPE_CHECKING:
    from spine.sources.http_body import PageRows


@dataclass(frozen=True, slots=True)
class Layout:
    """How every page is to be read.

    :param fields: source names and the column names to give them; None for all as they are.
    """

    format: str
    compression: str
    fields: Mapping[str, str] | None
    options: ReadOptions
    max_pages: int

    def names(self, columns: tuple[str, ...], name: str) -> tuple[str, ...]:
        """What the columns are called.

        :raises SourceError: a field that is not among them.
        """
        if self.fields is None:
            return columns
        for field in self.fields:
            if field not in columns:
                raise SourceError(f"'{name}' has no column '{field}'; {did_you_mean(field, columns)}")
        return tuple(self.fields.values())

    def project(self, batch: SourceBatch) -> SourceBatch:
        if self.fields is None:
            return batch
        import pyarrow as pa

        wanted = [*self.fields, batch.rows.schema.names[-1]]
        names = [*self.fields.values(), wanted[-1]]
        return SourceBatch(pa.record_batch([batch.rows.column(each) for each in wanted], names=names), batch.rejects)


class HttpReading:
    """One pass over all pages. The first is here when it is made; ``close`` or the end of the pass lets go of it.

    ``unchanged`` tells that the server answered so (304): there are no columns and no rows then. ``etag`` and
    ``last_modified`` are what to give the next reading, empty where there are several pages.
    """

    def __init__(
        self,
        name: str,
        layout: Layout,
        paging: Paging,
        request: HttpRequest,
        answer: HttpAnswer,
        send: Callable[[HttpRequest], HttpAnswer],
        close: Callable[[], None],
    ) -> None:
        self.lines = self.bytes_read = self.pages = 0
        self.sha256 = ""
        self.columns: tuple[str, ...] = ()
        self.unchanged = answer.status == NOT_MODIFIED
        single = isinstance(paging, SinglePage)
        self.etag = answer.headers.get("etag", "") if single else ""
        self.last_modified = answer.headers.get("last-modified", "") if single else ""
        self._name, self._layout, self._paging = name, layout, paging
        self._send, self._hang_up = send, close
        self._request = request
        self._body = answer.body
        self._digest = hashlib.sha256()
        self._seen = {_identity(request)}
        self._last_line = 0
        self._source_columns: tuple[str, ...] = ()
        self._begun = False
        try:
            self._page = None if self.unchanged else self._first_with_columns(self._open(answer))
            if self._page is not None:
                self.columns = layout.names(self._page.columns, name)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[SourceBatch]:
        if self._begun:
            raise SpineError(f"'{self._name}' is being read a second time by one reading; call read() again")
        self._begun = True
        return self._batches()

    def _batches(self) -> Iterator[SourceBatch]:
        try:
            while self._page is not None:
                page, before = self._page, self.bytes_read
                for batch in page:
                    self.lines += batch.rows.num_rows + len(batch.rejects)
                    self.bytes_read = before + page.bytes_read
                    yield self._layout.project(batch)
                self.bytes_read = before + page.bytes_read
                self._last_line = page.last_line
                self._page = self._following(page.answer, page.count, page.members)
            self.sha256 = self._digest.hexdigest()
        except SpineError as error:
            error.with_context(url=self._name, page=self.pages)
            raise
        finally:
            self.close()

    def _open(self, answer: HttpAnswer) -> PageRows:
        from spine.sources.http_body import PageRows

        if self._body is not answer.body:
            self._body.close()
            self._body = answer.body
        self.pages += 1
        page = PageRows(
            answer,
            self._name,
            format=self._layout.format,
            compression=self._layout.compression,
            options=self._options(answer),
            digest=self._digest,
            lines_before=self._last_line,
        )
        self._source_columns = self._source_columns or page.columns
        if page.columns not in ((), self._source_columns):
            raise SourceError(
                f"Page {self.pages} of '{self._name}' has other columns than the first: {', '.join(page.columns)}; "
                f"expected {', '.join(self._source_columns)}. Fetch it again"
            )
        return page

    def _first_with_columns(self, page: PageRows | None) -> PageRows | None:
        """That page, or the first behind it that is not empty: a server may leave pages empty on its way."""
        while page is not None and not page.columns:
            list(page)
            page = self._following(page.answer, page.count, page.members)
        return page

    def _options(self, answer: HttpAnswer) -> ReadOptions:
        """Later pages of JSON have the first one's columns; a delimited page brings its own header."""
        from spine.sources.http_body import body_format

        options = self._layout.options
        if not self._source_columns or answer.size == 0 or options.keys or options.columns:
            return options
        if body_format(answer, self._layout.format, self._name) not in (Format.JSON, Format.JSONL):
            return options
        return replace(options, columns=self._source_columns)

    def _following(self, answer: HttpAnswer, rows: int, members: Mapping[str, Any]) -> PageRows | None:
        page = Page(self._request, rows, members, answer.next_link, answer.url)
        request = self._paging.following(page)
        if request is None:
            return None
        self._refuse_loop(request, answer, rows)
        self._request = request
        return self._open(self._send(request))

    def _refuse_loop(self, request: HttpRequest, answer: HttpAnswer, rows: int) -> None:
        """:raises SourceError: the pages would never end."""
        asked = repr(
            (request.url, sorted(request.params.items(), key=repr), sorted((request.body or {}).items(), key=repr))
        )
        came = f"body {answer.sha256}"
        if asked in self._seen:
            raise SourceError(
                f"'{self._name}' leads in a circle: page {self.pages} names one that was read; check paging"
            )
        if rows and came in self._seen:
            raise SourceError(
                f"'{self._name}' gave page {self.pages} twice: does it know the paging params? Check their names"
            )
        if self.pages >= self._layout.max_pages:
            raise SourceError(
                f"'{self._name}' has more than {self._layout.max_pages} pages; raise max_pages if that is right"
            )
        self._seen |= {asked, came}

    def close(self) -> None:
        self._body.close()
        self._hang_up()

    def __del__(self) -> None:
        # Whoever looks at the columns and walks away has not promised to close anything.
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _identity(request: HttpRequest) -> str:
    return repr((request.url, *(sorted(part.items(), key=repr) for part in (request.params, request.body or {}))))
