"""Anthropic's API over real HTTP, on a surface of either generation: what reaches the backend, and what comes back."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.anthropic_events import accumulated, events
from tests.support.loopback import Loopback, proxy
from tests.support.pictures import PDF
from tests.support.waiting import SECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.end_to_end]

THINKING: dict[str, Any] = {"model": "claude-opus-4-6", "thinking": {"type": "enabled", "budget_tokens": 31_999}}


@pytest.fixture(params=["q", "kiro"])
async def stack(request: pytest.FixtureRequest) -> AsyncIterator[Loopback]:
    async with proxy(request.param) as running:
        yield running


@pytest.fixture
async def kiro() -> AsyncIterator[Loopback]:
    async with proxy("kiro") as running:
        yield running


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


async def ask(stack: Loopback, *messages: dict[str, Any], stream: bool = True, **members: Any) -> dict[str, Any]:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9_999, "messages": messages, "stream": stream, **members}
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=SECONDS) as client:
        answer = await client.post("/v1/messages?beta=true", json=body)
    assert answer.status_code == 200, answer.text
    return accumulated(events(answer.content)) if stream else json.loads(answer.content)


def sent(stack: Loopback) -> list[dict[str, Any]]:
    return [call.json for call in stack.simulator.received("GenerateAssistantResponse")]


def thoughts(body: dict[str, Any]) -> list[dict[str, Any]]:
    entries = [entry.get("assistantResponseMessage", {}) for entry in body["conversationState"].get("history", [])]
    return [entry["reasoningContent"] for entry in entries if "reasoningContent" in entry]


async def test_thoughts_go_back_byte_for_byte_where_they_are_taken(stack: Loopback) -> None:
    first = await ask(stack, user("STUBTHINK Why?"), **THINKING)
    thought, text = first["content"]
    assert (thought["type"], text["type"]) == ("thinking", "text")
    said = {"role": "assistant", "content": first["content"]}
    await ask(stack, user("STUBTHINK Why?"), said, user("So?"), **THINKING)
    expected = [{"reasoningText": {"text": thought["thinking"], "signature": thought["signature"]}}]
    assert thoughts(sent(stack)[-1]) == (expected if stack.account.kind == "identity-center" else [])


async def test_thoughts_of_others_are_left_behind(kiro: Loopback) -> None:
    foreign = {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "Zm9yZWlnbg=="},
            {"type": "text", "text": "Well."},
        ],
    }
    answer = await ask(kiro, user("a"), foreign, user("STUBSAY b"), model="claude-opus-4-6")
    assert answer["content"][-1]["text"] == "b"
    assert [len(thoughts(body)) for body in sent(kiro)] == [1, 0]
    await ask(kiro, user("a"), foreign, user("b"), foreign, user("STUBSAY c"), model="claude-opus-4-6")
    assert [len(thoughts(body)) for body in sent(kiro)] == [1, 0, 0]


async def test_redacted_thoughts_pass_both_ways(kiro: Loopback) -> None:
    said = [["reasoningContentEvent", {"redactedContent": "AAAA"}], ["assistantResponseEvent", {"content": "Well."}]]
    kiro.simulator.turns({"events": said})
    answer = await ask(kiro, user("a"), stream=False, **THINKING)
    assert answer["content"][0] == {"type": "redacted_thinking", "data": "AAAA"}
    await ask(kiro, user("a"), {"role": "assistant", "content": answer["content"]}, user("b"), **THINKING)
    assert thoughts(sent(kiro)[-1]) == [{"redactedContent": "AAAA"}]


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("claude-opus-5-5[1m]", "claude-opus-4.6"),
        ("claude-3-5-haiku-20241022", "claude-haiku-4.5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
    ],
)
async def test_models_by_family(stack: Loopback, asked: str, used: str) -> None:
    assert (await ask(stack, user("hi"), model=asked))["model"] == asked
    current = sent(stack)[-1]["conversationState"]["currentMessage"]["userInputMessage"]
    assert current["modelId"] == used


async def test_what_claude_code_sends_beside_the_conversation(stack: Loopback) -> None:
    billing = "x-anthropic-billing-header: cc_version=2.1.329.1; cc_entrypoint=sdk-cli;"
    await ask(
        stack,
        user([{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]),
        {"role": "system", "content": "Mind the date."},
        system=[{"type": "text", "text": billing}, {"type": "text", "text": "You are careful."}],
        tools=[{"name": "DeferredToolPlaceholder", "defer_loading": True}],
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        metadata={"user_id": "u"},
    )
    state = sent(stack)[-1]["conversationState"]
    assert state["history"][0]["userInputMessage"]["content"] == "You are careful."
    current = state["currentMessage"]["userInputMessage"]
    assert current["content"] == "hi\n\nMind the date."
    assert "tools" not in current["userInputMessageContext"]
    assert "billing" not in json.dumps(state)


async def test_a_document_is_sent_as_one(stack: Loopback) -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    await ask(stack, user([{"type": "document", "title": "a.pdf", "source": source}]))
    current = sent(stack)[-1]["conversationState"]["currentMessage"]["userInputMessage"]
    assert current["documents"] == [{"name": "a", "format": "pdf", "source": {"bytes": PDF}}]


async def test_a_search_of_the_web_where_the_account_has_one(stack: Loopback) -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    answer = await ask(stack, user("Perform a web search for the query: größe"), tools=[search])
    kinds = [block["type"] for block in answer["content"]]
    if stack.account.kind != "identity-center":
        assert kinds == ["text"]
        return
    assert kinds == ["server_tool_use", "web_search_tool_result", "text"]
    assert answer["content"][1]["content"][0]["url"] == "https://page1.example/"
    current = sent(stack)[-1]["conversationState"]["currentMessage"]["userInputMessage"]
    assert "What page 1 says of größe." in current["content"]
