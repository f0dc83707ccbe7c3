"""A Messages stream read the way Anthropic's own SDK reads it, after a look at its framing."""

import json
from typing import Any

from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

_EVENTS: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)


def events(data: bytes) -> list[dict[str, Any]]:
    """The events but for pings; each has an `event:` line with the type of its data, and is valid."""
    found: list[dict[str, Any]] = []
    assert data.endswith(b"\n\n")
    for piece in data.split(b"\n\n")[:-1]:
        name, _, rest = piece.partition(b"\n")
        assert name.startswith(b"event: ")
        assert rest.startswith(b"data: {")
        assert b"\n" not in rest
        document = json.loads(rest[6:])
        assert document["type"] == name[7:].decode()
        if document["type"] != "ping":
            _EVENTS.validate_json(rest[6:], strict=True)
            found.append(document)
    return found


def accumulated(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that the events make; their order is checked (compatibility.md 2.2)."""
    first, *middle, delta, stop = found
    assert (first["type"], delta["type"], stop["type"]) == ("message_start", "message_delta", "message_stop")
    message: dict[str, Any] = first["message"]
    texts: list[str] = []
    for event in middle:
        blocks = message["content"]
        match event["type"]:
            case "content_block_start":
                assert event["index"] == len(blocks)
                blocks.append(event["content_block"])
                texts = []
            case "content_block_delta":
                assert event["index"] == len(blocks) - 1
                _add(blocks[-1], event["delta"], texts)
            case _:
                assert event == {"type": "content_block_stop", "index": len(blocks) - 1}
                if blocks[-1]["type"] in ("tool_use", "server_tool_use"):
                    assert blocks[-1]["input"] == {}
                    blocks[-1]["input"] = json.loads("".join(texts))
    message.update(delta["delta"])
    message["usage"] = delta["usage"]
    Message.model_validate(message, strict=True)
    return message


def _add(block: dict[str, Any], delta: dict[str, Any], texts: list[str]) -> None:
    match delta["type"]:
        case "input_json_delta":
            texts.append(delta["partial_json"])
        case "signature_delta":
            assert block["signature"] == ""
            block["signature"] = delta["signature"]
        case kind:
            assert not block.get("signature")
            block[kind.removesuffix("_delta")] += delta[kind.removesuffix("_delta")]
