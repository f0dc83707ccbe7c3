import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.chat_requests import assistant, base_body, base_context, image, tool_result, user

from cwproxy.codewhisperer import wire
from cwproxy.simulator.model import ModelTurn, Style, leader, reply, trailer
from cwproxy.simulator.rules import Refusal, validate

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MULTIPLY = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}


def tools(**schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"toolSpecification": {"name": name, "description": name, "inputSchema": {"json": schema}}}
        for name, schema in schemas.items()
    ]


def state(content: str, *, results: list[dict[str, Any]] | None = None, **members: Any) -> dict[str, Any]:
    context = {"tools": members.pop("tools", None), "toolResults": results}
    return {
        "conversationId": "c",
        "chatTriggerType": "MANUAL",
        "currentMessage": user(content, userInputMessageContext=context, **members),
    }


def answer(content: str, **members: Any) -> ModelTurn:
    return reply(state(content, **members), window_tokens=200_000)


def text(turn: ModelTurn) -> str:
    return "".join(payload["content"] for kind, payload in turn.events if kind == "assistantResponseEvent")


def calls(turn: ModelTurn) -> list[tuple[str, Any]]:
    """Name and arguments of every call, put together as protocol.md 3.4 says; each has to be whole."""
    names: dict[str, str] = {}
    inputs: dict[str, str] = {}
    closed: set[str] = set()
    for kind, payload in turn.events:
        if kind == "toolUseEvent":
            identifier = payload["toolUseId"]
            assert identifier not in closed
            assert names.setdefault(identifier, payload["name"]) == payload["name"]
            inputs[identifier] = inputs.get(identifier, "") + payload.get("input", "")
            if payload.get("stop"):
                closed.add(identifier)
    assert closed == set(names)
    return [(name, json.loads(inputs[identifier] or "{}")) for identifier, name in names.items()]


def test_a_prompt_gets_a_friendly_answer_that_quotes_it() -> None:
    turn = answer("Hello, wörld ☂!")
    assert '"Hello, wörld ☂!"' in text(turn)
    assert len(turn.events) > 3
    assert all(payload["content"].split() for _, payload in turn.events)
    assert (turn.fail, turn.fail_after) == (None, None)
    assert turn == answer("Hello, wörld ☂!")


def test_a_long_prompt_is_quoted_in_part() -> None:
    assert '"' + "word " * 12 not in text(answer("word " * 100))
    assert "word…" in text(answer("word " * 100))


def test_images_are_mentioned() -> None:
    assert "1 image." in text(answer("What is this?", images=[image()]))
    both = answer("What are these?", images=[image()], documents=[{"name": "a"}])
    assert "1 image and 1 document." in text(both)
    assert "2 images." in text(answer("What is this?", images=[image(), image()]))


def test_the_model_that_was_asked_for_is_named() -> None:
    assert {payload.get("modelId") for _, payload in answer("hi", modelId="auto").events} == {"auto"}
    assert {payload.get("modelId") for _, payload in answer("hi").events} == {None}


def test_no_event_is_longer_than_the_service_allows() -> None:
    turn = answer("STUBSAY " + "x" * 30_000)
    assert text(turn) == "x" * 30_000
    assert max(len(payload["content"]) for _, payload in turn.events) <= 10_240


def test_tools_on_offer_get_one_call() -> None:
    turn = answer("Weather in 'Nîmes'?", tools=tools(get_weather=WEATHER, other=MULTIPLY))
    assert calls(turn) == [("get_weather", {"city": "Nîmes"})]
    assert text(turn) == ""


def test_numbers_go_to_their_arguments_in_order() -> None:
    assert calls(answer("What is 6 times 7?", tools=tools(multiply=MULTIPLY))) == [("multiply", {"a": 6, "b": 7})]


@pytest.mark.parametrize("shell", ["Bash", "bash", "exec_command", "shell", "local_shell"])
def test_a_shell_is_preferred(shell: str) -> None:
    schema = {"type": "object", "properties": {"command": {"type": "string"}}}
    turn = answer("List files.", tools=tools(read=WEATHER, **{shell: schema}))
    assert calls(turn) == [(shell, {"command": "echo stub-tool-ok"})]


def test_a_call_without_arguments_has_no_fragments() -> None:
    turn = answer("Now?", tools=tools(now={"type": "object", "properties": {}}))
    assert [sorted(payload) for _, payload in turn.events] == [["name", "toolUseId"], ["name", "stop", "toolUseId"]]
    assert calls(turn) == [("now", {})]


