"""The judge as a whole: what it accepts, that it never falls over, and the JSON it takes."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.chat_requests import ALL_OPT, PROFILES, Breach, Profile, base_body, base_context

from cwproxy.simulator.model import reply
from cwproxy.simulator.models import MODELS, Model
from cwproxy.simulator.rules import Refusal, refusals, validate

MEMBERS = (
    *("images", "documents", "source", "bytes", "userIntent", "editorState", "shellState", "gitState", "userSettings"),
    *(
        "additionalContext",
        "cachePoint",
        "clientCacheConfig",
        "messageId",
        "references",
        "redactedContent",
        "agentTaskType",
    ),
    *("additionalModelRequestFields", "max_tokens", "inferenceConfig", "maxTokens", "systemPrompt", "dryRun", "anyOf"),
    *("additionalProperties", "items", "$ref", "$defs", "enum", "minimum", "const"),
)
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


def _objects(value: Any, path: str = "") -> list[str]:
    return [found for found in _paths(value, path) if isinstance(_at(value, found), dict)]


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step) if step.isdigit() else step]
    return value


_members = st.sampled_from(sorted({path.rpartition(".")[2] for path in _paths(base_body())} | set(MEMBERS)))
_wild = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from(["object", "auto", "aGk=", "png"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(_members, children, max_size=4),
    max_leaves=12,
)


@given(
    places=st.lists(st.tuples(st.sampled_from(_objects(base_body())), _members, _wild), min_size=1, max_size=3),
    profile=st.sampled_from(PROFILES),
    opt_rules=st.sampled_from([frozenset[int](), ALL_OPT, ALL_OPT - {15}]),
    model=st.sampled_from([None, *MODELS]),
)
def test_members_in_wrong_places_do_not_make_it_fall_over(
    places: list[tuple[str, str, Any]], profile: Profile, opt_rules: frozenset[int], model: Model | None
) -> None:
    """Nor do they make the model fall over that answers whatever was accepted."""
    body = base_body()
    for path, name, value in places:
        with suppress(LookupError, TypeError, AttributeError):  # an earlier change has taken the place away
            _at(body, path).update({name: value})
    context = replace(base_context(profile), opt_rules=opt_rules, listed=model)
    found = list(refusals(json.dumps(body).encode(), context))
    assert all(refusal.status in {400, 403, 422} and refusal.message and refusal.detail for refusal in found)
    answer = validate(json.dumps(body).encode(), context)
    if isinstance(answer, dict):
        assert not found
        assert reply(answer["conversationState"], window_tokens=200_000).input_tokens


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fall_over(body: bytes) -> None:
    assert isinstance(validate(body, base_context()), Refusal)
