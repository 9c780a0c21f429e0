"""Which URL leads to which database."""

from __future__ import annotations

import pytest

from spine.core.errors import ConfigurationError
from spine.storage.connect import connect_storage


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://bob:s3cret@host/spine", "known: db2, postgres, postgresql, sqlite"),
        ("postgre://bob:s3cret@host/spine", "did you mean 'postgres'"),
        ("sqlite:///", "names no file"),
        ("sqlite://spine.db", "names no file"),
        ("/data/spine.db", "URL scheme"),
        ("", "URL scheme"),
    ],
)
def test_a_url_that_names_no_database(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect_storage(url)
    assert "s3cret" not in caught.value.message
