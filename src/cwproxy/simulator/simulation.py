"""Everything that one simulator knows, in one place: no module of the simulator keeps state of its own."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cwproxy.simulator.accounts import Accounts
from cwproxy.simulator.clock import Clock
from cwproxy.simulator.codes import Codes
from cwproxy.simulator.faults import Fault, Scope
from cwproxy.simulator.grants import Grants
from cwproxy.simulator.journal import Journal
from cwproxy.simulator.options import SimulatorOptions
from cwproxy.simulator.script import Turn


@dataclass(slots=True)
class Simulation:
    """`connections` tells how many clients are connected; `mute` stops listening for some seconds; `swallow`
    accepts new connections and never reads from them, for as long.
    """

    options: SimulatorOptions
    clock: Clock = field(default_factory=Clock)
    accounts: Accounts = field(init=False)
    grants: Grants = field(init=False)
    codes: Codes = field(init=False)
    journal: Journal = field(default_factory=Journal)
    turns: deque[Turn] = field(default_factory=deque)
    faults: list[Fault] = field(default_factory=list)
    connections: Callable[[], int] = field(default=lambda: 0)
    mute: Callable[[float], None] | None = None
    swallow: Callable[[float], None] | None = None

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Accounts, logins, scripts, faults and the journal begin anew; options and clock stay."""
        self.accounts = Accounts()
        self.grants = Grants(self.options, self.clock, self.accounts)
        self.codes = Codes(self.grants)
        self.journal.clear()
        self.turns.clear()
        self.faults.clear()

    def take_fault(self, scope: Scope, account: str | None = None, model: str | None = None) -> Fault | None:
        """The fault that strikes this call of `account` for `model`, if any; each one counts its calls down."""
        for index, fault in enumerate(self.faults):
            if fault.scope == scope and fault.account in (None, account) and fault.model in (None, model):
                if fault.count <= 1:
                    del self.faults[index]
                else:
                    self.faults[index] = replace(fault, count=fault.count - 1)
                return fault
        return None
