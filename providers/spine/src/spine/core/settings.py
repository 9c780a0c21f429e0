"""What a deployment sets, as one value. Read from Airflow's configuration in one place: spine.airflow_settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spine.core.guards import BreakerLimits


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``[spine]`` section.

    :param include_dir: folder with workflows/, sql/ and expectations/.
    :param file_root: file sources read nothing outside this folder.
    :param handler_packages: packages, beside ``spine``, whose functions workflows may name as handlers.
    :param breaker: of every dependency whose connection says nothing else.
    """

    include_dir: Path
    file_root: Path
    storage_conn_id: str = "spine_default"
    finra_conn_id: str = "finra_default"
    environment: str = "development"
    handler_packages: tuple[str, ...] = ()
    breaker: BreakerLimits = field(default_factory=BreakerLimits)

    @property
    def sql_dir(self) -> Path:
        return self.include_dir / "sql"

    @property
    def expectations_dir(self) -> Path:
        return self.include_dir / "expectations"

    @property
    def workflows_dir(self) -> Path:
        return self.include_dir / "workflows"
