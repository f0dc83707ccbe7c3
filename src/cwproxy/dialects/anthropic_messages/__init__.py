"""Anthropic Messages: bytes of a request -> `Conversation`, `ReplyEvent`s -> bytes of a reply.

Pure: ids, times and the estimator of tokens are arguments. The contract on the wire is compatibility.md 2.2.
"""

from cwproxy.dialects.anthropic_messages.complete import complete
from cwproxy.dialects.anthropic_messages.errors import ENVELOPE
from cwproxy.dialects.anthropic_messages.parse import MessagesRequest, parse, parse_count
from cwproxy.dialects.anthropic_messages.render import Renderer
from cwproxy.dialects.anthropic_messages.shape import Shape

__all__ = ["ENVELOPE", "MessagesRequest", "Renderer", "Shape", "complete", "parse", "parse_count"]
