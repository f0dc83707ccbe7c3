from cwproxy.simulator.rules import RULES

STRICT = {1, 2, 4, 6, 7, 8, 9, 12, 13, 14, 16, 17, 18, 20, 21, 22, 24, 28, 29, 30, 31, 32, 33, 35, 36, 41, 42, 43}
STRICT |= {45, 46, 47, 48, 49, 52, 53, 54, 56, 57, 59, 63, 64, 65, 66}
OPT = {5, 11, 15, 23, 34, 37, 38, 40, 44, 51, 58, 60, 62, 67, 68}
OURS = {100, 101, 102, 103}


def test_every_rule_about_a_request_has_an_entry() -> None:
    assert {number for number, rule in RULES.items() if rule.level == "strict"} == STRICT | OURS
    assert {number for number, rule in RULES.items() if rule.level == "opt"} == OPT


def test_an_entry_says_what_and_from_where() -> None:
    for number, rule in RULES.items():
        assert rule.name
        assert rule.source.startswith("protocol.md" if number in OURS else "backend-rules.md A")
        assert number in OURS or rule.source.endswith(f" {number}")
