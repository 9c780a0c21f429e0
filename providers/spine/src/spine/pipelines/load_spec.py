"""What people write to have a table loaded, checked before anything is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean
from spine.storage.sql import checked_identifier


class ColumnType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"  # exact, up to six decimals
    DOUBLE = "double"
    DATE = "date"
    INSTANT = "instant"
    BOOLEAN = "boolean"  # stored as 1 and 0


class Mode(StrEnum):
    """``upsert`` keeps rows that do not come again, ``replace_partition`` removes those of the partition that do not."""

    UPSERT = "upsert"
    REPLACE_PARTITION = "replace_partition"
    APPEND = "append"


class Stamp(StrEnum):
    """What the run itself puts into a column; a row is not a changed one because of it."""

    LOADED_AT = "loaded_at"
    LOAD_ID = "load_id"
    EXECUTION_ID = "execution_id"
    BATCH_ID = "batch_id"


def _as_list(names: Any) -> Any:
    return [names] if isinstance(names, str) else names


def _as_column(column: Any) -> Any:
    return {"type": column} if isinstance(column, str) else {} if column is None else column


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnSpec(_Strict):
    """A column of the table: read ``from`` a field of the source, or the same ``value`` for all rows, or a ``stamp``.

    Several fields mean: the first that is not empty. Without any of the three it is the field of the column's name.
    """

    type: ColumnType = ColumnType.TEXT
    fields: Annotated[list[str] | None, BeforeValidator(_as_list)] = Field(default=None, alias="from", min_length=1)
    value: Any = None
    stamp: Stamp | None = None
    nullable: bool = True
    default: Any = None

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnSpec:
        if sum(given is not None for given in (self.fields, self.value, self.stamp)) > 1:
            raise ValueError("give one of 'from', 'value' and 'stamp'")
        return self


Column = Annotated[ColumnSpec, BeforeValidator(_as_column)]


class SourceSpec(BaseModel):
    """Where the rows come from; all but these three are options of the source type."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["file", "http", "database"]
    connection: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})


class LoadSpec(_Strict):
    """The ``load`` of a step with pipeline ``core.load_table``.

    :param dataset: name in the ledger; the workflow's name when left out.
    :param partition: columns with a ``value``, which all rows share: what a load is about.
    :param allow_empty: an empty answer is one, and no error.
    :param max_reject_ratio: 0 to 1; with more rejects than that nothing is loaded.
    """

    source: SourceSpec
    table: str
    columns: dict[str, Column] = Field(min_length=1)
    key: Annotated[list[str], BeforeValidator(_as_list)] = []
    mode: Mode = Mode.UPSERT
    partition: Annotated[list[str], BeforeValidator(_as_list)] = []
    dataset: str | None = None
    allow_empty: bool = False
    max_reject_ratio: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _names_fit(self) -> LoadSpec:
        for name in (self.table, *self.columns):
            try:
                checked_identifier(name)
            except ConfigurationError as error:
                raise ValueError(error.message) from None
        for option, names in (("key", self.key), ("partition", self.partition)):
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{option} names '{name}', which is no column; {did_you_mean(name, self.columns)}")
        for name in self.partition:
            if self.columns[name].value is None:
                raise ValueError(f"partition column '{name}' needs a 'value': all rows of a load share it")
        if self.mode is not Mode.APPEND and not self.key:
            raise ValueError(f"mode {self.mode} needs 'key', the columns that name a row")
        if self.mode is Mode.REPLACE_PARTITION and not self.partition:
            raise ValueError("mode replace_partition needs 'partition'")
        return self

    @property
    def definition_hash(self) -> str:
        """Of everything written here, in its resolved form."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def source_fields(self) -> list[str]:
        """Every field of the source that a column may be read from, each once."""
        names = [name for column, spec in self.columns.items() for name in fields_of(column, spec)]
        return list(dict.fromkeys(names))


def fields_of(name: str, column: ColumnSpec) -> list[str]:
    """The fields a column is read from, none for one that is not read."""
    if column.value is not None or column.stamp is not None:
        return []
    return column.fields or [name]


def parse_load(written: Any) -> LoadSpec:
    """
    :raises ConfigurationError: naming the place and what is wrong there.
    """
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            "core.load_table needs the param 'load': a mapping with source, table, columns and key"
        )
    try:
        return LoadSpec.model_validate(dict(written))
    except ValidationError as error:
        problems = "; ".join(
            _problem(each["loc"], each["msg"], each["type"]) for each in error.errors(include_url=False)
        )
        raise ConfigurationError(f"load: {problems}") from None


def _problem(where: tuple[int | str, ...], message: str, kind: str) -> str:
    place = ".".join(str(part) for part in where)
    if kind == "extra_forbidden":
        known = (
            LoadSpec.model_fields
            if len(where) == 1
            else [f.alias or name for name, f in ColumnSpec.model_fields.items()]
        )
        message = f"there is no such option; {did_you_mean(str(where[-1]), known)}"
    return f"{place}: {message}" if place else message.removeprefix("Value error, ")
