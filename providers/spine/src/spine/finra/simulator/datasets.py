"""The datasets that the simulator knows: their fields, partitions and rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spine.core.suggest import did_you_mean
from spine.finra.simulator.messages import Refusal

GROUP = "otcMarket"


class FieldType(StrEnum):
    """Types as ``/metadata`` names them."""

    STRING = "String"
    NUMBER = "Number"
    DATE = "Date"


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: FieldType = FieldType.STRING

    def describe(self) -> dict[str, str]:
        """As in ``/metadata``."""
        form = {"format": "yyyy-MM-dd"} if self.type is FieldType.DATE else {}
        return {"name": self.name, "type": str(self.type), "description": self.name, **form}


@dataclass(frozen=True, slots=True)
class ApiDataset:
    """
    :param partition_fields: sorting wants each of them fixed by an EQUAL filter; none when rows may always be sorted.
    :param historic: asked for by one week or month, never filtered otherwise, never sorted.
    :param mock: invented rows at FINRA too; what is asked of it asynchronously cannot be fetched.
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    partition_fields: tuple[str, ...] = ("weekStartDate", "tierIdentifier")
    historic: bool = False
    mock: bool = False

    def field(self, name: object) -> Field:
        """The field of this name in any case.

        :raises Refusal: 400, there is none.
        """
        wanted = str(name).lower()
        found = next((field for field in self.fields if field.name.lower() == wanted), None)
        if found is None:
            known = did_you_mean(str(name), (field.name for field in self.fields))
            raise Refusal(400, f"Invalid field {name!r} for dataset {self.name}; {known}")
        return found


_TIER = Field("tierIdentifier")
_TYPE = Field("summaryTypeCode")
_WEEK = Field("weekStartDate", FieldType.DATE)
_NOTIONAL = Field("totalNotionalSum", FieldType.NUMBER)

# The order in which JSON answers name them, whatever order a request asks for.
_WEEKLY = (
    Field("issueSymbolIdentifier"),
    Field("issueName"),
    Field("firmCRDNumber", FieldType.NUMBER),
    Field("MPID"),
    Field("marketParticipantName"),
    _TIER,
    Field("tierDescription"),
    Field("summaryStartDate", FieldType.DATE),
    Field("totalWeeklyTradeCount", FieldType.NUMBER),
    Field("totalWeeklyShareQuantity", FieldType.NUMBER),
    _NOTIONAL,
    Field("productTypeCode"),
    _TYPE,
    _WEEK,
    Field("initialPublishedDate", FieldType.DATE),
    Field("lastReportedDate", FieldType.DATE),
    Field("lastUpdateDate", FieldType.DATE),
)

WEEKLY_SUMMARY = ApiDataset("weeklySummary", "Weekly Summary", _WEEKLY)
WEEKLY_SUMMARY_HISTORIC = ApiDataset(
    "weeklySummaryHistoric",
    "Weekly Summary Historic",
    (*_WEEKLY, Field("historicalweek", FieldType.DATE), Field("historicalmonth")),  # the latter is yyyy-MM
    historic=True,
)
WEEKLY_SUMMARY_MOCK = ApiDataset(
    "weeklySummaryMock",
    "Weekly Summary Mock",
    tuple(field for field in _WEEKLY if field is not _NOTIONAL),
    mock=True,
)
WEEKLY_DOWNLOAD_DETAILS = ApiDataset(
    "weeklyDownloadDetails",
    "Weekly Download Details",
    (_WEEK, _TIER, _TYPE),
    partition_fields=(),
)
DATASETS = (WEEKLY_SUMMARY, WEEKLY_SUMMARY_HISTORIC, WEEKLY_SUMMARY_MOCK, WEEKLY_DOWNLOAD_DETAILS)


def find_dataset(group: str, name: str) -> ApiDataset:
    """The dataset of these names in any case.

    :raises Refusal: 400, there is none.
    """
    found = next((dataset for dataset in DATASETS if dataset.name.lower() == name.lower()), None)
    if group.lower() != GROUP.lower() or found is None:
        known = did_you_mean(name, (dataset.name for dataset in DATASETS))
        raise Refusal(400, f"Invalid dataset: group {group!r}, name {name!r}; {known}")
    return found
