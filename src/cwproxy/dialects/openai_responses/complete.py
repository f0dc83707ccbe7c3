"""The whole answer as one `response` object (compatibility.md 2.1)."""

import msgspec

from cwproxy.dialects.openai_responses.shape import Frame, item, item_id
from cwproxy.reply import Reply


def complete(reply: Reply, frame: Frame, *, completed: int) -> bytes:
    """The response body."""
    shown = frame.shape.shown(reply.parts)
    output = [item(part, item_id(part, frame.shape, frame.id, at), frame.shape) for at, part in enumerate(shown)]
    return msgspec.json.encode(frame.ended(output, reply.reason, reply.usage, completed))
