"""Numbers among the extras of a connection, which people and Airflow's form also write as text."""

from __future__ import annotations

from typing import Any

from spine.core.errors import ConfigurationError


def number(extra: dict[str, Any], name: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(extra[name])
    except (TypeError, ValueError):
        raise ConfigurationError(f"the connection's extra {name} is {extra[name]!r}; expected a number") from None


def chosen(extra: dict[str, Any], **kinds: type[int] | type[float]) -> dict[str, Any]:
    """Those of ``kinds`` that are given; the form hands over what was not filled in as well."""
    return {name: number(extra, name, kind) for name, kind in kinds.items() if extra.get(name) not in (None, "")}


def pool(extra: dict[str, Any]) -> dict[str, Any]:
    """What a pool of connections is told."""
    return chosen(extra, pool_size=int, max_overflow=int, pool_timeout=float)
