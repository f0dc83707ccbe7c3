"""A hypothesis strategy for Chat Completions bodies that a client may legally send and that no client should.

`bodies()` draws plain JSON values; strings may hold lone surrogates, which `encoded` writes as `\\ud800` escapes. What
a body may hold is compatibility.md 1.1, 1.2 and backend-rules.md E and G. Nothing is drawn that has to be refused:
forced tools are on offer, names are not empty, pictures are small, schemas are objects.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

Body: TypeAlias = dict[str, Any]
Message: TypeAlias = dict[str, Any]

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_GIF = "R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
_WEBP = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
_JPEG = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////"
    "////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)

PICTURES: Final[Mapping[str, tuple[str, str]]] = {
    f"data:image/png;base64,{_PNG}": ("png", _PNG),
    f"data:image/gif;base64,{_GIF}": ("gif", _GIF),
    f"data:image/webp;base64,{_WEBP}": ("webp", _WEBP),
    f"data:image/jpeg;base64,{_JPEG}": ("jpeg", _JPEG),
    f"data:image/jpg;base64,{_JPEG}": ("jpeg", _JPEG),
    f"data:image/png;base64,{_WEBP}": ("webp", _WEBP),
    f"DATA:;base64,{_GIF.rstrip('=')}": ("gif", _GIF),
    "data:image/jpeg;base64," + _JPEG.replace("+", "-").replace("/", "_"): ("jpeg", _JPEG),
    f"data:image/png;charset=utf-8;base64,{_PNG[:40]}\n {_PNG[40:]}\n": ("png", _PNG),
}
"""Real pictures of one pixel: the URL as a client may write it, its true format and its base64 in the plain form."""

_LONG_NAME = "mcp__plugin_long-winded_server__" + "a" * 54
TOOL_NAMES: Final = (
    *("get_weather", "Bash", "mcp__server__do", "with-hyphen", "camelCase", "x", "a" * 64, "a" * 65),
    *(_LONG_NAME + "_one", _LONG_NAME + "_two", "dots.and/slashes", "dots_and_slashes", "7up", "_private"),
    *("größe", "工具", "\U0001f527", "half\ud83d", "two words", "nul\x00", "{name}", " "),
)

CALL_IDS: Final = (
    *("call_1", "call_2", "call_3", "toolu_list_files_x_0", "call|with.bad:chars", "call/with/bad/chars"),
    *("x" * 64, "y" * 65, "i" * 200, "", " ", "ünï-工具", "half\ud83d", "nul\x00", "call_1_2"),
)

ARGUMENTS: Final[tuple[Any, ...]] = (
    *('{"city": "Rome"}', '{"path": "/tmp/a", "n": 1, "deep": {"list": [1, [2, {}]]}}', "{}", "", " ", "null", None),
    *('{"cut": "of', "not json at all", "[1, 2]", '"text"', "42", "NaN", '{"n": NaN}', '{"n": 1e999}', "true"),
    *('{"a": 1, "a": 2}', '{"half": "\\ud83d", "whole": "\\ud83d\\ude00"}', '{"raw": "\ud83d"}', '{"raw": "a\nb"}'),
    *('{"nul": "\\u0000"}', '{"big": 123456789012345678901234567890}', '{"工具": "größe"}', '{"_raw": "mine"}'),
    *({}, {"city": "Rome"}, {"half\ud83d": ["\udc00", None, 1.5]}, "{}{}", '{"a": 1} ', '\ufeff{"a": 1}'),
)
"""JSON text in a string as it should be, text that is none, and objects where a string is expected."""

_DEEP: dict[str, Any] = {"type": "string"}
for _level in range(15):
    _DEEP = {"type": "object", "properties": {"next": {"type": "array", "items": _DEEP}}, "required": ["next"]}


def _lines(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(line) for line in text.strip().splitlines())


_SUBSCHEMAS: Final = (
    _DEEP,
    *_lines(r"""
{"type": "string"}
{"type": "integer", "minimum": 0, "maximum": 1099511627776}
{"type": ["string", "null"]}
{}
true
false
null
{"enum": ["a", null, 3]}
{"const": "x"}
{"const": null}
{"type": "array"}
{"type": "array", "items": {"type": "number"}}
{"type": "array", "prefixItems": [{"type": "integer"}, {"$ref": "#"}], "items": false}
{"type": "array", "contains": {"type": "string"}}
{"$ref": "#/$defs/node"}
{"$ref": "#/nowhere"}
{"$ref": "https://example.org/x.json"}
{"$dynamicRef": "#n"}
{"anyOf": [{"type": "integer"}, {"type": "null"}]}
{"oneOf": [{"const": 1}, {"const": "b"}]}
{"allOf": [{"type": "object", "properties": {"q": {}}}, {"required": ["q"]}], "unevaluatedProperties": false}
{"not": {}}
{"type": "object", "additionalProperties": {"type": "string"}}
{"type": "object", "patternProperties": {"^x": {}}}
{"type": "object", "properties": [], "required": null}
{"if": {"type": "string"}, "then": {"minLength": 1}, "else": false}
{"type": []}
{"type": "any"}
{"items": []}
{"type": "string", "default": "\ud83d", "format": "uri", "x-vendor": {"y": 1}, "example": "z"}
"""),
)
_ROOTS: Final = (
    _DEEP,
    *_lines(r"""
{}
{"type": "object"}
{"type": "string", "minLength": 1}
{"type": "array", "items": {"type": "string"}}
{"type": null}
{"type": "null"}
{"type": ["object", "null"]}
{"enum": [null, 1]}
{"$ref": "#/$defs/node"}
{"$ref": "#"}
{"not": {}}
{"oneOf": []}
{"oneOf": [{"required": ["a"]}, {"properties": {"b": {"type": "string"}}, "required": ["a", "b"]}]}
{"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "string"}]}
{"allOf": [{"$ref": "#/$defs/node"}, {"type": "object", "required": ["b"]}]}
"""),
)
_EXTRAS: Final = _lines(r"""
{}
{"required": null}
{"required": []}
{"required": ["p", "unknown", 5, "p"]}
{"additionalProperties": false}
{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:x", "title": "T", "$comment": "c"}
{"unevaluatedProperties": false, "dependentSchemas": {"p": {"properties": {"q": {"type": "string"}}}}}
{"if": {"properties": {"p": {"const": 1}}}, "then": {"required": ["p"]}, "else": {}}
{"patternProperties": {"^x-": {"type": "string"}}, "propertyNames": {"pattern": "^[a-z]"}, "minProperties": 1}
{"$anchor": "n", "$dynamicAnchor": "n", "dependentRequired": {"p": ["q"]}}
{"strict": true, "description": "", "enum": [{}]}
""")
_DEFINITIONS: Final = json.loads("""
{"node": {"type": "object", "additionalProperties": false, "properties": {
    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}, "p": {"$ref": "#/$defs/leaf"}}},
 "leaf": {"$ref": "#/$defs/leaf"}}
""")

_PLAIN_TEXTS: Final = ("Hello!", "What is the weather in Rome?", "31 degrees", "one\ntwo", "def f():\n\tpass")
_ODD_TEXTS: Final = json.loads(r"""
["", " ", "\n\t", "\u2003", "\u001c", "\u0000", "a\u0000b", "\u200b", "\ufeff", "\u202eright", "\u2028", "null",
 "{name}", "\ud83d", "\ude00\ud83d", "cut \ud83d", "\ud83d\ude00", "\udbff\udfff", "\ufffe", "e\u0301", "%s", "工具",
 "\u001b[31m"]
""")
_LONG_TEXTS: Final = ("x" * 700_000, "größe 工具 " * 66_000, "\U0001f600" * 600_001, "y" * 600_000)

_OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    *(
        item
        for member in _lines(r"""
{"temperature": 0, "top_p": 0.5, "frequency_penalty": -2, "presence_penalty": 2, "seed": 7, "top_k": 5}
{"temperature": 1.5, "logit_bias": {"50256": -100}, "logprobs": true, "top_logprobs": 3, "n": 1, "stop": "END"}
{"stop": ["a", "b"], "max_tokens": 100, "max_completion_tokens": 4096, "reasoning_effort": "high", "verbosity": "low"}
{"modalities": ["text"], "prediction": {"type": "content", "content": "x"}, "store": true, "metadata": {"k": "v"}}
{"user": "u", "safety_identifier": "s", "service_tier": "auto", "prompt_cache_key": "p", "web_search_options": {}}
{"parallel_tool_calls": false, "stream": false, "stream_options": {"include_usage": true}, "extra": "\ud83d"}
{"response_format": {"type": "text"}, "client_metadata": {"x": [1]}, "logprobs": false, "stream_options": {}}
{"response_format": {"type": "json_object"}}
""")
        for item in member.items()
    ),
    *(("response_format", {"type": "json_schema", "json_schema": {"name": "n", "schema": root}}) for root in _ROOTS),
)
_ALL_OPTIONS: Final = (*_OPTIONS, *((name, None) for name in sorted({name for name, _ in _OPTIONS})))
_PART_EXTRAS: Final = _lines(r"""
{}
{"prompt_cache_breakpoint": {}}
{"cache_control": {"type": "ephemeral"}, "text2": null}
""")
_NO_TOOLS: Final = _lines(r"""
{}
{"tools": null}
{"tools": []}
{"tools": [], "tool_choice": "auto"}
{"tool_choice": "none"}
{"functions": null, "function_call": null}
{"functions": []}
{"tools": [{"type": "web_search_preview"}]}
""")

_texts = st.one_of(
    st.sampled_from(_PLAIN_TEXTS), st.sampled_from(_ODD_TEXTS), st.text(st.characters(), min_size=1, max_size=8)
)
_names = st.sampled_from(TOOL_NAMES)
_ids = st.sampled_from(CALL_IDS[:4]) | st.sampled_from(CALL_IDS)
_arguments = st.sampled_from(ARGUMENTS)
_pictures = st.sampled_from(tuple(PICTURES)).map(lambda url: {"type": "image_url", "image_url": {"url": url}})
_text_parts = st.one_of(
    _texts,
    st.builds(lambda text, more: {"type": "text", "text": text, **more}, _texts, st.sampled_from(_PART_EXTRAS)),
    _texts.map(lambda text: {"text": text}),
)
_nothing: st.SearchStrategy[Any] = st.sampled_from(("", None, [], " "))
_plain_contents = st.one_of(_texts, st.lists(_text_parts, max_size=3), _nothing)
_rich_parts = st.lists(st.one_of(_text_parts, _pictures, _pictures), max_size=3)
_rich_contents = st.one_of(_texts, _rich_parts, _rich_parts, _nothing)
_said_contents = st.one_of(
    _texts, st.lists(_text_parts | _texts.map(lambda it: {"type": "refusal", "refusal": it}), max_size=3), _nothing
)


def encoded(body: Body) -> bytes:
    """The JSON text; plain UTF-8 unless a lone surrogate has to be escaped."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """Any legal request; about one in a hundred holds a very long text."""
    pieces = draw(st.lists(st.one_of(_exchanges(), _single, _single), min_size=1, max_size=6))
    messages = [message for piece in pieces for message in piece]
    if draw(st.integers(0, 99)) == 99:
        draw(st.sampled_from(messages))["content"] = draw(st.sampled_from(_LONG_TEXTS))
    options = dict(draw(st.lists(st.sampled_from(_ALL_OPTIONS), max_size=5)))
    return {"model": "auto", "messages": messages, **options, **draw(_offers())}


def _message(role: str, content: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    """One message: content may be missing altogether, a name may be there."""

    def build(said: Any, extra: int) -> Message:
        message: Message = {"role": role, "content": said}
        if extra == 0:
            message["name"] = "bob"
        elif extra == 1:
            message.update(name=None, unknown={"x": 1})
        elif extra == 2 and not said:
            del message["content"]
        return message

    return st.builds(build, content, st.integers(0, 9))


def _answers(role: str, member: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[Message]:
    return st.builds(lambda said, value: {"role": role, "content": said, member: value}, _rich_contents, values)


def _function(name: str, arguments: Any) -> dict[str, Any]:
    return {"name": name} if arguments is None else {"name": name, "arguments": arguments}


def _calls() -> st.SearchStrategy[dict[str, Any]]:
    def build(call_id: str, name: str, arguments: Any, kind: int) -> dict[str, Any]:
        if kind == 0:
            said = arguments if isinstance(arguments, str) else ""
            return {"id": call_id, "type": "custom", "custom": {"name": name, "input": said}}
        call = {"id": call_id, "type": "function", "function": _function(name, arguments)}
        return {**call, "index": 0} if kind == 1 else call

    return st.builds(build, _ids, _names, _arguments, st.integers(0, 9))


def _assistant() -> st.SearchStrategy[Message]:
    refusals = st.builds(lambda text: {"role": "assistant", "content": None, "refusal": text}, _texts)
    legacy = st.builds(
        lambda said, name, arguments: {
            "role": "assistant",
            "content": said,
            "function_call": _function(name, arguments),
        },
        _said_contents,
        _names,
        _arguments,
    )
    return st.one_of(_message("assistant", _said_contents), _calling(), refusals, legacy)


def _calling() -> st.SearchStrategy[Message]:
    return st.builds(
        lambda message, calls: {**message, "tool_calls": calls},
        _message("assistant", _said_contents),
        st.lists(_calls(), max_size=3),
    )


_any_message = st.one_of(
    _message("user", _rich_contents),
    _message("user", _rich_contents),
    _assistant(),
    _message("system", _plain_contents),
    _message("developer", _plain_contents),
    _answers("tool", "tool_call_id", _ids),
    _answers("function", "name", _names),
)
_single = _any_message.map(lambda message: [message])


@st.composite
def _exchanges(draw: st.DrawFn) -> list[Message]:
    """A call or several and their results: all or some, in any order, repeated, with something in between or not."""
    asked = draw(_calling())
    between = draw(st.lists(_any_message, max_size=1))
    ids = [call["id"] for call in asked["tool_calls"]]
    if not ids:
        return [asked, *between]
    order = draw(st.permutations(ids)) if len(ids) > 1 else ids
    answers = [
        {"role": "tool", "content": draw(_rich_contents), "tool_call_id": call_id}
        for call_id in draw(st.sampled_from((order, order, order[1:], [*order, order[0]])))
    ]
    return [asked, *between, *answers]


def _schemas() -> st.SearchStrategy[Any]:
    def build(root: Any, properties: dict[str, Any] | None, extra: dict[str, Any]) -> Any:
        if properties is None:
            return root
        return {**(root or {}), "properties": properties, "$defs": _DEFINITIONS, **extra}

    properties = st.dictionaries(
        st.sampled_from(("p", "q", "$ref", "additionalProperties", "größe", "type", "\ud83d", "")),
        st.sampled_from(_SUBSCHEMAS),
        max_size=3,
    )
    return st.builds(build, st.sampled_from((None, *_ROOTS)), st.none() | properties, st.sampled_from(_EXTRAS))


def _tools() -> st.SearchStrategy[Body]:
    def build(name: str, description: str | None, schema: Any, shape: str) -> Body:
        spec: Body = {"name": name, "description": description, "parameters": schema}
        match shape:
            case "nested":
                return {"type": "function", "function": spec}
            case "strict":
                return {"type": "function", "function": {**spec, "strict": True}, "unknown": None}
            case "flat":
                return {"type": "function", **spec}
            case "bare":
                return {"type": "function", "function": {"name": name}}
            case "anthropic":
                return {"name": name, "description": description, "input_schema": schema}
            case _:
                return {"type": "web_search_20250305", "name": name, "max_uses": 5}

    descriptions = st.one_of(_texts, st.sampled_from((None, "", "ä" * 10_240, "工具😀" * 2_000, "x" * 10_241)))
    shapes = st.sampled_from(("nested", "nested", "nested", "strict", "flat", "bare", "anthropic", "server"))
    return st.builds(build, _names, descriptions, _schemas(), shapes)


def offered_names(body: Body) -> list[str]:
    """The names of the functions that a body offers, in whatever shape."""
    specs = [tool for tool in body.get("tools") or () if not str(tool.get("type")).startswith("web_search")]
    if body.get("tools") is None:
        specs = body.get("functions") or []
    return [(spec.get("function") or spec)["name"] for spec in specs]


@st.composite
def _offers(draw: st.DrawFn) -> Body:
    """Tools and a choice that fits them, or functions, or none of it in one of the ways to say so."""
    if draw(st.integers(0, 3)) == 0:
        return dict(draw(st.sampled_from(_NO_TOOLS)))
    tools = draw(st.lists(_tools(), min_size=1, max_size=4))
    if draw(st.integers(0, 7)) == 0:
        functions = [(tool.get("function") or tool) for tool in tools if tool.get("type", "function") == "function"]
        return {"functions": functions, **draw(_choices("function_call", offered_names({"functions": functions})))}
    return {"tools": tools, **draw(_choices("tool_choice", offered_names({"tools": tools})))}


def _choices(member: str, names: list[str]) -> st.SearchStrategy[Body]:
    choices: list[Any] = [None, "auto", "none"]
    if names and member == "function_call":
        choices += [{"name": names[0]}]
    elif names:
        chosen = {"type": "function", "function": {"name": names[-1]}}
        choices += ["required", chosen, {"type": "function", "name": names[0]}]
        for mode in ("auto", "required"):
            choices.append({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [chosen]}})
    return st.sampled_from(({}, {}, {}, *({member: choice} for choice in choices)))
