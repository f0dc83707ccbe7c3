"""Answers held against the schema that was asked for, whoever wrote the two."""

import json
from typing import Any

import pytest

from cwproxy.filters.conformance import Contract, fault, load

OBJECT = b'{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}'


@pytest.mark.parametrize(
    ("text", "schema", "problem"),
    [
        ('{"a":1}', OBJECT, None),
        ('{"a":"x"}', OBJECT, "$.a: 'x' is not of type 'integer'"),
        ("{}", OBJECT, "$: 'a' is a required property"),
        ("[1]", OBJECT, "$: [1] is not of type 'object'"),
        ("[1]", b'{"type":"array"}', None),
        ("{}", None, None),
        ("[1]", None, "it is not a JSON object"),
        ("1", b"true", None),
    ],
)
def test_what_is_wrong(text: str, schema: bytes | None, problem: str | None) -> None:
    assert fault(text, schema) == problem


@pytest.mark.parametrize("text", ["", "x", '{"a":1', "[" * 5_000 + "]" * 5_000, '{"a":NaN}'])
@pytest.mark.parametrize("schema", [None, OBJECT])
def test_what_is_no_json(text: str, schema: bytes | None) -> None:
    assert (fault(text, schema) or "").startswith("it is not JSON (")


@pytest.mark.parametrize(
    "schema",
    [
        b"[1]",
        b"{",
        b'{"type":"nope"}',
        b'{"$ref":"#/nowhere"}',
        b'{"$ref":"#"}',
        b'{"$ref":"http://127.0.0.1:9/schema"}',
        b'{"pattern":"^(a+)+$"}',
        b'{"patternProperties":{"(":{}}}',
    ],
    ids=["array", "cut", "type", "dangling", "endless", "remote", "slow pattern", "bad pattern"],
)
def test_a_schema_that_cannot_be_used_judges_nothing(schema: bytes) -> None:
    assert fault(json.dumps("a" * 40 + "!"), schema) is None


@pytest.mark.timeout(30)  # many times what it takes; quadratic, it would take longer
def test_a_schema_that_asks_for_billions_ends() -> None:
    levels: dict[str, Any] = {f"l{i}": {"allOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 2} for i in range(40)}
    schema = json.dumps({"$defs": {**levels, "l40": {}}, "$ref": "#/$defs/l0"}).encode()
    assert fault("1", schema) is None


def test_schemas_of_older_drafts_are_understood() -> None:
    tuples = Contract(b'{"type":"array","items":[{"type":"string"}]}')
    assert tuples.fault(["a"]) is None
    assert tuples.fault([1]) is not None
    above = Contract(b'{"type":"number","minimum":0,"exclusiveMinimum":true}')
    assert above.fault(1) is None
    assert above.fault(0) is not None


def test_null_where_a_keyword_wants_something_is_nothing() -> None:
    contract = Contract(
        b'{"type":"object","required":null,"properties":{"a":{"anyOf":[{"const":null},{"type":"string","enum":null}]}}}'
    )
    assert contract.fault({"a": None}) is None
    assert contract.fault({"a": "x"}) is None
    assert contract.fault({"a": 1}) is not None


def test_contracts_are_kept_and_what_cannot_be_told_is_said() -> None:
    load()
    contract = Contract(b'{"type":"object","required":["a"]}')
    assert contract.fault({"a": 1}) is None
    assert contract.fault({}) == "$: 'a' is a required property"
    endless = Contract(b'{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}')
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot be followed"):
            endless.fault({})
    with pytest.raises(ValueError, match="no draft"):
        Contract(b'{"type":"nonsense"}')
    with pytest.raises(ValueError, match="cannot be used"):
        Contract(b"{")
