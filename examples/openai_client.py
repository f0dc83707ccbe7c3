"""The OpenAI SDK against cwproxy: streaming with usage, streamed tool calls, and a picture.

pip install openai
python examples/openai_client.py
"""

import base64
import os
import struct
import zlib

from openai import APIError, OpenAI

client = OpenAI(
    base_url=os.environ.get("CWPROXY_URL", "http://127.0.0.1:3000") + "/v1",
    api_key=os.environ.get("CWPROXY_API_KEY", "not-needed-on-loopback"),
)
MODEL = os.environ.get("CWPROXY_MODEL", "auto")


def streaming() -> None:
    stream = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "You are terse."},
            {"role": "user", "content": "Why is the sky blue?"},
        ],
        stream=True,
        stream_options={"include_usage": True},
    )
    print("stream: ", end="")
    try:
        for chunk in stream:
            if chunk.choices:
                print(chunk.choices[0].delta.content or "", end="", flush=True)
            if chunk.usage:
                print(f"\nusage: {chunk.usage.prompt_tokens} + {chunk.usage.completion_tokens} tokens")
    except APIError as error:  # a broken answer raises; it never looks like a finished one
        print(f"\nthe answer broke off: {error.message}")


def streamed_tool_call() -> None:
    with client.chat.completions.stream(
        model=MODEL,
        messages=[{"role": "user", "content": "What is the weather in 'Lisbon'?"}],
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "description": "The current weather of a city.",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    },
                },
            }
        ],
    ) as stream:
        for event in stream:
            if event.type == "tool_calls.function.arguments.done":
                print(f"tool call: {event.name}({event.arguments})")


def picture() -> None:
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What colour is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64," + red_square()}},
                ],
            }
        ],
    )
    print("picture:", answer.choices[0].message.content)


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
