"""What the engine must know of a dataset: its names. Rules and formulas are SQL in the include folder."""

from __future__ import annotations

from dataclasses import dataclass

from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of weekly partitions.

    :param name: domain in the ledger and prefix of its pipelines.
    :param sql_folder: folder under ``include/sql`` with normalize.sql, aggregate/ and rolling/.
    :param lines_table: where its source lines are stored.
    :param summary_types: FINRA's ``summaryTypeCode``s that may be captured, each apart from the others since they overlap;
        the first is that of a file which does not say.
    :param symbol_level_tables: derived tables that make sense of rows without a venue.
    """

    name: str
    sql_folder: str
    lines_table: str
    summary_types: tuple[str, ...]
    symbol_level_tables: tuple[str, ...]

    def summary_type(self, given: str | None) -> str:
        """The one that was asked for, else the first.

        :raises ValidationError: the dataset has no such one.
        """
        if given is None:
            return self.summary_types[0]
        if given not in self.summary_types:
            raise ValidationError(f"unknown summary_type {given!r}; {did_you_mean(given, self.summary_types)}")
        return given

    @staticmethod
    def per_venue(summary_type: str) -> bool:
        """Whether rows of a summary type name a venue or firm, and not a symbol alone."""
        return summary_type.endswith("_FIRM")


OTC_TRANSPARENCY = Dataset(
    name="finra.otc_transparency",
    sql_folder="finra_otc_transparency",
    lines_table="finra_otc_transparency_lines",
    summary_types=("ATS_W_SMBL_FIRM", "OTC_W_SMBL_FIRM", "ATS_W_SMBL", "OTC_W_SMBL"),
    symbol_level_tables=("symbol_summary",),
)
