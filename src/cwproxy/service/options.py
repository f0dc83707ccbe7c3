"""What the user decides about every answer."""

from collections.abc import Mapping

import msgspec

from cwproxy.filters import Buffering
from cwproxy.upstream.pictures import Pictures
from cwproxy.upstream.workspace import Workspace

REQUEST_SECONDS = 590.0
"""Deadline of a whole request: just under the 600 s of the OpenAI SDKs (reliability.md 1.8)."""


class Options(msgspec.Struct, frozen=True):
    """aliases: client's model name -> backend's. parse_thinking_tags: text in `<thinking>` at the start of an answer is
    reasoning. buffered: how answers are given out; buffered_by_model: the same by the client's or the backend's name.
    """

    aliases: Mapping[str, str] = msgspec.field(default_factory=dict)
    workspace: Workspace = Workspace()
    pictures: Pictures | None = None
    request_seconds: float = REQUEST_SECONDS
    parse_thinking_tags: bool = False
    buffered: Buffering = "off"
    buffered_by_model: Mapping[str, Buffering] = msgspec.field(default_factory=dict)

    def buffering(self, *models: str) -> Buffering:
        """For a model of these names; the first that is known counts."""
        return next((self.buffered_by_model[name] for name in models if name in self.buffered_by_model), self.buffered)
