"""The judge as a whole: what it accepts, that it never falls over, and the JSON it takes."""

import json
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.chat_requests import ALL_OPT, PROFILES, Breach, Profile, base_body, base_context

from cwproxy.simulator.rules import Refusal, validate

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "json", "x"]), children)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("operation", ["GenerateAssistantResponse", "SendMessage"])
def test_the_base_body_breaks_no_rule(
    profile: Profile, operation: Literal["GenerateAssistantResponse", "SendMessage"]
) -> None:
    context = replace(base_context(profile), operation=operation, opt_rules=ALL_OPT)
    assert validate(json.dumps(base_body()).encode(), context) == base_body()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b'{"a":1,"a":2}', b"\xff{}", b"{} {}"])
def test_a_body_that_is_not_strict_json(profile: Profile, body: bytes) -> None:
    refusal = validate(body, base_context(profile))
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.status, refusal.error) == (14, 400, "ValidationException")
    assert refusal.message == "The request body is not valid JSON."
    assert refusal.reason == ("REQUEST_BODY_INVALID_JSON" if profile == "kiro-runtime" else None)


def test_null_members_are_absent_members() -> None:
    state: dict[str, Any] = base_body()["conversationState"]
    current = state["currentMessage"]["userInputMessage"]
    current["images"] = current["documents"] = current["userIntent"] = None
    state["history"] = None
    body = {"conversationState": state, "profileArn": None, "systemPrompt": None}
    assert validate(json.dumps(body).encode(), base_context("legacy-q")) == body


def _paths(value: Any, path: str = "") -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [path] if path else []
    return here + [found for key, member in items for found in _paths(member, f"{path}.{key}" if path else str(key))]


@given(
    changes=st.lists(st.tuples(st.sampled_from(_paths(base_body())), _json), min_size=1, max_size=1),
    profile=st.sampled_from(PROFILES),
)
def test_no_mutation_makes_it_fall_over(changes: list[tuple[str, Any]], profile: Profile) -> None:
    answer = Breach(0, dict(changes)).judge(profile, ALL_OPT - {15})
    assert isinstance(answer, dict | Refusal)
    if isinstance(answer, Refusal):
        assert answer.status in {400, 403, 422}
        assert answer.message


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fall_over(body: bytes) -> None:
    assert isinstance(validate(body, base_context()), Refusal)
