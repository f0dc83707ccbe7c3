"""More of the acceptance seeds of backend-rules.md G, over HTTP on both surfaces: 9, 10, and `n`, `stop` and
`max_completion_tokens` of 17."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.loopback import LOGINS, Loopback, proxy
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.anyio

TOOL = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture(params=sorted(LOGINS))
async def stack(request: pytest.FixtureRequest) -> AsyncIterator[Loopback]:
    async with proxy(request.param) as stack:
        yield stack


async def ask(stack: Loopback, *contents: str, **more: Any) -> httpx.Response:
    """The answer, a good one, to turns of the user and the assistant by turns, oldest first."""
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": content} for number, content in enumerate(contents)]
    async with httpx.AsyncClient(base_url=stack.url, timeout=SECONDS, trust_env=False) as client:
        answer = await client.post("/v1/chat/completions", json={"model": "auto", "messages": messages, **more})
    assert answer.status_code == 200, answer.text[:500]
    return answer


def sent(stack: Loopback) -> dict[str, Any]:
    state: dict[str, Any] = stack.simulator.received("GenerateAssistantResponse")[-1].json["conversationState"]
    return state


async def test_9_a_tool_that_only_its_vendor_can_serve(stack: Loopback) -> None:
    answer = await ask(stack, "Hello", tools=[{"type": "web_search_20250305", "name": "web_search"}, TOOL])
    tools = sent(stack)["currentMessage"]["userInputMessage"]["userInputMessageContext"]["tools"]
    assert [tool["toolSpecification"]["name"] for tool in tools] == ["get_weather"]
    assert "web_search" in answer.headers["x-cwproxy-ignored"]


async def test_10_a_body_of_1400_kb(stack: Loopback) -> None:
    await ask(stack, "a" * 350_000, "b" * 350_000, "c" * 350_000, "d" * 350_000, "Hello")
    assert sum(len(m["content"]) for entry in sent(stack)["history"] for m in entry.values()) >= 1_400_000


async def test_10_a_message_of_700_000_characters(stack: Loopback) -> None:
    await ask(stack, "a" * 700_000)
    content = sent(stack)["currentMessage"]["userInputMessage"]["content"]
    assert "characters are missing here" in content
    assert len(content) <= 600_000


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
async def test_10_10_001_turns(stack: Loopback) -> None:
    await ask(stack, *("Hi" for _ in range(10_001)))


async def test_17_two_choices(stack: Loopback) -> None:
    answer = await ask(stack, "Hello", n=2)
    assert sorted(choice["index"] for choice in answer.json()["choices"]) == [0, 1]


async def test_17_stop(stack: Loopback) -> None:
    answer = await ask(stack, "STUBSAY one two three", stop=["two"])
    (choice,) = answer.json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("one ", "stop")


async def test_17_max_completion_tokens(stack: Loopback) -> None:
    answer = await ask(stack, "STUBSAY " + "word " * 100, max_completion_tokens=5)
    (choice,) = answer.json()["choices"]
    assert choice["finish_reason"] == "length"
    assert answer.json()["usage"]["completion_tokens"] <= 5
