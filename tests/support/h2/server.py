"""H2 in its Db2 mode: another parser that knows Db2's SQL text, windows among it. It is not Db2 either."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from spine.storage.db2 import Db2Session, Db2Storage
from spine.storage.db2_place import Db2Place
from tests.support.db2_wire.server import JAVA

_JAR = Path("/usr/share/java/h2.jar")


class H2Unavailable(RuntimeError):
    """This machine cannot start H2; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class H2Server:
    """Databases in the memory of a Java process."""

    port: int

    def new_storage(self) -> H2Storage:
        """An empty database."""
        return H2Storage(Db2Place("127.0.0.1", f"mem:{uuid4().hex}", self.port))


class H2Storage(Db2Storage):
    """Spine's Db2 storage with another driver below it, and without what H2 cannot parse.

    :ivar statements: every text that ran, before its values were bound.
    """

    dialect = replace(Db2Storage.dialect, migration_lock="")  # H2 has no LOCK TABLE

    def __init__(self, place: Db2Place) -> None:
        super().__init__(place)
        self.statements: set[str] = set()

    def _connect(self) -> Any:
        from tests.support.h2.driver import Connection  # which needs IBM's

        return Connection(f"postgresql://sa:sa@{self._place.host}:{self._place.port}/{self._place.database}")

    def _on_connect(self) -> Iterator[str]:
        yield "SET MODE DB2"
        yield "SET DB_CLOSE_DELAY -1"  # keep the database when its last connection goes

    def _session(self, connection: Any) -> Db2Session:
        return _Recorded(self, connection)

    def tables(self) -> list[str]:
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name"
        return [row[0] for row in self.query(sql).rows]


class _Recorded(Db2Session):
    @contextmanager
    def run(self, sql: str, params: Any) -> Iterator[Any]:
        assert isinstance(self._storage, H2Storage)
        self._storage.statements.add(sql)
        with super().run(sql, params) as cursor:
            yield cursor


@contextmanager
def running_h2() -> Iterator[H2Server]:
    """A server of its own.

    :raises H2Unavailable: no Java, no H2 or no driver for Db2.
    """
    if not (_JAR.exists() and shutil.which("java")):
        raise H2Unavailable(f"no {_JAR} or no java; install libh2-java and openjdk-17-jre-headless to run these tests")
    if importlib.util.find_spec("ibm_db_dbi") is None:
        raise H2Unavailable("no ibm_db; install airflow-provider-spine[db2] to run these tests")
    command = [*JAVA, "-cp", str(_JAR), "org.h2.tools.Server", "-pg", "-pgPort", "0", "-ifNotExists"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()  # PG server running at pg://localhost:5435 (only local connections)
            yield H2Server(int(said.partition("localhost:")[2].partition(" ")[0]))
        finally:
            server.kill()
