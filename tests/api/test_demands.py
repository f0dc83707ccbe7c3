"""What a header says of a demand that was not met, and what is tried before (compatibility.md 3.2)."""

from typing import Any

import pytest
from fastapi import FastAPI
from tests.support.api_client import chat, in_process
from tests.support.fake_service import FakeService, Step, text_reply, tool_reply

from cwproxy.api import AccessPolicy, create_app
from cwproxy.codewhisperer import wire
from cwproxy.conversation import AssistantTurn, Text, UserTurn
from cwproxy.errors import ContextLengthExceeded, InvalidRequest, Throttled
from cwproxy.reply import Finished, StopReason, TextDelta, TextStarted, Usage

pytestmark = pytest.mark.anyio

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "x", "description": "d", "schema": SCHEMA, "strict": True}}
CUT: list[Step] = [
    [TextStarted(0), TextDelta(0, '{"a":')],
    [Usage(7, 5, "estimate"), Finished(StopReason.MAX_TOKENS)],
]


def app_of(service: FakeService, **options: Any) -> FastAPI:
    return create_app(service, AccessPolicy(), **options)


@pytest.mark.parametrize(("wanted", "text"), [(WANTED, '{"a":1}'), ({"type": "json_object"}, "{}")])
async def test_a_valid_answer_is_given_as_it_is(wanted: dict[str, Any], text: str) -> None:
    service = FakeService(text_reply(text))
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(response_format=wanted))
    assert response.json()["choices"][0]["message"]["content"] == text
    assert "x-cwproxy-json" not in response.headers
    assert len(service.asked) == 1


async def test_an_invalid_answer_is_repaired_once() -> None:
    service = FakeService(text_reply('{"a":"one"}'), more=[text_reply('{"a":1}')])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(response_format=WANTED))
    assert response.json()["choices"][0]["message"]["content"] == '{"a":1}'
    assert "x-cwproxy-json" not in response.headers
    first, second = service.asked
    problem = "$.a: 'one' is not of type 'integer'"
    assert second.turns[len(first.turns) :] == (
        AssistantTurn((Text('{"a":"one"}'),)),
        UserTurn((Text(wire.JSON_REPAIR.format(problem=problem)),)),
    )
    assert second.answer == first.answer


@pytest.mark.parametrize(
    ("second", "given", "note"),
    [
        (text_reply("[2]"), "[2]", "invalid"),
        ([Throttled("Slow down.")], "no", "invalid"),
        ([ContextLengthExceeded("Too long.")], "no", "invalid"),
        ([*CUT], '{"a":', None),
    ],
    ids=["invalid", "failed", "too long", "cut"],
)
async def test_then_what_there_is_is_given_with_a_note(second: list[Step], given: str, note: str | None) -> None:
    """`finish_reason` says enough of one that was cut."""
    service = FakeService(text_reply("no"), more=[second])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(response_format={"type": "json_object"}))
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == given
    assert response.headers.get("x-cwproxy-json") == note
    assert len(service.asked) == 2


@pytest.mark.parametrize("steps", [CUT, tool_reply(("t", "f", "{}"))])
@pytest.mark.parametrize("wanted", [WANTED, {"type": "json_object"}])
async def test_what_was_cut_or_calls_a_tool_is_not_judged(steps: list[Step], wanted: dict[str, Any]) -> None:
    service = FakeService(steps)
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(response_format=wanted))
    assert "x-cwproxy-json" not in response.headers
    assert len(service.asked) == 1


async def test_a_stream_is_not_judged() -> None:
    service = FakeService(text_reply("no"))
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(response_format=WANTED, stream=True))
    assert response.text.endswith("[DONE]\n\n")
    assert len(service.asked) == 1


async def test_of_several_choices_each_is_judged() -> None:
    service = FakeService(text_reply("{}"), more=[text_reply("no"), text_reply("still no")])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(response_format={"type": "json_object"}, n=2))
    assert response.headers["x-cwproxy-json"] == "invalid"
    assert len(service.asked) == 3


class Refusing(FakeService):
    """Takes the effort for granted until the first batch."""

    async def _play(self, step: Step) -> None:
        for answer in self.answers:
            answer.takes_effort = False


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("takes", [False, True])
async def test_an_effort_that_the_model_is_not_told_is_named(stream: bool, n: int, takes: bool) -> None:
    service = FakeService(takes_effort=takes)
    async with in_process(app_of(service)) as client:
        body = chat(stream=stream, n=n, reasoning_effort="high", temperature=1)
        response = await client.post("/v1/chat/completions", json=body)
    assert service.asked[0].effort == "high"
    assert response.headers["x-cwproxy-ignored"] == "temperature" + ("" if takes else ",reasoning_effort")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("n", [1, 2])
async def test_also_when_the_backend_refuses_it_first(stream: bool, n: int) -> None:
    service = Refusing([InvalidRequest("Improper."), *text_reply("Hi")], takes_effort=True)
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(stream=stream, n=n, reasoning_effort="high"))
    assert response.headers["x-cwproxy-ignored"] == "reasoning_effort"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "service",
    [FakeService(), Refusing([InvalidRequest("Improper."), *text_reply("Hi")], takes_effort=True)],
    ids=["known", "found out"],
)
async def test_strict_clients_are_refused_it(stream: bool, service: FakeService) -> None:
    async with in_process(app_of(service, strict=True)) as client:
        response = await client.post("/v1/chat/completions", json=chat(stream=stream, reasoning_effort="high"))
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, "reasoning_effort", "unsupported_parameter")


@pytest.mark.parametrize("header", ["0", "1", ""])
async def test_the_strict_setting_needs_no_header(header: str) -> None:
    async with in_process(app_of(FakeService(), strict=True), headers={"x-cwproxy-strict": header}) as client:
        refused = await client.post("/v1/chat/completions", json=chat(tools=[{"type": "web_search"}]))
        fine = await client.post("/v1/chat/completions", json=chat(user="me", n=2, stop="x"))
    assert refused.json()["error"]["param"] == "tools[web_search]"
    assert fine.status_code == 200
