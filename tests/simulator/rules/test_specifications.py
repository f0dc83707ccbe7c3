from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.chat_requests import (
    CONTEXT,
    PROFILES,
    SCHEMA,
    TOOL,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
    tool,
)

PLACE = "toolConfig.tools.0.toolSpec.inputSchema.json"
BAD_TOOL_USE = "Invalid tool use format."
PROPERTY = f"{SCHEMA}.properties.city"


def invalid_schema(rule: int, changes: dict[str, Any], message: str) -> Breach:
    return Breach(rule, changes, message=message, reason="TOOL_SCHEMA_INVALID")


def no_object(value: Any) -> Breach:
    message = f"Bedrock error message: The value at {PLACE}.type must be one of the following: object."
    return invalid_schema(32, {SCHEMA: value}, message)


def heavy_tool(index: int) -> dict[str, Any]:
    heavy = tool(f"tool_{index}")
    heavy["toolSpecification"]["description"] = "x" * 10_000
    return heavy


def ragged_tool(index: int) -> dict[str, Any]:
    """Little text, and much of the JSON around it."""
    ragged = tool(f"tool_{index}")
    ragged["toolSpecification"]["inputSchema"]["json"]["properties"] = {
        f"p{number}": {"type": "string"} for number in range(80)
    }
    return ragged


NO_OBJECTS: list[Any] = [None, {}, "object", [], {"type": "string"}, {"type": ["object", "null"]}]

BREACHES = [
    *map(no_object, NO_OBJECTS),
    invalid_schema(
        32, {f"{SCHEMA}.properties": None}, f"Bedrock error message: The value at {PLACE}.properties must be an object."
    ),
    invalid_schema(
        33, {f"{SCHEMA}.required": None}, f"Bedrock error message: The value at {PLACE}.required must be an array."
    ),
    invalid_schema(
        33,
        {f"{PROPERTY}.required": True},
        f"Bedrock error message: The value at {PLACE}.properties.city.required must be an array.",
    ),
    *(
        invalid_schema(
            33,
            {f"{SCHEMA}.required": required},
            f"Bedrock error message: The value at {PLACE}.required must be an array of strings.",
        )
        for required in ([1], ["city", None], [["city"]])
    ),
    Breach(34, {f"{SCHEMA}.required": []}),
    invalid_schema(
        36,
        {f"{SCHEMA}.anyOf": [{}]},
        "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
    ),
    *(
        Breach(37, {f"{PROPERTY}.{keyword}": value})
        for keyword, value in {"$ref": "#/$defs/A", "anyOf": [{"type": "null"}], "not": {}, "if": True}.items()
    ),
    Breach(37, {f"{SCHEMA}.$defs": {}}),
    *(
        Breach(38, {f"{PROPERTY}.{keyword}": value})
        for keyword, value in {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "const": 1,
            "default": None,
            "minLength": 1,
            "x-order": 1,
            "exclusiveMinimum": 0,
            "maximum": 2**31,
            "minimum": -(2**31) - 1,
        }.items()
    ),
    Breach(40, {f"{TOOL}.name": "web_search_20250305", f"{CONTEXT}.tools.1": tool()}),
    Breach(40, {f"{TOOL}.type": "web_search_20250305"}),
    Breach(40, {f"{CONTEXT}.tools.0.type": "text_editor_20250728"}),
    *(
        Breach(40, {f"{CONTEXT}.tools.1": tool(name), f"{CONTEXT}.tools.1.toolSpecification.inputSchema.json": schema})
        for name in ("web_search", "web_fetch", "code_execution", "computer", "str_replace_based_edit_tool", "memory")
        for schema in ({"type": "object"}, {"type": "object", "properties": {}})
    ),
    Breach(
        41,
        {f"{CONTEXT}.tools": [tool(), *map(ragged_tool, range(1_200))]},
        message=BAD_TOOL_USE,
        legacy_message=BAD_TOOL_USE,
        context={"window_tokens": 10_000_000},
    ),
    Breach(
        41,
        {f"{CONTEXT}.tools": [tool(), *map(heavy_tool, range(200))]},
        message=BAD_TOOL_USE,
        legacy_message=BAD_TOOL_USE,
        context={"window_tokens": 1_000_000},
    ),
    Breach(
        41,
        {f"{CONTEXT}.tools": [tool(), heavy_tool(1)]},
        message=BAD_TOOL_USE,
        legacy_message=BAD_TOOL_USE,
        context={"max_body_bytes": 9_000},
    ),
    Breach(44, {f"{CONTEXT}.tools.1": tool()}),
]


def test_a_function_with_the_name_of_a_server_tool_is_no_server_tool() -> None:
    breach = Breach(40, {f"{CONTEXT}.tools.1": tool("web_search")})
    assert isinstance(breach.judge("legacy-q", frozenset({40})), dict)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"rule {breach.rule}")
def test_a_breach_is_refused(breach: Breach, profile: Profile) -> None:
    assert_refused(breach, profile)


@pytest.mark.parametrize(
    "place",
    [
        SCHEMA,
        PROPERTY,
        f"{SCHEMA}.properties.list",
        f"{SCHEMA}.properties.either",
    ],
)
def test_additional_properties_are_strict_on_the_older_service_only(place: str) -> None:
    schema: Any = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "list": {"type": "array", "items": {"type": "object"}},
            "either": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        },
    }
    inside = {"list": schema["properties"]["list"]["items"], "either": schema["properties"]["either"]["anyOf"][0]}
    name = place.rpartition(".")[2]
    target = schema if place == SCHEMA else inside.get(name, schema["properties"].get(name))
    target["additionalProperties"] = False
    breach = Breach(35, {SCHEMA: schema})
    assert_refused(breach, "legacy-q")
    assert isinstance(breach.judge("kiro-runtime", frozenset()), dict)
    refusal = breach.judge("kiro-runtime", frozenset({35}))
    assert not isinstance(refusal, dict)
    assert (refusal.rule, refusal.reason) == (35, "REQUEST_BODY_INVALID")


def test_properties_and_values_may_be_named_like_keywords() -> None:
    named = {
        keyword: {"type": "string"} for keyword in ("additionalProperties", "required", "anyOf", "$ref", "default")
    }
    schema = {
        "type": "object",
        "properties": {**named, "choice": {"enum": [{"additionalProperties": 1, "required": None}], "type": "object"}},
    }
    for profile in PROFILES:
        answer = Breach(0, {SCHEMA: schema}).judge(profile, frozenset({34, 35, 37, 38}))
        assert isinstance(answer, dict)


def test_a_moderate_schema_is_taken() -> None:
    assert_accepted(
        {
            SCHEMA: {
                "type": "object",
                "properties": {
                    "n": {"type": "integer", "minimum": 0, "exclusiveMaximum": True},
                    "tuple": {"items": [{"type": "string"}]},
                    "broken": {"anyOf": {}, "properties": []},
                },
            }
        }
    )


_keywords = st.sampled_from(
    ["type", "properties", "required", "items", "anyOf", "$ref", "$defs", "additionalProperties", "minimum", "x-a"]
)
_schemas = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "string", "#"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(_keywords, children, max_size=4),
)


@given(st.dictionaries(_keywords, _schemas), st.sampled_from(PROFILES), st.booleans())
def test_any_schema_is_judged(members: dict[str, Any], profile: Profile, is_object: bool) -> None:
    schema = {**members, "type": "object"} if is_object else members
    answer = Breach(0, {SCHEMA: schema}).judge(profile, frozenset({34, 35, 37, 38}))
    assert isinstance(answer, dict) or answer.rule in {32, 33, 34, 35, 36, 37, 38}
