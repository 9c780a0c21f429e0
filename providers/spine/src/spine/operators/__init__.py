"""Airflow operators. Thin: they read Airflow's context, call the pure core, and return a receipt."""
