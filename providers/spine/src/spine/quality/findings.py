"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass

from spine.quality.gaps import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    :param check: which check found it: database, integrity, space, connections, migrations, leases, ledger or held.
    :param command: what to type; empty where only a person can say.
    """

    check: str
    severity: Severity
    message: str
    command: str = ""
