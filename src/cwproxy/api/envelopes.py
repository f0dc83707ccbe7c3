"""In whose words a client is told of failures."""

from typing import Final

from starlette.types import Scope

from cwproxy.dialects import anthropic_messages, openai_chat
from cwproxy.inbound.failures import Envelope

OPENAI: Final[Envelope] = openai_chat.ENVELOPE
ANTHROPIC: Final[Envelope] = anthropic_messages.ENVELOPE

_PATHS: Final = ("/messages", "/messages/count_tokens")
_VERSION: Final = b"anthropic-version"


def envelope_of(scope: Scope) -> Envelope:
    """Anthropic's on the paths of its API and, on those that both have, for who names a version of it; else OpenAI's.

    It only decides about words, so that unknown paths have them, too; what is served is for the routes to say.
    """
    path: str = scope["path"]
    if path.rstrip("/").endswith(_PATHS) or any(name == _VERSION for name, _ in scope["headers"]):
        return ANTHROPIC
    return OPENAI
