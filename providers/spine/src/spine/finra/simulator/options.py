"""How a simulated FINRA behaves. Defaults are what was seen of the real one last; each option is a variant also seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from spine.core.errors import ValidationError
from spine.finra.simulator.faults import Fault
from spine.finra.synthetic import SyntheticMarket


class Keyless(StrEnum):
    """Where a call without credentials is served. FINRA's notice says nowhere; recordings and clients differ."""

    EVERYWHERE = "everywhere"
    DATA = "data"  # /partitions, /metadata and the rest answer 403
    NOWHERE = "nowhere"


class HeaderStyle(StrEnum):
    """Spelling of the record headers: ``Record-Total`` in 2023, ``record-total`` since 2024."""

    CAPITALISED = "capitalised"
    LOWER = "lower"


class EmptyAnswer(StrEnum):
    """How "no rows" looks: 204 without a body (seen in 2026), or 200 with ``[]`` (FINRA's notice of 2020)."""

    NO_CONTENT = "204"
    EMPTY_LIST = "200"


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """
    :param weeks: how many of each tier's newest published weeks are on the shelf.
    :param now: where the simulator's clock starts (default: the real time); it runs on from there.
    :param mock_credentials: the credentials are of the Mock type: production datasets answer 403.
    :param expires_in_as_text: the token's ``expires_in`` is a JSON string.
    :param gateway_key: key that ``/otc/transparency/weekly`` wants in ``X-API-Key`` or as a bearer token.
    :param page_count_header: False leaves ``total-records-on-page`` empty.
    :param quote_values: ``quoteValues`` of a text/plain request that does not say.
    :param payload_limit: bytes of rows in a synchronous page.
    :param async_polls: how often an async request says "pending" before it is complete.
    :param public_url: start of the links that the simulator hands out (default: where it listens).
    :param results_url: the same for results of async requests, which FINRA keeps on S3.
    """

    market: SyntheticMarket = field(default_factory=SyntheticMarket)
    weeks: int = 60
    now: dt.datetime | None = None
    keyless: Keyless = Keyless.EVERYWHERE
    client_id: str = "simulator"
    client_secret: str = field(default="not-a-secret", repr=False)
    mock_credentials: bool = False
    token_seconds: int = 43_170
    expires_in_as_text: bool = False
    gateway_key: str | None = field(default=None, repr=False)
    header_style: HeaderStyle = HeaderStyle.LOWER
    page_count_header: bool = True
    empty_answer: EmptyAnswer = EmptyAnswer.NO_CONTENT
    quote_values: bool = True
    payload_limit: int = 3_000_000
    gzip: bool = False
    requests_per_minute: int | None = None
    async_per_minute: int | None = None
    async_polls: int = 1
    public_url: str = ""
    results_url: str = ""
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if self.now is not None and self.now.tzinfo is None:
            raise ValidationError(f"now {self.now} has no time zone; add one, such as +00:00")
        if self.weeks < 1:
            raise ValidationError(f"{self.weeks} weeks; the simulator needs at least one")
