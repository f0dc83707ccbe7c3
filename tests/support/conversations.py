"""A hypothesis strategy for conversations that a client may legally send and that no client should.

`conversations()` draws everything the waist's types allow: any order of turns, blank texts, orphaned and repeated
results, reused and illegal ids, arguments that are no objects, names that collide when they are cut. It draws nothing
that the converter must refuse: forced tools are among the tools, schemas are usable, pictures are small.
"""

from hypothesis import strategies as st
from tests.support import pictures

from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    Document,
    Image,
    JsonAnswer,
    SystemTurn,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    UserTurn,
)

_LONG = "mcp__plugin_long-winded__" + "a" * 60

TOOL_NAMES = (
    "read_file",
    "Bash",
    "mcp__server__do",
    "with-hyphen",
    _LONG + "_one",
    _LONG + "_two",
    "dots.and/slashes",
    "dots_and_slashes",
    "7up",
    "_private",
    "werkzeug-größe",
    "工具",
    " ",
    "",
)

TOOL_USE_IDS = (
    "call_1",
    "call_2",
    "toolu_list_files_0",
    "call|with.bad:chars",
    "call/with/bad/chars",
    "x" * 64,
    "x" * 65,
    "",
    "ünï",
)

ARGUMENTS = (
    "",
    " ",
    "{}",
    '{"path": "/tmp/a", "n": 1}',
    '{"a": 1, "a": 2}',
    '{"big": 123456789012345678901234567890, "small": 1e-7}',
    '{"half": "\\ud83d", "whole": "\\ud83d\\ude00", "back": "\\\\ud83d"}',
    '{"n": NaN}',
    '{"n": 1e999}',
    "[1, 2]",
    "null",
    '"text"',
    "42",
    '{"cut": "of',
    '{"raw": "new\nline"}',
    "not json at all",
    '{"deep": ' + "[" * 5_000 + "]" * 5_000 + "}",
    '{"nul": "\\u0000"}',
    '{"deep": ' + "[" * 101 + "]" * 101 + "}",
)

SCHEMAS = (
    b"{}",
    b"null",
    b"true",
    b'{"type": "object"}',
    b'{"type": "object", "properties": null, "required": null}',
    b'{"type": "object", "properties": {"a": {"type": "string"}}, "required": []}',
    b'{"type": "object", "properties": {"a": true, "b": false, "c": null}, "required": ["a", "zz", 5, "a"]}',
    b'{"type": "string", "minLength": 1}',
    b'{"type": ["object", "null"], "properties": {"a": {"type": ["string", "null"], "default": "x"}}}',
    b'{"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},'
    b' {"properties": {"b": {"type": "integer", "minimum": -1e300}}, "required": ["a", "b"]}]}',
    b'{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:x", "type": "object",'
    b' "$defs": {"node": {"type": "object", "additionalProperties": false,'
    b' "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}},'
    b' "properties": {"root": {"$ref": "#/$defs/node"}, "gone": {"$ref": "#/nowhere"},'
    b' "far": {"$ref": "https://example.org/x.json"}}, "additionalProperties": {"type": "string"}}',
    b'{"type": "object", "properties": {"list": {"type": "array", "items": [{"type": "integer"}, {"$ref": "#"}]},'
    b' "pair": {"prefixItems": [{"const": 1}]}, "u": {"oneOf": [{"type": "integer"}, {"type": "string"}],'
    b' "not": {}, "if": {}, "then": {}, "x-vendor": 1, "example": 2}}}',
    b'{"allOf": [{"type": "object", "properties": {"a": {"enum": ["x", null, 3]}}, "required": ["a"]}]}',
    b'{"type": "object", "properties": {"$ref": {"type": "string"}, "additionalProperties": {"type": "string"}}}',
)


