"""Spine: FINRA OTC Transparency data as a market-data backbone on Apache Airflow."""

__version__ = "0.1.0"
