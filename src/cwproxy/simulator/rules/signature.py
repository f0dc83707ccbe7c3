"""The signature that the simulator's model puts under its reasoning, so that a replayed one can be checked.

Deterministic: the same text always gets the same signature (backend-rules.md A4 49 wants it replayed byte for byte).
"""

import base64
import hashlib
import hmac

_KEY = b"the simulator's reasoning"


def sign(text: str) -> str:
    """Base64 of an HMAC-SHA-256 over the UTF-8 of the text."""
    return base64.b64encode(hmac.new(_KEY, text.encode("utf-8"), hashlib.sha256).digest()).decode("ascii")


def is_signature_of(signature: str, text: str) -> bool:
    return hmac.compare_digest(signature.encode("utf-8"), sign(text).encode("ascii"))