def texts() -> st.SearchStrategy[str]:
    """Any Unicode scalar values, often blank, sometimes with marks that a converter may trip over."""
    odd = st.sampled_from(["", " ", "\n\t", "\u200b", "\x00", "{name}", "%s", "\u2028", "\u202e", "\U0001f600", "null"])
    return odd | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _images() -> st.SearchStrategy[Image]:
    return st.sampled_from(
        [
            Image("png", pictures.PNG),
            Image("jpeg", pictures.JPEG),
            Image("gif", pictures.GIF),
            Image("webp", pictures.WEBP),
        ]
    )


def _documents() -> st.SearchStrategy[Document]:
    names = st.sampled_from(["report.pdf", "report.txt", "", "a/b.pdf", "\x00", "größe (1).pdf"]) | texts()
    return st.builds(Document, st.sampled_from(["pdf", "txt", "xlsx"]), names, st.just(pictures.PDF))


def _results(ids: st.SearchStrategy[str]) -> st.SearchStrategy[ToolResult]:
    content = st.lists(st.builds(Text, texts()) | _images() | _documents(), max_size=3).map(tuple)
    return st.builds(ToolResult, ids, content, st.booleans())


def _turns(
    ids: st.SearchStrategy[str], names: st.SearchStrategy[str]
) -> st.SearchStrategy[SystemTurn | UserTurn | AssistantTurn]:
    said = st.builds(Text, texts())
    uses = st.builds(ToolUse, ids, names, st.sampled_from(ARGUMENTS))
    user = st.lists(said | _images() | _documents() | _results(ids), max_size=4).map(
        lambda parts: UserTurn(tuple(parts))
    )
    assistant = st.lists(said | uses, max_size=4).map(lambda parts: AssistantTurn(tuple(parts)))
    return user | assistant | st.builds(SystemTurn, texts())


def _exchanges(
    ids: st.SearchStrategy[str], names: st.SearchStrategy[str]
) -> st.SearchStrategy[list[SystemTurn | UserTurn | AssistantTurn]]:
    """A call and its result, perhaps with a turn in between: what real histories are made of."""

    def exchange(
        tool_use_id: str, name: str, arguments: str, text: str, between: list[SystemTurn | UserTurn | AssistantTurn]
    ) -> list[SystemTurn | UserTurn | AssistantTurn]:
        call = AssistantTurn((ToolUse(tool_use_id, name, arguments),))
        return [call, *between, UserTurn((ToolResult(tool_use_id, (Text(text),)),))]

    between = st.lists(_turns(ids, names), max_size=1)
    return st.builds(exchange, ids, names, st.sampled_from(ARGUMENTS), texts(), between)


def tools() -> st.SearchStrategy[Tool]:
    """Tools with usable schemas and any description."""
    descriptions = texts() | st.sampled_from(["ä" * 6_000, "x" * 10_241, "工" * 3_500])
    return st.builds(Tool, st.sampled_from(TOOL_NAMES), descriptions, st.sampled_from(SCHEMAS))


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Any conversation that the converter has to serve."""
    ids, names = st.sampled_from(TOOL_USE_IDS), st.sampled_from(TOOL_NAMES)
    pieces = draw(st.lists(_exchanges(ids, names) | _turns(ids, names).map(lambda turn: [turn]), max_size=8))
    offered = tuple(draw(st.lists(tools(), max_size=4)))
    choices = [st.just(ToolChoice()), st.just(ToolChoice("none"))]
    if offered:
        choices.append(st.just(ToolChoice("required")))
        choices.append(st.sampled_from(offered).map(lambda tool: ToolChoice("required", tool.name)))
    answers = st.none() | st.just(JsonAnswer()) | st.sampled_from(SCHEMAS).map(JsonAnswer)
    return Conversation(
        model="claude-sonnet-4.5",
        turns=tuple(turn for piece in pieces for turn in piece),
        tools=offered,
        tool_choice=draw(st.one_of(choices)),
        answer=draw(answers),
        name=draw(st.none() | texts()),
    )
