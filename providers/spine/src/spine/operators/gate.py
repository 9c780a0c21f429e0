"""A gate of a workflow as an Airflow task that leads to what it said."""

from __future__ import annotations

from spine.operators.links import GateLink
from spine.operators.step import SpineStepOperator


class GateOperator(SpineStepOperator):
    """Run the gate like any step; its page is one click away, also when it closed."""

    operator_extra_links = (GateLink(),)
