"""What FINRA tells about its datasets: which partitions there are, which fields, which weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spine.core.errors import SourceError, ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import friday_of, parse_date
from spine.finra.answers import Answer, unusable
from spine.finra.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Partitions:
    """The partitions there are, each a value for every one of ``fields``, newest first."""

    fields: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, answer: Answer, redact: Redactor) -> Partitions:
        """:raises SourceError: the answer lists no partitions."""
        said = answer.json_object()
        try:
            fields = tuple(map(str, said["partitionFields"]))
            values = tuple(tuple(map(str, each["partitions"])) for each in said["availablePartitions"])
        except (KeyError, TypeError) as error:
            raise unusable(answer, "a list of partitions", redact) from error
        if any(len(each) != len(fields) for each in values):
            raise unusable(answer, f"partitions by {', '.join(fields)}", redact)
        return cls(fields, values)

    def weeks(self, tier: Tier) -> list[dt.date]:
        """The week-ending Fridays of a tier, newest first.

        :raises SourceError: the dataset is not partitioned by week and tier.
        """
        rows = [dict(zip(self.fields, each, strict=True)) for each in self.values]
        return week_endings((row for row in rows if row.get("tierIdentifier") == tier), "the list of partitions")


@dataclass(frozen=True, slots=True)
class Field:
    """A column as FINRA describes it: ``type`` is String, Number or Date."""

    name: str
    type: str
    format: str
    description: str


@dataclass(frozen=True, slots=True)
class Metadata:
    dataset: str
    description: str
    partition_fields: tuple[str, ...]
    fields: tuple[Field, ...]

    @classmethod
    def read(cls, answer: Answer, redact: Redactor) -> Metadata:
        """:raises SourceError: the answer describes no dataset."""
        said = answer.json_object()
        try:
            keys = ("name", "type", "format", "description")
            fields = tuple(Field(*(str(each.get(key) or "") for key in keys)) for each in said["fields"])
        except (KeyError, TypeError, AttributeError) as error:
            raise unusable(answer, "the fields of a dataset", redact) from error
        partition = tuple(map(str, said.get("partitionFields") or ()))
        return cls(str(said.get("datasetName") or ""), str(said.get("description") or ""), partition, fields)


def week_endings(rows: Iterable[Mapping[str, str | None]], source: str) -> list[dt.date]:
    """From FINRA's Mondays to Fridays, newest first, each once.

    :raises SourceError: a row has no ``weekStartDate``, or it is no date.
    """
    try:
        return sorted({friday_of(parse_date(row["weekStartDate"], "weekStartDate")) for row in rows}, reverse=True)
    except (KeyError, ValidationError) as error:
        raise SourceError(f"{source} does not tell weeks ({error}); expected a weekStartDate in each row") from error
