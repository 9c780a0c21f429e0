"""What Spine adds to Airflow that only a plugin may bring: timetables, listeners, web apps.

Every Airflow process imports this module, so it must stay light: reference heavy parts lazily.
"""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class SpinePlugin(AirflowPlugin):
    """Registers Spine's timetables, listeners and apps."""

    name = "spine"
