"""A strict local AWS on one port: login, control plane and chat of the four surfaces, with faults on demand.

It is the judge of the proxy, so of the proxy's code it shares only the framing and the constants of
`codewhisperer.wire`. `SimulatorServer` runs in the caller's event loop.
"""

from cwproxy.simulator.options import SimulatorOptions
from cwproxy.simulator.server import SimulatorServer

__all__ = ["SimulatorOptions", "SimulatorServer"]
