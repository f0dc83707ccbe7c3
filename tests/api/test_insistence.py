"""A call that must be made: asked for once more, and said when it is missing (compatibility.md 3.2)."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.support.api_client import Caller, chat, in_process, scope
from tests.support.fake_service import FakeService, Step, text_reply, tool_reply
from tests.support.waiting import SECONDS

from cwproxy.api import AccessPolicy, create_app
from cwproxy.codewhisperer import wire
from cwproxy.conversation import AssistantTurn, Text, UserTurn
from cwproxy.errors import InvalidRequest, StreamTruncated, Throttled
from cwproxy.reply import Finished, StopReason, TextDelta, TextStarted, ToolUseStarted, Usage

pytestmark = pytest.mark.anyio

TOOLS = [{"type": "function", "function": {"name": "f"}}]
CALL = tool_reply(("t", "f", '{"a":1}'))
CUT: list[Step] = [[TextStarted(0), TextDelta(0, "no")], [Usage(7, 5, "estimate"), Finished(StopReason.MAX_TOKENS)]]


async def asked(service: FakeService, **members: Any) -> httpx.Response:
    body = chat(tools=TOOLS, **{"tool_choice": "required", **members})
    async with in_process(create_app(service, AccessPolicy())) as client:
        return await client.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_is_passed_on_with_what_came_before_it(stream: bool) -> None:
    service = FakeService([[TextStarted(0), TextDelta(0, "Well, ")], *tool_reply(("t", "f", "{}"))])
    response = await asked(FakeService([*CALL]), stream=stream)
    assert "x-cwproxy-tool-choice" not in response.headers
    assert '"tool_calls"' in response.text
    response = await asked(service, stream=stream)
    assert len(service.asked) == 1
    assert "Well, " in response.text or stream is False


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "f"}}])
async def test_without_a_call_the_model_is_asked_once_more(stream: bool, choice: Any) -> None:
    service = FakeService(text_reply("I would ", "rather not."), more=[CALL])
    response = await asked(service, stream=stream, tool_choice=choice)
    assert '"tool_calls"' in response.text
    assert "rather not" not in response.text
    assert "x-cwproxy-tool-choice" not in response.headers
    assert response.headers["x-cwproxy-emulated"] == "tool_choice"
    assert service.asked[1].turns[1:] == (
        AssistantTurn((Text("I would rather not."),)),
        UserTurn((Text(wire.FORCE_TOOL_AGAIN),)),
    )
    assert service.asked[1].tool_choice == service.asked[0].tool_choice


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_of_another_tool_is_none(stream: bool) -> None:
    """One that only the history knows, or that nobody has offered."""
    service = FakeService(tool_reply(("t", "g", "{}")), more=[CALL])
    response = await asked(service, stream=stream)
    assert '"f"' in response.text and '"g"' not in response.text
    assert "x-cwproxy-tool-choice" not in response.headers
    service = FakeService(tool_reply(("t", "g", "{}")), more=[tool_reply(("t", "g", "{}"))])
    response = await asked(service, stream=stream)
    assert response.headers["x-cwproxy-tool-choice"] == "unmet"
    assert len(service.asked) == 2


async def test_the_second_try_has_the_time_of_the_first() -> None:
    service = FakeService(text_reply("No."), more=[CALL])
    await asked(service)
    assert service.untils == [590.0, 590.0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "second", [text_reply("Still not."), [Throttled("Slow down.")], [StreamTruncated("Cut.")], [InvalidRequest("No.")]]
)
async def test_then_the_first_text_is_what_there_is(stream: bool, second: list[Step]) -> None:
    service = FakeService(text_reply("No."), more=[second])
    response = await asked(service, stream=stream)
    assert response.status_code == 200
    assert response.headers["x-cwproxy-tool-choice"] == "unmet"
    assert len(service.asked) == 2
    assert "No." in response.text
    assert "Still" not in response.text
    assert '"finish_reason":"stop"' in response.text


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_was_cut_is_not_asked_for_again(stream: bool) -> None:
    service = FakeService(CUT)
    response = await asked(service, stream=stream)
    assert response.headers["x-cwproxy-tool-choice"] == "unmet"
    assert '"finish_reason":"length"' in response.text
    assert len(service.asked) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_no_other_choice_is_insisted_on(stream: bool) -> None:
    service = FakeService(text_reply("No."))
    response = await asked(service, stream=stream, tool_choice="auto")
    assert "x-cwproxy-tool-choice" not in response.headers
    assert len(service.asked) == 1


async def test_a_failure_within_the_second_call_is_one() -> None:
    broken: list[Step] = [[ToolUseStarted(0, "t", "f")], StreamTruncated("Cut.")]
    response = await asked(FakeService(text_reply("No."), more=[broken]), stream=True)
    assert json.loads(response.text.split("\n\n")[-2].removeprefix("data: "))["error"]["code"] == "upstream_truncated"
    assert "[DONE]" not in response.text


@pytest.mark.parametrize("error", [InvalidRequest("Wrong."), Throttled("Slow down.")])
async def test_a_failure_of_the_first_answer_is_the_answer(error: Exception) -> None:
    service = FakeService([error])
    response = await asked(service, stream=True)
    assert response.status_code in (400, 429)
    assert len(service.asked) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_during_the_second_answer_frees_it(stream: bool) -> None:
    never = asyncio.Event()
    service = FakeService(text_reply("No."), more=[[never]])
    caller = Caller()
    body = json.dumps(chat(tools=TOOLS, tool_choice="required", stream=stream)).encode()
    caller.inbox.put_nowait({"type": "http.request", "body": body})
    task = asyncio.create_task(create_app(service, AccessPolicy())(scope(), caller.receive, caller.send))
    await service.waiting.wait()
    caller.leave()
    await asyncio.wait_for(task, SECONDS)
    assert service.left.is_set()
    assert caller.sent == []
