"""OpenAI Responses: bytes of a request -> `Conversation`, `ReplyEvent`s -> bytes of a reply, and what is kept of both.

Pure: ids, times and what was kept are arguments. The contract on the wire is compatibility.md 2.1.
"""

from cwproxy.dialects.openai_responses.parse import Draft, Past, ResponsesRequest, read
from cwproxy.dialects.openai_responses.render import Renderer
from cwproxy.dialects.openai_responses.shape import Frame, Shape

__all__ = ["Draft", "Frame", "Past", "Renderer", "ResponsesRequest", "Shape", "read"]
