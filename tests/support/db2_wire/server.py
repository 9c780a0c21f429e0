"""IBM's Db2 driver over DRDA against Apache Derby: real wire protocol, real driver, another database than Db2.

It shows that our statements are sent, bound, read and refused as they should be by the driver that talks to Db2. It
shows nothing of Db2's own parser, optimiser, locks or catalog.
"""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.support.paths import ROOT

_JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("derby", "derbynet", "derbytools", "derbyclient")]
USER, PASSWORD = "APP", "app"
DATABASE = "SPINE"
LOCK_TIMEOUT = "15"  # seconds; of the database and not of the server, so that a test can change it
# Derby offers neither IBM's encrypted password nor its chained arrays, and its CLOBs are read as long text.
_CLI_OPTIONS = "authentication=SERVER&arrayinputchain=0&longdatacompat=1"
# A server that lives for minutes: optimising its code would take longer than it saves.
JAVA = ("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_PROPERTIES = {
    "derby.stream.error.field": "java.lang.System.out",
    "derby.system.durability": "test",  # a test may lose its data in a power cut
    "derby.connection.requireAuthentication": "true",
    "derby.authentication.provider": "BUILTIN",
    f"derby.user.{USER}": PASSWORD,
    "derby.locks.deadlockTimeout": "1",
}


class Db2WireUnavailable(RuntimeError):
    """This machine cannot start Derby, or has no Db2 driver; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Db2Wire:
    """A running pair of Derby and relay, reached on the relay's port."""

    port: int

    def url(self, schema: str) -> str:
        return f"db2://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}?currentschema={schema}&{_CLI_OPTIONS}"

    def new_schema(self) -> str:
        """The URL of a schema that did not exist before. It stays: all of it goes with the server's folder."""
        from spine.storage.db2_driver import load_driver  # the driver's settings are those of its first connection

        name = f"T{uuid4().hex[:12].upper()}"
        place = f"DATABASE={DATABASE};HOSTNAME=127.0.0.1;PORT={self.port};PROTOCOL=TCPIP;UID={USER};PWD={PASSWORD};"
        connection = load_driver().connect(f"{place}Authentication=SERVER;", "", "")
        try:
            connection.cursor().execute(f"CREATE SCHEMA {name}")
            connection.commit()
        finally:
            connection.close()
        return self.url(name)


@contextmanager
def running_db2_wire() -> Iterator[Db2Wire]:
    """Start Derby and the relay in a new folder; stop both and remove it at the end.

    :raises Db2WireUnavailable: no Java, no Derby or no driver.
    """
    _require()
    home = Path(tempfile.mkdtemp(prefix="spine-derby-"))
    try:
        with _derby(home) as derby_port:
            _make_database(derby_port)
            command = [sys.executable, "-m", "tests.support.db2_wire.relay", str(derby_port)]
            with _process(command, stdout=subprocess.PIPE) as relay:
                assert relay.stdout is not None
                yield Db2Wire(int(relay.stdout.readline()))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _require() -> None:
    missing = [str(jar) for jar in _JARS if not jar.exists()] + ([] if shutil.which("java") else ["java"])
    if missing:
        raise Db2WireUnavailable(
            f"no {', '.join(missing)}; install libderby-java, derby-tools and openjdk-17-jre-headless to run these tests"
        )
    if importlib.util.find_spec("ibm_db_dbi") is None:
        raise Db2WireUnavailable("no ibm_db; install airflow-provider-spine[db2] to run these tests")


@contextmanager
def _derby(home: Path) -> Iterator[int]:
    """A network server; its port."""
    port = _free_port()
    properties = [f"-D{name}={value}" for name, value in {**_PROPERTIES, "derby.system.home": str(home)}.items()]
    control = ["org.apache.derby.drda.NetworkServerControl", "start", "-h", "127.0.0.1", "-p", str(port)]
    with (home / "log").open("wb") as log:
        command = [*JAVA, *properties, "-cp", _class_path(), *control, "-noSecurityManager"]
        with _process(command, stdout=log) as server:
            _wait_for(port, server)
            yield port


@contextmanager
def _process(command: list[str], **streams: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.STDOUT, **streams)  # type: ignore[call-overload]
    with process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError(f"Derby ended with {server.returncode} before it was ready")


def _make_database(port: int) -> None:
    script = (Path(__file__).parent / "catalog.sql").read_text(encoding="utf-8")
    script += f"CALL SYSCS_UTIL.SYSCS_SET_DATABASE_PROPERTY('derby.locks.waitTimeout', '{LOCK_TIMEOUT}');\n"
    place = f"jdbc:derby://127.0.0.1:{port}/{DATABASE};create=true;user={USER};password={PASSWORD}"
    command = [*JAVA, "-cp", _class_path(), "org.apache.derby.tools.ij"]
    done = subprocess.run(command, input=f"connect '{place}';\n{script}", capture_output=True, text=True, check=True)
    if "ERROR" in done.stdout:
        raise RuntimeError(f"Derby refused the catalog's views: {done.stdout}")


def _class_path() -> str:
    return ":".join(map(str, _JARS))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
