"""Who types: for records of what a person decided at the command line."""

from __future__ import annotations

import getpass


def this_person() -> str:
    """The user's name on this machine; a container may have none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody at the command line"
