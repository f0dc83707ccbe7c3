"""The Responses API: whole and streamed, tools and back, structured output, what is kept, answers that break off."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import openai
import pytest
from openai.types.responses import (
    FunctionToolParam,
    Response,
    ResponseCustomToolCall,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseReasoningItem,
    ResponseStreamEvent,
)
from tests.contract.clients.faults import AMID, ASKED_ANEW, BEFORE, SILENCE, TEXT
from tests.contract.clients.openai_python.clients import MODEL, Weather
from tests.contract.clients.openai_python.simulator import TRIES, TRIES_WHEN_EMPTY, Simulator

PROMPT: Final = "The weather in 'Zürich' for 3 days, please."
WEATHER: Final[FunctionToolParam] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}

Heard = list[str]
"""Types of events."""


def read(stream: Iterable[ResponseStreamEvent], heard: Heard) -> Response | None:
    last = None
    for event in stream:
        heard.append(event.type)
        if event.type in ("response.completed", "response.incomplete"):
            last = event.response
    return last


def function_call(response: Response) -> ResponseFunctionToolCall:
    (call,) = response.output
    assert isinstance(call, ResponseFunctionToolCall)
    return call


def test_text(client: openai.OpenAI) -> None:
    answer = client.responses.create(model=MODEL, instructions="Be brief.", input="STUBSAY Grüße, 世界")
    assert (answer.output_text, answer.status) == ("Grüße, 世界", "completed")
    assert answer._request_id
    usage = answer.usage
    assert usage is not None
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0


def test_a_stream_has_its_order(client: openai.OpenAI) -> None:
    heard: Heard = []
    with client.responses.create(model=MODEL, input="STUBSAY one two three", stream=True) as stream:
        answer = read(stream, heard)
    assert answer is not None
    assert answer.output_text == "one two three"
    assert heard.count("response.output_text.delta") > 1
    assert [kind.removeprefix("response.") for kind in dict.fromkeys(heard)] == [
        *("created", "in_progress", "output_item.added", "content_part.added", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]


def test_a_helped_stream(client: openai.OpenAI) -> None:
    with client.responses.stream(model=MODEL, input=PROMPT, tools=[WEATHER]) as stream:
        deltas = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
        call = function_call(stream.get_final_response())
    assert "".join(deltas) == call.arguments
    assert (call.name, Weather.model_validate_json(call.arguments).city) == ("get_weather", "Zürich")


@pytest.mark.parametrize("kept", [True, False])
def test_a_tool_and_back(client: openai.OpenAI, kept: bool) -> None:
    first = client.responses.create(model=MODEL, input=PROMPT, tools=[WEATHER], store=kept)
    call = function_call(first)
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    if kept:
        second = client.responses.create(
            model=MODEL,
            input=[output],  # type: ignore[list-item]
            tools=[WEATHER],
            previous_response_id=first.id,
        )
    else:
        told = [{"role": "user", "content": PROMPT}, call.to_dict(), output]
        second = client.responses.create(model=MODEL, input=told, tools=[WEATHER])  # type: ignore[arg-type]
    assert "sunny" in second.output_text


def test_choices(client: openai.OpenAI) -> None:
    other: FunctionToolParam = {**WEATHER, "name": "get_forecast"}
    tools = [WEATHER, other]
    named = client.responses.create(
        model=MODEL, input=PROMPT, tools=tools, tool_choice={"type": "function", "name": "get_forecast"}
    )
    assert function_call(named).name == "get_forecast"
    assert client.responses.create(model=MODEL, input=PROMPT, tools=tools, tool_choice="none").output_text
    allowed = client.responses.create(
        model=MODEL,
        input=PROMPT,
        tools=tools,
        tool_choice={
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "get_forecast"}],
        },
    )
    assert function_call(allowed).name == "get_forecast"


def test_only_one_call(client: openai.OpenAI) -> None:
    several = client.responses.create(model=MODEL, input="STUBTOOLS 3 " + PROMPT, tools=[WEATHER])
    assert len(several.output) == 3
    one = client.responses.create(
        model=MODEL, input="STUBTOOLS 3 " + PROMPT, tools=[WEATHER], parallel_tool_calls=False
    )
    assert function_call(one).name == "get_weather"


@pytest.mark.parametrize("stream", [False, True])
def test_a_custom_tool(client: openai.OpenAI, stream: bool) -> None:
    tool = {
        "type": "custom",
        "name": "patch",
        "description": "Edits.",
        "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
    }
    if stream:
        with client.responses.stream(model=MODEL, input="Write 'it'.", tools=[tool]) as stream_:  # type: ignore[list-item]
            answer: Response = stream_.until_done().get_final_response()
    else:
        answer = client.responses.create(model=MODEL, input="Write 'it'.", tools=[tool])  # type: ignore[list-item]
    (call,) = answer.output
    assert isinstance(call, ResponseCustomToolCall)
    assert (call.name, call.input) == ("patch", "it")


def test_structured_output(client: openai.OpenAI) -> None:
    assert client.responses.parse(model=MODEL, input=PROMPT, text_format=Weather).output_parsed == Weather(
        city="Zürich", days=3
    )
    with client.responses.stream(model=MODEL, input=PROMPT, text_format=Weather) as stream:
        assert stream.until_done().get_final_response().output_parsed == Weather(city="Zürich", days=3)


def test_a_summary_of_what_was_thought(client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model=MODEL,
        input="STUBTHINK Hello",
        reasoning={"summary": "auto"},
        include=["reasoning.encrypted_content"],
        store=False,
    )
    thought, message = answer.output
    assert isinstance(thought, ResponseReasoningItem)
    assert thought.summary[0].text
    told = [thought.to_dict(), message.to_dict(), {"role": "user", "content": "STUBSAY again"}]
    assert client.responses.create(model=MODEL, input=told).output_text == "again"  # type: ignore[arg-type]


@pytest.mark.parametrize("stream", [False, True])
def test_too_few_tokens(client: openai.OpenAI, stream: bool) -> None:
    prompt = "STUBSAY " + "word " * 200
    if stream:
        with client.responses.create(model=MODEL, input=prompt, max_output_tokens=16, stream=True) as events:
            answer = read(events, [])
    else:
        answer = client.responses.create(model=MODEL, input=prompt, max_output_tokens=16)
    assert answer is not None
    assert (answer.status, answer.output_text[:4]) == ("incomplete", "word")
    assert isinstance(answer.output[-1], ResponseOutputMessage)
    assert answer.output[-1].status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_what_is_kept(client: openai.OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="STUBSAY one")
    second = client.responses.create(model=MODEL, input="STUBSAY two", previous_response_id=first.id)
    assert client.responses.retrieve(second.id).output_text == "two"
    items = list(client.responses.input_items.list(second.id, limit=2, order="asc"))
    assert [item.type for item in items] == ["message"] * 3
    with pytest.raises(openai.ConflictError):
        client.responses.cancel(second.id)
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    assert client.responses.create(model=MODEL, input="STUBSAY x", previous_response_id=second.id).output_text == "x"
    with pytest.raises(openai.BadRequestError, match=first.id) as caught:
        client.responses.create(model=MODEL, input="x", previous_response_id=first.id)
    assert caught.value.code == "previous_response_not_found"


def test_tokens_are_counted(client: openai.OpenAI) -> None:
    assert client.responses.input_tokens.count(model=MODEL, input="Hello there").input_tokens > 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, openai.RateLimitError), (400, openai.BadRequestError), (503, openai.InternalServerError)],
)
def test_failures_have_their_class(client: openai.OpenAI, status: int, kind: type[openai.APIStatusError]) -> None:
    with pytest.raises(kind) as caught:
        client.responses.create(model=MODEL, input=f"STUBERR {status}", stream=True)
    assert caught.value.type
    assert caught.value.request_id


def test_what_cannot_be_served(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="background"):
        client.responses.create(model=MODEL, input="x", background=True)


Call = Callable[[openai.OpenAI, Heard], object]


def whole(client: openai.OpenAI, heard: Heard) -> object:
    return client.responses.create(model=MODEL, input="count", tools=[WEATHER])


def streamed(client: openai.OpenAI, heard: Heard) -> object:
    with client.responses.create(model=MODEL, input="count", tools=[WEATHER], stream=True) as stream:
        return read(stream, heard)


def helped(client: openai.OpenAI, heard: Heard) -> object:
    with client.responses.stream(model=MODEL, input="count", tools=[WEATHER]) as stream:
        heard += [event.type for event in stream]
        return stream.get_final_response()


MODES: Final = pytest.mark.parametrize("call", [whole, streamed, helped])


def assert_broken(client: openai.OpenAI, call: Call) -> None:
    """The call raises the proxy's own sentence, and has shown no end."""
    heard: Heard = []
    with pytest.raises(openai.APIError) as caught:
        call(client, heard)
    assert not isinstance(caught.value, openai.APIConnectionError), "the proxy itself must not hang up"
    assert caught.value.code
    assert "." in caught.value.message
    assert not {"response.completed", "response.incomplete"}.intersection(heard)


