"""The acceptance seeds of backend-rules.md G that concern chat completions, over HTTP, against the strict simulator.

Every case runs on the q surface (profile legacy-q) and on the kiro surface (profile kiro-runtime). The other
lines, and the rest of G 17, are in test_acceptance_seeds_more.py; G 15 is in tests/accounts and test_logins.py.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.support.chat_requests import png
from tests.support.loopback import LOGINS, Loopback, proxy
from tests.support.openai_bodies import PICTURES
from tests.support.pictures import SVG, data_url
from tests.support.waiting import SECONDS

from cwproxy.codewhisperer import wire

pytestmark = pytest.mark.anyio

PICTURE = next(iter(PICTURES))


@dataclass(frozen=True, slots=True)
class Chat:
    """A client of a proxy."""

    stack: Loopback
    client: httpx.AsyncClient

    async def post(self, *messages: dict[str, Any], **more: Any) -> httpx.Response:
        body = {"model": "auto", "messages": messages, **more}
        return await self.client.post("/v1/chat/completions", json=body)

    async def ask(self, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The message of an answer that must be a good one."""
        answer = await self.post(*messages, **more)
        assert answer.status_code == 200, (answer.text, messages, more)
        message: dict[str, Any] = answer.json()["choices"][0]["message"]
        return message

    async def stream(self, *messages: dict[str, Any], **more: Any) -> "Streamed":
        answer = await self.post(*messages, stream=True, **more)
        assert answer.status_code == 200, answer.text
        return Streamed.of(answer.text)

    def sent(self) -> dict[str, Any]:
        """The last chat body that the simulator got."""
        state: dict[str, Any] = self.stack.simulator.received("GenerateAssistantResponse")[-1].json["conversationState"]
        return state


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a stream said: text, argument text by call, how it ended."""

    text: str
    calls: dict[int, str]
    finish: str | None
    error: dict[str, Any] | None
    done: bool
    usages: int

    @classmethod
    def of(cls, answer: str) -> "Streamed":
        data = [line.removeprefix("data: ") for line in answer.split("\n\n") if line.startswith("data: ")]
        chunks = [json.loads(item) for item in data if item != "[DONE]"]
        choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
        calls: dict[int, str] = {}
        for choice in choices:
            for call in choice["delta"].get("tool_calls") or ():
                calls[call["index"]] = calls.get(call["index"], "") + call["function"].get("arguments", "")
        return cls(
            text="".join(choice["delta"].get("content") or "" for choice in choices),
            calls=calls,
            finish=next((choice["finish_reason"] for choice in choices if choice["finish_reason"]), None),
            error=next((chunk["error"] for chunk in chunks if "error" in chunk), None),
            done=data[-1] == "[DONE]",
            usages=sum(chunk.get("usage") is not None for chunk in chunks),
        )


@pytest.fixture(params=sorted(LOGINS))
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[Chat]:
    async with proxy(request.param) as stack, client_of(stack) as client:
        yield Chat(stack, client)


def client_of(stack: Loopback) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=stack.url, timeout=SECONDS, trust_env=False)


def user(content: Any = "Hello") -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any = "Hi", **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def system(content: Any = "Be brief.") -> dict[str, Any]:
    return {"role": "system", "content": content}


def call(call_id: str, name: str = "get_weather", arguments: Any = '{"city": "Rome"}') -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return assistant(None, tool_calls=list(calls))


def result(call_id: str, content: Any = "31 degrees") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def tool(name: str = "get_weather", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def picture(url: str = PICTURE) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def entries(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a `conversationState`, oldest first, without their wrappers."""
    return [message for entry in [*state.get("history", []), state["currentMessage"]] for message in entry.values()]


def results(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        item for message in entries(state) for item in message.get("userInputMessageContext", {}).get("toolResults", [])
    ]


