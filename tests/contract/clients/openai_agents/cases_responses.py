"""Runs of the OpenAI Agents SDK over the Responses API, as it does by default: a tool loop, a session, what is kept."""

# mypy: disable-error-code="import-not-found, misc, untyped-decorator"
# The SDK is in the environment that runs this file, not in the one that checks it.

import os
from collections.abc import AsyncIterator

import openai
import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIResponsesModel,
    Runner,
    SQLiteSession,
    function_tool,
    set_tracing_disabled,
)
from pydantic import BaseModel

set_tracing_disabled(True)

PROMPT = "The weather in 'Zürich' for 3 days, please."


class Weather(BaseModel):
    city: str
    days: int


@function_tool
def get_weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{days} sunny days in {city}"


@pytest.fixture
async def model() -> AsyncIterator[OpenAIResponsesModel]:
    async with openai.AsyncOpenAI(
        base_url=os.environ["PROXY_BASE_URL"], api_key=os.environ["PROXY_KEY"], max_retries=0, timeout=60
    ) as client:
        yield OpenAIResponsesModel(model=os.environ["PROXY_MODEL"], openai_client=client)


async def test_text(model: OpenAIResponsesModel) -> None:
    result = await Runner.run(Agent(name="A", instructions="Be brief.", model=model), "STUBSAY Grüße, 世界")
    assert result.final_output == "Grüße, 世界"
    usage = result.context_wrapper.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0


@pytest.mark.parametrize("choice", ["auto", "required", "get_weather"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_and_back(model: OpenAIResponsesModel, choice: str, stream: bool) -> None:
    agent = Agent(name="A", model=model, tools=[get_weather], model_settings=ModelSettings(tool_choice=choice))
    if stream:
        result = Runner.run_streamed(agent, PROMPT)
        async for _ in result.stream_events():
            pass
    else:
        result = await Runner.run(agent, PROMPT)
    assert "3 sunny days in Zürich" in result.final_output
    kinds = [item.type for item in result.new_items]
    assert kinds == ["tool_call_item", "tool_call_output_item", "message_output_item"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_session(model: OpenAIResponsesModel, stream: bool) -> None:
    session = SQLiteSession("one", ":memory:")
    agent = Agent(name="A", model=model, tools=[get_weather])
    first = await Runner.run(agent, PROMPT, session=session)
    assert "3 sunny days in Zürich" in first.final_output
    if stream:
        second = Runner.run_streamed(agent, "STUBSAY And again.", session=session)
        async for _ in second.stream_events():
            pass
    else:
        second = await Runner.run(agent, "STUBSAY And again.", session=session)
    assert second.final_output == "And again."
    assert len(await session.get_items()) == 6


async def test_a_conversation_that_the_server_keeps(model: OpenAIResponsesModel) -> None:
    agent = Agent(name="A", model=model, tools=[get_weather])
    first = await Runner.run(agent, PROMPT, auto_previous_response_id=True)
    assert "3 sunny days in Zürich" in first.final_output
    second = await Runner.run(agent, "STUBSAY Again.", previous_response_id=first.last_response_id)
    assert second.final_output == "Again."


@pytest.mark.parametrize("stream", [False, True])
async def test_structured_output(model: OpenAIResponsesModel, stream: bool) -> None:
    agent = Agent(name="A", model=model, output_type=Weather)
    if stream:
        result = Runner.run_streamed(agent, PROMPT)
        async for _ in result.stream_events():
            pass
    else:
        result = await Runner.run(agent, PROMPT)
    assert isinstance(result.final_output, Weather)


async def test_an_answer_that_breaks_off(model: OpenAIResponsesModel) -> None:
    result = Runner.run_streamed(Agent(name="A", model=model), "STUBMIDERR Something long enough, please.")
    with pytest.raises(openai.APIError, match="unexpectedly high load"):
        async for _ in result.stream_events():
            pass
