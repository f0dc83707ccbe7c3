"""What of a conversation reaches the backend."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted_backend import EXCEPTION, METERING, WHOLE, Backend, ask, reply, running, text

from cwproxy.accounts.callers import Caller
from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    JsonAnswer,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    UserTurn,
)
from cwproxy.filters import Buffering
from cwproxy.reply import ReasoningPart, StopReason, TextPart, ToolUsePart
from cwproxy.service import Options
from cwproxy.service.preparation import demands
from cwproxy.upstream.workspace import Workspace

pytestmark = pytest.mark.anyio


async def test_conversation_ids_are_stable_and_separate_callers() -> None:
    backend = Backend(WHOLE)
    named = Conversation(model="auto", turns=(UserTurn((Text("x"),)),), name="mine")
    async with running(backend) as service:
        ids = []
        for conversation, caller in [(ask(), "a"), (ask(), "a"), (ask(), "b"), (named, "a"), (named, "b")]:
            async with service.answer(conversation, caller=Caller(caller)) as answer:
                ids.append(answer.conversation_id)
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


async def test_big_conversations_are_converted_elsewhere_and_come_out_the_same() -> None:
    long = "word " * 120_000
    tool = Tool("f", "d", json.dumps({"type": "object", "properties": {"a": {"description": long}}}).encode())
    conversation = Conversation(model="auto", turns=(UserTurn((Text("hi"),)),), tools=(tool,))
    backend = Backend(WHOLE)
    async with running(backend) as service:
        answer = await reply(service, conversation)
    assert answer.usage.input_tokens > 50_000
    assert len(backend.chats) == 1


async def test_the_workspace_is_told_only_when_wanted(tmp_path: Path) -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        await reply(service)
    async with running(backend, Options(workspace=Workspace(tmp_path, ("SECRET_NAME",)))) as service:
        await reply(service)
    quiet, talkative = (json.dumps(chat) for chat in backend.chats)
    assert str(tmp_path) not in quiet
    assert "SECRET_NAME" not in quiet
    assert str(tmp_path) in talkative
    assert "SECRET_NAME" in talkative


@pytest.mark.parametrize("parse", [False, True])
async def test_thinking_tags_are_taken_out_when_wanted(parse: bool) -> None:
    backend = Backend(text("<thinking>hm</thin") + text("king>\n\nYes") + METERING)
    async with running(backend, Options(parse_thinking_tags=parse)) as service:
        answer = await reply(service)
    assert (answer.usage.reasoning_tokens > 0) is parse
    assert answer.parts == (
        (ReasoningPart("hm", ""), TextPart("Yes")) if parse else (TextPart("<thinking>hm</thinking>\n\nYes"),)
    )


LONG = "mcp__server.with.dots__" + "x" * 60
SPOKEN = "Tool call: look({})"
FORMER = "[Called old with args: {}]"
TOOLS = (Tool("look", "", b"{}"), Tool("look", "", b'{"required":["a"]}'), Tool(LONG, "", b"{}"))


def offering(*turns: UserTurn | AssistantTurn, choice: ToolChoice | None = None) -> Conversation:
    said = turns or (UserTurn((Text("x"),)),)
    return Conversation(model="auto", turns=said, tools=TOOLS, tool_choice=choice or ToolChoice())


@pytest.mark.parametrize(
    ("options", "caller", "found"),
    [
        (Options(), None, False),
        (Options(buffered="full"), None, True),
        (Options(buffered="calls"), "off", False),
        (Options(buffered_by_model={"auto": "calls"}), None, True),
        (Options(buffered="full", buffered_by_model={"auto": "off"}), None, False),
        (Options(buffered_by_model={"other": "calls"}), None, False),
        (Options(), "calls", True),
        (Options(), "full", True),
    ],
)
async def test_calls_in_text_are_found_when_wanted(options: Options, caller: Buffering | None, found: bool) -> None:
    backend = Backend(text("Tool call: lo") + text("ok({})") + METERING)
    async with running(backend, options) as service:
        answer = await reply(service, offering(), caller=Caller("a", buffered=caller))
    assert answer.reason is (StopReason.TOOL_USE if found else StopReason.END_TURN)
    (part,) = answer.parts
    if isinstance(part, ToolUsePart):
        assert (part.name, part.arguments, part.id[:8]) == ("look", "{}", "tooluse_")
        assert len(part.id) <= 64
    assert isinstance(part, ToolUsePart) is found


async def test_only_tools_that_may_be_called_are_found() -> None:
    history = (
        UserTurn((Text("x"),)),
        AssistantTurn((ToolUse("1", "old", "{}"),)),
        UserTurn((ToolResult("1", (Text("y"),)),)),
    )
    backend = Backend(text(SPOKEN) + METERING)
    async with running(backend, Options(buffered="calls")) as service:
        with_stub = await reply(service, offering(*history))
        forbidden = await reply(service, offering(choice=ToolChoice("none")))
        without = await reply(service)
        backend.script = [text(FORMER) + METERING]
        former = await reply(service, offering(*history))
    assert [type(part) for part in with_stub.parts] == [ToolUsePart]
    assert forbidden.parts == without.parts == (TextPart(SPOKEN),)
    assert former.parts == (TextPart(FORMER),)


async def test_a_tool_is_known_by_either_of_its_names() -> None:
    backend = Backend(WHOLE)
    async with running(backend, Options(buffered="full")) as service:
        await reply(service, offering())
        (sent,) = backend.chats
        names = [tool["toolSpecification"]["name"] for tool in _tools(sent)]
        (wire_name,) = set(names) - {"look"}
        backend.script = [text(f"Tool call: {wire_name}({{}})\nTool call: {LONG}({{}})") + METERING]
        answer = await reply(service, offering())
    assert [part.name for part in answer.parts if isinstance(part, ToolUsePart)] == [LONG, LONG]


def _tools(chat: Any) -> list[dict[str, Any]]:
    message = chat["conversationState"]["currentMessage"]["userInputMessage"]
    tools: list[dict[str, Any]] = message["userInputMessageContext"]["tools"]
    return tools


async def test_a_buffered_answer_that_breaks_off_is_asked_for_again() -> None:
    backend = Backend(text("Hel") + EXCEPTION, WHOLE)
    async with running(backend, Options(buffered="full")) as service:
        assert (await reply(service)).parts == (TextPart("Hello"),)
    assert len(backend.chats) == 2


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (None, "object"),
        (b'{"type":"object"}', "object"),
        (b'{"properties":{"a":{}}}', "object"),
        (b'{"type":"array"}', "array"),
        (b'{"type":["object","array"]}', "any"),
        (b'{"$ref":"#/$defs/a"}', "any"),
        (b"true", "any"),
    ],
)
def test_the_kind_of_document_is_that_of_the_schemas_root(schema: bytes | None, kind: str) -> None:
    conversation = Conversation(model="auto", turns=(), answer=JsonAnswer(schema))
    assert demands(conversation, Options(), "off", {}).json == kind
