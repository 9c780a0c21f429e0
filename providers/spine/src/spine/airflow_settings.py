"""The only reader of the ``[spine]`` section of Airflow's configuration."""

from __future__ import annotations

from pathlib import Path

from spine.core.guards import BreakerLimits
from spine.core.settings import Settings

BREAKER_OPTIONS = ("failure_threshold", "recovery_timeout", "success_threshold", "half_open_max_calls", "trial_timeout")


def load_settings() -> Settings:
    """Settings as Airflow resolves them: environment, airflow.cfg, then the provider's defaults."""
    from airflow.configuration import conf

    def option(key: str) -> str:
        return str(conf.get("spine", key)).strip()

    # A relative folder means one beside the DAGs folder: the layout of this repository.
    base = Path(conf.get("core", "dags_folder")).expanduser().resolve().parent
    return Settings(
        include_dir=base / Path(option("include_dir")).expanduser(),
        file_root=base / Path(option("file_root")).expanduser(),
        storage_conn_id=option("storage_conn_id"),
        finra_conn_id=option("finra_conn_id"),
        environment=option("environment"),
        handler_packages=tuple(name.strip() for name in option("handler_packages").split(",") if name.strip()),
        breaker=BreakerLimits().overlaid(
            {name: option(f"breaker_{name}") for name in BREAKER_OPTIONS}, of="[spine] breaker_..."
        ),
    )
