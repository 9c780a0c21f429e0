"""What every command needs: the settings, the domain database, and errors told in one line instead of a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from spine.airflow_settings import load_settings
from spine.core.errors import SpineError
from spine.core.redaction import redact

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.storage.base import Storage


FAILED = 1
"""The exit code of every command that an error ends, whatever its category: ``--output json`` tells that."""


@contextmanager
def spine_session(*, as_json: bool = False) -> Iterator[tuple[Settings, Storage]]:
    """Settings and the storage behind ``[spine] storage_conn_id``; a SpineError ends the command with exit code 1.

    :param as_json: the error is told to programs as well, as ``{"error": ...}`` on standard output.
    """
    from spine.hooks.storage import StorageHook

    with errors_in_one_line(as_json=as_json):
        settings = load_settings()
        storage = StorageHook(settings.storage_conn_id).get_storage()
        try:
            yield settings, storage
        finally:
            storage.close()


@contextmanager
def errors_in_one_line(*, as_json: bool = False) -> Iterator[None]:
    """What ``spine_session`` does with errors, for a command that needs no database, or that reads its arguments before."""
    try:
        yield
    except SpineError as error:
        if as_json:
            print(json.dumps({"state": "failed", "error": error.to_dict()}))
        print(redact(str(error)), file=sys.stderr)
        raise SystemExit(FAILED) from error
