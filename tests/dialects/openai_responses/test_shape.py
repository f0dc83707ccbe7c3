"""What an item is called, and where it comes from; the rest is seen in `test_render`."""

import pytest

from cwproxy.dialects.openai_responses.shape import PLAIN, Part, Shape, begun, item, item_id, response_of
from cwproxy.reply import ReasoningPart, RedactedPart, TextPart, ToolUsePart


@pytest.mark.parametrize(
    ("part", "prefix"),
    [
        (TextPart("x"), "msg_"),
        (ReasoningPart("x", "s"), "rs_"),
        (RedactedPart("x"), "rs_"),
        (ToolUsePart("t", "f", "{}"), "fc_"),
        (ToolUsePart("t", "c", "{}"), "ctc_"),
    ],
)
def test_an_items_id_leads_to_its_response(part: Part, prefix: str) -> None:
    id = item_id(part, Shape(custom=frozenset({"c"})), "resp_0123abcd", 7)
    assert id == f"{prefix}0123abcd0007"
    assert response_of(id) == "resp_0123abcd"


@pytest.mark.parametrize("id", ["", "msg", "msg_", "msg_0001", "x"])
def test_other_ids_lead_nowhere(id: str) -> None:
    assert response_of(id) is None


def test_thoughts_are_shown_only_to_who_asked() -> None:
    thought = ReasoningPart("hm", "s")
    assert item(thought, "rs_1", PLAIN) == {"id": "rs_1", "type": "reasoning", "summary": []}
    assert item(thought, "rs_1", Shape(summary=True))["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert "encrypted_content" in item(RedactedPart("x"), "rs_1", Shape(summary=True, encrypted=True))


@pytest.mark.parametrize("name", ["f", "c"])
def test_a_call_has_an_id_of_this_api_from_its_beginning_to_its_end(name: str) -> None:
    part, shape = ToolUsePart("tooluse_1", name, '{"input": "x"}'), Shape(custom=frozenset({"c"}))
    assert begun(part, "id", shape)["call_id"] == item(part, "id", shape)["call_id"] == "call_tooluse_1"
