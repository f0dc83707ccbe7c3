"""Answers: models, chat, streams, tools, structured output, images."""

import asyncio
import json
from typing import Final

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolChoiceOptionParam
from tests.contract.clients.openai_python.clients import (
    BASE_URL,
    FORECAST,
    KEY,
    MODEL,
    WEATHER,
    Heard,
    Weather,
    ask,
    function_call,
)
from tests.contract.clients.openai_python.simulator import Simulator

PNG: Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def test_models_are_listed(client: openai.OpenAI) -> None:
    models = client.models.list().data
    assert MODEL in [model.id for model in models]
    assert {model.object for model in models} == {"model"}
    assert all(model.owned_by for model in models)


def test_a_model_is_retrieved(client: openai.OpenAI) -> None:
    assert client.models.retrieve(MODEL).id == MODEL


def test_chat_has_request_id_and_usage(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ask("STUBSAY Grüße, 世界"))
    assert answer._request_id
    assert answer.choices[0].message.content == "Grüße, 世界"
    assert answer.choices[0].finish_reason == "stop"
    usage = answer.usage
    assert usage is not None
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_stream_with_usage(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model=MODEL, messages=ask("STUBSAY one two three"), stream=True, stream_options={"include_usage": True}
    ) as stream:
        heard = Heard().read(stream)
    *earlier, last = heard.chunks
    assert heard.text == "one two three"
    assert heard.roles == ["assistant"]
    assert heard.finish_reasons == ["stop"]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in heard.chunks}) == 1
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in earlier)


def test_stream_without_usage(client: openai.OpenAI) -> None:
    with client.chat.completions.create(model=MODEL, messages=ask("STUBSAY one two"), stream=True) as stream:
        heard = Heard().read(stream)
    assert heard.text == "one two"
    assert heard.finish_reasons == ["stop"]
    assert heard.chunks[-1].choices
    assert not any("usage" in chunk.model_fields_set for chunk in heard.chunks)


def test_stream_leaves_a_request_id(client: openai.OpenAI) -> None:
    with client.chat.completions.create(model=MODEL, messages=ask("STUBSAY hi"), stream=True) as stream:
        assert stream.response.headers["x-request-id"]
        assert stream.response.headers["content-type"].startswith("text/event-stream")


def test_async_client_chats_and_streams() -> None:
    async def both() -> tuple[str | None, str]:
        async with openai.AsyncOpenAI(
            base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=60, _strict_response_validation=True
        ) as client:
            answer = await client.chat.completions.create(model=MODEL, messages=ask("STUBSAY plain"))
            stream = await client.chat.completions.create(model=MODEL, messages=ask("STUBSAY streamed"), stream=True)
            heard = Heard()
            async for chunk in stream:
                heard.chunks.append(chunk)
            return answer.choices[0].message.content, heard.text

    assert asyncio.run(both()) == ("plain", "streamed")


def test_what_the_backend_lacks_is_accepted_and_named(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=ask("STUBSAY hi"), temperature=0.2, top_p=0.9, seed=7
    )
    assert raw.parse().choices[0].message.content == "hi"
    named = {name.strip() for name in raw.headers["x-cwproxy-ignored"].split(",")}
    assert named == {"temperature", "top_p", "seed"}


def test_tool_call_and_follow_up(client: openai.OpenAI) -> None:
    messages = ask("The weather in 'Zürich' for 3 days, please.")
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
    assert first.finish_reason == "tool_calls"
    (call,) = first.message.tool_calls or []
    function = function_call(call).function
    assert function.name == "get_weather"
    assert json.loads(function.arguments) == {"city": "Zürich", "days": 3}
    messages.append(
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": function.name, "arguments": function.arguments},
                }
            ],
        }
    )
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    second = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content
    assert not second.message.tool_calls


def test_streamed_tool_call(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model=MODEL, messages=ask("The weather in 'Köln' for 2 days."), tools=[WEATHER], stream=True
    ) as stream:
        heard = Heard().read(stream)
    deltas = [d for chunk in heard.chunks for c in chunk.choices for d in c.delta.tool_calls or []]
    first, *later = deltas
    assert (first.index, first.type) == (0, "function")
    assert first.id
    assert first.function is not None
    assert first.function.name == "get_weather"
    assert all(d.id is None and d.type is None and d.function and d.function.name is None for d in later)
    arguments = "".join(d.function.arguments or "" for d in deltas if d.function)
    assert json.loads(arguments) == {"city": "Köln", "days": 2}
    assert heard.finish_reasons == ["tool_calls"]


def test_stream_helper_with_tools(client: openai.OpenAI) -> None:
    helper = client.chat.completions.stream(
        model=MODEL, messages=ask("'Oslo' 4"), tools=[openai.pydantic_function_tool(Weather, name="get_weather")]
    )
    with helper as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion().choices[0]
    assert [event.parsed_arguments for event in done] == [Weather(city="Oslo", days=4)]
    (call,) = final.message.tool_calls or []
    assert call.id
    assert call.function.parsed_arguments == Weather(city="Oslo", days=4)
    assert final.finish_reason == "tool_calls"


NAMES: Final = ["get_weather", "get_forecast"]
NAMED: ChatCompletionToolChoiceOptionParam = {"type": "function", "function": {"name": "get_forecast"}}
ALLOWED: ChatCompletionToolChoiceOptionParam = {
    "type": "allowed_tools",
    "allowed_tools": {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "get_forecast"}}],
    },
}


