"""Which format and compression a file has, by the names people give files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean


class Format(StrEnum):
    PSV = "psv"
    CSV = "csv"  # the delimiter is read from the header: FINRA's own .csv is pipe-delimited
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Compression(StrEnum):
    NONE = "none"
    GZIP = "gzip"


AUTO = "auto"
EXTENSIONS = {
    ".psv": Format.CSV,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".txt": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}
OTHER_NAMES = {"ndjson": Format.JSONL, "pq": Format.PARQUET}
FIXED_DELIMITERS = {Format.PSV: "|", Format.TSV: "\t"}


def choose_format(wanted: str, file_name: str) -> Format:
    """The format asked for, or with ``auto`` the one its extension names (``.gz`` aside)."""
    if wanted != AUTO:
        return _named_format(wanted)
    stem = file_name.lower().removesuffix(".gz")
    extension = PurePath(stem).suffix
    if extension not in EXTENSIONS:
        raise ConfigurationError(
            f"The format of '{file_name}' cannot be told from its extension '{extension}'; "
            f"expected one of {' '.join(EXTENSIONS)}. Set format to one of {', '.join(Format)}"
        )
    return EXTENSIONS[extension]


def choose_compression(wanted: str, file_name: str) -> Compression:
    """The compression asked for, or with ``auto`` gzip for ``.gz`` and none otherwise."""
    if wanted == AUTO:
        return Compression.GZIP if file_name.lower().endswith(".gz") else Compression.NONE
    try:
        return Compression(wanted)
    except ValueError:
        known = (AUTO, *Compression)
        raise ConfigurationError(f"Unknown compression '{wanted}'; {did_you_mean(wanted, known)}") from None


def _named_format(wanted: str) -> Format:
    known = {**{str(kind): kind for kind in Format}, **OTHER_NAMES}
    if wanted not in known:
        raise ConfigurationError(f"Unknown format '{wanted}'; {did_you_mean(wanted, (AUTO, *known))}")
    return known[wanted]
