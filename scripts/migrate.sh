# Brings Airflow's own database up to date, quietly, once for each installed set of packages.
set -eu

stamp="$AIRFLOW_HOME/.migrated"
log="$AIRFLOW_HOME/migrate.log"
if [ -f "$stamp" ] && [ "$stamp" -nt .venv/.installed ]; then
    exit 0
fi
echo "Preparing Airflow's database in $AIRFLOW_HOME"
if ! airflow db migrate >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
touch "$stamp"
