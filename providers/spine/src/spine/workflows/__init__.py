"""Workflow files: read by ``loader``, ordered by ``graph``, run by ``runner`` or as the DAGs of ``dag_factory``."""