def test_arguments_are_cut_inside_escapes() -> None:
    turn = answer("Weather in 'Nîmes \"\\ 😀'?", tools=tools(get_weather=WEATHER))
    fragments = [payload["input"] for _, payload in turn.events if "input" in payload]
    assert calls(turn) == [("get_weather", {"city": 'Nîmes "\\ 😀'})]
    assert any(fragment.endswith("\\") for fragment in fragments)
    assert any(fragment.startswith("u00") and len(fragment) == 3 for fragment in fragments)


def test_a_tool_result_gets_text_that_mentions_it() -> None:
    results = [tool_result(), {"toolUseId": "b", "content": [{"text": "no such city"}], "status": "error"}]
    turn = answer("", results=results, tools=tools(get_weather=WEATHER))
    assert calls(turn) == []
    assert 'The tool answered: sunny {"degrees": 31}' in text(turn)
    assert "The tool failed with: no such city" in text(turn)


@pytest.mark.parametrize("results", [None, [tool_result()]])
def test_a_forced_choice_gets_a_call(results: list[dict[str, Any]] | None) -> None:
    offered = tools(first=MULTIPLY, second=WEATHER)
    named = wire.FORCE_NAMED_TOOL.format(name="second")
    assert calls(answer(wire.FORCE_ANY_TOOL, results=results, tools=offered))[0][0] == "first"
    assert calls(answer(f"Go.\n{named}", results=results, tools=offered))[0][0] == "second"


def test_a_forced_choice_without_tools_gets_text() -> None:
    assert text(answer(f"hi {wire.FORCE_ANY_TOOL}")).startswith("Hello!")


def test_forbidden_tools_get_text() -> None:
    turn = answer(f"hi {wire.FORBID_TOOLS}", tools=tools(first=MULTIPLY))
    assert calls(turn) == []
    assert '"hi"' in text(turn)


def test_a_schema_gets_json() -> None:
    turn = answer("'Ada' is 36. " + wire.JSON_SCHEMA_ONLY.format(schema=json.dumps(WEATHER)))
    assert json.loads(text(turn)) == {"city": "Ada"}


@pytest.mark.parametrize("results", [None, [tool_result()]])
def test_json_without_a_schema_gets_a_joke(results: list[dict[str, Any]] | None) -> None:
    assert set(json.loads(text(answer(f"A joke. {wire.JSON_ONLY}", results=results)))) == {"setup", "punchline"}


def test_stubsay_goes_before_tools() -> None:
    turn = answer("STUBSAY just this 'é'", tools=tools(first=MULTIPLY))
    assert (text(turn), calls(turn)) == ("just this 'é'", [])


def test_stubtools_calls_several_at_once() -> None:
    turn = answer("3 and 4 STUBTOOLS 3", tools=tools(multiply=MULTIPLY, get_weather=WEATHER))
    assert [name for name, _ in calls(turn)] == ["multiply", "get_weather", "multiply"]


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (400, "ValidationException", None),
        (402, "ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT"),
        (403, "AccessDeniedException", None),
        (404, "ResourceNotFoundException", None),
        (418, "ValidationException", None),
        (429, "ThrottlingException", "USER_REQUEST_RATE_EXCEEDED"),
        (500, "InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE"),
        (503, "ServiceUnavailableException", None),
        (529, "InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE"),
    ],
)
def test_stuberr_fails_the_request(status: int, error: str, reason: str | None) -> None:
    turn = answer(f"STUBERR {status}", tools=tools(first=MULTIPLY))
    assert turn.events == []
    assert turn.fail is not None
    assert (turn.fail.status, turn.fail.error, turn.fail.reason, turn.fail.rule) == (status, error, reason, 0)
    assert turn.fail.message


def test_stubmiderr_breaks_off_in_the_middle() -> None:
    turn = answer("hello STUBMIDERR")
    assert turn.fail_after is not None
    assert 0 < turn.fail_after < len(turn.events)


def test_stubthink_reasons_first_and_signs_it() -> None:
    turn = answer("STUBTHINK Why?")
    kinds = [kind for kind, _ in turn.events]
    assert kinds == sorted(kinds, reverse=True)
    thought = "".join(payload.get("text", "") for kind, payload in turn.events if kind == "reasoningContentEvent")
    signatures = [payload["signature"] for _, payload in turn.events if "signature" in payload]
    assert '"Why?"' in thought
    assert len(signatures) == 2
    assert accepts_reasoning(thought, "".join(signatures))
    assert not accepts_reasoning(thought, "".join(reversed(signatures)))


