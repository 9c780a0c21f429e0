"""FINRA's Query API as a server on this machine, over the synthetic market, quirks and faults included.

``running_simulator`` is for tests, ``serve_simulator`` for the command line.
"""

from spine.finra.simulator.faults import Fault, FaultKind, RetryAfter
from spine.finra.simulator.options import EmptyAnswer, HeaderStyle, Keyless, SimulatorOptions
from spine.finra.simulator.server import Simulator, running_simulator, serve_simulator

__all__ = [
    "EmptyAnswer",
    "Fault",
    "FaultKind",
    "HeaderStyle",
    "Keyless",
    "RetryAfter",
    "Simulator",
    "SimulatorOptions",
    "running_simulator",
    "serve_simulator",
]
