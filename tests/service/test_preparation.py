"""What of a conversation reaches the backend."""

import json
from pathlib import Path

import pytest
from tests.support.scripted_backend import METERING, WHOLE, Backend, ask, reply, running, text

from cwproxy.accounts.callers import Caller
from cwproxy.conversation import Conversation, Text, Tool, UserTurn
from cwproxy.reply import ReasoningPart, TextPart
from cwproxy.service import Options
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
        parts = (await reply(service)).parts
    assert parts == (
        (ReasoningPart("hm", ""), TextPart("Yes")) if parse else (TextPart("<thinking>hm</thinking>\n\nYes"),)
    )
