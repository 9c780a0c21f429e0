"""What every benchmark's command line has: sizes of a full and of a quick run, and when results are kept."""

from __future__ import annotations

import argparse
from typing import Any


class Sizes:
    """A benchmark's options, each with one value for full runs and one for ``--quick``.

    Results are kept of full runs alone, so that a try does not overwrite them; ``--save`` keeps them anyway.
    """

    def __init__(self, doc: str | None) -> None:
        self._parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
        self._parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
        self._parser.add_argument("--save", action="store_true", help="keep the results of a run with other sizes too")
        self._defaults: dict[str, tuple[Any, Any]] = {}

    def add(self, name: str, *, full: Any, quick: Any, help: str = "") -> None:
        """An option with a whole number, a word, or several of one."""
        one = full[0] if isinstance(full, list) else full
        several: dict[str, Any] = {"nargs": "+"} if isinstance(full, list) else {}
        self._defaults[name] = (full, quick)
        text = f"{help} (default {_shown(full)}; quick {_shown(quick)})"
        self._parser.add_argument(f"--{name.replace('_', '-')}", type=type(one), help=text, **several)

    def flag(self, name: str, *, help: str) -> None:
        self._parser.add_argument(f"--{name.replace('_', '-')}", action="store_true", help=help)

    def parse(self) -> argparse.Namespace:
        """Options with their values; ``save`` says whether results are to be kept."""
        args = self._parser.parse_args()
        given = [name for name in self._defaults if getattr(args, name) is not None]
        for name, (full, quick) in self._defaults.items():
            if name not in given:
                setattr(args, name, quick if args.quick else full)
        args.save = args.save or not (given or args.quick)
        return args


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
