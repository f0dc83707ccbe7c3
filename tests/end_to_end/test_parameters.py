"""Parameters over real HTTP, on a surface of either generation (compatibility.md 3.2)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.loopback import Loopback, proxy
from tests.support.waiting import SECONDS, until

from cwproxy.codewhisperer import wire

pytestmark = [pytest.mark.anyio, pytest.mark.end_to_end]

LONG = "one two STOP " + "word " * 300


@pytest.fixture(params=["q", "kiro"])
async def stack(request: pytest.FixtureRequest) -> AsyncIterator[Loopback]:
    async with proxy(request.param) as running:
        yield running


def body(text: str = "Hello", **members: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **members}


async def ask(stack: Loopback, path: str = "chat/completions", **members: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=SECONDS) as client:
        return await client.post(f"/v1/{path}", json=members if "prompt" in members else body(**members))


def deltas(text: str) -> list[dict[str, Any]]:
    assert text.endswith("data: [DONE]\n\n")
    found = [json.loads(event[6:]) for event in text.split("\n\n")[:-2]]
    return [choice for chunk in found for choice in chunk["choices"]]


def said(response: httpx.Response) -> tuple[str, str]:
    """Text and finish reason, of either form."""
    if response.headers["content-type"] == "application/json":
        choice = response.json()["choices"][0]
        return choice["message"]["content"], choice["finish_reason"]
    choices = deltas(response.text)
    return "".join(choice["delta"].get("content", "") for choice in choices), choices[-1]["finish_reason"]


def told(stack: Loopback, call: int = -1) -> str:
    """The text of the user's last turn in a call."""
    state = stack.simulator.received("GenerateAssistantResponse")[call].json["conversationState"]
    content: str = state["currentMessage"]["userInputMessage"]["content"]
    return content


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("members", "text", "reason"),
    [
        ({"stop": "STOP"}, "one two ", "stop"),
        ({"stop": ["never", "wo", "STOP"]}, "one t", "stop"),
        ({"max_completion_tokens": 2, "max_tokens": 100}, "one tw", "length"),
        ({"max_tokens": 1}, "one", "length"),
    ],
)
async def test_an_answer_that_is_ended_frees_the_backend_at_once(
    stack: Loopback, stream: bool, members: dict[str, Any], text: str, reason: str
) -> None:
    stack.simulator.say(LONG, pieces=300, pace=0.1)
    response = await ask(stack, stream=stream, **members)
    assert said(response)[1] == reason
    assert said(response)[0].startswith(text[:3])
    if reason == "stop":
        assert said(response)[0] == text
    else:
        limit = members.get("max_completion_tokens", members["max_tokens"])
        assert stream or response.json()["usage"]["completion_tokens"] <= limit
    await stack.simulator.wait_for(running=0)
    last = stack.simulator.received("GenerateAssistantResponse")[-1]
    assert last.ended != "complete"
    assert last.frames < 150


@pytest.mark.parametrize("stream", [False, True])
async def test_choices_are_calls_of_their_own(stack: Loopback, stream: bool) -> None:
    for text in ("one", "two", "three"):
        stack.simulator.say(text)
    response = await ask(stack, n=3, stream=stream)
    texts = ["", "", ""]
    if stream:
        for choice in deltas(response.text):
            texts[choice["index"]] += choice["delta"].get("content", "")
    else:
        for choice in response.json()["choices"]:
            texts[choice["index"]] += choice["message"]["content"]
    assert sorted(texts) == ["one", "three", "two"]
    assert len(stack.simulator.received("GenerateAssistantResponse")) == 3
    assert response.headers["x-cwproxy-emulated"] == "n"


@pytest.mark.parametrize("stream", [False, True])
async def test_one_refused_choice_refuses_all(stack: Loopback, stream: bool) -> None:
    stack.simulator.fault("error", status=400, error="ValidationException", message="Improperly formed request.")
    stack.simulator.options(pace=0.05)
    response = await ask(stack, n=2, stream=stream)
    assert response.status_code == 400
    await stack.simulator.wait_for(running=0)


async def test_a_client_that_leaves_frees_every_choice(stack: Loopback) -> None:
    stack.simulator.turns(*[{"say": LONG, "pieces": 300, "pace": 0.05}] * 3)
    async with (
        httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=SECONDS) as client,
        client.stream("POST", "/v1/chat/completions", json=body(n=3, stream=True)) as response,
    ):
        await anext(response.aiter_lines())
        await until(lambda: stack.simulator.status().running == 3)
    await stack.simulator.wait_for(running=0)


@pytest.mark.parametrize("stream", [False, True])
async def test_of_several_calls_only_the_first_is_waited_for(stack: Loopback, stream: bool) -> None:
    calls = [{"name": "f", "input": {"number": number}} for number in range(30)]
    stack.simulator.turns({"calls": calls, "pieces": 1, "pace": 0.2})
    response = await ask(stack, tools=[TOOL], parallel_tool_calls=False, stream=stream)
    assert response.text.count("number") == 1
    assert response.text.count('"name":"f"') == 1
    assert '"finish_reason":"tool_calls"' in response.text
    await stack.simulator.wait_for(running=0)
    assert stack.simulator.received("GenerateAssistantResponse")[-1].frames < 45


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}


async def test_a_json_answer_is_unwrapped_and_repaired(stack: Loopback) -> None:
    stack.simulator.say('Here:\n```json\n{"a": "one"}\n```')
    stack.simulator.say('Sorry!\n```json\n{"a": 1}\n```')
    response = await ask(stack, response_format=WANTED)
    assert said(response) == ('{"a": 1}', "stop")
    assert "x-cwproxy-json" not in response.headers
    assert told(stack).startswith(wire.JSON_REPAIR.partition("{")[0])
    state = stack.simulator.received("GenerateAssistantResponse")[-1].json["conversationState"]
    assert state["history"][-1]["assistantResponseMessage"]["content"] == '{"a": "one"}'


