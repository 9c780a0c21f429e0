"""Rows from a real server: formats, paging, credentials, revalidation, and everything a server can do wrong."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    ErrorCategory,
    PermissionDenied,
    RateLimitError,
    ResourceError,
    SourceError,
    SpineError,
)
from spine.core.retrying import RetryPolicy
from spine.sources.http import HttpSource
from tests.support.http_server import Answer, Asked, Reply, in_turn, json_reply, serving
from tests.support.sources import WholeRead, read_source

pytestmark = pytest.mark.integration

ROWS = [{"cusip": "A1", "n": 1.10}, {"cusip": "B2", "n": None}]
QUICK = RetryPolicy(attempts=3, base_seconds=0.001, longest_backoff=0.002)
HTML = Reply(b"<!DOCTYPE html><title>Sign in</title>", headers={"Content-Type": "text/html; charset=utf-8"})


def read(answer: Answer, path: str = "/rows", **options: Any) -> tuple[WholeRead, list[Asked]]:
    with serving(answer) as server:
        return read_source(HttpSource(server.url + path, retry=QUICK, **options)), server.asked


def refused(answer: Answer, kind: type[SpineError], **options: Any) -> tuple[SpineError, list[Asked]]:
    with serving(answer) as server:
        with pytest.raises(kind) as caught:
            read_source(HttpSource(server.url + "/rows", retry=QUICK, **options))
        assert server.url in str(caught.value)
        return caught.value, server.asked


def paged(rows: list[Any], *, limit: int | None = None, total: bool = False) -> Answer:
    def answer(asked: Asked) -> Reply:
        start, size = int(asked.query["offset"]), limit or int(asked.query["limit"])
        page = {"results": rows[start : start + size], **({"meta": {"total": len(rows)}} if total else {})}
        return json_reply(page)

    return answer


class TestFormats:
    def test_a_json_array(self) -> None:
        found, asked = read(lambda _: json_reply(ROWS), params={"tier": "T1", "none": None})
        assert found.columns == ("cusip", "n")
        assert found.rows == {1: ("A1", "1.1"), 2: ("B2", "")}
        assert asked[0].query == {"tier": "T1"}

    def test_rows_inside_an_object(self) -> None:
        found, _ = read(lambda _: json_reply({"ok": True, "data": {"results": ROWS}}), data_path="data.results")
        assert found.values == [("A1", "1.1"), ("B2", "")]

    def test_a_path_that_leads_nowhere(self) -> None:
        error, _ = refused(lambda _: json_reply({"result": ROWS}), SourceError, data_path="results")
        assert "no 'results'" in str(error) and "did you mean 'result'" in str(error)

    def test_delimited_text(self) -> None:
        found, _ = read(lambda _: Reply(b"a|b\n1|2\n3\n", headers={"Content-Type": "text/plain"}))
        assert found.rows == {2: ("1", "2")} and found.reasons == {3: "FIELD_COUNT"}

    def test_json_lines(self) -> None:
        body = b'{"a": 1}\n{"a": 2}\n'
        found, _ = read(lambda _: Reply(body, headers={"Content-Type": "application/x-ndjson"}))
        assert found.values == [("1",), ("2",)]

    def test_items_that_are_no_objects_are_rejects(self) -> None:
        found, _ = read(lambda _: json_reply({"results": [*ROWS, 7]}), data_path="results")
        assert found.reasons == {3: "NOT_AN_OBJECT"}

    def test_a_stored_gzip_file(self) -> None:
        packed = gzip.compress(b"a,b\n1,2\n")
        found, _ = read(lambda _: Reply(packed), "/week.csv.gz")
        assert found.values == [("1", "2")] and found.bytes_read == len(packed)

    def test_a_compressed_transfer_is_undone(self) -> None:
        packed = gzip.compress(json.dumps(ROWS).encode())
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        found, _ = read(lambda _: Reply(packed, headers=headers))
        assert len(found.rows) == 2 and found.bytes_read == len(json.dumps(ROWS))

    @pytest.mark.parametrize("reply", [Reply(status=204), Reply(b""), json_reply([]), json_reply({"results": []})])
    def test_nothing_is_no_rows(self, reply: Reply) -> None:
        path = "results" if reply.body.startswith(b"{") else ""
        found, _ = read(lambda _: reply, data_path=path)
        assert (found.columns, found.lines) == ((), 0)

    def test_fields_choose_and_rename(self) -> None:
        found, _ = read(lambda _: json_reply([*ROWS, {"new": 1}]), fields={"n": "number", "cusip": "id"})
        assert found.columns == ("number", "id")
        assert found.values == [("1.1", "A1"), ("", "B2"), ("", "")]

    def test_a_field_that_is_not_there(self) -> None:
        error, _ = refused(lambda _: Reply(b"cusip,n\nA,1\n"), SourceError, fields={"cusp": "id"})
        assert "did you mean 'cusip'" in str(error)

    def test_keys_are_read_whatever_the_first_object_has(self) -> None:
        found, _ = read(lambda _: json_reply([{"a": 1}, {"b": 2, "c": 3}]), keys=["a", "b"])
        assert found.values == [("1", ""), ("", "2")] and not found.rejects

    def test_a_post_sends_json(self) -> None:
        _, asked = read(lambda _: json_reply(ROWS), method="POST", body={"week": "2026-01-02"})
        assert asked[0].method == "POST" and json.loads(asked[0].body) == {"week": "2026-01-02"}


class TestPaging:
    def test_by_offset_until_a_short_page(self) -> None:
        rows = [{"a": number} for number in range(7)]
        found, asked = read(paged(rows), data_path="results", paging={"type": "offset", "page_size": 3})
        assert [value for (value,) in found.values] == [str(number) for number in range(7)]
        assert list(found.rows) == list(range(1, 8))
        assert [request.query["offset"] for request in asked] == ["0", "3", "6"]

    def test_by_offset_until_an_empty_page(self) -> None:
        rows = [{"a": number} for number in range(6)]
        found, asked = read(paged(rows), data_path="results", paging={"type": "offset", "page_size": 3})
        assert found.lines == 6 and len(asked) == 3

    def test_a_total_outlasts_short_pages(self) -> None:
        rows = [{"a": number} for number in range(5)]
        paging = {"type": "offset", "page_size": 3, "total_path": "meta.total"}
        found, asked = read(paged(rows, limit=2, total=True), data_path="results", paging=paging)
        assert found.lines == 5 and len(asked) == 3

    def test_fewer_rows_than_announced(self) -> None:
        paging = {"type": "offset", "total_path": "total"}
        error, _ = refused(
            lambda asked: json_reply({"total": 3, "results": ROWS if asked.query["offset"] == "0" else []}),
            SourceError, data_path="results", paging=paging,
        )  # fmt: skip
        assert "announced 3 rows and gave 2" in str(error)

    def test_by_cursor(self) -> None:
        pages = {"": ([{"a": 1}], "x"), "x": ([{"a": 2}], 17), "17": ([{"a": 3}], None)}

        def answer(asked: Asked) -> Reply:
            rows, cursor = pages[asked.query.get("cursor", "")]
            return json_reply({"results": rows, "meta": {"next": cursor}})

        paging = {"type": "cursor", "cursor_path": "meta.next"}
        found, _ = read(answer, data_path="results", paging=paging)
        assert found.rows == {1: ("1",), 2: ("2",), 3: ("3",)}

    def test_a_repeated_cursor_is_a_circle(self) -> None:
        error, _ = refused(
            lambda asked: json_reply({"n": len(asked.query), "results": ROWS, "next_cursor": "x"}),
            SourceError, data_path="results", paging="cursor",
        )  # fmt: skip
        assert "in a circle" in str(error)

    def test_a_server_that_ignores_the_offset(self) -> None:
        error, asked = refused(lambda _: json_reply(ROWS), SourceError, paging={"type": "offset", "page_size": 2})
        assert "gave page 2 twice" in str(error) and len(asked) == 2

    def test_pages_without_end(self) -> None:
        def answer(asked: Asked) -> Reply:
            return json_reply([{"a": asked.query["offset"]}])

        error, asked = refused(answer, SourceError, paging={"type": "offset", "page_size": 1}, max_pages=5)
        assert "more than 5 pages" in str(error) and len(asked) == 5

    def test_by_link(self) -> None:
        def answer(asked: Asked) -> Reply:
            page = int(asked.query.get("page", "1"))
            link = {"Link": f'</rows?page={page + 1}>; rel="next", </rows?page=1>; rel="first"'} if page < 3 else {}
            return json_reply([{"page": page}], **link)

        found, asked = read(answer, paging="link", params={"week": "w"}, auth={"type": "bearer", "token": "s3cret"})
        assert [value for (value,) in found.values] == ["1", "2", "3"]
        assert [request.query for request in asked] == [{"week": "w"}, {"page": "2"}, {"page": "3"}]
        assert {request.headers["authorization"] for request in asked} == {"Bearer s3cret"}

    def test_a_link_to_another_server_is_not_followed(self) -> None:
        with serving(lambda _: json_reply(ROWS)) as other:
            error, _ = refused(
                lambda _: json_reply(ROWS, Link=f'<{other.url}/x>; rel="next"'), SourceError, paging="link"
            )
            assert "leads to another server" in str(error) and other.asked == []

    def test_pages_of_delimited_text_bring_their_header(self) -> None:
        pages = {"0": b"a,b\n1,2\n3,4\n", "2": b"a,b\n5,6\n"}
        found, _ = read(lambda asked: Reply(pages[asked.query["offset"]]), paging={"type": "offset", "page_size": 2})
        assert found.values == [("1", "2"), ("3", "4"), ("5", "6")]
        assert list(found.rows) == [2, 3, 5]

    def test_a_page_with_other_columns(self) -> None:
        pages = {"0": b"a,b\n1,2\n", "1": b"a,c\n5,6\n"}
        error, _ = refused(
            lambda asked: Reply(pages[asked.query["offset"]]), SourceError, paging={"type": "offset", "page_size": 1}
        )
        assert "other columns than the first" in str(error)

    def test_the_page_goes_into_the_body_of_a_post(self) -> None:
        def answer(asked: Asked) -> Reply:
            sent = json.loads(asked.body)
            return json_reply([{"a": 1}] if sent["offset"] == 0 else [])

        found, _ = read(answer, method="POST", body={"x": 1}, paging={"type": "offset", "page_size": 1})
        assert found.lines == 1

    def test_a_cursor_needs_a_place_beside_the_rows(self) -> None:
        with pytest.raises(ConfigurationError, match="set data_path"):
            HttpSource("http://127.0.0.1/", paging="cursor")


class TestFaults:
    @pytest.mark.parametrize(
        "reply", [Reply(status=500), Reply(status=503), Reply(status=408), Reply(b"[{", announced=90)]
    )
    def test_what_may_pass_is_tried_again(self, reply: Reply) -> None:
        found, asked = read(in_turn(reply, reply, json_reply(ROWS)))
        assert len(found.rows) == 2 and len(asked) == 3

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (Reply(status=502), DependencyError),
            (Reply(status=408), DeadlineExceeded),
            (Reply(status=429), RateLimitError),
            (Reply(b"[", announced=90), DependencyError),
        ],
    )
    def test_what_does_not_pass_ends_as_an_error_to_retry(self, reply: Reply, kind: type[SpineError]) -> None:
        waits = QUICK if reply.status != 429 else RetryPolicy(attempts=1)
        with serving(lambda _: reply) as server, pytest.raises(kind) as caught:
            read_source(HttpSource(server.url, retry=waits))
        assert caught.value.retryable

    @pytest.mark.parametrize(
        ("status", "kind"), [(400, SourceError), (401, PermissionDenied), (403, PermissionDenied), (404, SourceError)]
    )
    def test_what_cannot_get_better_is_asked_once(self, status: int, kind: type[SpineError]) -> None:
        error, asked = refused(lambda _: Reply(status=status), kind)
        assert len(asked) == 1 and not error.retryable and f"answered {status}" in str(error)

    def test_a_rate_limit_is_waited_for(self) -> None:
        found, asked = read(in_turn(Reply(status=429, headers={"Retry-After": "0"}), json_reply(ROWS)))
        assert len(asked) == 2 and found.lines == 2

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("900", 900), ("86400", 3600), ("Fri, 31 Dec 2199 23:59:59 GMT", 3600), ("soon", 60), ("", 60)],
    )
    def test_a_long_wait_is_left_to_the_scheduler(self, header: str, seconds: float) -> None:
        policy = RetryPolicy(attempts=3, longest_asked=1)
        with serving(lambda _: Reply(status=429, headers={"Retry-After": header})) as server:
            with pytest.raises(RateLimitError) as caught:
                HttpSource(server.url, retry=policy).read()
            assert caught.value.retry_after == seconds and len(server.asked) == 1

    def test_a_cut_body_on_a_later_page_is_fetched_again(self) -> None:
        first, second = json_reply([{"a": 1}]), json_reply([])
        found, _ = read(in_turn(first, Reply(b"[", announced=9), second), paging={"type": "offset", "page_size": 1})
        assert found.values == [("1",)]

    def test_cut_json_that_claims_to_be_whole(self) -> None:
        error, _ = refused(lambda _: Reply(b'[{"a": 1}, {"a"'), SourceError)
        assert "cut off" in str(error)

    @pytest.mark.parametrize("reply", [HTML, Reply(HTML.body, headers={"Content-Type": "application/json"})])
    def test_a_web_page_is_not_rows(self, reply: Reply) -> None:
        error, _ = refused(lambda _: reply, SourceError)
        assert "a web page" in str(error)

    def test_a_body_too_large(self) -> None:
        error, asked = refused(lambda _: Reply(b"a,b\n" * 1000), ResourceError, max_bytes=1000)
        assert not error.retryable and len(asked) == 1

    def test_a_small_transfer_that_unpacks_to_a_large_body(self) -> None:
        bomb = Reply(gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"})
        refused(lambda _: bomb, ResourceError, max_bytes=100_000)

    def test_a_damaged_transfer(self) -> None:
        error, asked = refused(lambda _: Reply(b"not gzip", headers={"Content-Encoding": "gzip"}), SpineError)
        assert error.category is ErrorCategory.TRANSIENT and len(asked) == 3

    def test_a_server_that_is_not_there(self) -> None:
        with serving(lambda _: Reply()) as server:
            gone = server.url
        with pytest.raises(DependencyError, match="cannot be reached"):
            HttpSource(gone, retry=QUICK).read()

    def test_a_server_that_says_nothing(self) -> None:
        def silent(asked: Asked) -> Reply:
            import threading

            threading.Event().wait(0.5)
            return Reply()

        with serving(silent) as server, pytest.raises(DeadlineExceeded, match="did not answer within"):
            HttpSource(server.url, timeout=0.05, retry=RetryPolicy(attempts=1)).read()


class TestRedirects:
    def test_on_the_same_server(self) -> None:
        moved = Reply(status=302, headers={"Location": "/new?token=x"})
        found, asked = read(in_turn(moved, json_reply(ROWS)), auth={"type": "api_key", "value": "s3cret"})
        assert found.lines == 2
        assert [(each.path, each.headers["x-api-key"]) for each in asked] == [("/rows", "s3cret"), ("/new", "s3cret")]

    def test_to_another_server_is_refused(self) -> None:
        with serving(lambda _: json_reply(ROWS)) as other:
            moved = Reply(status=307, headers={"Location": f"{other.url}/x?sig=abc"})
            error, _ = refused(lambda _: moved, SourceError, auth={"type": "bearer", "token": "s3cret"})
            assert other.asked == [] and "sig=abc" not in str(error.to_dict())

    def test_to_an_allowed_server_without_credentials(self) -> None:
        with serving(lambda _: json_reply(ROWS)) as other:
            moved = Reply(status=307, headers={"Location": f"{other.url}/x?sig=abc"})
            found, _ = read(
                lambda _: moved, other_origins=[other.url], auth={"type": "bearer", "token": "s3cret"},
                headers={"X-Team": "private"},
            )  # fmt: skip
            assert found.lines == 2 and other.asked[0].query == {"sig": "abc"}
            assert not {"authorization", "x-team"} & other.asked[0].headers.keys()

    @pytest.mark.parametrize("location", ["/rows", None, "file:///etc/passwd", "ftp://127.0.0.1/x"])
    def test_nowhere(self, location: str | None) -> None:
        headers = {} if location is None else {"Location": location}
        refused(lambda _: Reply(status=302, headers=headers), SourceError)


class TestCredentials:
    @pytest.mark.parametrize(
        ("auth", "header", "value"),
        [
            ({"type": "api_key", "value": "s3cret"}, "x-api-key", "s3cret"),
            ({"type": "api_key", "value": "s3cret", "header": "X-Other"}, "x-other", "s3cret"),
            ({"type": "bearer", "token": "s3cret"}, "authorization", "Bearer s3cret"),
            ({"type": "basic", "user": "u", "password": "s3cret"}, "authorization", "Basic dTpzM2NyZXQ="),
        ],
    )
    def test_are_sent_and_never_shown(
        self, auth: dict[str, str], header: str, value: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with serving(in_turn(json_reply(ROWS), Reply(status=401))) as server:
            source = HttpSource(f"{server.url}/rows?key=s3cret", auth=auth, headers={"X-Also": "s3cret"}, retry=QUICK)
            read_source(source)
            assert server.asked[0].headers[header] == value
            with pytest.raises(PermissionDenied) as caught:
                source.read()
        said = [str(caught.value.to_dict()), source.name, repr(source), caplog.text, repr(vars(source)["_credentials"])]
        assert "s3cret" not in " ".join(said) and value not in " ".join(said)

    @pytest.mark.parametrize(
        "auth",
        [
            {"type": "digest"},
            {"type": "bearer"},
            {"type": "bearer", "value": "x"},
            {"type": "api_key", "value": "a\nb"},
        ],
    )
    def test_that_cannot_be_used(self, auth: dict[str, str]) -> None:
        with pytest.raises(ConfigurationError):
            HttpSource("http://127.0.0.1/", auth=auth)

    @pytest.mark.parametrize(
        "url", ["ftp://host/x", "file:///etc/passwd", "host/x", "https://", "http://u:s3cret@host/", "http://host:x/"]
    )
    def test_urls_that_are_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            HttpSource(url)
        assert "s3cret" not in str(caught.value)


class TestRevalidation:
    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"v1"':
            return Reply(status=304)
        return json_reply(ROWS, ETag='"v1"', **{"Last-Modified": "Fri, 02 Jan 2026 00:00:00 GMT"})

    def test_an_answer_that_did_not_change(self) -> None:
        with serving(self.answer) as server:
            first = HttpSource(server.url).read()
            assert not first.unchanged and len(list(first)) == 1
            again = HttpSource(server.url, etag=first.etag, last_modified=first.last_modified).read()
            assert again.unchanged and list(again) == [] and again.lines == 0
            assert server.asked[1].headers["if-modified-since"] == "Fri, 02 Jan 2026 00:00:00 GMT"

    def test_pages_are_never_revalidated(self) -> None:
        with serving(self.answer) as server:
            reading = HttpSource(server.url, etag='"v1"', paging={"type": "offset", "page_size": 9}).read()
            assert not reading.unchanged and reading.etag == ""
            reading.close()

    def test_304_to_a_plain_request(self) -> None:
        refused(lambda _: Reply(status=304), SourceError)


def test_a_reading_is_read_once() -> None:
    with serving(lambda _: json_reply(ROWS)) as server:
        reading = HttpSource(server.url).read()
        list(reading)
        with pytest.raises(SpineError, match="second time"):
            iter(reading)


@pytest.mark.parametrize(
    "build",
    [
        lambda: HttpSource("http://127.0.0.1/", method="DELETE"),
        lambda: HttpSource("http://127.0.0.1/", body={"a": 1}),
        lambda: HttpSource("http://127.0.0.1/", paging="pages"),
        lambda: HttpSource("http://127.0.0.1/", paging={"type": "offset", "size": 3}),
        lambda: HttpSource("http://127.0.0.1/", paging={"type": "offset", "page_size": 0}),
        lambda: HttpSource("http://127.0.0.1/", headers={"a b": "c"}),
        lambda: HttpSource("http://127.0.0.1/", data_path="a..b"),
        lambda: HttpSource("http://127.0.0.1/", other_origins=["elsewhere"]),
    ],
)
def test_options_that_make_no_sense(build: Callable[[], HttpSource]) -> None:
    with pytest.raises(ConfigurationError):
        build()
