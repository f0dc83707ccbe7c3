"""The whole answer as one `response` object (compatibility.md 2.1)."""

import msgspec

from cwproxy.dialects.openai_responses.shape import Frame, incomplete, item, item_id
from cwproxy.reply import Reply


def complete(reply: Reply, frame: Frame, *, completed: int) -> bytes:
    """The response body."""
    shape, shown = frame.shape, frame.shape.shown(reply.parts)
    cut = len(shown) - 1 if incomplete(reply.reason) is not None else -1
    output = [item(part, item_id(part, shape, frame.id, at), shape, cut=at == cut) for at, part in enumerate(shown)]
    return msgspec.json.encode(frame.ended(output, reply.reason, reply.usage, completed))