def accepts_reasoning(thought: str, signature: str) -> bool:
    body = base_body()
    body["conversationState"]["currentMessage"]["userInputMessage"]["modelId"] = "auto"
    said = assistant("hi", reasoningContent={"reasoningText": {"text": thought, "signature": signature}})
    body["conversationState"]["history"] = [user("hi"), said]
    return not isinstance(validate(json.dumps(body).encode(), base_context()), Refusal)


@pytest.mark.parametrize("profile", ["legacy-q", "kiro-runtime"])
def test_what_the_model_calls_may_be_answered(profile: Any) -> None:
    body = base_body()
    first = reply(body["conversationState"], window_tokens=200_000)
    uses = {payload["toolUseId"]: payload["name"] for kind, payload in first.events if kind == "toolUseEvent"}
    assert uses
    arguments = [given for _, given in calls(first)]
    asked = assistant(
        "",
        toolUses=[
            {"toolUseId": identifier, "name": name, "input": given}
            for (identifier, name), given in zip(uses.items(), arguments, strict=True)
        ],
    )
    current = body["conversationState"]["currentMessage"]["userInputMessage"]
    body["conversationState"]["history"] += [user(current["content"]), asked]
    current["content"] = ""
    current["userInputMessageContext"]["toolResults"] = [tool_result(identifier) for identifier in uses]
    answered = validate(json.dumps(body).encode(), base_context(profile))
    assert not isinstance(answered, Refusal)
    last = reply(answered["conversationState"], window_tokens=200_000)
    assert "sunny" in text(last)


def test_ids_differ_from_turn_to_turn() -> None:
    once = state("Again?", tools=tools(get_weather=WEATHER))
    again = {**once, "history": [user("Again?"), assistant("No.")]}
    ids = {reply(one, window_tokens=10).events[0][1]["toolUseId"] for one in (once, again)}
    assert len(ids) == 2


def test_token_counts_are_above_zero_and_within_the_window() -> None:
    turn = reply(state("word " * 1_000), window_tokens=100)
    assert turn.input_tokens == 100
    assert turn.output_tokens > 0
    assert answer("STUBSAY x").output_tokens > 0
    assert answer("Now?", tools=tools(now={"type": "object"})).output_tokens > 0


def test_the_newer_trailer_has_three_events_in_order() -> None:
    turn = answer("hi")
    events = trailer("2026", turn, window_tokens=200_000)
    assert [kind for kind, _ in events] == ["metadataEvent", "contextUsageEvent", "meteringEvent"]
    metadata, usage, metering = (payload for _, payload in events)
    assert metadata == {"stopReason": "END_TURN"}
    tokens = usage["contextUsagePercentage"] * 200_000 / 100
    assert tokens == pytest.approx(turn.input_tokens + turn.output_tokens)
    assert metering["unit"] == "credit"
    assert metering["usage"] > 0


def test_token_usage_is_sent_where_asked_for() -> None:
    turn = answer("hi")
    ((_, metadata), *_) = trailer("2026", turn, window_tokens=1, with_token_usage=True)
    assert metadata["tokenUsage"] == {
        "uncachedInputTokens": turn.input_tokens,
        "outputTokens": turn.output_tokens,
        "totalTokens": turn.input_tokens + turn.output_tokens,
    }


@pytest.mark.parametrize("style", ["older", "none"])
def test_the_other_styles_have_no_trailer(style: Style) -> None:
    assert trailer(style, answer("hi"), window_tokens=1) == []


def test_the_older_style_has_a_leader() -> None:
    metadata = {"conversationId": "c", "utteranceId": "u"}
    assert leader("older", "c", "u") == [("messageMetadataEvent", metadata)]
    assert leader("2026", "c", "u") == leader("none", "c", "u") == []


@given(st.text())
def test_any_text_is_answered(content: str) -> None:
    turn = answer(content)
    assert turn.fail is not None or turn.events


@given(st.text(alphabet=st.characters(exclude_characters="S", exclude_categories=["Cs"])))
def test_stubsay_says_what_it_is_told(content: str) -> None:
    assert text(answer("STUBSAY x" + content)) == ("x" + content).strip()
