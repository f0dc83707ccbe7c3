"""A conversation, written as the request of each dialect. What a dialect has no words for has to be left out before."""

import json
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    Document,
    Image,
    SystemTurn,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
    UserPart,
    UserTurn,
)

_LONG = 100
"""Characters of arguments; longer ones are nested deeper than any dialect takes."""


def speakable(conversation: Conversation) -> Conversation:
    """What every dialect can say of it: text before the calls, arguments and schemas that are objects, names."""
    choice = conversation.tool_choice
    return replace(
        conversation,
        turns=tuple(map(_speakable, conversation.turns)) or (UserTurn((Text(""),)),),
        tools=tuple(Tool(tool.name or "f", tool.description, _object(tool.schema)) for tool in conversation.tools),
        tool_choice=replace(choice, name=None if choice.name is None else choice.name or "f"),
        answer=conversation.answer and replace(conversation.answer, schema=_object(conversation.answer.schema or b"")),
    )


def as_openai(conversation: Conversation) -> dict[str, Any]:
    """A Chat Completions body."""
    tools = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": json.loads(tool.schema)},
        }
        for tool in conversation.tools
    ]
    choice = conversation.tool_choice
    named = {"type": "function", "function": {"name": choice.name}}
    return {
        "model": conversation.model,
        "messages": [message for turn in conversation.turns for message in _openai_messages(turn)],
        **({"tools": tools, "tool_choice": named if choice.name is not None else choice.mode} if tools else {}),
        **(
            {"response_format": {"type": "json_schema", "json_schema": {"schema": json.loads(answer.schema or b"{}")}}}
            if (answer := conversation.answer) is not None
            else {}
        ),
    }


def as_anthropic(conversation: Conversation) -> dict[str, Any]:
    """A Messages body; the first instructions go into `system`."""
    turns = list(conversation.turns)
    system = []
    while turns and isinstance(turns[0], SystemTurn) and len(turns) > 1:
        system.append({"type": "text", "text": turns.pop(0).text})  # type: ignore[union-attr]
    choice = conversation.tool_choice
    mode = {"auto": "auto", "none": "none", "required": "any"}[choice.mode]
    return {
        "model": conversation.model,
        "max_tokens": 1000,
        "system": system,
        "messages": [_anthropic_message(turn) for turn in turns],
        **(
            {
                "tools": [
                    {"name": tool.name, "description": tool.description, "input_schema": json.loads(tool.schema)}
                    for tool in conversation.tools
                ],
                "tool_choice": {"type": "tool", "name": choice.name} if choice.name is not None else {"type": mode},
            }
            if conversation.tools
            else {}
        ),
        **(
            {"output_config": {"format": {"type": "json_schema", "schema": json.loads(answer.schema or b"{}")}}}
            if (answer := conversation.answer) is not None
            else {}
        ),
    }


def itemised(conversation: Conversation) -> Conversation:
    """What can be said in items: no tool fails, results stand alone, and what was said in one go is one turn."""
    turns: list[Turn] = []
    for turn in conversation.turns:
        for piece in _pieces(turn):
            match turns[-1] if turns else None, piece:
                case (AssistantTurn(parts=before), AssistantTurn(parts=parts)):
                    turns[-1] = _speakable(AssistantTurn((*before, *parts)))
                case (UserTurn(parts=(ToolResult(), *_) as before), UserTurn(parts=(ToolResult(), *_) as parts)):
                    turns[-1] = UserTurn((*before, *parts))
                case _:
                    turns.append(piece)
    return replace(conversation, turns=tuple(turns))


def as_responses(conversation: Conversation) -> dict[str, Any]:
    """A Responses body."""
    choice = conversation.tool_choice
    named = {"type": "function", "name": choice.name}
    tools = [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": json.loads(tool.schema)}
        for tool in conversation.tools
    ]
    answer = conversation.answer
    format = {"type": "json_schema", "name": "n", "schema": json.loads((answer and answer.schema) or b"{}")}
    return {
        "model": conversation.model,
        "input": [item for turn in conversation.turns for item in _items(turn)],
        **({"tools": tools, "tool_choice": named if choice.name is not None else choice.mode} if tools else {}),
        **({"text": {"format": format}} if answer is not None else {}),
    }


def _pieces(turn: Turn) -> list[Turn]:
    if not isinstance(turn, UserTurn) or not turn.parts:
        return [turn]
    pieces: list[Turn] = []
    for results, parts in groupby(turn.parts, lambda part: isinstance(part, ToolResult)):
        told = tuple(parts)
        pieces.append(UserTurn(tuple(replace(part, failed=False) for part in told) if results else told))
    return pieces


