"""Rows behind a URL, page by page. Airflow knows nothing of it here: credentials come as plain options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spine.core.errors import ConfigurationError
from spine.core.retrying import RetryPolicy
from spine.sources.formats import AUTO, FIXED_DELIMITERS, choose_format
from spine.sources.http_client import HttpClient, HttpLimits
from spine.sources.http_options import checked_headers, checked_url, parse_auth, shown_url, split_query
from spine.sources.http_paging import HttpRequest, Paging, SinglePage, parse_paging, reads_members
from spine.sources.http_reading import HttpReading, Layout
from spine.sources.options import MIB, ReadOptions, split_path

METHODS = ("GET", "POST")


class HttpSource:
    """Rows that a server gives in JSON, JSON Lines, delimited text or Parquet.

    :param url: http or https, without user and password.
    :param params: added to the URL's query; one that is None is left out.
    :param body: sent as JSON with a POST.
    :param auth: see ``parse_auth``; shown nowhere.
    :param paging: see ``parse_paging``.
    :param data_path: dotted keys that lead to the rows of a JSON answer, such as ``results``.
    :param fields: source names and the column names to give them; what is not named is left out.
    :param keys: JSON keys to read, missing ones as empty; by default those of ``fields``, else of the first object.
    :param etag: of an earlier reading; with ``last_modified`` it lets the server answer that nothing changed. Both count
        for a source of one page only, since a first page does not speak for the others.
    :param other_origins: ``https://host`` of servers that redirects and links may lead to; they get no credentials.
    :param max_bytes: of one page.
    """

    source_type = "http"

    def __init__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        auth: Mapping[str, Any] | None = None,
        paging: Mapping[str, Any] | str | None = None,
        data_path: str = "",
        fields: Mapping[str, str] | None = None,
        keys: Sequence[str] | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        format: str = AUTO,
        compression: str = AUTO,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        quote_char: str | None = AUTO,
        columns: Sequence[str] | None = None,
        timeout: float = 30.0,
        deadline: float = 900.0,
        retry: RetryPolicy | None = None,
        max_bytes: int = 1024 * MIB,
        max_pages: int = 10_000,
        other_origins: Sequence[str] = (),
    ) -> None:
        plain, merged = split_query(url, params or {})
        self.name = shown_url(plain)
        self._credentials = parse_auth(auth)
        self._headers = checked_headers(headers or {})
        self._conditions = checked_headers(_conditions(etag, last_modified))
        self._request = HttpRequest(_checked_method(method, body), plain, merged, body)
        self._paging = _checked_paging(paging, data_path)
        self._others = tuple(other_origins)
        for other in self._others:
            checked_url(other)
        self._limits = HttpLimits(timeout, deadline, max_bytes, retry or RetryPolicy())
        self._layout = Layout(
            format=format,
            compression=compression,
            fields=dict(fields) if fields else None,
            options=ReadOptions(
                encoding=encoding,
                delimiter=delimiter or _delimiter_of(format, self.name),
                quote_char=quote_char,
                columns=None if columns is None else tuple(columns),
                keys=tuple(keys or fields or ()) or None,
                data_path=split_path(data_path),
                empty_ok=True,
            ),
            max_pages=max_pages,
        )

    def read(self) -> HttpReading:
        """Ask for the first page and read as far as the column names.

        :raises SpineError: no usable answer; see ``HttpClient.send``.
        """
        conditions = self._conditions if isinstance(self._paging, SinglePage) else {}
        client = HttpClient(
            headers=self._headers, credentials=self._credentials, limits=self._limits, other_origins=self._others
        )
        try:
            request = self._paging.first(self._request)
            answer = client.send(request, trusted=self._request.url, conditions=conditions)
            return HttpReading(
                self.name,
                self._layout,
                self._paging,
                request,
                answer,
                send=lambda following: client.send(following, trusted=self._request.url),
                close=client.close,
            )
        except BaseException:
            client.close()
            raise


def _checked_method(method: str, body: Mapping[str, Any] | None) -> str:
    if method.upper() not in METHODS:
        raise ConfigurationError(f"method is {method!r}; expected {' or '.join(METHODS)}: a source only reads")
    if body is not None and method.upper() != "POST":
        raise ConfigurationError("A body goes with method POST; set it, or use params")
    return method.upper()


def _checked_paging(paging: Mapping[str, Any] | str | None, data_path: str) -> Paging:
    made = parse_paging(paging)
    if reads_members(made) and not data_path:
        raise ConfigurationError("A cursor or a total stands beside the rows; set data_path to where the rows are")
    return made


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    found = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in found.items() if value}


def _delimiter_of(format: str, name: str) -> str | None:
    return None if format == AUTO else FIXED_DELIMITERS.get(choose_format(format, name))
