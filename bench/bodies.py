"""Long requests: an agent's conversation with 50 tools, as an OpenAI client would send it."""

import json
import random
from pathlib import Path

MESSAGES = 200
TOOLS = 50
_LINE = 'def value in result: if "name" not in config[0:9] (the path) => {café — tests/unit.py} assert print(x) stream '
_WORDS = _LINE.split()


def _text(source: random.Random, length: int) -> str:
    """`length` characters of prose and code."""
    lines = [" ".join(source.choices(_WORDS, k=9)) for _ in range(length // 40 + 1)]
    return "\n".join(lines)[:length]


def _tool(source: random.Random, number: int) -> dict[str, object]:
    names = [f"{source.choice(('path', 'query', 'limit', 'mode', 'text'))}_{k}" for k in range(6)]
    properties = {name: {"type": "string", "description": _text(source, 90)} for name in names}
    parameters = {"type": "object", "properties": properties, "required": names[:2], "additionalProperties": False}
    function = {"name": f"tool_{number}", "description": _text(source, 400), "parameters": parameters}
    return {"type": "function", "function": function}


def _exchange(source: random.Random, number: int, length: int) -> list[dict[str, object]]:
    """A question, a tool call, its result, an answer."""
    arguments = json.dumps({"path_0": f"src/file_{number}.py", "text": _text(source, length // 2)})
    call_id = f"call_{number:06d}"
    call = {"id": call_id, "type": "function", "function": {"name": f"tool_{number % TOOLS}", "arguments": arguments}}
    return [
        {"role": "user", "content": _text(source, length)},
        {"role": "assistant", "content": _text(source, length // 2), "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": _text(source, length)},
        {"role": "assistant", "content": _text(source, length)},
    ]


def write_body(path: Path, size: int) -> Path:
    """Write a streaming request of about `size` bytes to `path`."""
    source = random.Random(size)
    tools = [_tool(source, number) for number in range(TOOLS)]
    length = max(40, (size - len(json.dumps(tools))) * 96 // 100 // MESSAGES)
    messages: list[dict[str, object]] = [{"role": "system", "content": _text(source, 2000)}]
    for number in range(MESSAGES // 4):
        messages += _exchange(source, number, length)
    messages.append({"role": "user", "content": "Go on."})
    body = {"model": "auto", "stream": True, "messages": messages, "tools": tools}
    path.write_bytes(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
    return path
