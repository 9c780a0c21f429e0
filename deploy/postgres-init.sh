#!/usr/bin/env bash
# Runs when the data volume is still empty. Two databases, each with an owner that cannot enter the other:
# Airflow's own, and Spine's domain data, which is backed up, sized and handed out on its own terms.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set airflow_password="$AIRFLOW_DB_PASSWORD" --set spine_password="$SPINE_DB_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE spine LOGIN PASSWORD :'spine_password';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE spine OWNER spine;
REVOKE CONNECT ON DATABASE airflow, spine FROM PUBLIC;
SQL
