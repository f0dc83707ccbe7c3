"""A choice is held against the tools, and what is left out has a short name."""

import pytest

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.offers import MAX_FOREIGN, Wish, chosen, kinds, name_of, named

TOOLS = (Tool("a", "", b"{}"), Tool("b", "", b"{}"))


def test_a_named_choice_narrows_the_offer() -> None:
    assert chosen(TOOLS, Wish(ToolChoice()), "p") == TOOLS
    assert chosen(TOOLS, named("b"), "p") == TOOLS[1:]
    assert chosen(TOOLS, Wish(ToolChoice(), frozenset()), "p") == ()


@pytest.mark.parametrize(
    ("tools", "wish"),
    [(TOOLS, named("c")), ((), Wish(ToolChoice("required"))), (TOOLS, Wish(named("x").choice, frozenset()))],
)
def test_a_choice_that_cannot_be_met(tools: tuple[Tool, ...], wish: Wish) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chosen(tools, wish, "tool_choice")
    assert caught.value.param == "tool_choice"


def test_kinds_are_short_and_named_once() -> None:
    assert kinds(["web_search_20250305", "web_search_preview", "x\r\ny", "Ü"]) == ("web_search", "unknown")
    assert len(kinds(f"t{number}" for number in range(100))) == MAX_FOREIGN


def test_a_tool_has_a_name() -> None:
    assert name_of("f", "p") == "f"
    for missing in (None, ""):
        with pytest.raises(InvalidRequest, match=r"`tools\[0\].name` is missing"):
            name_of(missing, "tools[0]")