def uses(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [use for message in entries(state) for use in message.get("toolUses", [])]


# 1 to 3: texts and order.


@pytest.mark.parametrize("nothing", [None, "", " \n\t", [], [""], [{"type": "text", "text": ""}]], ids=repr)
async def test_1_nothing_is_said_in_any_position(chat: Chat, nothing: Any) -> None:
    said = [system(), user(), assistant(), user(), calling(call("a")), result("a"), assistant(), user()]
    await chat.ask(user(nothing))
    for position in range(len(said)):
        await chat.ask(*said[:position], {**said[position], "content": nothing}, *said[position + 1 :], tools=[tool()])
    await chat.ask(*({**message, "content": nothing} for message in said), tools=[tool()])
    await chat.ask(*({**message, "content": nothing} for message in said))


async def test_1_content_is_missing(chat: Chat) -> None:
    await chat.ask(system(), {"role": "user"}, {"role": "assistant"}, {"role": "user"})


async def test_2_a_turn_is_only_an_image(chat: Chat) -> None:
    assert "1 image" in (await chat.ask(user([picture()])))["content"]
    assert "1 image" in (await chat.ask(system(), user([picture()])))["content"]
    assert "1 image" in (await chat.ask(user([picture()]), assistant(), user([picture()])))["content"]


async def test_3_three_users_in_a_row(chat: Chat) -> None:
    await chat.ask(user("one"), user("two"), user("three"))
    assert entries(chat.sent())[-1]["content"] == "one\n\ntwo\n\nthree"


async def test_3_the_assistant_is_first_or_last(chat: Chat) -> None:
    await chat.ask(assistant(), user())
    await chat.ask(assistant())
    await chat.ask(user(), assistant("unfinished"))


async def test_3_two_assistants_and_the_second_one_calls(chat: Chat) -> None:
    await chat.ask(user(), assistant("cut off"), calling(call("a")), result("a"), tools=[tool()])
    (use,) = uses(chat.sent())
    assert use["toolUseId"] == "a"
    assert any("cut off" in message["content"] for message in entries(chat.sent()))


# 4 and 5: calls and results.


async def test_4_a_call_has_no_result(chat: Chat) -> None:
    await chat.ask(user(), calling(call("a")), user("never mind"), tools=[tool()])
    (answered,) = results(chat.sent())
    assert (answered["toolUseId"], answered["status"]) == ("a", "error")


async def test_4_a_result_has_no_call(chat: Chat) -> None:
    await chat.ask(user(), assistant(), result("gone", "31 degrees"), tools=[tool()])
    assert not results(chat.sent())
    assert "31 degrees" in entries(chat.sent())[-1]["content"]


async def test_4_results_come_in_another_order(chat: Chat) -> None:
    said = await chat.ask(user(), calling(call("a"), call("b")), result("b", "bee"), result("a", "ay"), tools=[tool()])
    assert [(item["toolUseId"], item["content"]) for item in results(chat.sent())] == [
        ("a", [{"text": "ay"}]),
        ("b", [{"text": "bee"}]),
    ]
    assert "ay" in said["content"]


async def test_4_results_come_twice(chat: Chat) -> None:
    await chat.ask(user(), calling(call("a")), result("a", "old"), result("a", "new"), tools=[tool()])
    (answered,) = results(chat.sent())
    assert answered["content"] == [{"text": "new"}]


async def test_4_ids_are_used_again_in_later_turns(chat: Chat) -> None:
    turn = [calling(call("a")), result("a")]
    await chat.ask(user(), *turn, assistant(), user(), *turn, *turn, tools=[tool()])
    assert len({use["toolUseId"] for use in uses(chat.sent())}) == 3


async def test_5_tools_are_left_out_after_a_tool_history(chat: Chat) -> None:
    said = await chat.ask(user(), calling(call("a")), result("a"))
    assert said["content"]
    assert not uses(chat.sent())
    assert "31 degrees" in entries(chat.sent())[-1]["content"]


async def test_5_no_tool_may_be_called(chat: Chat) -> None:
    history = [user(), calling(call("a")), result("a"), assistant(), user("And now?")]
    said = await chat.ask(*history, tools=[tool()], tool_choice="none")
    assert said["content"]
    assert "tool_calls" not in said


async def test_5_a_tool_is_renamed_between_turns(chat: Chat) -> None:
    history = [user(), calling(call("a", "old.name")), result("a"), user()]
    said = await chat.ask(*history, tools=[tool("new.name")], tool_choice="required")
    assert [made["function"]["name"] for made in said["tool_calls"]] == ["new.name"]


# 6 to 8: tools.

LONG = "mcp__plugin_" + "a" * 74


@pytest.mark.parametrize(
    "name", [LONG + "_one", LONG + "_two", "dots.in.it", "a/slash", "7up", "größe", "工具", "_private", "a-b__c"]
)
async def test_6_any_name_comes_back_as_it_was(chat: Chat, name: str) -> None:
    tools = [tool(LONG + "_one"), tool(LONG + "_two"), tool("dots_in_it"), tool("a_slash"), tool("gr_e")]
    tools = [*(it for it in tools if it["function"]["name"] != name), tool(name)]
    forced = {"type": "function", "function": {"name": name}}
    (made,) = (await chat.ask(user(), tools=tools, tool_choice=forced))["tool_calls"]
    assert made["function"]["name"] == name
    history = [user(), calling(call(made["id"], name)), result(made["id"])]
    await chat.ask(*history, tools=tools)
    assert len({spec["toolSpecification"]["name"] for spec in context(chat.sent())["tools"]}) == len(tools)


def context(state: dict[str, Any]) -> dict[str, Any]:
    current: dict[str, Any] = state["currentMessage"]["userInputMessage"]["userInputMessageContext"]
    return current


@pytest.mark.parametrize("description", [None, "", " "])
async def test_7_a_description_is_empty(chat: Chat, description: str | None) -> None:
    await chat.ask(user(), tools=[tool(description=description)])


async def test_7_a_description_has_20_kb_in_many_bytes(chat: Chat) -> None:
    description = "größe工具😀" * 1_300
    await chat.ask(user(), tools=[tool(description=description)])
    (spec,) = context(chat.sent())["tools"]
    kept = spec["toolSpecification"]["description"]
    assert description.startswith(kept)
    assert description[len(kept) :] in chat.sent()["history"][0]["userInputMessage"]["content"]


OBJECT = {"type": "object", "properties": {"p": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"type": "string"},
        {"anyOf": [OBJECT, {"type": "object", "properties": {"q": {"type": "integer"}}, "required": ["q"]}]},
        {
            "$ref": "#/$defs/node",
            "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        },
        {**OBJECT, "required": None},
        {**OBJECT, "required": []},
        {**OBJECT, "required": ["unknown"]},
        {
            **OBJECT,
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "additionalProperties": False,
            "unevaluatedProperties": False,
            "patternProperties": {"^x-": {"type": "string"}},
            "dependentSchemas": {"p": {"required": ["q"]}},
            "if": {"properties": {"p": {"const": "x"}}},
            "then": {"required": ["p"]},
        },
        {"type": "object", "properties": {"p": {"type": "array", "prefixItems": [{"type": "integer"}]}}},
    ],
    ids=lambda schema: json.dumps(schema)[:40],
)
async def test_8_schemas(chat: Chat, schema: Any) -> None:
    (made,) = (await chat.ask(user(), tools=[tool(parameters=schema)], tool_choice="required"))["tool_calls"]
    assert isinstance(json.loads(made["function"]["arguments"]), dict)


# 11: pictures.


def big_png(size: int) -> str:
    """A data URL with so many characters of base64."""
    head = base64.b64decode(png())
    return data_url(base64.b64encode(head + bytes(size * 3 // 4 - len(head))).decode())


async def test_11_a_picture_of_5_mib_stands_in_the_history(chat: Chat) -> None:
    too_big = big_png(5 * 1024 * 1024 + 100_000)
    await chat.ask(user(["Look", picture(too_big)]), assistant(), user())
    assert wire.OMITTED_IMAGE in chat.sent()["history"][0]["userInputMessage"]["content"]
    answer = await chat.post(user(["Look", picture(too_big)]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "image_too_large")


async def test_11_a_picture_for_a_model_that_lists_text_alone(chat: Chat) -> None:
    model = {"model": "deepseek-3.2"}
    answer = await chat.post(user(["Look", picture()]), **model)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "model_takes_text_only")
    await chat.ask(user(["Look", picture()]), assistant(), user(), **model)
    assert wire.OMITTED_IMAGE in chat.sent()["history"][0]["userInputMessage"]["content"]


async def test_11_21_large_pictures(chat: Chat) -> None:
    large = picture(data_url(png(3000, 3000)))
    refused = await chat.post(user([large] * 21))
    assert refused.status_code == 400
    assert "more than 20 images" in refused.json()["error"]["message"]
    await chat.ask(user([large] * 20), assistant(), user([large]))
    assert wire.OMITTED_IMAGE in json.dumps(chat.sent(), ensure_ascii=False)


async def test_11_101_pictures(chat: Chat) -> None:
    history = [message for _ in range(50) for message in (user([picture(), picture()]), assistant())]
    said = await chat.ask(*history, user(["the newest", picture()]))
    assert "1 image" in said["content"]


async def test_11_a_picture_is_of_another_type_than_it_says(chat: Chat) -> None:
    jpeg = next(url for url, (kind, _) in PICTURES.items() if kind == "jpeg").partition(",")[2]
    await chat.ask(user([picture(data_url(jpeg, "image/jpg")), picture(data_url(jpeg, "image/png"))]))
    assert [image["format"] for image in entries(chat.sent())[-1]["images"]] == ["jpeg", "jpeg"]


async def test_11_svg_is_no_picture_for_the_model(chat: Chat) -> None:
    answer = await chat.post(user([picture(data_url(SVG, "image/svg+xml"))]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_image")
    assert not chat.stack.simulator.received("GenerateAssistantResponse")


# 12: calls on the wire.


def use_events(tool_use_id: str, *inputs: object, name: str = "get_weather") -> Iterator[tuple[str, dict[str, Any]]]:
    yield "toolUseEvent", {"toolUseId": tool_use_id, "name": name}
    for fragment in inputs:
        yield "toolUseEvent", {"toolUseId": tool_use_id, "name": name, "input": fragment}
    yield "toolUseEvent", {"toolUseId": tool_use_id, "name": name, "stop": True}


@pytest.mark.parametrize(
    ("inputs", "arguments"),
    [
        (('{"t":"caf\\', "u00", "e9 \\ud83d\\u", 'de00"}'), {"t": "café \U0001f600"}),
        (({"city": "Rome"},), {"city": "Rome"}),
        ((), {}),
        (("",), {}),
    ],
    ids=["inside an escape", "an object", "nothing", "empty"],
)
async def test_12_forms_of_input(chat: Chat, inputs: tuple[object, ...], arguments: object) -> None:
    chat.stack.simulator.events(*use_events("t1", *inputs))
    (made,) = (await chat.ask(user(), tools=[tool()]))["tool_calls"]
    assert json.loads(made["function"]["arguments"]) == arguments
    chat.stack.simulator.events(*use_events("t1", *inputs))
    streamed = await chat.stream(user(), tools=[tool()])
    assert (json.loads(streamed.calls[0]), streamed.finish) == (arguments, "tool_calls")


async def test_12_parallel_calls_are_interleaved(chat: Chat) -> None:
    first, second = use_events("t1", '{"city":', '"Rome"}'), use_events("t2", '{"city":"Par', 'is"}')
    interleaved = [event for pair in zip(first, second, strict=True) for event in pair]
    for stream in (False, True):
        chat.stack.simulator.events(*interleaved)
        if stream:
            calls = (await chat.stream(user(), tools=[tool()])).calls
        else:
            made = (await chat.ask(user(), tools=[tool()]))["tool_calls"]
            calls = {index: item["function"]["arguments"] for index, item in enumerate(made)}
        assert {index: json.loads(text) for index, text in calls.items()} == {0: {"city": "Rome"}, 1: {"city": "Paris"}}


# 13: ends of streams.


async def test_13_with_metadata(chat: Chat) -> None:
    streamed = await chat.stream(user("STUBSAY one two three"))
    assert (streamed.text, streamed.finish, streamed.error, streamed.done) == ("one two three", "stop", None, True)


async def test_13_without_metadata_an_account_has_to_be_known_for_it(chat: Chat) -> None:
    chat.stack.simulator.options(trailer="none")
    ends = [(await chat.stream(user("STUBSAY one two three"))).done for _ in range(4)]
    assert ends == [False, False, True, True]


async def test_13_a_closed_call_needs_no_metadata(chat: Chat) -> None:
    chat.stack.simulator.options(trailer="none")
    assert (await chat.stream(user(), tools=[tool()])).finish == "tool_calls"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "eof", "after": 2}, "upstream_truncated"),
        ({"kind": "open-tool"}, "upstream_incomplete_tool_call"),
        ({"kind": "exception", "after": 2, "error": "InternalServerException"}, "upstream_error"),
        ({"kind": "bad-message-crc", "after": 2}, "upstream_malformed"),
        ({"kind": "bad-prelude-crc", "after": 2}, "upstream_malformed"),
        ({"kind": "truncated-frame", "after": 2}, "upstream_malformed"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
async def test_13_a_cut_is_told_and_never_taken_for_an_end(chat: Chat, fault: dict[str, Any], code: str) -> None:
    chat.stack.simulator.fault(**fault)
    streamed = await chat.stream(user("STUBSAY one two three four five six"))
    assert (streamed.error or {}).get("code") == code
    assert (streamed.finish, streamed.done) == (None, False)
    assert streamed.text.startswith("one two")
    chat.stack.simulator.fault(**fault)
    answer = await chat.post(user("STUBSAY one two three four five six"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, code)


@pytest.mark.parametrize("stream", [False, True])
async def test_13_an_empty_answer_is_asked_for_again(chat: Chat, stream: bool) -> None:
    chat.stack.simulator.fault("empty", count=1)
    assert (await chat.post(user(), stream=stream)).status_code == 200
    chat.stack.simulator.fault("empty", count=2)
    answer = await chat.post(user(), stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "empty_response")


async def test_13_nothing_but_reasoning(chat: Chat) -> None:
    chat.stack.simulator.turns({"reason": "Hm."}, {"reason": "Hm."})
    said = await chat.ask(user())
    assert (said["content"], said["reasoning_content"]) == ("", "Hm.")
    assert (await chat.stream(user())).finish == "stop"


async def test_13_an_unknown_event_is_passed_over(chat: Chat) -> None:
    chat.stack.simulator.fault("unknown-event", after=1)
    assert (await chat.stream(user("STUBSAY one two three"))).text == "one two three"


async def test_13_a_frame_that_comes_twice_counts_twice(chat: Chat) -> None:
    chat.stack.simulator.turns({"say": "ha", "pieces": 1})
    chat.stack.simulator.fault("duplicate-frame")
    assert (await chat.stream(user())).text == "haha"


# 14: refusals.

REFUSALS = {
    "monthly-402": (429, "insufficient_quota"),
    "monthly-400": (429, "insufficient_quota"),
    "monthly-429": (429, "insufficient_quota"),
    "monthly-429-short": (429, "insufficient_quota"),
    "daily-429": (429, "insufficient_quota"),
    "overage-400": (429, "insufficient_quota"),
    "throttled": (429, "rate_limit_exceeded"),
    "throttled-user-rate": (429, "rate_limit_exceeded"),
    "throttled-suspicious": (429, "rate_limit_exceeded"),
    "capacity-429": (503, "model_overloaded"),
    "capacity-500": (503, "model_overloaded"),
    "capacity-500-legacy": (503, "model_overloaded"),
    "suspended": (502, "upstream_credentials_exhausted"),
    "wrong-region": (502, "upstream_credentials_exhausted"),
    "expired": (502, "upstream_credentials_exhausted"),
}


@pytest.mark.parametrize("surface", sorted(LOGINS))
async def test_14_before_the_first_byte_each_refusal_has_its_status(surface: str) -> None:
    async def refused(state: str) -> tuple[int, str]:
        async with proxy(surface) as stack, client_of(stack) as client:
            chat = Chat(stack, client)
            await chat.ask(user())
            stack.simulator.set_state(stack.account, state)
            answers = await asyncio.gather(chat.post(user()), chat.post(user(), stream=True))
            (told,) = {(answer.status_code, answer.json()["error"]["code"]) for answer in answers}
            return told

    told = await asyncio.gather(*map(refused, REFUSALS))
    assert dict(zip(REFUSALS, told, strict=True)) == REFUSALS


LATE: dict[tuple[str, str | None], tuple[int, str]] = {
    ("ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT"): (429, "insufficient_quota"),
    ("ThrottlingException", "DAILY_REQUEST_COUNT"): (429, "insufficient_quota"),
    ("ThrottlingException", "USER_REQUEST_RATE_EXCEEDED"): (429, "rate_limit_exceeded"),
    ("ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY"): (503, "model_overloaded"),
    ("InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE"): (503, "model_overloaded"),
    ("InternalServerException", None): (502, "upstream_error"),
    ("AccessDeniedException", "TEMPORARILY_SUSPENDED"): (502, "upstream_credentials_exhausted"),
    ("AccessDeniedException", None): (502, "upstream_credentials_exhausted"),
}


@pytest.mark.parametrize("late", LATE, ids=lambda late: f"{late[0]}-{late[1]}")
async def test_14_after_the_first_byte_it_is_told_in_the_stream(chat: Chat, late: tuple[str, str | None]) -> None:
    error, reason = late
    status, code = LATE[late]
    chat.stack.simulator.fault("exception", after=2, error=error, reason=reason, message="No.")
    streamed = await chat.stream(user("STUBSAY one two three four five six"))
    assert ((streamed.error or {}).get("code"), streamed.finish, streamed.done) == (code, None, False)
    chat.stack.simulator.fault("exception", after=2, error=error, reason=reason, message="No.")
    answer = await chat.post(user("STUBSAY one two three four five six"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


# 16: regions and profiles.

FRANKFURT = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"


@pytest.mark.parametrize("surface", sorted(LOGINS))
async def test_16_login_in_one_region_and_profile_in_another(surface: str) -> None:
    async with proxy(surface, kind="identity-center", profile_arns=[FRANKFURT]) as stack, client_of(stack) as client:
        await Chat(stack, client).ask(user())
        (received,) = stack.simulator.received("GenerateAssistantResponse")
        assert (received.region, received.json["profileArn"]) == ("eu-central-1", FRANKFURT)


async def test_16_builder_id_without_a_profile() -> None:
    async with proxy("q", kind="builder-id") as stack, client_of(stack) as client:
        await Chat(stack, client).ask(user())
        (received,) = stack.simulator.received("GenerateAssistantResponse")
        assert "profileArn" not in received.json


async def test_16_builder_id_without_a_profile_where_one_is_needed() -> None:
    async with proxy("kiro", kind="builder-id") as stack, client_of(stack) as client:
        answer = await Chat(stack, client).post(user())
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (502, "upstream_credentials_exhausted")
        assert error["message"].startswith("profileArn is required for this request.")
        assert "use the surface `q` for a Builder ID" in error["message"]


# 17: clients.


@pytest.mark.parametrize(
    ("messages", "more"),
    [
        ([{"role": "developer", "content": "Be brief."}, user()], {}),
        ([user(), system(), assistant(), system("Be very brief."), user(), system()], {}),
        ([user([{"text": "Hello"}, "there"])], {}),
        ([user(), calling(call("a", arguments={"city": "Rome"})), result("a", [{"type": "text", "text": "31"}])], {}),
        ([user()], {"max_completion_tokens": 1_000}),
        ([user()], {"max_tokens": None, "n": 1, "stop": None, "client_metadata": {"x": 1}}),
    ],
    ids=["developer", "system inside", "parts without type", "arguments as object", "max_completion_tokens", "nulls"],
)
async def test_17_what_clients_send(chat: Chat, messages: list[dict[str, Any]], more: dict[str, Any]) -> None:
    assert (await chat.ask(*messages, tools=[tool()], tool_choice="none", **more))["content"]
    streamed = await chat.stream(*messages, **more)
    assert (streamed.finish, streamed.done) == ("stop", True)


@pytest.mark.parametrize("said", ["Hello", [user([{"type": "input_text", "text": "Hello"}])]], ids=["text", "items"])
async def test_17_a_body_of_the_responses_api(chat: Chat, said: Any) -> None:
    tools = [{"type": "function", "name": "get.weather", "parameters": OBJECT}]
    body = {"model": "auto", "instructions": "Be brief.", "input": said, "tools": tools}
    answer = await chat.client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get.weather"


@pytest.mark.parametrize(("options", "usages"), [(None, 0), ({}, 0), ({"include_usage": True}, 1)])
async def test_17_usage_is_streamed_when_it_is_asked_for(chat: Chat, options: Any, usages: int) -> None:
    assert (await chat.stream(user(), stream_options=options)).usages == usages