async def test_a_json_answer_that_stays_wrong_is_marked(stack: Loopback) -> None:
    stack.simulator.say("no")
    stack.simulator.say("no again")
    response = await ask(stack, response_format={"type": "json_object"})
    assert said(response) == ("no again", "stop")
    assert response.headers["x-cwproxy-json"] == "invalid"


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_forced_call_is_asked_for_twice(stack: Loopback, stream: bool) -> None:
    stack.simulator.say("I would rather talk.")
    response = await ask(stack, tools=[TOOL], tool_choice="required", stream=stream)
    assert '"name":"f"' in response.text
    assert "rather" not in response.text
    assert told(stack).startswith(wire.FORCE_TOOL_AGAIN)
    stack.simulator.say("No.")
    stack.simulator.say("Never.")
    response = await ask(stack, tools=[TOOL], tool_choice="required", stream=stream)
    assert said(response) == ("No.", "stop")
    assert response.headers["x-cwproxy-tool-choice"] == "unmet"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_custom_tool_there_and_back(stack: Loopback, stream: bool) -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-z]+"}}
    custom = {"type": "custom", "custom": {"name": "apply", "description": "Applies.", "format": grammar}}
    stack.simulator.call("apply", {"input": "*** Begin\n*** End"}, pieces=9)
    response = await ask(stack, tools=[custom, {"type": "web_search"}], stream=stream)
    assert response.headers["x-cwproxy-ignored"] == "tools[web_search]"
    assert response.headers["x-cwproxy-emulated"] == "tools[custom]"
    if stream:
        calls = [call for choice in deltas(response.text) for call in choice["delta"].get("tool_calls", ())]
        assert [call["index"] for call in calls] == [0, 0]
        call = {**calls[0], "custom": {"name": "apply", "input": "".join(call["custom"]["input"] for call in calls)}}
    else:
        (call,) = response.json()["choices"][0]["message"]["tool_calls"]
    assert (call["type"], call["custom"]) == ("custom", {"name": "apply", "input": "*** Begin\n*** End"})
    sent = stack.simulator.received("GenerateAssistantResponse")[-1].json["conversationState"]["currentMessage"]
    (specification,) = sent["userInputMessage"]["userInputMessageContext"]["tools"]
    assert "[a-z]+" in specification["toolSpecification"]["description"]
    history = [
        *body()["messages"],
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call["id"], "type": "custom", "custom": call["custom"]}],
        },
        {"role": "tool", "tool_call_id": call["id"], "content": "done"},
    ]
    assert (await ask(stack, messages=history, tools=[custom])).status_code == 200
    sent = stack.simulator.received("GenerateAssistantResponse")[-1].json["conversationState"]["history"]
    assert sent[-1]["assistantResponseMessage"]["toolUses"][0]["input"] == {"input": "*** Begin\n*** End"}


@pytest.mark.parametrize("stream", [False, True])
async def test_the_older_completions(stack: Loopback, stream: bool) -> None:
    stack.simulator.say("a b END c")
    response = await ask(stack, "completions", model="auto", prompt="Say", stop="END", stream=stream)
    if stream:
        assert "".join(choice["text"] for choice in deltas(response.text)) == "a b "
    else:
        (choice,) = response.json()["choices"]
        assert (choice["text"], choice["finish_reason"]) == ("a b ", "stop")


async def test_an_effort_that_cannot_be_told_is_named(stack: Loopback) -> None:
    """The account on the kiro surface is one of Identity Center, whose fields are refused."""
    for _ in range(2):
        response = await ask(stack, model="claude-opus-4.6", reasoning_effort="high")
        assert response.status_code == 200
        assert response.headers["x-cwproxy-ignored"] == "reasoning_effort"
    calls = stack.simulator.received("GenerateAssistantResponse")
    tried = [call for call in calls if "additionalModelRequestFields" in call.body]
    assert len(calls) == 2 + len(tried)
    assert [call.status for call in tried] == [400] * (stack.account.kind == "identity-center")


async def test_a_strict_client_is_refused(stack: Loopback) -> None:
    async with httpx.AsyncClient(
        base_url=stack.url, trust_env=False, headers={"x-cwproxy-strict": "1"}, timeout=SECONDS
    ) as client:
        responses = await asyncio.gather(
            *(
                client.post("/v1/chat/completions", json=body(**members))
                for members in ({"temperature": 0}, {"reasoning_effort": "low", "model": "claude-sonnet-4.5"})
            )
        )
    assert [response.status_code for response in responses] == [400, 400]
    assert [response.json()["error"]["param"] for response in responses] == ["temperature", "reasoning_effort"]


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        (
            "claude-opus-4.6",
            "high",
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        ),
        ("claude-opus-4.6", "none", {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-4.5", "high", None),
        ("claude-opus-4.6", None, None),
    ],
)
async def test_effort_goes_to_the_models_that_take_it(
    model: str, effort: str | None, fields: dict[str, Any] | None
) -> None:
    async with proxy("kiro", kind="social") as stack:
        response = await ask(stack, model=model, reasoning_effort=effort)
        (call,) = stack.simulator.received("GenerateAssistantResponse")
    assert response.status_code == 200
    assert call.json.get("additionalModelRequestFields") == fields
    assert ("x-cwproxy-ignored" in response.headers) == (effort is not None and fields is None)
