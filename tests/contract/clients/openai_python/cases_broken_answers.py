"""Answers that break off: whatever happens on the backend's wire, the SDK raises and nothing looks like an end.

Before the first event the proxy tries again, so there a fault strikes every try; after it, never.
"""

from collections.abc import Callable, Mapping
from typing import Final

import openai
import pytest
from tests.contract.clients.faults import AMID, ASKED_ANEW, BEFORE, FRAMES, TEXT
from tests.contract.clients.openai_python.clients import MODEL, WEATHER, Heard, Weather, ask
from tests.contract.clients.openai_python.simulator import TRIES, TRIES_WHEN_EMPTY, Simulator

Call = Callable[[openai.OpenAI, Heard], object]


def whole(client: openai.OpenAI, heard: Heard) -> object:
    return client.chat.completions.create(model=MODEL, messages=ask("count"), tools=[WEATHER])


def streamed(client: openai.OpenAI, heard: Heard) -> object:
    with client.chat.completions.create(model=MODEL, messages=ask("count"), tools=[WEATHER], stream=True) as stream:
        return heard.read(stream)


def helped(client: openai.OpenAI, heard: Heard) -> object:
    tool = openai.pydantic_function_tool(Weather, name="get_weather")
    with client.chat.completions.stream(model=MODEL, messages=ask("count"), tools=[tool]) as stream:
        heard.read(event.chunk for event in stream if event.type == "chunk")
        return stream.get_final_completion()


MODES: Final = pytest.mark.parametrize("call", [whole, streamed, helped])


def assert_broken(client: openai.OpenAI, call: Call) -> Heard:
    """The call raises, says why, and has shown no end. What it had shown until then."""
    heard = Heard()
    with pytest.raises(openai.APIError) as caught:
        call(client, heard)
    assert not isinstance(caught.value, openai.APIConnectionError), "the proxy itself must not hang up"
    assert caught.value.type
    assert caught.value.code
    assert caught.value.message
    assert heard.finish_reasons == []
    return heard


@MODES
@pytest.mark.parametrize("fault", BEFORE.values(), ids=BEFORE)
def test_before_the_first_event(
    client: openai.OpenAI, simulator: Simulator, call: Call, fault: Mapping[str, object]
) -> None:
    tries = TRIES_WHEN_EMPTY if fault["kind"] in ("eof", "empty") else TRIES
    simulator.fault(fault, tries=tries, perhaps=TRIES if fault["kind"] in ("rst", "close") else 0)
    with pytest.raises(openai.InternalServerError) as caught:
        call(client, Heard())
    assert caught.value.type == "upstream_error"
    assert caught.value.request_id


@MODES
@pytest.mark.parametrize("fault", AMID.values(), ids=AMID)
def test_in_the_middle(client: openai.OpenAI, simulator: Simulator, call: Call, fault: Mapping[str, object]) -> None:
    tries = 2 if call is whole and fault["kind"] in ASKED_ANEW else 1
    simulator.answer({"say": TEXT, "pieces": 8}, tries=tries)
    simulator.fault(fault, tries=tries)
    heard = assert_broken(client, call)
    assert TEXT.startswith(heard.text)
    assert bool(heard.text) is (call is not whole)


@MODES
def test_end_with_a_tool_open(client: openai.OpenAI, simulator: Simulator, call: Call) -> None:
    simulator.answer({"call": {"name": "get_weather", "input": {"city": "Rome", "days": 1}}, "pieces": 8})
    simulator.fault({"kind": "open-tool"})
    assert_broken(client, call)


@MODES
@pytest.mark.parametrize("frames", [2, 4])
def test_connection_lost_with_a_tool_open(client: openai.OpenAI, simulator: Simulator, call: Call, frames: int) -> None:
    tries = 2 if call is whole else 1
    simulator.answer({"call": {"name": "get_weather", "input": {"city": "Rome", "days": 1}}, "pieces": 8}, tries=tries)
    simulator.fault({"kind": "rst-after", "after": frames}, tries=tries)
    assert_broken(client, call)


@MODES
def test_end_without_a_trailer(client: openai.OpenAI, simulator: Simulator, call: Call) -> None:
    simulator.answer({"say": TEXT, "trailer": "none"})
    assert_broken(client, call)


def test_scripted_failure_in_the_middle(client: openai.OpenAI) -> None:
    heard = Heard()
    with (
        pytest.raises(openai.APIError) as caught,
        client.chat.completions.create(model=MODEL, messages=ask("STUBMIDERR"), stream=True) as stream,
    ):
        heard.read(stream)
    assert caught.value.message
    assert heard.text
    assert heard.finish_reasons == []


def test_a_broken_answer_leaves_the_next_one_whole(client: openai.OpenAI, simulator: Simulator) -> None:
    simulator.answer({"say": TEXT, "pieces": 8})
    simulator.fault({"kind": "bad-message-crc", "after": FRAMES})
    assert_broken(client, streamed)
    heard = Heard()
    streamed(client, heard)
    assert heard.finish_reasons == ["tool_calls"]
