"""The dialects against each other: what is asked in one is what is asked in the others, and every reply can be shown in
all of them.
"""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.conversations import conversations
from tests.support.loopback import Loopback, proxy
from tests.support.replies import TABLE
from tests.support.waiting import SECONDS
from tests.support.written import as_anthropic, as_openai, as_responses, itemised, speakable

from cwproxy.codewhisperer import request
from cwproxy.codewhisperer.tokens import estimate_conversation
from cwproxy.conversation import Conversation
from cwproxy.dialects import anthropic_messages, openai_chat, openai_responses
from cwproxy.dialects.openai_responses.complete import complete
from cwproxy.reply import ReplyEvent, TextDelta, ToolUseStarted, fold

pytestmark = pytest.mark.anyio

OVER_HTTP = 15


def state(conversation: Conversation) -> Any:
    built = request.build(
        conversation,
        model_id=conversation.model,
        conversation_id=request.conversation_id(conversation, namespace="test"),
        origin="CLI",
    )
    return built.state, built.tool_names


def encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(conversations())
def test_the_same_conversation_is_the_same_request(conversation: Conversation) -> None:
    said = speakable(conversation)
    chat = openai_chat.parse(encoded(as_openai(said)))
    messages = anthropic_messages.parse(encoded(as_anthropic(said)), estimate=estimate_conversation)
    assert state(messages.conversations[0]) == state(chat.conversations[0])


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(conversations())
def test_the_same_items_are_the_same_request(conversation: Conversation) -> None:
    said = itemised(speakable(conversation))
    chat = openai_chat.parse(encoded(as_openai(said)))
    responses = openai_responses.read(encoded(as_responses(said))).asked(openai_responses.Past(), clock=lambda: 0)
    assert state(responses.conversations[0]) == state(chat.conversations[0])


async def both(stack: Loopback, conversation: Conversation) -> list[dict[str, Any]]:
    """What arrived at the backend for each dialect."""
    said = speakable(conversation)
    before = len(stack.simulator.received("GenerateAssistantResponse"))
    arrived = []
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=SECONDS) as client:
        for path, body in (("/v1/chat/completions", as_openai(said)), ("/v1/messages", as_anthropic(said))):
            response = await client.post(path, content=encoded(body), headers={"content-type": "application/json"})
            assert response.status_code == 200, response.text
            calls = stack.simulator.received("GenerateAssistantResponse")[before:]
            before += len(calls)
            arrived.append(calls[0].json["conversationState"])
    return arrived


@pytest.mark.end_to_end
@pytest.mark.parametrize("surface", ["q", "kiro"])
async def test_it_arrives_as_the_same_conversation(surface: str) -> None:
    drawn: list[Conversation] = []

    @settings(max_examples=OVER_HTTP, deadline=None, database=None, derandomize=True)
    @given(conversations())
    def draw(conversation: Conversation) -> None:
        drawn.append(conversation)

    draw()
    async with proxy(surface) as stack:
        for conversation in drawn:
            chat, messages = await both(stack, conversation)
            assert messages == chat


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
def test_every_reply_says_the_same_in_each_dialect(said: list[ReplyEvent]) -> None:
    reply = fold(said)
    chat = json.loads(openai_chat.complete([reply], id="c", created=0, model="m"))["choices"][0]["message"]
    message = json.loads(anthropic_messages.complete(reply, id="m", model="m"))
    blocks = message["content"]
    frame = openai_responses.Frame("resp_1", 0, "m", openai_responses.Shape())
    output = json.loads(complete(reply, frame, completed=0))["output"]
    texts = "".join(event.text for event in said if isinstance(event, TextDelta))
    calls = [event.id for event in said if isinstance(event, ToolUseStarted)]
    assert (chat["content"] or "") == "".join(block.get("text", "") for block in blocks) == texts
    assert [call["id"] for call in chat.get("tool_calls", ())] == calls
    assert [block["id"] for block in blocks if block["type"] == "tool_use"] == calls
    arguments = [json.loads(call["function"]["arguments"]) for call in chat.get("tool_calls", ())]
    assert arguments == [block["input"] for block in blocks if block["type"] == "tool_use"]
    said_in_items = [part["text"] for item in output if item["type"] == "message" for part in item["content"]]
    assert "".join(said_in_items) == texts
    items = [item for item in output if item["type"] == "function_call"]
    assert [item["call_id"] for item in items] == calls
    assert [json.loads(item["arguments"]) for item in items] == arguments


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
def test_every_reply_ends_its_stream_in_each_dialect(said: list[ReplyEvent]) -> None:
    chat = openai_chat.Renderer(id="c", created=0, model="m").feed(said)
    messages = anthropic_messages.Renderer(id="m", model="m", input_tokens=1).feed(said)
    frame = openai_responses.Frame("resp_1", 0, "m", openai_responses.Shape())
    responses = openai_responses.Renderer(frame, clock=lambda: 0).feed(said)
    last = json.loads(responses.split(b"\n\n")[-2].partition(b"data: ")[2])
    assert last["type"] in ("response.completed", "response.incomplete")
    assert chat.endswith(b"data: [DONE]\n\n")
    assert messages.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
