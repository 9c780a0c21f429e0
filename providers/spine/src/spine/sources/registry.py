"""Source types by the names people write; a type's module loads when it is first used."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean
from spine.sources.base import Source

SOURCE_TYPES = {
    "file": "spine.sources.file:FileSource",
    "http": "spine.sources.http:HttpSource",
    "database": "spine.sources.database:DatabaseSource",
}


def source_types() -> tuple[str, ...]:
    return tuple(SOURCE_TYPES)


def get_source_class(source_type: str) -> type[Source]:
    """
    :raises ConfigurationError: no such source type.
    """
    if source_type not in SOURCE_TYPES:
        raise ConfigurationError(f"Unknown source type '{source_type}'; {did_you_mean(source_type, SOURCE_TYPES)}")
    module, _, name = SOURCE_TYPES[source_type].partition(":")
    source_class: type[Source] = getattr(import_module(module), name)
    return source_class


def build_source(source_type: str, **options: Any) -> Source:
    """A source of a type from the options a person wrote.

    :raises ConfigurationError: no such type, an option it does not have, or one it needs and did not get.
    """
    source_class = get_source_class(source_type)
    parameters = inspect.signature(source_class).parameters
    for option in options:
        if option not in parameters:
            raise ConfigurationError(
                f"A {source_type} source has no option '{option}'; {did_you_mean(option, parameters)}"
            )
    missing = [
        name for name, parameter in parameters.items() if parameter.default is parameter.empty and name not in options
    ]
    if missing:
        raise ConfigurationError(f"A {source_type} source needs {', '.join(missing)}; set {missing[0]}")
    return source_class(**options)
