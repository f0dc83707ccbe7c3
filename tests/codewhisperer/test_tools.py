import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.codewhisperer import tools, wire
from cwproxy.conversation import Conversation, Tool, ToolChoice
from cwproxy.errors import InvalidRequest

LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def plan(*offered: Tool, choice: ToolChoice | None = None, used: tuple[str, ...] = ()) -> tools.Plan:
    return tools.plan(Conversation("m", (), offered, choice or ToolChoice()), used)


def tool(name: str, description: str = "Does it.") -> Tool:
    return Tool(name, description, b"{}")


def specifications(planned: tools.Plan) -> list[wire.ToolSpecification]:
    return [each.tool_specification for each in planned.specifications]


def names(planned: tools.Plan) -> list[str]:
    return [each.name for each in specifications(planned)]


@pytest.mark.parametrize("name", ["read", "mcp__server__do", "with-hyphen", "A" * 64])
def test_a_legal_name_is_kept(name: str) -> None:
    assert names(plan(tool(name))) == [name]


@pytest.mark.parametrize("name", ["", "7up", "_private", "a.b", "größe", "工具", "A" * 65, "x/" * 100, "\ud800"])
def test_any_other_name_is_replaced_reversibly_and_always_alike(name: str) -> None:
    planned = plan(tool("other"), tool(name))
    (_, wire_name) = names(planned)
    assert LEGAL.fullmatch(wire_name)
    assert planned.client_names[wire_name] == name
    assert planned.wire_names[name] == wire_name
    assert names(plan(tool(name)))[0] == wire_name


def test_a_replaced_name_stays_readable() -> None:
    assert names(plan(tool("files.read")))[0].startswith("files_read_")


def test_names_that_collide_are_told_apart() -> None:
    (mangled,) = names(plan(tool("a.b")))
    (longer,) = [name for name in names(plan(tool(mangled), tool("a.b"))) if name != mangled]
    assert longer.startswith("a_b_")
    long = "n" * 70
    assert len(set(names(plan(tool(long + "1"), tool(long + "2"), tool("a.b"), tool("a/b"))))) == 4


@given(st.lists(st.text(max_size=80) | st.text("ab._-1", max_size=70), unique=True, max_size=8))
def test_no_two_tools_ever_share_a_name(client_names: list[str]) -> None:
    planned = plan(*map(tool, client_names))
    assert all(LEGAL.fullmatch(name) for name in names(planned))
    assert [planned.client_names[name] for name in names(planned)] == client_names


def test_of_two_tools_of_one_name_the_first_counts() -> None:
    (only,) = specifications(plan(tool("read", "first"), tool("read", "second")))
    assert only.description == "first"


@pytest.mark.parametrize(("name", "description"), [("read", "read"), ("a.b", "a.b"), ("", "tool__e3b0c442"), (" ", "")])
def test_an_empty_description_is_the_name(name: str, description: str) -> None:
    (only,) = specifications(plan(tool(name, " \n")))
    assert only.description == description or (not description and only.description == only.name)


def test_a_long_description_is_cut_between_characters_and_continues_elsewhere() -> None:
    planned = plan(tool("a", "工" * 5_000), tool("b", "x" * 10_000), tool("c", "ä" * 3_000))
    cut, fits, short = specifications(planned)
    assert cut.description == "工" * 3_333
    assert fits.description == "x" * 10_000
    assert short.description == "ä" * 3_000
    assert planned.descriptions == [wire.TOOL_DESCRIPTION_REST.format(name="a", rest="工" * 1_667)]


def test_the_schema_is_cleaned_and_an_unusable_one_is_named() -> None:
    (only,) = specifications(plan(Tool("a", "d", b'{"$schema":"x"}')))
    assert json.loads(bytes(only.input_schema.json)) == {"type": "object", "properties": {}}
    with pytest.raises(InvalidRequest, match="'bad' is not JSON") as refusal:
        plan(tool("good"), Tool("bad", "d", b"{"))
    assert refusal.value.param == "tools[1]"


def test_tools_of_the_history_that_are_not_offered_get_a_stub() -> None:
    planned = plan(tool("read"), used=("read", "gone.tool", "gone.tool"))
    read, stub = specifications(planned)
    assert read.description == "Does it."
    assert stub.description == wire.STUB_TOOL_DESCRIPTION
    assert planned.client_names[stub.name] == "gone.tool"
    assert planned.instruction is None


@pytest.mark.parametrize(
    ("offered", "choice", "used", "instruction"),
    [
        ((), ToolChoice(), ("read",), None),
        ((), ToolChoice("none"), ("read",), None),
        ((tool("read"),), ToolChoice("none"), (), None),
        ((tool("read"),), ToolChoice("none"), ("read",), wire.FORBID_TOOLS),
    ],
)
def test_without_tools_or_with_none_allowed_nothing_is_declared(
    offered: tuple[Tool, ...], choice: ToolChoice, used: tuple[str, ...], instruction: str | None
) -> None:
    planned = plan(*offered, choice=choice, used=used)
    assert planned == tools.Plan([], {}, [], instruction)


def test_a_forced_tool_is_the_only_one_besides_those_of_the_history() -> None:
    planned = plan(
        tool("read"), tool("write.file"), tool("run"), choice=ToolChoice("required", "write.file"), used=("run",)
    )
    wire_name = planned.wire_names["write.file"]
    assert names(planned) == [wire_name, "run"]
    assert planned.instruction == wire.FORCE_NAMED_TOOL.format(name=wire_name)
    assert specifications(planned)[1].description == "Does it."


def test_any_forced_tool_leaves_all_on_offer() -> None:
    planned = plan(tool("read"), tool("run"), choice=ToolChoice("required"))
    assert names(planned) == ["read", "run"]
    assert planned.instruction == wire.FORCE_ANY_TOOL


@pytest.mark.parametrize(
    ("offered", "choice"),
    [((), ToolChoice("required")), ((), ToolChoice("required", "x")), ((tool("read"),), ToolChoice("required", "x"))],
)
def test_a_choice_that_cannot_be_met_is_refused(offered: tuple[Tool, ...], choice: ToolChoice) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        plan(*offered, choice=choice)
    assert refusal.value.param == "tool_choice"


def test_the_schemas_have_a_size_together() -> None:
    schema = json.dumps({"type": "object", "description": "x" * 1_000_000}).encode()
    with pytest.raises(InvalidRequest, match="too long together"):
        plan(*(Tool(f"t{number}", "d", schema) for number in range(40)))
