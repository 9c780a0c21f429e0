"""A PostgreSQL server of the test session's own: temporary data, loopback only, no trace left behind."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

# Where Debian and Homebrew keep the server's programs, which they leave off PATH.
_PLACES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")
# Tests may lose their data in a power cut, and most of them in a crash, so nothing waits for the disk.
_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
synchronous_commit = {synchronous_commit}
full_page_writes = off
timezone = 'UTC'
"""
_OWNER = "spine_root"
# Everybody else is trusted.
WITH_PASSWORD = "spine_with_password"


class PostgresUnavailable(RuntimeError):
    """This machine cannot start a PostgreSQL server; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, reached over TCP on the loopback interface."""

    programs: Path
    port: int
    data: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self, template: str = "template1", tablespace: str = "pg_default") -> Iterator[str]:
        """The URL of a database that did not exist before and does not exist afterwards."""
        name = f"test_{uuid4().hex[:12]}"
        self._client("createdb", f"--template={template}", f"--tablespace={tablespace}", name)
        try:
            yield self.url(name)
        finally:
            # A test that failed may still hold a connection.
            self._client("dropdb", "--force", name)

    @contextmanager
    def tablespace(self, folder: Path) -> Iterator[str]:
        """The name of a place for databases in a folder of the server's account."""
        name = f"test_{uuid4().hex[:12]}"
        self._client("psql", "--dbname=postgres", "--quiet", f"--command=CREATE TABLESPACE {name} LOCATION '{folder}'")
        try:
            yield name
        finally:
            self._client("psql", "--dbname=postgres", "--quiet", f"--command=DROP TABLESPACE {name}")

    def restart(self) -> None:
        """What an upgrade of the server is to its clients: every connection is gone, every committed row is there."""
        self.stop()
        self.start()

    def stop(self, mode: str = "fast") -> None:
        """
        :param mode: ``fast`` ends every transaction, ``immediate`` is a crash.
        """
        self._control("-m", mode, "stop")

    def start(self) -> None:
        self._control("-l", self.data.parent / "log", "start")

    def _control(self, *args: str | Path) -> None:
        _run(account(), self.programs / "pg_ctl", "-D", self.data, "-w", *args)

    def _client(self, program: str, *args: str) -> None:
        address = ("--host=127.0.0.1", f"--port={self.port}", f"--username={_OWNER}", "--no-password")
        _run(None, self.programs / program, *address, *args)


@contextmanager
def running_postgres(*, may_crash: bool = False) -> Iterator[PostgresServer]:
    """Start a server in a new data directory; stop it and remove the directory at the end.

    :param may_crash: whether what was committed has to outlive a crash of the server.
    :raises PostgresUnavailable: no server programs, or root without an account to run them as.
    """
    programs, owner = _find_programs(), account()
    home = Path(tempfile.mkdtemp(prefix="spine-postgres-"))
    try:
        if owner:
            shutil.chown(home, user=owner)
        data, port = home / "data", _free_port()
        _run(owner, programs / "initdb", "-D", data, "-U", _OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(port=port, synchronous_commit="on" if may_crash else "off"))
        access = data / "pg_hba.conf"
        access.write_text(f"host all {WITH_PASSWORD} 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
        server = PostgresServer(programs, port, data)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _find_programs() -> Path:
    """The folder with initdb and pg_ctl: the one on PATH, else the newest installed."""
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).resolve().parent
    found = [folder for place in _PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").exists()]
    if not found:
        raise PostgresUnavailable("no PostgreSQL server found (initdb, pg_ctl); install postgresql to run these tests")
    return max(found, key=_version)


def _version(programs: Path) -> int:
    digits = "".join(filter(str.isdigit, programs.parent.name))
    return int(digits or 0)


def account() -> str | None:
    """PostgreSQL refuses to run as root; its package brings an account for that."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise PostgresUnavailable("PostgreSQL refuses to run as root, and there is no account 'postgres'") from None


def _run(owner: str | None, program: Path, *args: str | Path) -> None:
    """Run one of the server's programs; on failure its own words are in the error."""
    # Into a file, not a pipe: a server that stays would keep a pipe open, and the read would never end.
    with tempfile.TemporaryFile() as words:
        done = subprocess.run(
            [program, *args],
            user=owner,
            group=owner,
            extra_groups=[] if owner else None,
            cwd="/",
            stdout=words,
            stderr=words,
            check=False,
        )
        if done.returncode:
            words.seek(0)
            raise RuntimeError(f"{program.name} exited {done.returncode}: {words.read().decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
