"""What a response repeats of its request (compatibility.md 2.1): everything the Open Responses specification wants."""

from typing import Final

import msgspec

from cwproxy.dialects.openai_responses.schema import NULL, Echo, Request, TextEcho
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.decode import decoder

_decode = decoder(Echo)

_AUTO: Final = msgspec.Raw(b'"auto"')
_TEXT: Final = msgspec.Raw(b'{"type":"text"}')
_ZERO: Final = msgspec.Raw(b"0")
_ONE: Final = msgspec.Raw(b"1")
_DISABLED: Final = msgspec.Raw(b'"disabled"')
_DEFAULT: Final = msgspec.Raw(b'"default"')
_EMPTY: Final = msgspec.Raw(b"{}")


def echo(body: bytes, request: Request, *, store: bool) -> dict[str, object]:
    """The members, with OpenAI's defaults for those that were not given. Raises InvalidRequest.

    store: whether the answer is kept.
    """
    try:
        body.decode()  # what is passed on as it is written has only been skipped over so far
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"The request body is not UTF-8 (byte {error.start}); encode it as UTF-8.", code="invalid_json"
        ) from error
    given = _decode(body)
    text = given.text or TextEcho()
    shown: dict[str, object] = {"format": _or(text.format, _TEXT)}
    if not _missing(text.verbosity):
        shown["verbosity"] = text.verbosity
    reasoning = request.reasoning
    summary = (reasoning.summary or reasoning.generate_summary) if reasoning else None
    return {
        "previous_response_id": request.previous_response_id,
        "instructions": given.instructions,
        "tools": [_tool(raw) for raw in given.tools or ()],
        "tool_choice": _or(given.tool_choice, _AUTO),
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "max_output_tokens": given.max_output_tokens,
        "max_tool_calls": given.max_tool_calls,
        "text": shown,
        "reasoning": {"effort": reasoning.effort if reasoning else None, "summary": summary},
        "store": store,
        "background": False,
        "truncation": _or(given.truncation, _DISABLED),
        "temperature": _or(given.temperature, _ONE),
        "top_p": _or(given.top_p, _ONE),
        "presence_penalty": _or(given.presence_penalty, _ZERO),
        "frequency_penalty": _or(given.frequency_penalty, _ZERO),
        "top_logprobs": _or(given.top_logprobs, _ZERO),
        "service_tier": _or(given.service_tier, _DEFAULT),
        "metadata": _or(given.metadata, _EMPTY),
        "user": given.user,
        "safety_identifier": given.safety_identifier,
        "prompt_cache_key": given.prompt_cache_key,
    }


def _missing(raw: msgspec.Raw) -> bool:
    return bytes(raw) == b"null"


def _or(raw: msgspec.Raw, default: msgspec.Raw) -> msgspec.Raw:
    return default if _missing(raw) else raw


def _tool(raw: msgspec.Raw) -> object:
    """A function has all of its members, as the specification wants it; any other tool is as it was."""
    if not bytes(raw).startswith(b"{"):
        return raw
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    if bytes(members.get("type", NULL)) != b'"function"' or "name" not in members:
        return raw
    return {"description": NULL, "parameters": NULL, "strict": NULL, **members}
