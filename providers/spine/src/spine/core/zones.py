"""Names of time zones."""

from __future__ import annotations

from spine.core.suggest import did_you_mean


def zone_problem(name: str) -> str | None:
    """What is wrong with a zone's name, with one way out; None: nothing."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a name that is a folder of zones, such as 'America'
        close = did_you_mean(name, available_timezones())
        way_out = close if close.startswith("did") else "write it as 'America/New_York'"  # there are some 600
        return f"unknown timezone '{name}'; {way_out}"
    return None
