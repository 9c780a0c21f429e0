#!/usr/bin/env bash
# Runs once before the other Airflow services start, and again at every upgrade: each step may be repeated.
set -euo pipefail

airflow db migrate
airflow spine db upgrade
# FINRA limits requests for each client, so all workers together share this many slots.
airflow pools set finra "${FINRA_POOL_SLOTS:-4}" "Requests to the FINRA API, over all workers"

# Says so and succeeds when the user exists already.
airflow users create --role Admin --username "${ADMIN_USER}" --password "${ADMIN_PASSWORD}" \
    --email "${ADMIN_EMAIL}" --firstname Spine --lastname Admin
