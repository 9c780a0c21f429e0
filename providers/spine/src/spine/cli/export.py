"""``airflow spine export``: a published table or view into a Parquet or CSV file, or to standard output."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from spine.cli.session import spine_session
from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.storage.migrations import require_current

if TYPE_CHECKING:
    from spine.exports.export import Request
    from spine.exports.receipt import Receipt
    from spine.exports.selection import Selection

NOTHING_SELECTED = 3
_MEGABYTE = 1e6


def export(args: Namespace) -> None:
    """Write the file and print its receipt. Exits with 1 on an error, with 3 when nothing is in the selection."""
    from spine.exports.export import export as write
    from spine.exports.parts import NothingSelected

    to_stdout = args.output == "-"
    with spine_session() as (settings, storage):
        require_current(storage, settings.sql_dir)
        progress = Progress()
        try:
            receipt = write(storage, request_of(args), now=dt.datetime.now(dt.UTC), told=progress.told)
            sys.stdout.flush()
        except NothingSelected as nothing:
            print(nothing, file=sys.stderr)
            raise SystemExit(NOTHING_SELECTED) from nothing
        except BrokenPipeError:  # whoever reads standard output has had enough, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1) from None
        finally:
            progress.end()
    # Where the rows go to standard output, the receipt does not.
    print(told_of(receipt, as_json=args.json), file=sys.stderr if to_stdout else sys.stdout)


def request_of(args: Namespace) -> Request:
    """:raises ValidationError: a value that is none."""
    from spine.exports.export import Request

    return Request(
        relation=args.relation,
        target=sys.stdout.buffer if args.output == "-" else Path(args.output),
        selection=_selection(args),
        file_format=args.format,
        compression=args.compression,
        columns=_names(args.columns),
        partition_by=_names(args.partition_by),
        force=args.force,
    )


def _selection(args: Namespace) -> Selection:
    from spine.exports.selection import Selection

    if args.week and (args.week_from or args.week_to):
        raise ValidationError("--week is one week; leave out --week-from and --week-to, or it")
    first, last = args.week or args.week_from, args.week or args.week_to
    return Selection(
        tiers=tuple(dict.fromkeys(Tier.parse(name) for name in _names(args.tier))),
        first_week=parse_week_ending(first) if first else None,
        last_week=parse_week_ending(last) if last else None,
        symbols=tuple(dict.fromkeys(_names(args.symbol))),
        summary_types=tuple(dict.fromkeys(_names(args.summary_type))),
        as_of=_instant(args.as_of) if args.as_of else None,
        revisions=args.revisions,
    )


def _names(values: list[str] | None) -> tuple[str, ...]:
    return tuple(name.strip() for value in values or () for name in value.split(",") if name.strip())


def _instant(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValidationError(
            f"--as-of {text!r} is not an instant; expected one such as 2026-05-01T00:00:00+00:00"
        ) from None


def told_of(receipt: Receipt, *, as_json: bool) -> str:
    """The receipt for programs, or in two lines for people."""
    if as_json:
        return json.dumps(receipt.to_dict(), indent=2)
    files = f"{len(receipt.files)} files" if len(receipt.files) != 1 else f"sha256 {receipt.files[0].sha256}"
    captures = f" of {len(receipt.captures):,} captures" if receipt.captures else ""
    return (
        f"{receipt.relation}: {receipt.rows:,} rows{captures}, as many as the {receipt.counted_by} counts\n"
        f"{receipt.target}: {receipt.bytes / _MEGABYTE:,.1f} MB, {files}"
    )


class Progress:
    """How far the export is, on standard error: one line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()
        self._pause = 0.2 if self._on_terminal else 5.0
        self._begun = self._shown = time.monotonic()
        self._line_open = False

    def told(self, rows: int, expected: int, size: int) -> None:
        now = time.monotonic()
        if now - self._shown < self._pause:
            return
        self._shown = now
        line = progress_line(rows, expected, size, now - self._begun)
        print(f"\r\x1b[K{line}" if self._on_terminal else line, file=sys.stderr, end="" if self._on_terminal else "\n")
        sys.stderr.flush()
        self._line_open = self._on_terminal

    def end(self) -> None:
        if self._line_open:
            print(file=sys.stderr)


def progress_line(rows: int, expected: int, size: int, seconds: float) -> str:
    """Such as ``1,250,000 of 5,000,000 rows, 31.0 MB, about 12 s left``."""
    left = seconds * (expected - rows) / max(rows, 1)
    return f"{rows:,} of {expected:,} rows, {size / _MEGABYTE:,.1f} MB, about {left:,.0f} s left"
