"""Adds the Spine console to this deployment: a page under Browse, and a JSON API below /spine."""

from spine.console.plugin import SpineConsolePlugin

__all__ = ["SpineConsolePlugin"]
