"""``airflow spine simulate-finra``: FINRA's Query API on this machine, over invented weeks."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from spine.core.errors import SpineError
from spine.core.tiers import Tier

if TYPE_CHECKING:
    from spine.finra.simulator import Simulator, SimulatorOptions


def simulate(args: Namespace) -> None:
    """Serve until Ctrl-C; what was not given has the simulator's or the market's default.

    :param args: host, port, weeks, symbols (in each tier), venues, seed, now, keyless, requests_per_minute, fault (list).
    """
    from spine.finra.simulator import serve_simulator

    try:
        serve_simulator(_options(args), args.host, args.port, _announce)
    except SpineError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error


def _options(args: Namespace) -> SimulatorOptions:
    from spine.finra.simulator import Fault, Keyless, SimulatorOptions
    from spine.finra.simulator.control import parse_instant
    from spine.finra.synthetic import SyntheticMarket

    given = {name: value for name, value in vars(args).items() if value is not None}
    shape: dict[str, Any] = {name: given[name] for name in ("seed", "venues") if name in given}
    if "symbols" in given:
        shape["symbols"] = dict.fromkeys(Tier, given["symbols"])
    settings: dict[str, Any] = {name: given[name] for name in ("weeks", "requests_per_minute") if name in given}
    return SimulatorOptions(
        market=SyntheticMarket(**shape),
        now=parse_instant(given["now"]) if "now" in given else None,
        keyless=Keyless(given.get("keyless", Keyless.EVERYWHERE)),
        faults=tuple(Fault.parse(text) for text in given.get("fault", ())),
        **settings,
    )


def _announce(simulator: Simulator) -> None:
    client = simulator.options
    print(f"FINRA simulator at {simulator.url}; tokens at {simulator.token_url}")
    print(f"Client {client.client_id}, secret {client.client_secret}; controls at {simulator.url}/_simulator/")
    print("Stop it with Ctrl-C", flush=True)