@MODES
@pytest.mark.parametrize("fault", BEFORE.values(), ids=BEFORE)
def test_before_the_first_event(
    client: openai.OpenAI, simulator: Simulator, call: Call, fault: Mapping[str, object]
) -> None:
    tries = TRIES_WHEN_EMPTY if fault["kind"] in ("eof", "empty") else TRIES
    simulator.fault(fault, tries=tries, perhaps=TRIES if fault["kind"] in ("rst", "close") else 0)
    with pytest.raises(openai.InternalServerError) as caught:
        call(client, [])
    assert caught.value.type == "upstream_error"


@MODES
@pytest.mark.parametrize("fault", AMID.values(), ids=AMID)
def test_in_the_middle(client: openai.OpenAI, simulator: Simulator, call: Call, fault: Mapping[str, object]) -> None:
    tries = 2 if call is whole and fault["kind"] in ASKED_ANEW else 1
    simulator.answer({"say": TEXT, "pieces": 8}, tries=tries)
    simulator.fault(fault, tries=tries)
    assert_broken(client, call)


def test_a_silence_is_no_end(client: openai.OpenAI, simulator: Simulator) -> None:
    simulator.answer({"say": TEXT, "pieces": 8})
    simulator.fault(SILENCE)
    with client.responses.create(model=MODEL, input="count", stream=True) as stream:
        answer = read(stream, [])
    assert answer is not None
    assert answer.output_text == TEXT


@MODES
def test_end_with_a_tool_open(client: openai.OpenAI, simulator: Simulator, call: Call) -> None:
    simulator.answer({"call": {"name": "get_weather", "input": {"city": "Rome", "days": 1}}, "pieces": 8})
    simulator.fault({"kind": "open-tool"})
    assert_broken(client, call)


@MODES
def test_end_without_a_trailer(client: openai.OpenAI, simulator: Simulator, call: Call) -> None:
    simulator.answer({"say": TEXT, "trailer": "none"})
    assert_broken(client, call)
