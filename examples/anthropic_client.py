"""The Anthropic SDK against cwproxy: streaming with usage, a streamed tool call with its result, and a picture.

pip install anthropic
python examples/anthropic_client.py
"""

import base64
import os
import struct
import zlib

from anthropic import Anthropic, APIError
from anthropic.types import MessageParam, ToolParam, ToolResultBlockParam

client = Anthropic(
    base_url=os.environ.get("CWPROXY_URL", "http://127.0.0.1:3000"),
    api_key=os.environ.get("CWPROXY_API_KEY", "not-needed-on-loopback"),
)
MODEL = os.environ.get("CWPROXY_MODEL", "auto")
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "The current weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def streaming() -> None:
    print("stream: ", end="")
    try:
        with client.messages.stream(
            model=MODEL,
            max_tokens=1_000,
            system="You are terse.",
            messages=[{"role": "user", "content": "Why is the sky blue?"}],
        ) as stream:
            for text in stream.text_stream:
                print(text, end="", flush=True)
            usage = stream.get_final_message().usage
        print(f"\nusage: {usage.input_tokens} + {usage.output_tokens} tokens")
    except APIError as error:  # a broken answer raises; it never looks like a finished one
        print(f"\nthe answer broke off: {error.message}")
        raise


def streamed_tool_call() -> None:
    messages: list[MessageParam] = [{"role": "user", "content": "What is the weather in 'Lisbon'?"}]
    with client.messages.stream(model=MODEL, max_tokens=1_000, messages=messages, tools=[WEATHER]) as stream:
        asked = stream.get_final_message()
    messages.append({"role": "assistant", "content": asked.content})
    for block in asked.content:
        if block.type == "tool_use":
            print(f"tool call: {block.name}({block.input})")
            result: ToolResultBlockParam = {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": "Sunny, 24 degrees.",
            }
            messages.append({"role": "user", "content": [result]})
    answer = client.messages.create(model=MODEL, max_tokens=1_000, messages=messages, tools=[WEATHER])
    print("answer:", " ".join(block.text for block in answer.content if block.type == "text"))


def picture() -> None:
    answer = client.messages.create(
        model=MODEL,
        max_tokens=1_000,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What colour is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": red_square()}},
                ],
            }
        ],
    )
    print("picture:", " ".join(block.text for block in answer.content if block.type == "text"))


def red_square(side: int = 8) -> str:
    """A PNG, made by hand so that the example needs no file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xff\0\0" * side for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


if __name__ == "__main__":
    streaming()
    streamed_tool_call()
    picture()
