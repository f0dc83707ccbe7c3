"""Buffered mode over real HTTP with the SDKs of the three APIs: tool calls that the model writes as text."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from tests.support.loopback import Loopback, proxy
from tests.support.waiting import SECONDS, until

from cwproxy.api import Limits

pytestmark = [pytest.mark.anyio, pytest.mark.end_to_end]

PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASK: Any = [{"role": "user", "content": "What is the weather?"}]
BEFORE = "I look.\n\n"
SAID = BEFORE + '[Called get_weather with args: {"city": "Zürich"}]\n'
QUOTED = "It prints:\n\n```\n" + SAID + "```\n"


@pytest.fixture
async def stack() -> AsyncIterator[Loopback]:
    async with proxy("kiro") as running:
        yield running


def chat(stack: Loopback) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{stack.url}/v1", api_key="-", max_retries=0)


async def asked(stack: Loopback, mode: str | None, *, stream: bool) -> tuple[str | None, list[tuple[str, str]], str]:
    """Text, calls and finish reason, by openai-python."""
    headers = {"x-cwproxy-buffered": mode} if mode else {}
    function = {"name": "get_weather", "description": "Weather", "parameters": PARAMETERS}
    async with chat(stack) as client:
        request: dict[str, Any] = {
            "model": "auto",
            "messages": ASK,
            "tools": [{"type": "function", "function": function}],
        }
        if stream:
            async with client.chat.completions.stream(**request, extra_headers=headers) as events:
                completion = await events.get_final_completion()
            choice = completion.choices[0]
        else:
            whole = await client.chat.completions.create(**request, extra_headers=headers)
            choice = whole.choices[0]
    calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    return choice.message.content, calls, choice.finish_reason


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("mode", ["full", "calls"])
async def test_a_call_in_text_is_a_call(stack: Loopback, mode: str, stream: bool) -> None:
    stack.simulator.turns({"say": SAID, "pieces": 9}, {"say": QUOTED, "pieces": 9}, {"say": SAID})
    text, calls, reason = await asked(stack, mode, stream=stream)
    assert (text, reason) == (BEFORE, "tool_calls")
    assert [(name, json.loads(arguments)) for name, arguments in calls] == [("get_weather", {"city": "Zürich"})]
    assert await asked(stack, mode, stream=stream) == (QUOTED, [], "stop")
    assert await asked(stack, None, stream=stream) == (SAID, [], "stop")


@pytest.mark.parametrize("mode", ["full", "calls"])
async def test_the_same_in_the_two_other_apis(stack: Loopback, mode: str) -> None:
    stack.simulator.turns({"say": SAID, "pieces": 9}, {"say": SAID, "pieces": 9})
    headers = {"x-cwproxy-buffered": mode}
    async with AsyncAnthropic(base_url=stack.url, api_key="-", max_retries=0) as client:
        tool: Any = {"name": "get_weather", "description": "Weather", "input_schema": PARAMETERS}
        async with client.messages.stream(
            model="auto",
            max_tokens=999,
            messages=ASK,
            tools=[tool],
            extra_headers=headers,
        ) as events:
            message = await events.get_final_message()
    assert [(part.type, getattr(part, "input", None)) for part in message.content] == [
        ("text", None),
        ("tool_use", {"city": "Zürich"}),
    ]
    assert message.stop_reason == "tool_use"
    async with chat(stack) as responses:
        response: Any = await responses.responses.create(
            model="auto",
            input="What is the weather?",
            tools=[{"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": False}],
            extra_headers=headers,
        )
    assert [item.type for item in response.output] == ["message", "function_call"]
    assert json.loads(response.output[1].arguments) == {"city": "Zürich"}


async def test_nothing_but_pings_comes_before_the_end(stack: Loopback) -> None:
    """Without the mode the first words come at once; in full mode they come with the last ones."""
    sent: dict[str, int] = {}
    for mode in ("off", "full"):
        stack.simulator.turns({"say": "word " * 20, "pieces": 20, "pace": 0.1})
        async with chat(stack) as client:
            stream: Any = await client.chat.completions.create(
                model="auto",
                messages=ASK,
                stream=True,
                extra_headers={"x-cwproxy-buffered": mode},
            )
            said = ""
            async for chunk in stream:
                piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
                if piece and mode not in sent:
                    sent[mode] = stack.simulator.received("GenerateAssistantResponse")[-1].frames
                said += piece
            assert said == "word " * 20
    assert sent["full"] >= 20 > sent["off"]


async def test_a_client_that_leaves_ends_the_call(stack: Loopback) -> None:
    stack.simulator.turns({"say": "word " * 100, "pieces": 100, "pace": 0.1})
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=SECONDS) as client:
        body = {"model": "auto", "messages": ASK, "stream": True}
        post = client.post("/v1/chat/completions", json=body, headers={"x-cwproxy-buffered": "full"})
        asking = asyncio.ensure_future(post)
        await until(lambda: stack.simulator.status().running == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    await stack.simulator.wait_for(running=0)
    assert stack.simulator.received("GenerateAssistantResponse")[-1].ended != "complete"


@pytest.mark.parametrize(("path", "ping"), [("chat/completions", b": ping\n\n"), ("messages", b"event: ping\n")])
async def test_pings_keep_the_client_waiting(path: str, ping: bytes) -> None:
    async with proxy("q", limits=Limits(hold=0.1, ping=0.2)) as stack:
        stack.simulator.turns({"say": SAID, "pieces": 20, "pace": 0.1})
        body = {"model": "auto", "max_tokens": 99, "messages": ASK, "stream": True}
        async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=SECONDS) as client:
            answer = await client.post(f"/v1/{path}", json=body, headers={"x-cwproxy-buffered": "full"})
    pings, _, rest = answer.content.partition(b"I look.")
    assert answer.status_code == 200
    assert pings.count(ping) >= 3
    assert rest.count(ping) == 0
