"""The server fixture itself: other tests trust that their database is theirs alone."""

from __future__ import annotations

import adbc_driver_postgresql.dbapi as postgres
import pytest

from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("attempt", [1, 2])
def test_every_test_gets_an_empty_database(postgres_url: str, attempt: int) -> None:
    with postgres.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE traces (attempt INTEGER)")
        connection.commit()
        cursor.execute("SELECT count(*) FROM traces")
        assert cursor.fetchone() == (0,)


def test_a_database_is_dropped_even_while_connected(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        connection = postgres.connect(url)
    with pytest.raises(postgres.Error), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    connection.close()
