"""What can be told of PostgreSQL without a server."""

from __future__ import annotations

import pytest

from spine.storage.postgres import patient

KEEPALIVES = "keepalives_idle=60&keepalives_interval=10&keepalives_count=6"


@pytest.mark.parametrize(
    ("uri", "added"),
    [
        ("postgresql://bob@host/spine", f"?connect_timeout=10&{KEEPALIVES}"),
        ("postgresql:///spine?host=/run", f"&connect_timeout=10&{KEEPALIVES}"),
        ("postgresql://host/spine?connect_timeout=3", f"&{KEEPALIVES}"),
        (f"postgresql://host/spine?connect_timeout=3&{KEEPALIVES}", ""),
    ],
)
def test_waiting_has_an_end_unless_the_url_says_otherwise(uri: str, added: str) -> None:
    assert patient(uri) == uri + added
