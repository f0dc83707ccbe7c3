"""What the user decides about every answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cwproxy.upstream.pictures import Pictures
from cwproxy.upstream.workspace import Workspace

REQUEST_SECONDS = 590.0
"""Deadline of a whole request: just under the 600 s of the OpenAI SDKs (reliability.md 1.8)."""


@dataclass(frozen=True, slots=True)
class Options:
    """aliases: client's model name -> backend's. parse_thinking_tags: text in `<thinking>` at the start of an answer is
    reasoning.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    workspace: Workspace = Workspace()
    pictures: Pictures | None = None
    request_seconds: float = REQUEST_SECONDS
    parse_thinking_tags: bool = False
