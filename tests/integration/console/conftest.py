"""The console's application in this process, on a database of its own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from spine.storage.base import Storage
from tests.support.console import Call
from tests.support.storage import open_upgraded


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """The console's database."""
    from spine.console.storage import close_storage

    path = tmp_path / "domain.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    close_storage()
    with open_upgraded(f"sqlite:///{path}") as storage:
        yield storage
    close_storage()


@pytest.fixture
def call(airflow_env: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """The console's own application, asked as a user of a role: ``call(role, method, path)``; without a role as nobody."""
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", secrets.token_hex(64))
    from airflow.api_fastapi.app import create_app as airflows
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from spine.console.app import create_app

    with TestClient(airflows(apps="core")), TestClient(create_app(), raise_server_exceptions=False) as console:

        def ask(role: str | None, method: str, path: str, **options: Any) -> httpx.Response:
            headers = {}
            if role is not None:
                token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=f"a {role}", role=role))
                headers = {"Authorization": f"Bearer {token}"}
            return console.request(method, path, headers=headers, **options)

        yield ask
