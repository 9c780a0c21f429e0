"""Hands ``provider.yaml`` to Airflow. Every ``airflow`` command runs this, so it imports nothing heavy."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml


def get_provider_info() -> dict[str, Any]:
    """The provider's description, as the entry point ``apache_airflow_provider`` asks for it."""
    text = files("spine").joinpath("provider.yaml").read_text(encoding="utf-8")
    # The C loader is some ten times faster; PyYAML is sometimes built without it.
    info: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return info
