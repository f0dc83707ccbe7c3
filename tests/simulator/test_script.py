import json

import pytest

from cwproxy.simulator.script import BadScript, call, parse_turn, reason, say


def test_shorthands_become_events_in_the_order_of_a_real_turn() -> None:
    turn = parse_turn(
        {"say": "abcdef", "reason": "hm", "calls": [{"name": "f", "input": {"a": 1}, "id": "t1"}], "pieces": 2}
    )
    names = [name for name, _ in turn.events]
    assert names == [*["reasoningContentEvent"] * 3, *["assistantResponseEvent"] * 2, *["toolUseEvent"] * 4]
    assert "".join(payload["content"] for name, payload in turn.events if name == "assistantResponseEvent") == "abcdef"


def test_a_call_is_start_fragments_stop() -> None:
    first, *fragments, last = [payload for _, payload in call("f", {"text": "ü"}, pieces=4, tool_use_id="t1")]
    assert first == {"toolUseId": "t1", "name": "f"}
    assert last == {"toolUseId": "t1", "name": "f", "stop": True}
    assert json.loads("".join(fragment["input"] for fragment in fragments)) == {"text": "ü"}


def test_a_call_may_have_broken_arguments_or_none() -> None:
    assert [payload.get("input") for _, payload in call("f", "{oops", pieces=1)] == [None, "{oops", None]
    assert len(call("f", "")) == 2
    assert call("f", {})[0][1]["toolUseId"].startswith("tooluse_")


def test_small_texts_have_few_pieces() -> None:
    assert [payload["content"] for _, payload in say("ab", pieces=5)] == ["a", "b"]
    assert say("") == []
    assert reason("", signature="s") == [("reasoningContentEvent", {"signature": "s"})]


def test_explicit_events_and_pacing() -> None:
    turn = parse_turn(
        {
            "events": [["codeEvent", {"content": "x"}]],
            "pace": 1,
            "latency": 0.5,
            "trailer": "none",
            "stop": "MAX_TOKENS",
        }
    )
    assert turn.events == [("codeEvent", {"content": "x"})]
    assert (turn.pace, turn.latency, turn.trailer, turn.stop) == (1.0, 0.5, "none", "MAX_TOKENS")
    assert parse_turn({}).events == []
    assert parse_turn({"call": {"name": "f"}}).events[0][1]["name"] == "f"


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "JSON object"),
        ({"text": "x"}, "no member 'text'"),
        ({"trailer": "2027"}, "trailer is one of"),
        ({"pace": -1}, "pace is a number"),
        ({"pace": True}, "pace is a number"),
        ({"latency": "1"}, "latency is a number"),
        ({"say": "x", "pieces": 0}, "pieces"),
        ({"call": {"input": {}}}, "with a name"),
        ({"calls": ["f"]}, "with a name"),
        ({"events": {}}, "list of"),
        ({"events": [["a"]]}, "pair"),
        ({"events": [["a", []]]}, "pair"),
    ],
)
def test_a_turn_without_sense_is_explained(document: object, complaint: str) -> None:
    with pytest.raises(BadScript, match=complaint):
        parse_turn(document)
