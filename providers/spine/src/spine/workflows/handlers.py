"""From the dotted name a workflow gives to the function it calls, and nothing outside the allowed packages."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from spine.core.errors import ConfigurationError, PermissionDenied
from spine.core.results import StepResult
from spine.core.suggest import did_you_mean

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext

Handler = Callable[["StepContext", Mapping[str, Any]], StepResult]
OWN_PACKAGE = "spine"


def load_handler(dotted: str, packages: Iterable[str] = ()) -> Handler:
    """The function ``package.module.function``. Its module is imported, so it must import heavy libraries late.

    :param packages: allowed beside ``spine``.
    :raises PermissionDenied: named or defined outside the allowed packages.
    :raises ConfigurationError: no such module or function, or not callable.
    """
    allowed = (OWN_PACKAGE, *packages)
    module_name, _, name = dotted.rpartition(".")
    _require_allowed(module_name, dotted, allowed)
    handler = _attribute(_module(module_name, dotted), name, dotted)
    if not callable(handler):
        raise ConfigurationError(f"handler '{dotted}' is {type(handler).__name__}, expected a function")
    # A function that an allowed module merely imported is still somebody else's.
    _require_allowed(getattr(handler, "__module__", None) or module_name, dotted, allowed)
    return cast("Handler", handler)


def _require_allowed(module_name: str, dotted: str, allowed: tuple[str, ...]) -> None:
    if not any(module_name == package or module_name.startswith(f"{package}.") for package in allowed):
        raise PermissionDenied(
            f"handler '{dotted}' lies outside the allowed packages ({', '.join(allowed)}); "
            "add its package to [spine] handler_packages"
        )


def _module(module_name: str, dotted: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except Exception as error:  # whatever the module's own code raises is the workflow's problem, told with its place
        message = f"handler '{dotted}': importing '{module_name}' failed with {type(error).__name__}: {error}"
        raise ConfigurationError(message) from error


def _attribute(module: Any, name: str, dotted: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        message = f"handler '{dotted}': no '{name}' in '{module.__name__}'; {did_you_mean(name, functions)}"
        raise ConfigurationError(message) from None
