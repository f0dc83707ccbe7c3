"""The tools on offer and their JSON Schemas (backend-rules.md A3)."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from cwproxy.simulator.rules.document import serialised
from cwproxy.simulator.rules.turns import Request
from cwproxy.simulator.rules.verdict import Refusal, RuleContext, bad_tool_use, bedrock, improper

_TOOLS_BYTES = 2_000_000
"""The smallest set of tools that is known to have failed for its size alone (backend-rules.md A3 41)."""

_INVALID = "TOOL_SCHEMA_INVALID"
_SERVER_TOOL = re.compile(r"[a-z_]+_20\d{6}")
_SERVER_TOOLS = frozenset(
    {
        *("web_search", "web_fetch", "code_execution", "bash_code_execution", "text_editor_code_execution", "computer"),
        *("bash", "str_replace_editor", "str_replace_based_edit_tool", "memory", "tool_search_tool_regex"),
        *("tool_search_tool_bm25", "advisor"),
    }
)
"""What Anthropic calls those tools; they come without a schema, so that one with parameters is a client's own."""

_ROOT_UNIONS = ("oneOf", "allOf", "anyOf")
_STRUCTURE = frozenset({*_ROOT_UNIONS, "not", "$ref", "$defs", "definitions", "if", "then", "else"})
_VALIDATION = frozenset({"$schema", "const", "default", "minLength", "maxLength", "example"})
_INT32 = 2**31

# Keywords by what stands under them: a map of schemas, a list of schemas, or one schema. Everything else is data.
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({*_ROOT_UNIONS, "prefixItems", "items"})
_SINGLES = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedProperties"}
)


def specifications(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 32-38, 40, 41 and 44."""
    yield from _size(request, context)
    names = Counter(tool["name"] for tool in request.tools)
    for index, (entry, tool) in enumerate(zip(request.current.context.get("tools") or [], request.tools, strict=True)):
        yield from _root(index, tool, context)
        for path, schema in _subschemas(tool["inputSchema"]["json"]):
            yield from _keywords(f"{_place(index)}{path}", schema, context)
        if 40 in context.opt_rules and _is_server_tool(entry, tool):
            yield improper(context, 40, f"tools[{index}] is the server tool {tool['name']}")
        if 44 in context.opt_rules and names[tool["name"]] > 1:
            yield improper(context, 44, f"{names[tool['name']]} tools are named {tool['name']}")


def _size(request: Request, context: RuleContext) -> Iterator[Refusal]:
    limit = min(_TOOLS_BYTES, context.max_body_bytes or _TOOLS_BYTES)
    size = len(serialised(request.current.context.get("tools") or []).encode("utf-8"))
    if size > limit:
        yield bad_tool_use(context, 41, f"{len(request.tools)} tools take {size} bytes, more than {limit}")


def _is_server_tool(entry: dict[str, Any], tool: dict[str, Any]) -> bool:
    words = (tool["name"], tool.get("type"), entry.get("type"))
    if any(isinstance(word, str) and _SERVER_TOOL.fullmatch(word) for word in words):
        return True
    schema = tool["inputSchema"]["json"]
    return tool["name"] in _SERVER_TOOLS and not (isinstance(schema, dict) and schema.get("properties"))


def _place(index: int) -> str:
    return f"toolConfig.tools.{index}.toolSpec.inputSchema.json"


def _root(index: int, tool: dict[str, Any], context: RuleContext) -> Iterator[Refusal]:
    root = tool["inputSchema"]["json"]
    message = ""
    if not isinstance(root, dict) or root.get("type") != "object":
        message = f"Bedrock error message: The value at {_place(index)}.type must be one of the following: object."
    elif not isinstance(root.get("properties", {}), dict):
        message = f"Bedrock error message: The value at {_place(index)}.properties must be an object."
    if message:
        detail = f"the schema of {tool['name']} is not that of an object"
        yield bedrock(context, 32, detail, message=message, reason=_INVALID)
    elif found := [keyword for keyword in _ROOT_UNIONS if keyword in root]:
        yield bedrock(
            context,
            36,
            f"the schema of {tool['name']} has {found[0]} at its root",
            message=f"tools.{index}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the "
            "top level",
            reason=_INVALID,
        )


def _keywords(place: str, schema: dict[str, Any], context: RuleContext) -> Iterator[Refusal]:
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        kind = "an array of strings" if isinstance(required, list) else "an array"
        yield bedrock(
            context,
            33,
            f"{place}.required is not {kind}",
            message=f"Bedrock error message: The value at {place}.required must be {kind}.",
            reason=_INVALID,
        )
    if 34 in context.opt_rules and schema.get("required") == []:
        yield improper(context, 34, f"{place}.required is empty")
    if "additionalProperties" in schema and (35 in context.opt_rules or not context.is_runtime):
        yield improper(context, 35, f"{place}.additionalProperties")
    if 37 in context.opt_rules:
        for keyword in _STRUCTURE & schema.keys():
            yield improper(context, 37, f"{place}.{keyword}")
    if 38 in context.opt_rules:
        for keyword, value in schema.items():
            if _is_unwelcome(keyword, value):
                yield improper(context, 38, f"{place}.{keyword}")


def _is_unwelcome(keyword: str, value: Any) -> bool:
    if keyword in _VALIDATION or keyword.startswith("x-"):
        return True
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    if keyword in {"exclusiveMinimum", "exclusiveMaximum"}:
        return True
    return keyword in {"minimum", "maximum"} and not -_INT32 <= value < _INT32


def _subschemas(root: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema and every schema in it, with its path. A property that is named like a keyword is not one."""
    pending: list[tuple[str, Any]] = [("", root)]
    while pending:
        path, schema = pending.pop()
        if isinstance(schema, dict):
            yield path, schema
            for keyword, value in schema.items():
                pending.extend(_children(f"{path}.{keyword}", keyword, value))


def _children(path: str, keyword: str, value: Any) -> Iterator[tuple[str, Any]]:
    if keyword in _MAPS and isinstance(value, dict):
        yield from ((f"{path}.{name}", member) for name, member in value.items())
    elif keyword in _LISTS and isinstance(value, list):
        yield from ((f"{path}[{index}]", member) for index, member in enumerate(value))
    elif keyword in _SINGLES:
        yield path, value
