# Source this from the repository's root, then use `airflow` as usual:   . scripts/airflow-env.sh
# The one place that says how this checkout runs Airflow. What you have set already is kept.

if [ ! -f scripts/airflow-env.sh ]; then
    echo "airflow-env.sh: source it from the repository's root; this is $PWD" >&2
    return 1
fi

: "${AIRFLOW_HOME:=$PWD/.airflow}"
: "${AIRFLOW__CORE__DAGS_FOLDER:=$PWD/dags}"
: "${AIRFLOW__CORE__PLUGINS_FOLDER:=$PWD/plugins}"
: "${AIRFLOW__CORE__LOAD_EXAMPLES:=False}"
: "${AIRFLOW__SPINE__INCLUDE_DIR:=$PWD/include}"
: "${AIRFLOW__SPINE__FILE_ROOT:=$PWD/.spine/files}"
# A development server has no business on the network.
: "${AIRFLOW__API__HOST:=127.0.0.1}"
: "${AIRFLOW__API__PORT:=8080}"
# The default, 32 worker processes, is for a server, not for a laptop.
: "${AIRFLOW__CORE__PARALLELISM:=8}"
# Tasks report here. Airflow's own default is port 8080, whatever port the server has.
: "${AIRFLOW__CORE__EXECUTION_API_SERVER_URL:=http://127.0.0.1:$AIRFLOW__API__PORT/execution/}"
# Not inside ${...:=}, where the JSON's own brace would end the expression.
if [ -z "${AIRFLOW_CONN_SPINE_DEFAULT:-}" ]; then
    AIRFLOW_CONN_SPINE_DEFAULT="{\"conn_type\": \"sqlite\", \"host\": \"$PWD/.spine/spine.db\"}"
fi

export AIRFLOW_HOME AIRFLOW__CORE__DAGS_FOLDER AIRFLOW__CORE__PLUGINS_FOLDER AIRFLOW__CORE__LOAD_EXAMPLES
export AIRFLOW__SPINE__INCLUDE_DIR AIRFLOW__SPINE__FILE_ROOT AIRFLOW__API__HOST AIRFLOW__API__PORT AIRFLOW__CORE__PARALLELISM
export AIRFLOW__CORE__EXECUTION_API_SERVER_URL AIRFLOW_CONN_SPINE_DEFAULT

# Without .pyc files every Airflow process compiles everything again.
unset PYTHONDONTWRITEBYTECODE

mkdir -p "$AIRFLOW_HOME" "$AIRFLOW__SPINE__FILE_ROOT"
PATH="$PWD/.venv/bin:$PATH"
export PATH
