"""What the engine must know of a dataset: its names. Rules and formulas are SQL in the include folder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of weekly partitions.

    :param name: domain in the ledger and prefix of its pipelines.
    :param sql_folder: folder under ``include/sql`` with normalize.sql, aggregate/ and rolling/.
    :param lines_table: where its source lines are stored.
    :param summary_type: FINRA's ``summaryTypeCode`` of a file that does not say.
    """

    name: str
    sql_folder: str
    lines_table: str
    summary_type: str


OTC_TRANSPARENCY = Dataset(
    name="finra.otc_transparency",
    sql_folder="finra_otc_transparency",
    lines_table="finra_otc_transparency_lines",
    summary_type="ATS_W_SMBL_FIRM",
)
