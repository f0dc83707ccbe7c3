"""Earlier reasoning on its way to the client and back, in `encrypted_content`.

The API calls it encrypted; what counts is that it comes back byte for byte. Codex sends it back as null, and other
services' cannot be used here: both are dropped (compatibility.md 2.1).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, TypeAlias

import msgspec

from cwproxy.conversation import Reasoning, RedactedReasoning
from cwproxy.reply import ReasoningPart, RedactedPart

_MARK: Final = "cwpr1."


class _Signed(msgspec.Struct, tag="signed"):
    text: str
    signature: str


class _Redacted(msgspec.Struct, tag="redacted"):
    data: str


_Thought: TypeAlias = _Signed | _Redacted


def sealed(part: ReasoningPart | RedactedPart) -> str:
    """Opaque to the client."""
    held = _Signed(part.text, part.signature) if isinstance(part, ReasoningPart) else _Redacted(part.data)
    return _MARK + urlsafe_b64encode(msgspec.json.encode(held)).decode()


def opened(text: str | None) -> Reasoning | RedactedReasoning | None:
    """None for what is not ours."""
    if text is None or not text.startswith(_MARK):
        return None
    try:
        held: _Thought = msgspec.json.decode(urlsafe_b64decode(text.removeprefix(_MARK)), type=_Thought)
    except ValueError:
        return None
    return Reasoning(held.text, held.signature) if isinstance(held, _Signed) else RedactedReasoning(held.data)