@pytest.mark.parametrize(
    ("choice", "called"),
    [("required", "get_weather"), (NAMED, "get_forecast"), (ALLOWED, "get_forecast"), ("none", None)],
    ids=["required", "named", "allowed_tools", "none"],
)
def test_tool_choice(client: openai.OpenAI, choice: ChatCompletionToolChoiceOptionParam, called: str | None) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=ask("'Rome' 1"), tools=[WEATHER, FORECAST], tool_choice=choice
    )
    calls = answer.choices[0].message.tool_calls or []
    assert [function_call(call).function.name for call in calls] == ([called] if called else [])
    assert answer.choices[0].finish_reason == ("tool_calls" if called else "stop")
    assert bool(answer.choices[0].message.content) is (called is None)


def test_required_calls_even_after_a_tool_result(client: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        *ask("'Rome' 1"),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
                {"id": "call_b", "type": "function", "function": {"name": "get_forecast", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_b", "content": "rain"},
    ]
    tools = [WEATHER, FORECAST]
    free = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
    forced = client.chat.completions.create(model=MODEL, messages=messages, tools=tools, tool_choice="required")
    assert free.choices[0].finish_reason == "stop"
    assert forced.choices[0].finish_reason == "tool_calls"


def test_parallel_tool_calls(client: openai.OpenAI, simulator: Simulator) -> None:
    inputs: list[dict[str, object]] = [{"city": "Rome", "days": 1}, {"city": "Oslo", "days": 2}]
    turn = {"calls": [{"name": name, "input": value} for name, value in zip(NAMES, inputs, strict=True)]}
    simulator.answer(turn)
    whole = client.chat.completions.create(model=MODEL, messages=ask("both"), tools=[WEATHER, FORECAST])
    simulator.answer(turn)
    strict = [openai.pydantic_function_tool(Weather, name=name) for name in NAMES]
    with client.chat.completions.stream(model=MODEL, messages=ask("both"), tools=strict) as stream:
        streamed = stream.get_final_completion()
    for answer in (whole, streamed):
        calls = [function_call(call) for call in answer.choices[0].message.tool_calls or []]
        assert [call.function.name for call in calls] == NAMES
        assert [json.loads(call.function.arguments) for call in calls] == inputs
        assert len({call.id for call in calls}) == 2


def test_parallel_tool_calls_switched_off(client: openai.OpenAI, simulator: Simulator) -> None:
    simulator.answer({"calls": [{"name": name, "input": {"city": "Rome", "days": 1}} for name in NAMES]})
    answer = client.chat.completions.create(
        model=MODEL, messages=ask("both"), tools=[WEATHER, FORECAST], parallel_tool_calls=False
    )
    calls = answer.choices[0].message.tool_calls or []
    assert [function_call(call).function.name for call in calls] == NAMES[:1]


def test_parse_gives_the_model_class(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model=MODEL, messages=ask("'Bern' 6"), response_format=Weather)
    assert answer.choices[0].message.parsed == Weather(city="Bern", days=6)


def test_streamed_structured_output(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=ask("'Bern' 6"), response_format=Weather) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == Weather(city="Bern", days=6)


@pytest.mark.parametrize(("stop", "text"), [("four", "one two three "), (["five", "two"], "one ")])
def test_stop(client: openai.OpenAI, stop: str | list[str], text: str) -> None:
    asked = ask("STUBSAY one two three four five")
    answer = client.chat.completions.create(model=MODEL, messages=asked, stop=stop)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (text, "stop")
    with client.chat.completions.create(model=MODEL, messages=asked, stop=stop, stream=True) as stream:
        heard = Heard().read(stream)
    assert (heard.text, heard.finish_reasons) == (text, ["stop"])


def test_max_completion_tokens(client: openai.OpenAI) -> None:
    said = " ".join(["word"] * 100)
    asked = ask(f"STUBSAY {said}")
    answer = client.chat.completions.create(model=MODEL, messages=asked, max_completion_tokens=10, max_tokens=90)
    text = answer.choices[0].message.content
    assert text
    assert said.startswith(text)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 10
    with client.chat.completions.create(
        model=MODEL, messages=asked, max_completion_tokens=10, stream=True, stream_options={"include_usage": True}
    ) as stream:
        heard = Heard().read(stream)
    assert (heard.text, heard.finish_reasons) == (text, ["length"])
    assert heard.chunks[-1].usage is not None
    assert heard.chunks[-1].usage.completion_tokens <= 10


def test_a_cut_structured_answer_is_an_error_of_the_sdk(client: openai.OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model=MODEL, messages=ask("'Bern' 6"), response_format=Weather, max_completion_tokens=1
        )


def test_several_choices(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ask("STUBSAY hi"), n=3)
    assert [(choice.index, choice.message.content) for choice in answer.choices] == [(0, "hi"), (1, "hi"), (2, "hi")]
    with client.chat.completions.create(model=MODEL, messages=ask("STUBSAY hi"), n=2, stream=True) as stream:
        heard = Heard().read(stream)
    assert sorted(choice.index for chunk in heard.chunks for choice in chunk.choices if choice.finish_reason) == [0, 1]
    assert heard.text == "hihi"


def test_the_older_completions(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=["STUBSAY one", "STUBSAY two"])
    assert [(choice.index, choice.text) for choice in answer.choices] == [(0, "one"), (1, "two")]


def test_a_call_of_a_custom_tool(client: openai.OpenAI, simulator: Simulator) -> None:
    simulator.answer({"call": {"name": "apply", "input": {"input": "*** Begin"}}})
    answer = client.chat.completions.create(
        model=MODEL, messages=ask("patch"), tools=[{"type": "custom", "custom": {"name": "apply"}}]
    )
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "custom"
    assert (call.custom.name, call.custom.input) == ("apply", "*** Begin")


def test_json_mode(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=ask("A joke as JSON."), response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_image_as_data_url(client: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "STUBSAY a dot"},
                {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            ],
        }
    ]
    answer = client.chat.completions.create(model=MODEL, messages=messages)
    assert answer.choices[0].message.content == "a dot"
