"""What is kept of an answer, and how it is found and shown again."""

import json
from typing import Any

import msgspec
import pytest
from openai.types.responses import Response, ResponseItem
from pydantic import TypeAdapter
from tests.support.replies import TABLE

from cwproxy.conversation import AssistantTurn, Reasoning, Text, UserTurn
from cwproxy.dialects.openai_responses import Past, ResponsesRequest, read, stored
from cwproxy.dialects.openai_responses.shape import response_of
from cwproxy.errors import InvalidRequest
from cwproxy.reply import fold

_ITEM: TypeAdapter[Any] = TypeAdapter(ResponseItem)


def asking(past: Past | None = None, **members: Any) -> ResponsesRequest:
    body = json.dumps({"model": "m", "input": "hi", **members}).encode()
    return read(body).asked(past or Past(), clock=lambda: 5)


def recorded(asked: ResponsesRequest, id: str = "resp_ab", said: str = "reasoning") -> bytes:
    found, body = stored.record(asked, asked.complete([fold(TABLE[said])], id=id, created=1))
    assert found == id
    return body


def kept(asked: ResponsesRequest) -> stored.Record:
    return stored.recall(recorded(asked))


def test_a_response_is_continued_with_its_thoughts() -> None:
    past = stored.past([stored.step(recorded(asking()))], {})
    turns = asking(past, input="go on").conversations[0].turns
    assert turns == (
        UserTurn((Text("hi"),)),
        AssistantTurn((Reasoning("hm", "c2lnbmF0dXJl"), Text("So."))),
        UserTurn((Text("go on"),)),
    )


def test_a_chain_is_told_from_its_beginning() -> None:
    first = stored.step(recorded(asking(input="one"), "resp_01", "text"))
    second = stored.step(recorded(asking(input="two", previous_response_id="resp_01"), "resp_02", "text"))
    assert (first.previous, second.previous) == (None, "resp_01")
    assert first.size == sum(len(bytes(item)) for item in first.items) > 0
    past = stored.past([second, first], {})
    texts = [turn.parts[0] for turn in asking(past).conversations[0].turns if isinstance(turn, UserTurn)]
    assert texts == [Text("one"), Text("two"), Text("hi")]
    assert past.size == first.size + second.size


def test_items_can_be_named_on_their_own() -> None:
    first = stored.step(recorded(asking(input="one"), "resp_01", "text"))
    references = [{"id": "msg_01i000"}, {"id": "msg_010000"}, {"id": "msg_01i000"}]
    draft = read(json.dumps({"model": "m", "input": references}).encode())
    assert (draft.responses, draft.references) == (frozenset({"resp_01"}), ("msg_01i000", "msg_010000", "msg_01i000"))
    past = stored.past([], first.named(draft.references))
    assert past.items == ()
    assert list(first.named(["msg_010000"])) == ["msg_010000"]
    assert [type(turn) for turn in draft.conversation(past).turns] == [UserTurn, AssistantTurn, UserTurn]


def test_what_is_shown_again_is_what_was_given() -> None:
    asked = asking()
    given = json.loads(asked.complete([fold(TABLE["reasoning"])], id="resp_ab", created=1))
    record = kept(asked)
    assert json.loads(stored.shown(record, ["reasoning.encrypted_content"])) == given
    again = json.loads(stored.shown(record, []))
    assert "encrypted_content" in given["output"][0] and "encrypted_content" not in again["output"][0]
    assert again["output"][1] == given["output"][1]
    Response.model_validate(again)


def test_every_item_has_an_id_and_the_form_of_the_api() -> None:
    record = kept(
        asking(
            input=[
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": ["said"]},
                {"role": "developer", "content": None},
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "x"}],
                    "id": "msg_own",
                    "status": "completed",
                },
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "x"},
                {"type": "reasoning", "summary": [], "id": None},
            ]
        )
    )
    items = [json.loads(bytes(raw)) for raw in record.input]
    assert [item["id"] for item in items] == [
        *("msg_abi000", "msg_abi001", "msg_abi002", "msg_own", "fc_abi004", "item_abi005", "rs_abi006"),
    ]
    assert items[0]["content"] == [{"type": "input_text", "text": "hi"}]
    assert items[1]["content"] == [{"type": "output_text", "text": "said", "annotations": []}]
    assert items[2]["content"] == []
    assert {item["type"] for item in items[:4]} == {"message"}
    for item in items[:6]:
        _ITEM.validate_python(item)


@pytest.mark.parametrize("odd", [b"1e999", b"1" * 5_000, b"[" * 500 + b"]" * 500], ids=["large", "long", "deep"])
def test_what_is_not_read_is_kept_as_it_is(odd: bytes) -> None:
    part = b'{"type":"input_text","text":"a","x":' + odd + b"}"
    item = b'{"role":"user","content":[' + part + b',"b"],"y":' + odd + b"}"
    asked = read(b'{"model":"m","input":[' + item + b"]}").asked(Past(), clock=lambda: 5)
    (raw,) = kept(asked).input
    assert part in bytes(raw) and b'{"type":"input_text","text":"b"}' in bytes(raw)
    assert odd in stored.page([raw], limit=1, newest_first=False, after=None)


def test_a_role_may_be_escaped() -> None:
    asked = read(b'{"model":"m","input":[{"role":"\\u0061ssistant","content":"q"}]}').asked(Past(), clock=lambda: 5)
    assert b'"output_text"' in bytes(kept(asked).input[0])


def test_every_item_of_a_long_input_is_found_again() -> None:
    record = kept(asking(input=[{"role": "user", "content": "x"}] * 4_100))
    ids = [json.loads(bytes(raw))["id"] for raw in record.input]
    assert ids[-1] == "msg_abi1003"
    assert {response_of(id) for id in ids} == {"resp_ab"}


def listed(**options: Any) -> dict[str, Any]:
    items = [msgspec.Raw(json.dumps({"id": f"i{n}", "encrypted_content": "x"}).encode()) for n in range(5)]
    found: dict[str, Any] = json.loads(
        stored.page(items, **{"limit": 20, "newest_first": False, "after": None, **options})
    )
    return found


@pytest.mark.parametrize(
    ("options", "ids", "more"),
    [
        ({}, ["i0", "i1", "i2", "i3", "i4"], False),
        ({"newest_first": True}, ["i4", "i3", "i2", "i1", "i0"], False),
        ({"limit": 2}, ["i0", "i1"], True),
        ({"limit": 2, "after": "i1"}, ["i2", "i3"], True),
        ({"limit": 2, "after": "i1", "newest_first": True}, ["i0"], False),
        ({"after": "i4"}, [], False),
    ],
)
def test_pages(options: dict[str, Any], ids: list[str], more: bool) -> None:
    page = listed(**options)
    assert ([item["id"] for item in page["data"]], page["has_more"]) == (ids, more)
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
    assert not any("encrypted_content" in item for item in page["data"])


def test_a_page_after_nothing() -> None:
    with pytest.raises(InvalidRequest, match="none of the items"):
        listed(after="nope")


def test_items_without_ids_are_not_found_by_them() -> None:
    assert stored.past([stored.Step((msgspec.Raw(b"{}"),), None)], {}).kept == {}


def test_what_was_not_kept_says_so() -> None:
    asked = asking()
    given = asked.complete([fold(TABLE["text"])], id="resp_ab", created=1)
    assert json.loads(stored.not_kept(given)) == {**json.loads(given), "store": False}
    assert json.loads(given)["store"] is True


def test_deleted() -> None:
    assert json.loads(stored.deleted("r")) == {"id": "r", "object": "response", "deleted": True}
