"""Where a request tells what was said: `messages`, or `input` of the Responses API.

Some clients post the latter to this endpoint and want this endpoint's answer (compatibility.md 2.3,
backend-rules.md E 2). Its items are written as messages; what has no counterpart (reasoning, hosted tools) is left out.
"""

from collections.abc import Iterator

from cwproxy.dialects.openai_chat.schema import CustomCall, Function, Item, Message, Request, ToolCall
from cwproxy.errors import InvalidRequest


def told(request: Request) -> Iterator[tuple[str, Message]]:
    """Every message with its path in the request. Raises InvalidRequest for a call without a name."""
    if request.messages is not None or request.input is None:
        for index, message in enumerate(request.messages or ()):
            yield f"messages[{index}]", message
        return
    if request.instructions:
        yield "instructions", Message("system", request.instructions)
    if isinstance(request.input, str):
        yield "input", Message("user", request.input)
        return
    for index, item in enumerate(request.input):
        written = _message(item, f"input[{index}]")
        if written is not None:
            yield f"input[{index}]", written


def _message(item: Item, path: str) -> Message | None:
    if item.role is not None:
        return Message(item.role, item.content)
    match item.type:
        case "function_call":
            function = Function(_name(item, path), item.arguments)
            return Message("assistant", tool_calls=[ToolCall(item.call_id, function=function)])
        case "custom_tool_call":
            custom = CustomCall(_name(item, path), item.input or "")
            return Message("assistant", tool_calls=[ToolCall(item.call_id, custom=custom)])
        case "function_call_output" | "custom_tool_call_output":
            return Message("tool", item.output, tool_call_id=item.call_id)
        case _:
            return None


def _name(item: Item, path: str) -> str:
    if not item.name:
        raise InvalidRequest(f"`{path}.name` is missing.", param=f"{path}.name", code="missing_required_parameter")
    return item.name
