"""Strict JSON at the edge: bytes -> a request struct, or an `InvalidRequest` that says where and what.

msgspec does the work; only what it refuses is looked at again with the standard library, to tell lone surrogates
(accepted, they become U+FFFD) from what is not JSON (reliability.md 2.4 and 3E 119 to 122).
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Generic, NoReturn, TypeVar

import msgspec

from cwproxy.errors import InvalidRequest
from cwproxy.inbound.parameters import accepted
from cwproxy.inbound.piecewise import Piecewise

_Request = TypeVar("_Request", bound=msgspec.Struct)

MAX_DEPTH = 100
"""Levels of nesting that a tool's schema or arguments may have (reliability.md 2.4)."""

LARGE_BODY = 2 * 1024 * 1024
"""Bytes from which a body is decoded in pieces; below, decoding it takes less than a few milliseconds."""

_TYPE_ERROR = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`")
_CONSTRAINT = re.compile(r"Expected `\w+` (?:[<>]=|of length)|Invalid enum value|Number out of range")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_REPLACEMENT = "\ufffd".encode()


def decoder(kind: type[_Request], *, pieces: str | None = None) -> Callable[[bytes], _Request]:
    """Reads the requests of one endpoint; raises InvalidRequest with the path of what has a wrong type.

    pieces: the member, a list of structs, that makes bodies large; see `piecewise`.
    """
    typed = _Typed(kind)
    piecewise = None if pieces is None else Piecewise(kind, pieces)

    def decode(body: bytes) -> _Request:
        if piecewise is not None and len(body) >= LARGE_BODY:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # said below, with its path
                return piecewise(body)
        try:
            return typed(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return typed(_without_lone_surrogates(body))

    return decode


def member_decoder(kind: type[_Request]) -> Callable[[bytes, str], _Request]:
    """The same for a member that the request has been left as JSON text; it is told where that stands."""
    read = decoder(kind)

    def decode(raw: bytes, path: str) -> _Request:
        try:
            return read(raw)
        except InvalidRequest as error:
            raise _under(path, error) from error

    return decode


def document(raw: bytes, param: str) -> bytes:
    """`raw` when it is a JSON object that is safe to pass on, `{}` when it is missing or null."""
    if raw in (b"", b"null"):
        return b"{}"
    if not raw.startswith(b"{"):
        raise InvalidRequest(f"`{param}` must be a JSON object.", param=param)
    check_depth(raw, param)
    try:
        # What is passed on as text has only been skipped over so far: numbers and UTF-8 are unchecked.
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"`{param}` is not valid JSON: {_reason(error)}.", param=param) from error
    return raw


def arguments(raw: bytes, param: str) -> str:
    """The JSON text of a call's arguments, which come as text or as an object; nothing, null and "" stand for `{}`."""
    if not raw.startswith(b'"'):
        return document(raw, param).decode()
    text: str = msgspec.json.decode(raw, type=str)
    check_depth(text.encode(), param)
    return text if text.strip() else "{}"


def check_depth(raw: bytes, param: str) -> None:
    """Raises InvalidRequest when the JSON text nests deeper than `MAX_DEPTH`."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _STRINGS.sub(b"", raw).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidRequest(f"`{param}` is nested deeper than {MAX_DEPTH} levels; flatten it.", param=param)


class _Typed(Generic[_Request]):
    def __init__(self, kind: type[_Request]) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._kind = kind

    def __call__(self, body: bytes) -> _Request:
        try:
            return self._decode(body)
        except msgspec.ValidationError as error:
            raise _wrong_type(str(error), accepted(self._kind)) from error
        except RecursionError as error:
            raise _too_deep() from error


def _under(path: str, error: InvalidRequest) -> InvalidRequest:
    """The same, said of the request as a whole."""
    if error.param is None:
        return InvalidRequest(error.message.replace("The request body", f"`{path}`", 1), param=path, code=error.code)
    param = f"{path}.{error.param}"
    message = error.message.replace(f"`{error.param}`", f"`{param}`", 1)
    return InvalidRequest(message, param=param, code=error.code)


def _without_lone_surrogates(body: bytes) -> bytes:
    try:
        parsed = json.loads(body.decode(), parse_constant=_refuse_constant)
        text = json.dumps(parsed, ensure_ascii=False, allow_nan=False)
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"The request body is not UTF-8 (byte {error.start}); encode it as UTF-8.", code="invalid_json"
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise InvalidRequest(f"The request body is not valid JSON: {_reason(error)}.", code="invalid_json") from error
    # Escaped pairs have been joined by the parser, so every surrogate that is left is a lone one.
    return _SURROGATE.sub(_REPLACEMENT, text.encode("utf-8", "surrogatepass"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _too_deep() -> InvalidRequest:
    return InvalidRequest("The request body is nested too deeply; flatten it.", code="invalid_json")


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def _wrong_type(text: str, accepted: Mapping[str, str]) -> InvalidRequest:
    """OpenAI's way of saying what msgspec says: the path without `$.`, and words instead of type names."""
    parts = _TYPE_ERROR.match(text)
    path = (parts["path"] or "") if parts else ""
    what = parts["what"] if parts else text
    if missing := _MISSING.fullmatch(what):
        path = f"{path}.{missing['field']}" if path else missing["field"]
        return InvalidRequest(f"`{path}` is missing.", param=path, code="missing_required_parameter")
    subject = f"`{path}`" if path else "The request body"
    if expected := _EXPECTED.fullmatch(what):
        wanted = " or ".join(_WORDS.get(name.strip(), name.strip()) for name in expected["wanted"].split("|"))
        got = _WORDS.get(expected["got"], expected["got"])
        return InvalidRequest(f"{subject} must be {wanted}, not {got}.", param=path or None, code="invalid_type")
    name = path.partition("[")[0]
    if name in accepted and _CONSTRAINT.match(what):
        return InvalidRequest(f"`{name}` is out of range: it takes {accepted[name]}.", param=name)
    return InvalidRequest(f"{subject} cannot be used: {what}.", param=path or None)
