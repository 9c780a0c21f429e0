"""What every command needs: the settings, the domain database, and errors told in one line instead of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from spine.airflow_settings import load_settings
from spine.core.errors import SpineError

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.storage.base import Storage


@contextmanager
def spine_session() -> Iterator[tuple[Settings, Storage]]:
    """Settings and the storage behind ``[spine] storage_conn_id``; a SpineError ends the command with exit code 1."""
    from spine.hooks.storage import StorageHook

    try:
        settings = load_settings()
        storage = StorageHook(settings.storage_conn_id).get_storage()
        try:
            yield settings, storage
        finally:
            storage.close()
    except SpineError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error
