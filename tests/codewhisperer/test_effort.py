"""Effort in the words that a model's own schema allows (protocol.md 6.3, backend-rules.md A4 46)."""

import json
from typing import Any

import pytest

from cwproxy.codewhisperer.catalog import parse_models
from cwproxy.codewhisperer.effort import Knob, knob


def enum(*values: object) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def properties(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members}


CLAUDE = properties(
    thinking=properties(type=enum("adaptive", "disabled"), display=enum("summarized", "omitted")),
    output_config=properties(effort=enum("low", "medium", "high", "xhigh", "max")),
    max_tokens={"type": "integer"},
)
GPT = properties(reasoning=properties(effort=enum("low", "medium", "high")))


@pytest.mark.parametrize(
    ("schema", "effort", "fields"),
    [
        (
            CLAUDE,
            "high",
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        ),
        (
            CLAUDE,
            "minimal",
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
        ),
        (CLAUDE, "none", {"thinking": {"type": "disabled"}}),
        (GPT, "medium", {"reasoning": {"effort": "medium"}}),
        (GPT, "none", {"reasoning": {"effort": "low"}}),
        (GPT, "max", {"reasoning": {"effort": "high"}}),
        (GPT, "unheard of", {"reasoning": {"effort": "medium"}}),
        (
            properties(
                thinking=properties(type=enum("adaptive")), output_config=properties(effort=enum("low", "high"))
            ),
            "medium",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
    ],
)
def test_fields(schema: dict[str, Any], effort: str, fields: dict[str, Any]) -> None:
    found = knob("claude-opus-4.6", schema)
    assert found is not None
    assert json.loads(found.fields(effort)) == fields


def test_not_to_think_is_told_beside_the_effort() -> None:
    claude, gpt = knob("claude-opus-4.6", CLAUDE), knob("gpt-5", GPT)
    assert claude is not None
    assert gpt is not None
    both = {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}
    assert json.loads(claude.fields("high", thinks=False)) == both
    assert json.loads(gpt.fields("high", thinks=False)) == {"reasoning": {"effort": "low"}}
    always = Knob("output_config", ("low", "high"), ("adaptive",))
    assert json.loads(always.fields("high", thinks=False))["output_config"] == {"effort": "high"}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {},
        {"properties": []},
        properties(effort=enum("low")),
        properties(output_config=properties(effort={"type": "string"})),
        properties(output_config=properties(effort=enum(1, "enormous"))),
        properties(output_config=properties(effort={"enum": "low"})),
        properties(output_config=True),
    ],
)
def test_a_model_without_such_a_schema_is_told_nothing(schema: object) -> None:
    assert knob("claude-opus-4.6", schema) is None


@pytest.mark.parametrize("model_id", ["claude-sonnet-4.5", "claude-haiku-4-5", "CLAUDE_SONNET_4_5_20250929_V1_0"])
def test_version_4_5_is_told_nothing(model_id: str) -> None:
    assert knob(model_id, CLAUDE) is None


def test_the_listing_has_it() -> None:
    entry = {"modelId": "gpt-5.6-terra", "additionalModelRequestFieldsSchema": GPT}
    (model,) = parse_models(json.dumps({"models": [entry]}).encode()).models
    assert model.effort == Knob("reasoning", ("low", "medium", "high"))
