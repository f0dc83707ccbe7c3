"""OpenAI's Responses API with its SDK: a stream, a question that goes on from the answer, and a tool loop.

pip install openai
python examples/responses_client.py
"""

import json
import os

from openai import APIError, OpenAI
from openai.types.responses import FunctionToolParam, ResponseInputItemParam

client = OpenAI(
    base_url=os.environ.get("CWPROXY_URL", "http://127.0.0.1:3000") + "/v1",
    api_key=os.environ.get("CWPROXY_API_KEY", "not-needed-on-loopback"),
)
MODEL = os.environ.get("CWPROXY_MODEL", "auto")

MULTIPLY: FunctionToolParam = {
    "type": "function",
    "name": "multiply",
    "description": "Multiply two integers.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
    "strict": False,
}


def streaming() -> None:
    print("stream: ", end="")
    try:
        with client.responses.stream(model=MODEL, input="Why is the sky blue?", store=False) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
            print("\nstatus:", stream.get_final_response().status)
    except APIError as error:  # a broken answer raises; it never looks like a finished one
        print(f"\nthe answer broke off: {error.message}")


def going_on() -> None:
    """The proxy keeps answers, so that only what is new has to be sent; delete those that nobody needs."""
    first = client.responses.create(model=MODEL, input="Say hello in five words.")
    second = client.responses.create(model=MODEL, input="Once more, louder.", previous_response_id=first.id)
    print("first:", first.output_text)
    print("second:", second.output_text)
    for answer in (second, first):
        client.responses.delete(answer.id)


def tool_loop() -> None:
    """The same without anything being kept: all that was said is sent each time."""
    told: list[ResponseInputItemParam] = [{"role": "user", "content": "What is 6 times 7? Use the tool."}]
    while True:
        answer = client.responses.create(model=MODEL, input=told, tools=[MULTIPLY], store=False)
        told += [item.to_dict() for item in answer.output]  # type: ignore[misc]  # an item is its own param
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            print("answer:", answer.output_text)
            return
        for call in calls:
            numbers = json.loads(call.arguments)
            result = numbers["a"] * numbers["b"]
            print(f"tool: {call.name}({numbers}) = {result}")
            told.append({"type": "function_call_output", "call_id": call.call_id, "output": str(result)})


if __name__ == "__main__":
    streaming()
    going_on()
    tool_loop()
