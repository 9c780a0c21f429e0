"""What Spine adds to Airflow that only a plugin may bring: timetables, listeners, web apps.

Every Airflow process imports this module, so it must stay light: reference heavy parts lazily.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from spine.timetables.publication import PublicationTimetable


class SpinePlugin(AirflowPlugin):
    """Registers Spine's timetables, listeners and apps."""

    name = "spine"
    timetables: list[Any] = [PublicationTimetable]  # noqa: RUF012 - as Airflow's base class declares it
