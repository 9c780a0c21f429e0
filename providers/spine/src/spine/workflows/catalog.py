"""The workflows of this deployment, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean
from spine.workflows.loader import load_library
from spine.workflows.model import Workflow

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext


def find_workflow(name: str, context: StepContext) -> Workflow:
    """A workflow of this deployment.

    :raises ConfigurationError: there is none of that name, or its file is broken.
    """
    library = load_library(context.settings.workflows_dir, context.settings.handler_packages)
    for workflow in library.workflows:
        if workflow.name == name:
            return workflow
    broken = f"; broken files: {', '.join(error.path for error in library.errors)}" if library.errors else ""
    known = [workflow.name for workflow in library.workflows]
    raise ConfigurationError(f"no workflow '{name}'; {did_you_mean(name, known)}{broken}")
