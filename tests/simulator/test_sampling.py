import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.simulator.sampling import sample


def properties(**schemas: Any) -> dict[str, Any]:
    return {"type": "object", "properties": schemas}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "prompt", "value"),
    [
        (properties(input=INTEGER), "What is magic_function(3)?", {"input": 3}),
        (properties(a=INTEGER, b=INTEGER), "What is 12 * -7?", {"a": 12, "b": -7}),
        (properties(a=INTEGER, b=INTEGER), "2-3", {"a": 2, "b": 3}),
        (properties(a=INTEGER, b=INTEGER), "Double 21.", {"a": 21, "b": 21}),
        (INTEGER, "no number, not even gpt4", 1),
        (INTEGER, "about 2.7", 2),
        (INTEGER, "9" * 5_000, 1),
        ({"type": "number"}, "about 2.5", 2.5),
        ({"type": "number"}, "about 2", 2),
        ({"type": "integer", "minimum": 10}, "3", 10),
        ({"type": "integer", "maximum": 2}, "3", 2),
        (properties(city=STRING), "Weather in 'São Paulo ☔'?", {"city": "São Paulo ☔"}),
        (properties(city=STRING), "I don't know, isn't it?", {"city": "stub city"}),
        (properties(command=STRING, cmd=STRING), "'rm'", {"command": "echo stub-tool-ok", "cmd": "echo stub-tool-ok"}),
        (properties(command={"type": "array", "items": STRING}), "", {"command": ["bash", "-lc", "echo stub-tool-ok"]}),
        (properties(), "", {}),
        ({**properties(a=STRING, b=STRING), "required": ["b"]}, "", {"b": "stub b"}),
        ({**properties(a=STRING), "required": []}, "", {"a": "stub a"}),
        ({**properties(a=STRING), "required": ["b", 1]}, "", {"b": "stub b"}),
        ({"type": "boolean"}, "", False),
        ({"type": "null"}, "", None),
        ({"enum": ["x", "y"]}, "", "x"),
        ({"enum": []}, "", "stub value"),
        ({"const": 0, "type": "string"}, "", 0),
        ({"type": ["integer", "null"]}, "4", 4),
        ({"type": []}, "", "stub value"),
        ({"properties": {"a": True}}, "", {"a": "stub a"}),
        ({"items": INTEGER}, "5", [5]),
        ({"type": "array", "items": INTEGER, "minItems": 2}, "5 6", [5, 6]),
        ({"type": "array", "prefixItems": [INTEGER, STRING]}, "5", [5, "stub value"]),
        ({"anyOf": [INTEGER, STRING]}, "5", 5),
        ({"oneOf": [STRING, INTEGER], "description": "d"}, "5", "stub value"),
        ({"anyOf": [1]}, "5", "stub value"),
        ({"allOf": [properties(a=STRING), {**properties(b=INTEGER), "required": ["b"]}]}, "5", {"b": 5}),
        ({"allOf": [{"type": "integer"}]}, "5", 5),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": INTEGER}}, "5", 5),
        ({"$ref": "#/$defs/none/of/these"}, "5", "stub value"),
        ({"$ref": "#"}, "5", "stub value"),
        (True, "5", "stub value"),
    ],
)
def test_a_value_is_made_from_the_schema_and_the_prompt(schema: Any, prompt: str, value: Any) -> None:
    assert sample(schema, prompt) == value


def test_a_schema_that_refers_to_itself_ends() -> None:
    node: dict[str, Any] = properties(
        name=STRING,
        children={"type": "array", "items": {"$ref": "#/$defs/Node"}},
        parent={"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
    )
    value = sample({"$ref": "#/$defs/Node", "$defs": {"Node": node}}, "")
    assert value["name"] == "stub name"
    text = json.dumps(value)
    assert '"parent": null' in text
    assert '"children": []' in text


def test_a_schema_that_branches_without_end_stays_small() -> None:
    wide = {"type": "array", "minItems": 20, "items": {"type": "array", "minItems": 20, "items": properties(a=STRING)}}
    assert len(json.dumps(sample({"type": "array", "minItems": 20, "items": wide}, ""))) < 200_000


_keyword = st.sampled_from(
    ["type", "properties", "required", "items", "anyOf", "allOf", "oneOf", "$ref", "enum", "const", "minItems"]
    + ["prefixItems", "minimum", "$defs", "a"]
)
_schema = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["object", "array", "integer", "number", "string", "#", "#/$defs/a", "#/properties"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(_keyword, children, max_size=4),
    max_leaves=20,
)


@given(_schema, st.text())
def test_any_schema_gives_a_json_value(schema: Any, prompt: str) -> None:
    json.dumps(sample(schema, prompt), allow_nan=False)
