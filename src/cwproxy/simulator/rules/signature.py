"""The signature that the simulator's model puts under its reasoning, so that a replayed one can be checked.

Deterministic: the same text of the same model always gets the same signature (backend-rules.md A4 49 wants it replayed
byte for byte, and never across models).
"""

import base64
import hashlib
import hmac

_KEY = b"the simulator's reasoning"


def sign(text: str, model_id: str) -> str:
    """Base64 of an HMAC-SHA-256 over the UTF-8 of the model's id and of the text, a zero byte between them."""
    said = model_id.encode("utf-8") + b"\0" + text.encode("utf-8")
    return base64.b64encode(hmac.new(_KEY, said, hashlib.sha256).digest()).decode("ascii")


def is_signature_of(signature: str, text: str, model_id: str) -> bool:
    return hmac.compare_digest(signature.encode("utf-8"), sign(text, model_id).encode("ascii"))
