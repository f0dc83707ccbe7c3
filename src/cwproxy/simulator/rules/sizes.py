"""How much may be asked at once, and for how much (backend-rules.md A5 58-60, 68)."""

import re
from collections.abc import Iterator

from cwproxy.simulator.rules.document import characters
from cwproxy.simulator.rules.turns import Request
from cwproxy.simulator.rules.verdict import Refusal, RuleContext, improper

_DEFAULT_BODY_BYTES = {"legacy-q": 1_300_000, "kiro-runtime": 32 * 1024 * 1024}
_NO_TEXT = frozenset({"images", "documents"})
_OPUS_4_6 = re.compile("opus[-._]4[-._]6", re.IGNORECASE)


def body_size(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rule 58: says nothing of the size."""
    limit = context.max_body_bytes
    if limit is None and 58 in context.opt_rules:
        limit = _DEFAULT_BODY_BYTES[context.profile]
    if limit is not None and request.size > limit:
        yield improper(context, 58, f"the body has {request.size} bytes, more than {limit}")


def window(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 59 and 60, with the generous guess of three characters for a token."""
    tokens = characters(request.state, skip=_NO_TEXT) // 3
    if tokens <= context.window_tokens:
        return
    detail = f"about {tokens} tokens, more than {context.window_tokens}"
    if 60 in context.opt_rules and _OPUS_4_6.search(request.model_id or ""):
        yield improper(context, 60, detail)
    yield Refusal(400, "ValidationException", "Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", 59, detail)


def output(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rule 68, wherever a client may have put the number."""
    if 68 not in context.opt_rules:
        return
    for holder, name in (("inferenceConfig", "maxTokens"), ("additionalModelRequestFields", "max_tokens")):
        fields = request.body.get(holder)
        asked = fields.get(name) if isinstance(fields, dict) else None
        if isinstance(asked, int | float) and asked > 32_000:
            yield improper(context, 68, f"{holder}.{name} is {asked}")
