"""The workflows of this deployment, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean
from spine.workflows.loader import load_library, load_named
from spine.workflows.model import Workflow

if TYPE_CHECKING:
    from spine.core.settings import Settings


def find_workflow(name: str, settings: Settings) -> Workflow:
    """A workflow by its name, with the nearest one when there is none.

    :raises ValidationError: there is none of that name, and no file is broken.
    :raises DocumentError: there is none, and a file is broken: it may be that one.
    """
    found = load_named(settings.workflows_dir, name, settings.handler_packages)
    if found is not None and found.name == name:
        return found
    library = load_library(settings.workflows_dir, settings.handler_packages)
    known = {workflow.name: workflow for workflow in library.workflows}
    if name in known:
        return known[name]
    for error in library.errors:
        raise error
    raise ValidationError(f"no workflow {name!r} in {settings.workflows_dir}; {did_you_mean(name, known)}")
