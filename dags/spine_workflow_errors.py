"""No Airflow DAG in here: this file fails to import, with a list, while a workflow file is broken. The others load."""

from spine.airflow_settings import load_settings
from spine.workflows.dag_factory import raise_broken_workflows

raise_broken_workflows(load_settings())
