"""What can be told of Db2 without a server: addresses, types of bound values, settings of the driver."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from spine.core.errors import ConfigurationError
from spine.storage.db2 import Db2Storage, type_of
from spine.storage.db2_place import Db2Place
from spine.storage.sql import bind_values


def test_a_url_has_all_of_a_place() -> None:
    place = Db2Place.from_url("db2://bob:p%40ss%2F@host:50001/SPINE?CurrentSchema=MARKET&security=SSL")
    assert str(place) == "host:50001/SPINE"
    assert list(place.first_statements()) == ["SET CURRENT LOCK TIMEOUT 30", 'SET CURRENT SCHEMA "MARKET"']
    assert place.connection_string() == (
        "DATABASE=SPINE;HOSTNAME=host;PORT=50001;PROTOCOL=TCPIP;UID=bob;PWD=p@ss/;ConnectTimeout=10;Security=SSL;"
    )
    assert str(Db2Place.from_url("db2://host/SPINE")) == "host:50000/SPINE"
    assert "p@ss" not in repr(place)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("db2://bob:s3cret/x@host/SPINE", "malformed"),
        ("db2://bob:s3cret@host:port/SPINE", "malformed"),
        ("db2://bob:s3cret#@host/SPINE", "malformed"),
        ("db2://bob:s3cret@host", "names no database"),
        ("db2://bob:s3cret%3BUID=eve@host/SPINE", "PWD holds a semicolon"),
        ("db2://bob:s3cret@host/SPINE?securty=SSL", "did you mean 'security'"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        Db2Place.from_url(url)
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, "BIGINT"),
        (0.5, "DOUBLE"),
        (Decimal("1.5"), "DECIMAL(31, 6)"),
        (Decimal("1E-9"), "DECIMAL(31, 9)"),
        (Decimal("1E25"), None),
        (Decimal("NaN"), None),
        ("ü" * 127, "VARCHAR(255)"),
        ("ü" * 128, "VARCHAR(4000)"),
        ("x" * 40_000, "CLOB(100M)"),
        (dt.date(2026, 1, 2), "DATE"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "TIMESTAMP"),
        (None, None),
    ],
)
def test_a_bound_value_has_a_type(value: object, kind: str | None) -> None:
    assert type_of(value) == kind
    text, values = bind_values("VALUES (:v)", Db2Storage.dialect, {"v": value})
    assert (text, values) == (f"VALUES (CAST(? AS {kind}))" if kind else "VALUES (?)", (value,))


@pytest.mark.parametrize("given", [None, "/etc/db2"])
def test_the_driver_is_told_not_to_reconnect_unless_it_was_told_something(given: str | None) -> None:
    pytest.importorskip("ibm_db_dbi")
    script = "import os, spine.storage.db2_driver as d; d.load_driver(); print(os.environ['DB2DSDRIVER_CFG_PATH'])"
    environ = {name: value for name, value in os.environ.items() if name != "DB2DSDRIVER_CFG_PATH"}
    environ |= {"DB2DSDRIVER_CFG_PATH": given} if given else {}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert folder == Path(given) if given else "maxReconnectRetries" in (folder / "db2dsdriver.cfg").read_text()
