"""What the cases share: prompts, tools, and a reader of streams. Where the proxy is comes from the environment."""

import os
from collections.abc import Iterable
from typing import Final

import pydantic
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
    ChatCompletionMessageToolCallUnion,
)

BASE_URL: Final = os.environ["PROXY_BASE_URL"]
MODEL: Final = os.environ["PROXY_MODEL"]
KEY: Final = os.environ["PROXY_KEY"]


def ask(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


class Weather(pydantic.BaseModel):
    """What the weather tool takes, and what a structured answer looks like."""

    city: str
    days: int


def tool(name: str) -> ChatCompletionFunctionToolParam:
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": f"{name}: the weather of a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city", "days"],
            },
        },
    }


WEATHER: Final = tool("get_weather")
FORECAST: Final = tool("get_forecast")


def function_call(call: ChatCompletionMessageToolCallUnion) -> ChatCompletionMessageFunctionToolCall:
    assert isinstance(call, ChatCompletionMessageFunctionToolCall), call
    return call


class Heard:
    """A stream as it was read: every chunk, and what its deltas add up to."""

    def __init__(self) -> None:
        self.chunks: list[ChatCompletionChunk] = []

    def read(self, stream: Iterable[ChatCompletionChunk]) -> "Heard":
        for chunk in stream:
            self.chunks.append(chunk)
        return self

    @property
    def text(self) -> str:
        return "".join(choice.delta.content or "" for chunk in self.chunks for choice in chunk.choices)

    @property
    def finish_reasons(self) -> list[str]:
        return [c.finish_reason for chunk in self.chunks for c in chunk.choices if c.finish_reason is not None]

    @property
    def roles(self) -> list[str]:
        return [c.delta.role for chunk in self.chunks for c in chunk.choices if c.delta.role is not None]
