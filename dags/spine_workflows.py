"""Every workflow in include/workflows as an Airflow DAG."""

from spine.airflow_settings import load_settings
from spine.workflows.dag_factory import load_dags

globals().update(load_dags(load_settings()))
