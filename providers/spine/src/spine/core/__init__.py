"""The pure heart: errors, tiers, weeks, partitions, receipts. Imports no Airflow, no driver, no dataframe library."""
