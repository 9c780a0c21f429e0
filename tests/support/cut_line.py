"""One database by two ways: by a line that a test can break, and by one that holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from spine.storage.base import Storage
from tests.support.storage import open_storage
from tests.support.tcp_proxy import Break, Proxy, Way, proxy_to

# How a commit, and the answer to it, look on the wire of each. SQLite has no wire.
COMMITS = {
    "postgres": {Way.REQUEST: b"Q\0\0\0\x0bCOMMIT\0", Way.ANSWER: b"C\0\0\0\x0bCOMMIT\0"},
    "db2": {Way.REQUEST: b"\x00\x04\x20\x0e", Way.ANSWER: b"\x22\x0c\x00\x06\x11\x49"},
}


@dataclass(frozen=True, slots=True)
class CutLine:
    """
    :param url: by the line that can break; ``storage`` goes that way and ``safe`` does not.
    """

    url: str
    proxy: Proxy
    storage: Storage
    safe: Storage

    def commit(self, way: Way, nth: int = 0, after: bytes = b"") -> Break:
        return Break(way, COMMITS[self.storage.dialect.name][way], after, nth)


@contextmanager
def cut_line(url: str) -> Iterator[CutLine]:
    port = urlsplit(url).port
    assert port is not None
    with proxy_to(port) as proxy:
        by_proxy = url.replace(f":{port}/", f":{proxy.port}/")
        with open_storage(by_proxy) as storage, open_storage(url) as safe:
            yield CutLine(by_proxy, proxy, storage, safe)
