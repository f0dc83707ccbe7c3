import json
from typing import Any

import pytest

from cwproxy.codewhisperer import schemas
from cwproxy.codewhisperer.schemas import UnusableSchema


def clean(schema: object) -> dict[str, Any]:
    raw = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    cleaned: dict[str, Any] = json.loads(bytes(schemas.clean(raw)))
    return cleaned


def clean_property(schema: object) -> Any:
    return clean({"type": "object", "properties": {"p": schema}})["properties"]["p"]


EMPTY = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    "schema", [{}, None, True, False, {"type": "object"}, {"properties": None, "required": None}, {"required": []}]
)
def test_no_parameters_are_an_empty_object(schema: object) -> None:
    assert clean(schema) == EMPTY


def test_what_is_plain_stays_as_it_is() -> None:
    schema = {
        "type": "object",
        "description": "All of it.",
        "properties": {
            "path": {"type": "string", "description": "Where.", "enum": ["a", "b"]},
            "lines": {"type": "array", "items": {"type": "integer"}},
            "nested": {"type": "object", "properties": {"x": {"type": "boolean"}}, "required": ["x"]},
        },
        "required": ["path"],
    }
    assert clean(schema) == schema


def test_foreign_keywords_go_at_every_level() -> None:
    schema = {
        "$schema": "s",
        "$id": "i",
        "title": "T",
        "additionalProperties": False,
        "x-vendor": 1,
        "type": "object",
        "properties": {"p": {"type": "object", "additionalProperties": {"type": "string"}, "patternProperties": {}}},
    }
    assert clean(schema) == {"type": "object", "properties": {"p": {"type": "object"}}}


def test_a_property_may_be_named_like_a_keyword() -> None:
    properties = {"$ref": {"type": "string"}, "additionalProperties": {"type": "string"}, "anyOf": {"type": "array"}}
    assert clean({"type": "object", "properties": properties})["properties"] == properties


def test_required_names_are_existing_strings_each_once() -> None:
    schema = {"properties": {"a": {}, "b": {}}, "required": ["b", "zz", 5, "b"]}
    assert clean(schema)["required"] == ["b"]
    assert "required" not in clean_property({"type": "string", "required": True})


@pytest.mark.parametrize("schema", [{"type": "string", "enum": ["a"]}, {"type": "array", "items": {"type": "string"}}])
def test_a_root_that_is_no_object_becomes_the_input(schema: dict[str, Any]) -> None:
    assert clean(schema) == {"type": "object", "properties": {"input": schema}, "required": ["input"]}


def test_a_nullable_root_is_an_object() -> None:
    assert clean({"type": ["null", "object"], "enum": [{}]}) == {**EMPTY, "description": "(or null)"}


@pytest.mark.parametrize("union", ["anyOf", "oneOf"])
def test_all_branches_of_a_root_union_become_one_object(union: str) -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
        union: [
            {"properties": {"a": {"type": "string"}, "kind": {"type": "integer"}}, "required": ["a", "kind"]},
            {"properties": {"b": {"type": "string"}}, "required": ["b", "kind"]},
        ],
    }
    assert clean(schema) == {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "b": {"type": "string"}, "a": {"type": "string"}},
        "required": ["kind"],
    }


def test_all_of_is_everything_at_once() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "string"}}, "required": ["b"], "description": "Both."},
        ]
    }
    cleaned = clean(schema)
    assert set(cleaned["properties"]) == {"a", "b"}
    assert sorted(cleaned["required"]) == ["a", "b"]
    assert cleaned["description"] == "Both."


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, {"type": "string", "description": "(or null)"}),
        (
            {"description": "D", "oneOf": [{"type": "integer"}, {"type": "string"}]},
            {"type": "integer", "description": 'D (or {"type":"string"})'},
        ),
        ({"anyOf": [{"anyOf": [{"type": "string"}]}, {}]}, {"type": "string"}),
        ({"anyOf": []}, {}),
        ({"anyOf": {"type": "string"}}, {}),
        ({"type": ["string", "null"]}, {"type": "string", "description": "(or null)"}),
        ({"type": ["null"]}, {"type": "null"}),
        ({"type": ["any", 5]}, {}),
        ({"type": 5}, {}),
        ({"properties": {}}, {"type": "object", "properties": {}}),
        ({"type": "object", "properties": []}, {"type": "object"}),
        ({"const": 5}, {"enum": [5]}),
        ({"enum": []}, {}),
        ({"enum": [1, None, {"additionalProperties": 1}]}, {"enum": [1, None, {"additionalProperties": 1}]}),
        ({"items": True}, {"items": {}}),
        ({"items": None}, {}),
        ({"items": [{"type": "string"}, {"type": "integer"}]}, {"items": {"type": "string"}}),
        ({"items": []}, {}),
        ({"prefixItems": [{"type": "string"}]}, {"items": {"type": "string"}}),
        (
            {"type": "string", "minLength": 1, "pattern": "^a", "default": None},
            {"type": "string", "description": '(pattern: "^a"; minLength: 1)'},
        ),
        ({"not": {"type": "string"}, "if": {}, "then": {}, "else": {}}, {}),
        ({"description": ""}, {}),
        ({"description": 5}, {}),
        (True, {}),
        (None, {}),
        ("string", {}),
    ],
)
def test_a_subschema_is_reduced(schema: object, cleaned: object) -> None:
    assert clean_property(schema) == cleaned


