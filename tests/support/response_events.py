"""A Responses stream read the way OpenAI's own SDK reads it, after a look at its framing and numbers."""

import json
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

_EVENTS: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
_LAST = ("response.completed", "response.incomplete", "response.failed")


def events(data: bytes) -> list[dict[str, Any]]:
    """The events; each has an `event:` line with the type of its data, the next number, and is valid."""
    found: list[dict[str, Any]] = []
    assert data.endswith(b"\n\n")
    for piece in data.replace(b": ping\n\n", b"").split(b"\n\n")[:-1]:
        name, _, rest = piece.partition(b"\n")
        assert rest.startswith(b"data: {")
        assert b"\n" not in rest
        document = json.loads(rest[6:])
        assert name == b"event: " + document["type"].encode()
        assert document["sequence_number"] == len(found)
        _EVENTS.validate_json(rest[6:])
        found.append(document)
    return found


def accumulated(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The response that the events make; their order is checked (compatibility.md 2.1)."""
    created, progress, *middle, last = found
    assert (created["type"], progress["type"]) == ("response.created", "response.in_progress")
    assert created["response"] == progress["response"]
    assert (created["response"]["status"], created["response"]["output"]) == ("in_progress", [])
    assert last["type"] in _LAST
    items: list[dict[str, Any]] = []
    done: set[int] = set()
    for event in middle:
        index = event.get("output_index", -1)
        match event["type"]:
            case "response.output_item.added":
                assert index == len(items)
                items.append(event["item"])
            case "response.output_item.done":
                _same_beginning(items[index], event["item"])
                done.add(index)
            case "error":
                assert last["type"] == "response.failed"
            case _:
                assert index not in done
                assert event["item_id"] == items[index]["id"]
                _apply(items[index], event)
    response: dict[str, Any] = last["response"]
    Response.model_validate(response)
    if last["type"] != "response.failed":
        assert len(done) == len(items)
        assert items == response["output"]
    return response


def _same_beginning(built: dict[str, Any], done: dict[str, Any]) -> None:
    assert (built["id"], built["type"]) == (done["id"], done["type"])
    built.update({name: value for name, value in done.items() if name in ("status", "encrypted_content")})
    assert built == done


def _apply(item: dict[str, Any], event: dict[str, Any]) -> None:
    match event["type"].removeprefix("response."):
        case "content_part.added":
            assert event["content_index"] == len(item["content"])
            item["content"].append(event["part"])
        case "output_text.delta":
            assert event["logprobs"] == []
            item["content"][event["content_index"]]["text"] += event["delta"]
        case "output_text.done":
            assert event["text"] == item["content"][event["content_index"]]["text"]
        case "content_part.done":
            assert event["part"] == item["content"][event["content_index"]]
        case "function_call_arguments.delta":
            item["arguments"] += event["delta"]
        case "function_call_arguments.done":
            assert (event["arguments"], event["name"]) == (item["arguments"], item["name"])
        case "custom_tool_call_input.delta":
            item["input"] += event["delta"]
        case "custom_tool_call_input.done":
            assert event["input"] == item["input"]
        case "reasoning_summary_part.added":
            assert event["summary_index"] == len(item["summary"])
            item["summary"].append(event["part"])
        case "reasoning_summary_text.delta":
            item["summary"][event["summary_index"]]["text"] += event["delta"]
        case "reasoning_summary_text.done":
            assert event["text"] == item["summary"][event["summary_index"]]["text"]
        case kind:
            assert kind == "reasoning_summary_part.done"
            assert event["part"] == item["summary"][event["summary_index"]]
