"""FINRA: its datasets, its files, its API, and a synthetic market that speaks like it. Imports no Airflow."""
