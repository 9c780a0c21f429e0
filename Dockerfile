# Airflow with Spine and this repository's content. Nothing is installed when a container starts.
ARG AIRFLOW_IMAGE=apache/airflow:3.3.2-python3.12

FROM ${AIRFLOW_IMAGE} AS wheel
COPY --chown=airflow:0 requirements-dev.txt /build/
RUN pip install --no-cache-dir --constraint /build/requirements-dev.txt hatchling
COPY --chown=airflow:0 providers/spine /build/spine
WORKDIR /build/spine
RUN python -m hatchling build -t wheel -d /tmp/wheels

FROM ${AIRFLOW_IMAGE}
COPY requirements.txt /tmp/requirements.txt
# pip compiles what it installs; without .pyc files every task would start twice as slowly.
RUN pip install --no-cache-dir -r /tmp/requirements.txt
COPY --from=wheel /tmp/wheels /tmp/wheels
RUN pip install --no-cache-dir --no-deps /tmp/wheels/*.whl

# Content is part of the image, not a mount: every component of a deployment then runs the same version of it.
COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 deploy/airflow-init.sh /opt/airflow/deploy/airflow-init.sh
# A named volume takes its owner from the folder it covers.
RUN mkdir -p /opt/airflow/files /opt/airflow/logs
ENV AIRFLOW__SPINE__INCLUDE_DIR=/opt/airflow/include \
    AIRFLOW__SPINE__FILE_ROOT=/opt/airflow/files \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
