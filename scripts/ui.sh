# Airflow in one process group, with the domain database and some invented data ready.
set -eu
# The password file is for this user alone.
umask 077

sh scripts/migrate.sh
airflow spine db upgrade
if [ -z "$(ls -A "$AIRFLOW__SPINE__FILE_ROOT")" ]; then
    airflow spine synthesize --out "$AIRFLOW__SPINE__FILE_ROOT"
fi

cat <<MESSAGE

  Airflow   http://127.0.0.1:$AIRFLOW__API__PORT
  user      admin
  password  in $AIRFLOW_HOME/simple_auth_manager_passwords.json.generated (written at the first start)
  stop      Ctrl-C

MESSAGE
airflow pools set finra 3 "Requests to FINRA, over all tasks" >/dev/null
exec airflow standalone
