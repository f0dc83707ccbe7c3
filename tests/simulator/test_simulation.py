from cwproxy.simulator.faults import Fault
from cwproxy.simulator.options import SimulatorOptions
from cwproxy.simulator.script import Turn
from cwproxy.simulator.simulation import Simulation


def test_a_fault_strikes_the_calls_of_its_scope_as_often_as_it_says() -> None:
    simulation = Simulation(SimulatorOptions())
    simulation.faults = [Fault("rst", count=2), Fault("close", scope="oidc"), Fault("html")]
    struck = [simulation.take_fault("chat") for _ in range(4)]
    assert [fault.kind if fault else None for fault in struck] == ["rst", "rst", "html", None]
    assert [fault.kind for fault in simulation.faults] == ["close"]
    assert simulation.take_fault("control-plane") is None


def test_a_fault_may_strike_one_account_only() -> None:
    simulation = Simulation(SimulatorOptions())
    simulation.faults = [Fault("rst", account="one"), Fault("html", count=2)]
    struck = [simulation.take_fault("chat", account) for account in ("two", "one", None, "one")]
    assert [fault.kind if fault else None for fault in struck] == ["html", "rst", "html", None]


def test_forgetting_keeps_options_and_clock() -> None:
    simulation = Simulation(SimulatorOptions(pace=1.0))
    simulation.clock.advance(1e6)
    simulation.accounts.create("builder-id")
    simulation.turns.append(Turn())
    simulation.faults.append(Fault("rst"))
    before = simulation.clock.now()
    simulation.forget()
    assert (simulation.accounts.all(), list(simulation.turns), simulation.faults) == ([], [], [])
    assert simulation.clock.now() >= before
    assert simulation.grants.options is simulation.options
    assert simulation.connections() == 0
