from cwproxy.simulator.rules import REMEDIES, RULES


def test_every_rule_has_a_way_out() -> None:
    assert REMEDIES.keys() == RULES.keys()
    assert all(remedy.endswith(".") for remedy in REMEDIES.values())
