"""Which column of a header holds what, in each of the shapes that FINRA's weekly rows come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spine.core.errors import SourceError
from spine.core.suggest import did_you_mean

# Canonical column: the names it has in the weekly download, the API, and the two simpler files (upper-case here).
_ALIASES: dict[str, tuple[str, ...]] = {
    "tier": ("TIERDESCRIPTION", "TIER", "TIERIDENTIFIER"),
    "symbol": ("ISSUESYMBOLIDENTIFIER", "SYMBOL"),
    "issue_name": ("ISSUENAME",),
    "venue_name": ("MARKETPARTICIPANTNAME",),
    "mpid": ("MPID", "VENUE"),
    "crd_number": ("FIRMCRDNUMBER",),
    "product_type": ("PRODUCTTYPECODE",),
    "summary_type": ("SUMMARYTYPECODE",),
    "total_shares": ("TOTALWEEKLYSHAREQUANTITY", "TOTALSHARES", "TOTALWEEKLYSHAREVOLUME"),
    "total_trades": ("TOTALWEEKLYTRADECOUNT", "TOTALTRADES", "TOTALWEEKLYTRADES"),
    "last_update_date": ("LASTUPDATEDATE",),
    "week_ending": ("WEEKENDING", "DATE"),
    "week_start": ("WEEKSTARTDATE",),
}
_KNOWN_UNUSED = {
    "SUMMARYSTARTDATE", "INITIALPUBLISHEDDATE", "LASTREPORTEDDATE", "TOTALNOTIONALSUM", "AVERAGEDAILYSHAREVOLUME",
    "AVERAGETRADESIZE", "TIERIDENTIFIER", "HISTORICALWEEK", "HISTORICALMONTH",
}  # fmt: skip
_REQUIRED = ("symbol", "total_shares", "total_trades")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which source column holds which canonical one."""

    columns: Mapping[str, str]

    @classmethod
    def detect(cls, header: Sequence[str], source: str, *, per_venue: bool = True) -> Layout:
        """Match a header by name, in any order and case.

        :param per_venue: rows must name a venue (MPID) or a firm (CRD number).
        :raises SourceError: a required column is missing, or a column is unknown.
        """
        by_name = {name.strip().upper(): name for name in header}
        _refuse_ambiguous(by_name, header, source)
        found = {
            canonical: by_name[next(alias for alias in aliases if alias in by_name)]
            for canonical, aliases in _ALIASES.items()
            if any(alias in by_name for alias in aliases)
        }
        required = (*_REQUIRED, "mpid") if per_venue and "crd_number" not in found else _REQUIRED
        missing = [f"{name} ({' or '.join(_ALIASES[name])})".lower() for name in required if name not in found]
        known = {alias for aliases in _ALIASES.values() for alias in aliases} | _KNOWN_UNUSED
        unknown = [name for key, name in by_name.items() if key not in known]
        if missing:
            raise SourceError(f"{source}: the header lacks {', '.join(missing)}; it has {', '.join(header)}")
        if unknown:
            hint = did_you_mean(unknown[0].upper(), known)
            raise SourceError(f"{source}: the header has unknown column {', '.join(unknown)}; {hint}")
        return cls(found)


def _refuse_ambiguous(by_name: Mapping[str, str], header: Sequence[str], source: str) -> None:
    """Two columns for one thing may differ, and nothing says which is meant. FINRA's API names the tier twice, though."""
    twice = [
        [by_name[alias] for alias in aliases if alias in by_name]
        for name, aliases in _ALIASES.items()
        if name != "tier"
    ]
    clash = next((names for names in twice if len(names) > 1), None)
    if len(by_name) < len(header) or clash:
        what = " and ".join(clash) if clash else "two columns that differ in case alone"
        raise SourceError(f"{source}: the header has {what}, which mean the same; leave one of them")
