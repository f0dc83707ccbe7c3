"""Requests with blocks that nobody knows yet, whose members may be of any type."""

from typing import Any, Final

import msgspec

from cwproxy.dialects.anthropic_messages.blocks import KNOWN
from cwproxy.dialects.anthropic_messages.schema import Block

_decode: Final = msgspec.json.Decoder(Block).decode


def without_members(body: bytes) -> bytes | None:
    """The request, with nothing but their type left of unknown blocks whose members are not as they are elsewhere.
    None where there are no such blocks.
    """
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(request, dict):
        return None
    messages = request.get("messages")
    holders = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    found = [_cleaned(holder, "content") for holder in holders] + [_cleaned(request, "system")]
    return msgspec.json.encode(request) if any(found) else None


def _cleaned(holder: dict[str, Any], member: str) -> bool:
    """Whether anything was taken out of the blocks there."""
    content = holder.get(member)
    blocks = content if isinstance(content, list) else [content]
    return any([_clean(block) for block in blocks if isinstance(block, dict)])


def _clean(block: dict[str, Any]) -> bool:
    inner = _cleaned(block, "content")
    kind = block.get("type")
    if not isinstance(kind, str) or kind in KNOWN or _fits(block):
        return inner
    block.clear()
    block["type"] = kind
    return True


def _fits(block: dict[str, Any]) -> bool:
    try:
        _decode(msgspec.json.encode(block))
    except msgspec.ValidationError:
        return False
    return True
