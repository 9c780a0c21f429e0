"""docker-compose.yaml is read, not run, here: no Docker engine is needed, and none is assumed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT

_COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
_SERVICES: dict[str, dict[str, Any]] = _COMPOSE["services"]
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|FERNET|TOKEN|_AUTH$|_KEY$")
# postgresql://user:password@host, and the password of a connection written as JSON
_PASSWORD_IN_VALUE = (re.compile(r"://[^:/@]*:([^@]+)@"), re.compile(r'"password":\s*"([^"]*)"'))
_FROM_ENVIRONMENT = re.compile(r"\$\{[A-Z0-9_]+:[?-][^}]*\}")
_EXAMPLE = dict(re.findall(r"^(?:# )?([A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_services_of_a_distributed_airflow_are_there() -> None:
    airflow = {"airflow-init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert airflow | {"postgres", "redis", "flower", "db2"} == set(_SERVICES)


def test_only_extras_wait_for_a_profile() -> None:
    assert {name for name, service in _SERVICES.items() if "profiles" in service} == {"flower", "db2"}


@pytest.mark.parametrize("name", sorted(_SERVICES))
def test_what_a_service_needs_exists(name: str) -> None:
    needs = _SERVICES[name].get("depends_on", {})
    assert set(needs) <= set(_SERVICES)
    unchecked = [
        need
        for need, how in needs.items()
        if how["condition"] == "service_healthy" and "healthcheck" not in _SERVICES[need]
    ]
    assert unchecked == []


@pytest.mark.parametrize("name", sorted(set(_SERVICES) - {"airflow-init"}))
def test_every_lasting_service_says_whether_it_is_well(name: str) -> None:
    assert _SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_no_secret_is_written_down() -> None:
    literal = {where: value for where, value in _secrets() if not _FROM_ENVIRONMENT.fullmatch(value)}
    assert literal == {}
    assert len(list(_secrets())) > 10


def test_a_default_is_never_a_secret() -> None:
    defaults = {value for _, value in _secrets() if ":-" in value and not value.endswith(":-}")}
    assert defaults == set()


def test_the_example_names_every_variable_and_fills_in_no_secret() -> None:
    used = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yaml").read_text()))
    assert used == set(_EXAMPLE)
    assert {name: value for name, value in _EXAMPLE.items() if _SECRET_NAME.search(name) and value} == {}


def test_referenced_files_exist() -> None:
    mounts = [volume.split(":")[0] for service in _SERVICES.values() for volume in service.get("volumes", [])]
    copied = re.findall(r"^COPY (?!--from)(?:--chown=\S+ )?(\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    files = [mount for mount in mounts if mount.startswith(".")] + copied
    assert len(files) > 5
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_db2_makes_no_database_of_its_own() -> None:
    """Its pages would be too small: deploy/db2-create-database.sh makes it, which the image runs because it may."""
    service = _SERVICES["db2"]
    assert "DBNAME" not in service["environment"]
    [script] = [mount.split(":") for mount in service["volumes"] if "/var/custom/" in mount]
    assert script[1].endswith(".sh")
    assert os.access(ROOT / script[0], os.X_OK)
    assert f"connect to {service['environment']['SPINE_DATABASE']}" in service["healthcheck"]["test"][1]


def test_named_volumes_are_declared() -> None:
    mounts = {volume.split(":")[0] for service in _SERVICES.values() for volume in service.get("volumes", [])}
    assert {mount for mount in mounts if not mount.startswith(".")} == set(_COMPOSE["volumes"])


def test_the_image_is_the_airflow_that_requirements_pin() -> None:
    [pinned] = re.findall(r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert f"apache/airflow:{pinned}-python" in (ROOT / "Dockerfile").read_text()


def _secrets() -> Iterator[tuple[str, str]]:
    """Every place of the file that holds a secret: where it is, and what is written there."""
    for name, service in _SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if _SECRET_NAME.search(variable):
                yield f"{name}.{variable}", str(value)
            for pattern in _PASSWORD_IN_VALUE:
                yield from ((f"{name}.{variable}", found) for found in pattern.findall(str(value)))