def test_notes_are_kept_short() -> None:
    description = clean_property({"type": "string", "default": "x" * 10_000})["description"]
    assert len(description) < 600


def test_references_are_inlined_and_what_stands_beside_them_wins() -> None:
    schema = {
        "$ref": "#/$defs/root",
        "$defs": {
            "root": {"type": "object", "properties": {"a": {"$ref": "#/definitions/a~1b", "description": "Mine."}}}
        },
        "definitions": {"a/b": {"type": "string", "description": "Theirs."}},
    }
    assert clean(schema) == {"type": "object", "properties": {"a": {"type": "string", "description": "Mine."}}}


@pytest.mark.parametrize("pointer", ["#/nowhere", "#/type/deeper", "https://example.org/s.json", "other.json#/a"])
def test_a_reference_that_leads_nowhere_is_anything(pointer: str) -> None:
    schema = {"type": "object", "properties": {"p": {"$ref": pointer, "description": "D"}}}
    assert clean(schema)["properties"]["p"] == {"description": "D"}


def test_a_cycle_is_cut_where_it_closes() -> None:
    node = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}
    cleaned = clean({"type": "object", "properties": {"root": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}})
    inner = cleaned["properties"]["root"]["properties"]["next"]
    assert inner == {"type": "object", "description": "as in #/$defs/node (or null)"}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"properties": {"self": {"$ref": "#"}}},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"$defs": {"a": 5}, "properties": {"p": {"$ref": "#/$defs/a"}}},
    ],
)
def test_odd_cycles_end(schema: object) -> None:
    assert clean(schema)["type"] == "object"


@pytest.mark.parametrize("schema", [b"", b"{", b"NaN", b"[]", b'"object"', b"5", b"[" * 100_000])
def test_what_is_no_schema_is_refused(schema: bytes) -> None:
    with pytest.raises(UnusableSchema):
        clean(schema)


def test_depth_and_size_are_bounded() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(80):
        deep = {"type": "object", "properties": {"p": deep}}
    with pytest.raises(UnusableSchema, match="deeper"):
        clean(deep)
    doubling = {f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "abcd"}} for n in range(20)}
    with pytest.raises(UnusableSchema, match="parts"):
        clean({"$ref": "#/$defs/d0", "$defs": doubling})


def test_a_schema_too_large_for_the_cache_is_cleaned_all_the_same() -> None:
    schema = {"type": "object", "properties": {"p": {"type": "string", "description": "x" * 100_000}}}
    assert clean(schema) == schema


@pytest.mark.parametrize(
    "leaf",
    [
        {"description": "x" * 10_000},
        {"enum": ["e" * 10] * 1_000},
        {"const": {"a": "x" * 10_000}},
        {"properties": {"k" * 10_000: {}}},
        {f"x-{number}": number for number in range(10_000)},
    ],
    ids=["description", "enum", "const", "name", "foreign"],
)
@pytest.mark.timeout(30)  # many times what it takes; quadratic, it would take longer
def test_a_small_schema_does_not_become_a_huge_one(leaf: dict[str, Any]) -> None:
    levels = {f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "ab"}} for n in range(11)}
    with pytest.raises(UnusableSchema, match="grows"):
        clean({"$ref": "#/$defs/d0", "$defs": {**levels, "d11": leaf}})


@pytest.mark.timeout(30)  # many times what it takes; quadratic, it would take longer
@pytest.mark.parametrize("keyword", ["allOf", "anyOf"])
def test_many_branches_cost_linear_time(keyword: str) -> None:
    names = [f"p{number}" for number in range(9_000)]
    branches = [{"properties": {name: {"type": "string"}}, "required": [name]} for name in names]
    cleaned = clean({"type": "object", keyword: branches})
    assert list(cleaned["properties"]) == names
    assert cleaned.get("required", []) == (names if keyword == "allOf" else [])
