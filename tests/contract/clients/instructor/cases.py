"""Instructor over Chat Completions: its ways to structured output, by tools and by JSON, and streams of them."""

# mypy: disable-error-code="import-not-found, misc"
# The library is in the environment that runs this file, not in the one that checks it.

import os
from collections.abc import AsyncIterator, Iterable

import instructor
import openai
import pytest
from instructor import Mode, Partial
from pydantic import BaseModel

MODEL = os.environ["PROXY_MODEL"]
PROMPT = [{"role": "user", "content": "The weather in 'Zürich' for 3 days, please."}]


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    days: int


@pytest.fixture
async def client() -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=os.environ["PROXY_BASE_URL"], api_key=os.environ["PROXY_KEY"], max_retries=0, timeout=60
    ) as client:
        yield client


async def test_a_named_tool(client: openai.AsyncOpenAI) -> None:
    asking = instructor.from_openai(client, mode=Mode.TOOLS)
    found, completion = await asking.chat.completions.create_with_completion(
        model=MODEL, messages=PROMPT, response_model=Weather, max_retries=0
    )
    assert (found.city, found.days) == ("Zürich", 3)
    assert completion.choices[0].message.tool_calls[0].function.name == "Weather"


async def test_a_named_tool_and_back(client: openai.AsyncOpenAI) -> None:
    asking = instructor.from_openai(client, mode=Mode.TOOLS)
    found, completion = await asking.chat.completions.create_with_completion(
        model=MODEL, messages=PROMPT, response_model=Weather, max_retries=0
    )
    message = completion.choices[0].message
    history = [
        *PROMPT,
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": f"sunny in {found.city}"},
    ]
    answer = await client.chat.completions.create(model=MODEL, messages=history)
    assert "sunny in Zürich" in (answer.choices[0].message.content or "")


async def test_json_of_a_schema(client: openai.AsyncOpenAI) -> None:
    asking = instructor.from_openai(client, mode=Mode.JSON_SCHEMA)
    found = await asking.chat.completions.create(model=MODEL, messages=PROMPT, response_model=Weather, max_retries=0)
    assert isinstance(found, Weather)


@pytest.mark.parametrize("mode", [Mode.TOOLS, Mode.JSON_SCHEMA])
async def test_a_stream_of_parts(client: openai.AsyncOpenAI, mode: Mode) -> None:
    asking = instructor.from_openai(client, mode=mode)
    parts = [
        part
        async for part in await asking.chat.completions.create(
            model=MODEL, messages=PROMPT, response_model=Partial[Weather], stream=True, max_retries=0
        )
    ]
    assert isinstance(Weather.model_validate(parts[-1].model_dump()), Weather)


async def test_several_calls_at_once(client: openai.AsyncOpenAI) -> None:
    asking = instructor.from_openai(client, mode=Mode.PARALLEL_TOOLS)
    text = f"STUBTOOLS 2 {PROMPT[0]['content']}"
    found = await asking.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": text}],
        response_model=Iterable[Weather],
        max_retries=0,
    )
    assert len(list(found)) == 2


async def test_plain_text(client: openai.AsyncOpenAI) -> None:
    asking = instructor.from_openai(client)
    answer = await asking.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "STUBSAY Grüße, 世界"}], response_model=None
    )
    assert answer.choices[0].message.content == "Grüße, 世界"
