"""Runs of the OpenAI Agents SDK over Chat Completions: text, a forced tool and back, structured output, streams."""

# mypy: disable-error-code="import-not-found, misc, untyped-decorator"
# The SDK is in the environment that runs this file, not in the one that checks it.

import os
from collections.abc import AsyncIterator

import openai
import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    handoff,
    set_tracing_disabled,
)
from pydantic import BaseModel

set_tracing_disabled(True)

PROMPT = "The weather in 'Zürich' for 3 days, please."


class Weather(BaseModel):
    city: str
    days: int


@pytest.fixture
async def model() -> AsyncIterator[OpenAIChatCompletionsModel]:
    async with openai.AsyncOpenAI(
        base_url=os.environ["PROXY_BASE_URL"], api_key=os.environ["PROXY_KEY"], max_retries=0, timeout=60
    ) as client:
        yield OpenAIChatCompletionsModel(model=os.environ["PROXY_MODEL"], openai_client=client)


class Forecasts:
    """A tool, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

        @function_tool
        def get_weather(city: str, days: int) -> str:
            """The weather of a city."""
            self.asked.append((city, days))
            return f"{days} sunny days in {city}"

        self.tool = get_weather


async def test_text(model: OpenAIChatCompletionsModel) -> None:
    result = await Runner.run(Agent(name="A", instructions="Be brief.", model=model), "STUBSAY Grüße, 世界")
    assert result.final_output == "Grüße, 世界"
    usage = result.context_wrapper.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0


async def test_text_is_streamed(model: OpenAIChatCompletionsModel) -> None:
    result = Runner.run_streamed(Agent(name="A", model=model), "STUBSAY one two three")
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert len(deltas) > 1
    assert "".join(deltas) == result.final_output == "one two three"


@pytest.mark.parametrize("choice", ["required", "get_weather"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_forced_tool_and_back(model: OpenAIChatCompletionsModel, choice: str, stream: bool) -> None:
    forecasts = Forecasts()
    agent = Agent(name="A", model=model, tools=[forecasts.tool], model_settings=ModelSettings(tool_choice=choice))
    if stream:
        result = Runner.run_streamed(agent, PROMPT)
        async for _ in result.stream_events():
            pass
    else:
        result = await Runner.run(agent, PROMPT)
    assert forecasts.asked == [("Zürich", 3)]
    assert "3 sunny days in Zürich" in result.final_output
    kinds = [item.type for item in result.new_items]
    assert kinds == ["tool_call_item", "tool_call_output_item", "message_output_item"]


@pytest.mark.parametrize("stream", [False, True])
async def test_structured_output(model: OpenAIChatCompletionsModel, stream: bool) -> None:
    agent = Agent(name="A", model=model, output_type=Weather)
    if stream:
        result = Runner.run_streamed(agent, PROMPT)
        async for _ in result.stream_events():
            pass
    else:
        result = await Runner.run(agent, PROMPT)
    assert isinstance(result.final_output, Weather)


async def test_structured_output_after_a_tool(model: OpenAIChatCompletionsModel) -> None:
    forecasts = Forecasts()
    agent = Agent(
        name="A",
        model=model,
        tools=[forecasts.tool],
        output_type=Weather,
        model_settings=ModelSettings(tool_choice="required"),
    )
    result = await Runner.run(agent, PROMPT)
    assert forecasts.asked == [("Zürich", 3)]
    assert isinstance(result.final_output, Weather)


async def test_another_agent_takes_over(model: OpenAIChatCompletionsModel) -> None:
    expert = Agent(name="Expert", model=model)
    agent = Agent(
        name="A", model=model, handoffs=[handoff(expert)], model_settings=ModelSettings(tool_choice="required")
    )
    result = await Runner.run(agent, "Hello")
    assert result.last_agent is expert
    assert result.final_output
