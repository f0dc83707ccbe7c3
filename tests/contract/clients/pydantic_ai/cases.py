"""Runs of pydantic-ai over Chat Completions: text, tools, structured output by tool and by schema, streams."""

# mypy: disable-error-code="import-not-found, misc, untyped-decorator"
# The library is in the environment that runs this file, not in the one that checks it.

import os
from collections.abc import AsyncIterator

import openai
import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

PROMPT = "The weather in 'Zürich' for 3 days, please."


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    days: int


@pytest.fixture
async def model() -> AsyncIterator[OpenAIChatModel]:
    async with openai.AsyncOpenAI(
        base_url=os.environ["PROXY_BASE_URL"], api_key=os.environ["PROXY_KEY"], max_retries=0, timeout=60
    ) as client:
        yield OpenAIChatModel(os.environ["PROXY_MODEL"], provider=OpenAIProvider(openai_client=client))


async def test_text(model: OpenAIChatModel) -> None:
    result = await Agent(model, instructions="Be brief.").run("STUBSAY Grüße, 世界")
    assert result.output == "Grüße, 世界"


async def test_text_is_streamed(model: OpenAIChatModel) -> None:
    async with Agent(model).run_stream("STUBSAY one two three") as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
    assert len(pieces) > 1
    assert "".join(pieces) == "one two three"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_and_back(model: OpenAIChatModel, stream: bool) -> None:
    """Nothing is forced: the model calls because the tool is there, and talks once it has the result."""
    asked: list[tuple[str, int]] = []
    agent = Agent(model)

    @agent.tool_plain
    def get_weather(city: str, days: int) -> str:
        asked.append((city, days))
        return f"{days} sunny days in {city}"

    if stream:
        async with agent.run_stream(PROMPT) as streamed:
            output = await streamed.get_output()
    else:
        output = (await agent.run(PROMPT)).output
    assert asked == [("Zürich", 3)]
    assert "3 sunny days in Zürich" in output


@pytest.mark.parametrize("stream", [False, True])
async def test_a_forced_tool_is_the_output(model: OpenAIChatModel, stream: bool) -> None:
    """With an output tool the library sends `tool_choice: required`."""
    agent = Agent(model, output_type=ToolOutput(Weather, name="report"))
    if stream:
        async with agent.run_stream(PROMPT) as streamed:
            output = await streamed.get_output()
            messages = streamed.all_messages()
    else:
        result = await agent.run(PROMPT)
        output, messages = result.output, result.all_messages()
    assert output == Weather(city="Zürich", days=3)
    assert [part.tool_name for message in messages for part in message.parts if isinstance(part, ToolReturnPart)] == [
        "report"
    ]
    again = await Agent(model).run("STUBSAY thanks", message_history=messages)
    assert again.output == "thanks"


@pytest.mark.parametrize("stream", [False, True])
async def test_structured_output(model: OpenAIChatModel, stream: bool) -> None:
    """The library sends the schema as `response_format`."""
    agent = Agent(model, output_type=NativeOutput(Weather))
    if stream:
        async with agent.run_stream(PROMPT) as streamed:
            output = await streamed.get_output()
    else:
        output = (await agent.run(PROMPT)).output
    assert isinstance(output, Weather)
