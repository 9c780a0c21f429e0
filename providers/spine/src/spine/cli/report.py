"""What the database holds, for the eye: weeks by tier, top symbols, venue shares, trends, rejects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.storage.base import Storage

_PREFIX = "finra_otc_transparency_"
_OF_NEWEST = (
    "JOIN (SELECT tier, MAX(week_ending) AS week_ending FROM core_latest WHERE stage = 'AGGREGATED' GROUP BY tier) newest "
    "ON newest.tier = s.tier AND newest.week_ending = s.week_ending"
)
_BARS = 24
_MOST_ROWS = 9

# Title, columns (name in the result, heading), statement. A column named *share* or *pct* is drawn by its kind.
_TABLES: tuple[tuple[str, dict[str, str], str], ...] = (
    (
        "Weeks by tier",
        {
            "tier": "Tier",
            "weeks": "Weeks",
            "first_week": "From",
            "last_week": "To",
            "symbols": "Symbols/week",
            "volume": "Shares",
        },
        f"SELECT tier, COUNT(DISTINCT week_ending) AS weeks, MIN(week_ending) AS first_week, MAX(week_ending) AS last_week, "
        f"COUNT(*) / COUNT(DISTINCT week_ending) AS symbols, SUM(total_volume) AS volume "
        f"FROM {_PREFIX}symbol_summary_latest GROUP BY tier ORDER BY tier",
    ),
    (
        "Top symbols of the newest week",
        {
            "tier": "Tier",
            "symbol": "Symbol",
            "volume": "Shares",
            "trades": "Trades",
            "venues": "Venues",
            "hhi": "HHI",
            "top_venue": "Top venue",
        },
        f"SELECT s.tier, s.symbol, s.total_volume AS volume, s.total_trades AS trades, s.venue_count AS venues, "
        f"c.hhi, c.top_venue FROM {_PREFIX}symbol_summary_latest s JOIN {_PREFIX}concentration c "
        f"ON c.capture_id = s.capture_id AND c.symbol = s.symbol {_OF_NEWEST} ORDER BY s.total_volume DESC",
    ),
    (
        "Venue shares of the newest week",
        {"tier": "Tier", "rank": "Rank", "mpid": "Venue", "share": "Share", "symbols": "Symbols"},
        f"SELECT s.tier, s.rank, s.mpid, s.market_share_pct AS share, s.symbol_count AS symbols "
        f"FROM {_PREFIX}venue_share_latest s {_OF_NEWEST} WHERE s.rank <= 3 ORDER BY s.tier, s.rank",
    ),
    (
        "Trend over the rolling window",
        {
            "tier": "Tier",
            "direction": "Trend",
            "symbols": "Symbols",
            "avg_pct": "Mean change",
            "complete": "Complete windows",
        },
        f"SELECT s.tier, COALESCE(s.trend_direction, 'one week') AS direction, COUNT(*) AS symbols, "
        f"AVG(s.trend_pct) AS avg_pct, SUM(s.is_complete) AS complete FROM {_PREFIX}symbol_rolling_latest s {_OF_NEWEST} "
        f"GROUP BY s.tier, COALESCE(s.trend_direction, 'one week') ORDER BY s.tier, direction",
    ),
    (
        "Rejects",
        {
            "tier": "Tier",
            "week_ending": "Week",
            "line_number": "Line",
            "reason_code": "Reason",
            "reason_detail": "Detail",
        },
        "SELECT c.tier, c.week_ending, r.line_number, r.reason_code, r.reason_detail FROM core_rejects r "
        "JOIN core_captures c ON c.capture_id = r.capture_id ORDER BY c.tier, c.week_ending, r.line_number",
    ),
    (
        "Restated weeks",
        {"tier": "Tier", "week_ending": "Week", "captures": "Captures", "captured_at": "Newest (UTC)"},
        "SELECT tier, week_ending, COUNT(*) AS captures, MAX(captured_at) AS captured_at FROM core_captures "
        "GROUP BY tier, week_ending HAVING COUNT(*) > 1 ORDER BY tier, week_ending",
    ),
)


def print_report(storage: Storage, settings: Settings, seconds: float) -> None:
    """Print every table, where the data is, and what to type next."""
    console = Console()
    most = storage.dialect.limit(_MOST_ROWS)
    for title, headings, sql in _TABLES:
        console.print(_table(title, headings, list(storage.stream(f"{sql} {most}"))))
    print(f"Done in {seconds:.1f} s. The data: {storage.describe()}")
    print(_next_steps(settings))


def _table(title: str, headings: dict[str, str], rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for name, heading in headings.items():
        text = not rows or isinstance(rows[0][name], str) or name == "share"
        table.add_column(heading, justify="left" if text else "right", no_wrap=name != "reason_detail")
    for row in rows:
        table.add_row(*(_cell(name, row[name]) for name in headings))
    if not rows:
        table.add_row("none")
    return table


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "share":
        return f"{value:6.1%} {'█' * round(value * _BARS)}"
    if name == "avg_pct":
        return f"{value:+.1f} %"
    if name == "hhi":
        return f"{value:.4f}"
    if name in ("volume", "trades", "symbols"):
        return f"{value:,.0f}"
    return str(value)[:19] if name == "captured_at" else str(value)


def _next_steps(settings: Settings) -> str:
    return f"""What next:
  make ui                                        Airflow in the browser: DAG finra.weekly_refresh, its form, its runs
  . scripts/airflow-env.sh                       then, in this shell:
  airflow spine run finra.weekly_refresh -p tier=T1        a refresh without a scheduler
  airflow dags trigger finra.weekly_refresh --conf '{{"tier": "OTCE", "file_path": "my_week.csv"}}'   with `make ui` running
  airflow spine rejects list                     every refused line, with its reason
Put FINRA's weekly files into {settings.file_root}"""
