"""A whole tool round trip with the OpenAI SDK: the model asks, this program computes, the model answers.

pip install openai
python examples/tool_calling.py
"""

import json
import os

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam

client = OpenAI(
    base_url=os.environ.get("CWPROXY_URL", "http://127.0.0.1:3000") + "/v1",
    api_key=os.environ.get("CWPROXY_API_KEY", "not-needed-on-loopback"),
)
MODEL = os.environ.get("CWPROXY_MODEL", "auto")

TOOLS: list[ChatCompletionToolUnionParam] = [
    {
        "type": "function",
        "function": {
            "name": "multiply",
            "description": "Multiply two integers.",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            },
        },
    }
]


def multiply(a: int, b: int) -> int:
    return a * b


def main() -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is 6 times 7? Use the tool."}]
    while True:
        choice = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS).choices[0]
        if choice.finish_reason != "tool_calls":
            print("answer:", choice.message.content)
            return
        messages.append(choice.message.model_dump(exclude_none=True))  # type: ignore[arg-type]  # a message is its own param
        for call in choice.message.tool_calls or []:
            assert call.type == "function"
            arguments = json.loads(call.function.arguments)
            result = multiply(**arguments)
            print(f"tool: {call.function.name}({arguments}) = {result}")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": str(result)})


if __name__ == "__main__":
    main()
