from typing import Any

import pytest

from cwproxy.simulator.options import SimulatorOptions


def test_changes_are_taken_as_json_has_them() -> None:
    options = SimulatorOptions()
    options.change({"pace": 1, "auto_approve": 0, "opt_rules": [34, 5], "trailer": "none", "token_usage": True})
    options.change({"auto_approve": None, "profile": "legacy-q", "page_size": 2, "max_body_bytes": 10})
    document = options.document()
    assert document["opt_rules"] == [5, 34]
    assert (options.pace, options.auto_approve, options.profile) == (1, None, "legacy-q")
    assert (options.trailer, options.token_usage, options.page_size) == ("none", True, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"speed": 1},
        {"pace": "fast"},
        {"pace": -1},
        {"pace": True},
        {"pace": None},
        {"token_usage": 1},
        {"profile": "other"},
        {"trailer": "2027"},
        {"opt_rules": ["a"]},
        {"opt_rules": "34"},
        {"auto_approve": True},
        {"max_body_bytes": -1},
        {"content_type": 3},
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(changes: dict[str, Any]) -> None:
    options = SimulatorOptions()
    with pytest.raises(ValueError, match=next(iter(changes))):
        options.change({"latency": 2.0, **changes})
    assert options == SimulatorOptions()
