"""Where a Db2 database is and how to reach it, as IBM's driver wants to be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean

DEFAULT_PORT = 50_000
# Keywords of IBM's CLI that a URL's query or a connection's extras may set; their names are not case-sensitive.
KEYWORDS = {
    keyword.lower(): keyword
    for keyword in (
        "ArrayInputChain",
        "Authentication",
        "ConnectTimeout",
        "LongDataCompat",
        "Security",
        "SSLClientHostnameValidation",
        "SSLClientKeystash",
        "SSLClientKeystoreDB",
        "SSLServerCertificate",
    )
}
_MALFORMED = (
    "the Db2 URL is malformed; expected db2://user:password@host:port/database, with special characters percent-encoded"
)


@dataclass(frozen=True, slots=True)
class Db2Place:
    """A database and who asks.

    :param schema: of our tables, as written in the catalog; the user's own when empty.
    :param lock_timeout: seconds to wait for a lock; Db2's own default is for ever.
    :param keywords: by their names in ``KEYWORDS``.
    :raises ConfigurationError: no database, an unknown keyword, or a value that the driver cannot be told.
    """

    host: str
    database: str
    port: int = DEFAULT_PORT
    user: str = ""
    password: str = field(default="", repr=False)
    schema: str = ""
    lock_timeout: float = 30.0
    keywords: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.database:
            raise ConfigurationError("the Db2 connection names no database")
        for name in self.keywords:
            if name not in KEYWORDS:
                raise ConfigurationError(f"the Db2 option {name!r} is unknown; {did_you_mean(name, KEYWORDS)}")
        # The driver has no way to quote the end of a value, and would take what follows as an option of ours.
        for name, value in self._settings().items():
            if ";" in value or "\0" in value:
                raise ConfigurationError(
                    f"the Db2 connection's {name} holds a semicolon, which IBM's driver cannot take"
                )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """From ``db2://user:password@host:port/database?currentschema=...&security=SSL``.

        :raises ConfigurationError: it is malformed. It is not quoted: it may hold a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or DEFAULT_PORT
        except ValueError:
            raise ConfigurationError(_MALFORMED) from None
        database = unquote(parts.path[1:])
        if not parts.hostname or "@" in database or "/" in database or parts.fragment:  # of the password, not encoded
            raise ConfigurationError(_MALFORMED)
        query = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
        schema = query.pop("currentschema", "")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, database, port, user, password, schema, keywords=query)

    def first_statements(self) -> Iterator[str]:
        """What a new connection begins with."""
        yield f"SET CURRENT LOCK TIMEOUT {int(self.lock_timeout)}"
        if self.schema:
            quoted = self.schema.replace('"', '""')
            yield f'SET CURRENT SCHEMA "{quoted}"'

    def connection_string(self) -> str:
        """For the driver. It holds the password: never to be shown."""
        return "".join(f"{name}={value};" for name, value in self._settings().items())

    def _settings(self) -> dict[str, str]:
        fixed = {
            "DATABASE": self.database,
            "HOSTNAME": self.host,
            "PORT": str(self.port),
            "PROTOCOL": "TCPIP",
            "UID": self.user,
            "PWD": self.password,
        }
        chosen = {KEYWORDS[name]: value for name, value in self.keywords.items()}
        return {**fixed, "ConnectTimeout": "10", **chosen}

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"
