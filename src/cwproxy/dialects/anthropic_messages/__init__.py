"""Anthropic Messages: bytes of a request -> `Conversation`, `ReplyEvent`s -> bytes of a reply.

Pure: ids and times are arguments. The contract on the wire is compatibility.md 2.2.
"""

from cwproxy.dialects.anthropic_messages.errors import ENVELOPE

__all__ = ["ENVELOPE"]