def _items(turn: Turn) -> list[dict[str, Any]]:
    match turn:
        case SystemTurn(text=text):
            return [{"role": "system", "content": text}]
        case UserTurn(parts=(ToolResult(), *_) as parts):
            results = [part for part in parts if isinstance(part, ToolResult)]
            return [
                {
                    "type": "function_call_output",
                    "call_id": result.tool_use_id,
                    "output": [_input_part(part) for part in result.content],
                }
                for result in results
            ]
        case UserTurn(parts=parts):
            return [{"type": "message", "role": "user", "content": [_input_part(part) for part in parts]}]
        case AssistantTurn(parts=parts):
            texts = [{"type": "output_text", "text": part.text} for part in parts if isinstance(part, Text)]
            calls = [
                {"type": "function_call", "call_id": use.id, "name": use.name, "arguments": use.arguments}
                for use in parts
                if isinstance(use, ToolUse)
            ]
            message = [{"role": "assistant", "content": texts}] if texts or not calls else []
            return [*message, *calls]


def _input_part(part: UserPart) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image(format=format, data=data):
            return {"type": "input_image", "image_url": f"data:image/{format};base64,{data}"}
        case Document(format=format, name=name, data=data):
            return {"type": "input_file", "filename": name, "file_data": f"data:application/{format};base64,{data}"}
        case _:
            raise ValueError(part)


def _speakable(turn: Turn) -> Turn:
    match turn:
        case AssistantTurn(parts=parts):
            uses = [ToolUse(use.id, use.name or "f", _arguments(use)) for use in parts if isinstance(use, ToolUse)]
            return AssistantTurn((*(part for part in parts if isinstance(part, Text)), *uses))
        case _:
            return turn


def _arguments(use: ToolUse) -> str:
    try:
        value = json.loads(use.arguments if len(use.arguments) < _LONG else "", parse_constant=lambda name: None)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return "{}"
    if not isinstance(value, dict):
        return "{}"
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _object(schema: bytes) -> bytes:
    return schema if schema.startswith(b"{") else b"{}"


def _openai_messages(turn: Turn) -> list[dict[str, Any]]:
    match turn:
        case SystemTurn(text=text):
            return [{"role": "system", "content": text}]
        case UserTurn(parts=(ToolResult(failed=False) as result,)):
            content = [_openai_part(part) for part in result.content]
            return [{"role": "tool", "tool_call_id": result.tool_use_id, "content": content}]
        case UserTurn(parts=parts):
            return [{"role": "user", "content": [_openai_part(part) for part in parts]}]
        case AssistantTurn(parts=parts):
            calls = [
                {"id": use.id, "type": "function", "function": {"name": use.name, "arguments": use.arguments}}
                for use in parts
                if isinstance(use, ToolUse)
            ]
            texts = [{"type": "text", "text": part.text} for part in parts if isinstance(part, Text)]
            return [{"role": "assistant", "content": texts, "tool_calls": calls}]


def _openai_part(part: UserPart) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(format=format, data=data):
            return {"type": "image_url", "image_url": {"url": f"data:image/{format};base64,{data}"}}
        case Document(format=format, name=name, data=data):
            file = {"filename": name, "file_data": f"data:application/{format};base64,{data}"}
            return {"type": "file", "file": file}
        case ToolResult(tool_use_id=tool_use_id, content=content, failed=failed):
            shown = [_openai_part(inner) for inner in content]
            return {"type": "tool_result", "tool_use_id": tool_use_id, "content": shown, "is_error": failed}
        case _:
            raise ValueError(part)


def _anthropic_message(turn: Turn) -> dict[str, Any]:
    match turn:
        case SystemTurn(text=text):
            return {"role": "system", "content": text}
        case UserTurn(parts=parts):
            return {"role": "user", "content": [_anthropic_block(part) for part in parts]}
        case AssistantTurn(parts=parts):
            blocks = [
                {"type": "text", "text": part.text}
                if isinstance(part, Text)
                else {"type": "tool_use", "id": part.id, "name": part.name, "input": json.loads(part.arguments)}
                for part in parts
                if isinstance(part, Text | ToolUse)
            ]
            return {"role": "assistant", "content": blocks}


def _anthropic_block(part: UserPart) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(format=format, data=data):
            return {"type": "image", "source": {"type": "base64", "media_type": f"image/{format}", "data": data}}
        case Document(format=format, name=name, data=data):
            source = {"type": "base64", "media_type": f"application/{format}", "data": data}
            return {"type": "document", "title": name, "source": source}
        case ToolResult(tool_use_id=tool_use_id, content=content, failed=failed):
            shown = [_anthropic_block(inner) for inner in content]
            return {"type": "tool_result", "tool_use_id": tool_use_id, "content": shown, "is_error": failed}
        case _:
            raise ValueError(part)
