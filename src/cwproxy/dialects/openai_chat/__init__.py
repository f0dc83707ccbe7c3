"""OpenAI Chat Completions: bytes of a request -> `Conversation`, `ReplyEvent`s -> bytes of a reply.

Pure: ids and times are arguments. The contract on the wire is compatibility.md 1.
"""

from cwproxy.dialects.openai_chat.complete import complete
from cwproxy.dialects.openai_chat.errors import ENVELOPE
from cwproxy.dialects.openai_chat.parse import ChatRequest, parse
from cwproxy.dialects.openai_chat.prompts import TextRequest, parse_prompts
from cwproxy.dialects.openai_chat.render import Renderer
from cwproxy.dialects.openai_chat.shape import Shape

__all__ = [
    "ENVELOPE",
    "ChatRequest",
    "Renderer",
    "Shape",
    "TextRequest",
    "complete",
    "parse",
    "parse_prompts",
]
