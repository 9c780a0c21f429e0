"""Great Expectations without what no gate needs. It imports plotting and statistics at its top: more than a third of its
import; here they are loaded when something first looks into them, which no rule of ours does."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_LATE = ("altair", "scipy", "scipy.stats", "posthog")


class _Late(ModuleType):
    """Stands for a module until something is asked of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        return getattr(_load(self.__name__), name)


def great_expectations() -> ModuleType:
    """The package, imported once in a process, quiet."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    if "great_expectations" in sys.modules:
        return sys.modules["great_expectations"]
    put_off = [name for name in _LATE if name not in sys.modules]
    for name in put_off:
        _put_off(name)
    try:
        with warnings.catch_warnings():  # of its own dependencies, which nobody here can act on
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module("great_expectations")
    finally:
        for name in put_off:  # whoever imports them from now on gets them
            if isinstance(sys.modules.get(name), _Late):
                del sys.modules[name]


def _put_off(name: str) -> None:
    parent, _, child = name.rpartition(".")
    module = sys.modules[name] = _Late(name)
    if isinstance(sys.modules.get(parent), _Late):
        setattr(sys.modules[parent], child, module)


def _load(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), _Late):
        for late in _LATE:
            if isinstance(sys.modules.get(late), _Late):
                del sys.modules[late]
    return importlib.import_module(name)
