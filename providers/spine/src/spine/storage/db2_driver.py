"""IBM's driver, told before its first connection not to reconnect by itself.

When a connection is gone it would go on in silence on a new one: in another schema than ours, and with a statement done
twice whose answer was lost. It takes this setting (maxReconnectRetries, since driver 12.1.4) from a file alone.
"""

from __future__ import annotations

import importlib.util
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spine.storage.db2_place import Db2Place

_FILE = "db2dsdriver.cfg"
_PATH = "DB2DSDRIVER_CFG_PATH"


def load_driver() -> Any:
    """The module ``ibm_db_dbi``. A configuration file that the deployment gives the driver is left to it."""
    if _PATH not in os.environ and not _has_file_beside_it():
        os.environ[_PATH] = str(Path(__file__).parent)
    import ibm_db_dbi

    return ibm_db_dbi


def open_connection(place: Db2Place) -> Any:
    """A new connection, with autocommit off."""
    connection = load_driver().connect(place.connection_string(), "", "")
    try:
        with closing(connection.cursor()) as cursor:
            for statement in place.first_statements():
                cursor.execute(statement)
        connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def _has_file_beside_it() -> bool:
    found = importlib.util.find_spec("ibm_db")
    return bool(found and found.origin and (Path(found.origin).parent / "clidriver" / "cfg" / _FILE).exists())
