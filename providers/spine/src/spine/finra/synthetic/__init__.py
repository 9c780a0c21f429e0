"""A synthetic OTC market: invented issues and venues whose weeks look like FINRA's and never change.

``market`` says what happened in a week; ``files`` writes weeks to disk in the forms of ``spine.finra.download_file``.
"""

from spine.finra.synthetic.files import DEFAULT_UNTIL, WrittenFile, write_weeks
from spine.finra.synthetic.market import DEFAULT_SEED, DEFAULT_SYMBOLS, SCHEMA, SUMMARY_TYPES, SyntheticMarket

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_SYMBOLS",
    "DEFAULT_UNTIL",
    "SCHEMA",
    "SUMMARY_TYPES",
    "SyntheticMarket",
    "WrittenFile",
    "write_weeks",
]
