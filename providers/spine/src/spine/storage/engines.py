"""SQLAlchemy engines for a while: a library reads through one, and nothing of it is left open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import create_engine, pool
from sqlalchemy.engine import Engine


@contextmanager
def engine_for_a_while(
    url: str, connect: Callable[[], Any], wrap: Callable[[Any], Any] = lambda connection: connection
) -> Iterator[Engine]:
    """An engine over connections that ``connect`` opens. At the block's end all of them are closed, also those that whoever
    read through it kept: ``dispose`` alone closes those that were given back, and the others when garbage is collected.

    :param wrap: what SQLAlchemy sees of a connection.
    """
    opened: list[Any] = []

    def creator() -> Any:
        opened.append(connect())
        return wrap(opened[-1])

    made = create_engine(url, creator=creator, poolclass=pool.QueuePool, pool_size=1)
    try:
        yield made
    finally:
        made.dispose()
        for connection in opened:
            with suppress(Exception):  # drivers differ in what they say of one that is closed already
                connection.close()
