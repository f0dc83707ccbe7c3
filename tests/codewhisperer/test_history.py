import json
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversations import ARGUMENTS

from cwproxy.codewhisperer import wire
from cwproxy.codewhisperer.attachments import MAX_ATTACHMENTS, MAX_IMAGE_LENGTH
from cwproxy.codewhisperer.history import AssistantEntry, Entry, UserEntry, arrange, clamp, group
from cwproxy.conversation import (
    AssistantPart,
    AssistantTurn,
    Document,
    Image,
    Reasoning,
    RedactedReasoning,
    RemoteImage,
    ResultPart,
    SystemTurn,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    UserPart,
    UserTurn,
)
from cwproxy.errors import InvalidRequest

NAMES = {"read": "read", "a.b": "a_b_12345678"}
PICTURE = Image("png", "iVBORw0KGgo=")
REPORT = Document("pdf", "report.pdf", "JVBERi0xLjcK")


def entries(*turns: Turn, names: Mapping[str, str] | None = NAMES) -> list[Entry]:
    earlier, last = arrange(group(turns), names)
    return [*earlier, last]


def texts(*turns: Turn, names: Mapping[str, str] | None = NAMES) -> list[str]:
    return [entry.text for entry in entries(*turns, names=names)]


def user(*parts: str | UserPart) -> UserTurn:
    return UserTurn(tuple(Text(part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: str | AssistantPart) -> AssistantTurn:
    return AssistantTurn(tuple(Text(part) if isinstance(part, str) else part for part in parts))


def call(id: str = "t", arguments: str = "{}", name: str = "read") -> ToolUse:
    return ToolUse(id, name, arguments)


def result(id: str = "t", *content: str | ResultPart, failed: bool = False) -> ToolResult:
    return ToolResult(id, tuple(Text(part) if isinstance(part, str) else part for part in content), failed)


def answers(entry: Entry) -> list[tuple[str, list[str | None], str | None]]:
    assert isinstance(entry, UserEntry)
    return [(each.tool_use_id, [item.text for item in each.content], each.status) for each in entry.results]


def ids(entry: Entry) -> list[str]:
    assert isinstance(entry, AssistantEntry)
    return [use.tool_use_id for use in entry.uses]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([], [wire.NEUTRAL_USER_TEXT]),
        ([user("Hi")], ["Hi"]),
        ([user("a"), user("b", "c")], ["a\n\nb\n\nc"]),
        ([user("a"), assistant("b"), assistant("c"), user("d")], ["a", "b\n\nc", "d"]),
        ([assistant("a"), user("b")], [wire.NEUTRAL_USER_TEXT, "a", "b"]),
        ([user("a"), assistant("b")], ["a", "b", wire.NEUTRAL_USER_TEXT]),
        ([assistant("a")], [wire.NEUTRAL_USER_TEXT, "a", wire.NEUTRAL_USER_TEXT]),
        ([user("a"), assistant(" ", ""), user("b")], ["a\n\nb"]),
        (
            [user("a"), assistant("b"), user("\n"), assistant("c"), user("d")],
            ["a", "b", wire.NEUTRAL_USER_TEXT, "c", "d"],
        ),
        ([user(" "), user()], [wire.NEUTRAL_USER_TEXT]),
        ([user("a"), assistant("b"), SystemTurn("now"), assistant("c"), user("d")], ["a", "b", "now", "c", "d"]),
        ([user("a"), SystemTurn(" "), SystemTurn("now")], ["a\n\nnow"]),
        ([user(" keep the blanks\n")], [" keep the blanks\n"]),
    ],
)
def test_the_user_begins_and_ends_and_roles_alternate(turns: list[Turn], expected: list[str]) -> None:
    assert texts(*turns) == expected


def test_a_picture_alone_gets_a_few_words() -> None:
    (only,) = entries(user(PICTURE))
    assert isinstance(only, UserEntry)
    assert only.text == wire.IMAGE_ONLY_TEXT
    assert only.images == [wire.ImageBlock(format="png", source=wire.ImageSource(bytes=PICTURE.data))]


def test_a_call_has_its_result_in_the_next_user_entry() -> None:
    asked, called, answered = entries(user("a"), assistant(call(arguments='{"p": 1}')), user(result("t", "out"), "b"))
    assert isinstance(called, AssistantEntry)
    assert called.text == wire.NEUTRAL_ASSISTANT_TEXT
    assert [(use.tool_use_id, use.name, bytes(use.input)) for use in called.uses] == [("t", "read", b'{"p":1}')]
    assert answers(answered) == [("t", ["out"], "success")]
    assert (asked.text, answered.text) == ("a", "b")


def test_results_alone_need_no_text() -> None:
    assert texts(user("a"), assistant("b", call()), user(result("t", "x")))[1:] == ["b", ""]


def test_names_go_over_the_wire_as_declared() -> None:
    called = entries(user("a"), assistant(call(name="a.b")))[1]
    assert isinstance(called, AssistantEntry)
    assert called.uses[0].name == "a_b_12345678"


@pytest.mark.parametrize("between", [[], [SystemTurn("s")], [user("u"), SystemTurn("s")]])
def test_user_and_system_turns_do_not_part_a_result_from_its_call(between: list[Turn]) -> None:
    last = entries(user("a"), assistant(call()), *between, user(result("t", "x")))[-1]
    assert answers(last) == [("t", ["x"], "success")]


@pytest.mark.parametrize("then", [[], [user("b")], [user("b"), assistant("c"), user(result("t", "late"))]])
def test_a_call_without_result_gets_one_that_says_so(then: list[Turn]) -> None:
    answered = entries(user("a"), assistant(call()), *then)[2]
    assert answers(answered) == [("t", [wire.MISSING_TOOL_RESULT], "error")]


def test_a_late_or_orphaned_result_becomes_text_in_its_place() -> None:
    late = wire.TOOL_RESULT_AS_TEXT.format(name="read", text="out")
    turns: list[Turn] = [user("a"), assistant(call()), user("b"), assistant("c"), user("d", result("t", "out"), "e")]
    assert texts(*turns)[-1] == f"d\n\n{late}\n\ne"
    orphan = wire.TOOL_FAILURE_AS_TEXT.format(name="ghost", text=wire.EMPTY_TOOL_RESULT)
    assert texts(user(result("ghost", failed=True))) == [orphan]


def test_results_come_in_the_order_of_the_calls() -> None:
    last = entries(user("a"), assistant(call("1"), call("2")), user(result("2", "b"), result("1", "a")))[-1]
    assert answers(last) == [("1", ["a"], "success"), ("2", ["b"], "success")]


def test_of_two_results_the_last_counts_and_the_other_is_told() -> None:
    last = entries(user("a"), assistant(call()), user(result("t", "old"), result("t", "new")))[-1]
    assert answers(last) == [("t", ["new"], "success")]
    assert last.text == wire.TOOL_RESULT_AS_TEXT.format(name="read", text="old")
    same = entries(user("a"), assistant(call()), user(result("t", "x"), result("t", "x")))[-1]
    assert (answers(same), same.text) == ([("t", ["x"], "success")], "")


def test_calls_of_one_id_take_their_results_in_order() -> None:
    called, last = entries(
        user("a"), assistant(call("t")), assistant(call("t")), user(result("t", "1"), result("t", "2"))
    )[1:]
    assert ids(called) == ["t", "t_2"]
    assert answers(last) == [("t", ["1"], "success"), ("t_2", ["2"], "success")]


def test_an_id_used_again_in_a_later_turn_gets_another() -> None:
    turns: list[Turn] = [user("a")]
    for number in range(3):
        turns += [assistant(call("t" * 64)), user(result("t" * 64, str(number)))]
    arranged = entries(*turns)
    assert [ids(entry)[0] for entry in arranged[1::2]] == ["t" * 64, "t" * 62 + "_2", "t" * 62 + "_3"]
    assert [answers(entry)[0][:2] for entry in arranged[2::2]] == [
        ("t" * 64, ["0"]),
        ("t" * 62 + "_2", ["1"]),
        ("t" * 62 + "_3", ["2"]),
    ]


@pytest.mark.parametrize("id", ["", "a|b", "x" * 65, "ünï", "\ud800"])
def test_an_illegal_id_is_replaced_always_alike(id: str) -> None:
    turns = (user("a"), assistant(call(id)), user(result(id, "x")))
    called, last = entries(*turns)[1:]
    (wire_id,) = ids(called)
    assert wire_id.startswith("tooluse_") and len(wire_id) <= 64
    assert answers(last)[0][0] == wire_id
    assert ids(entries(*turns)[1]) == [wire_id]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("", {}),
        ("  ", {}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('{"half": "\\ud83d"}', {"half": "\ufffd"}),
        ("[1]", {"_raw": "[1]"}),
        ("null", {"_raw": "null"}),
        ('{"n": NaN}', {"_raw": '{"n": NaN}'}),
        ('{"cut": "of', {"_raw": '{"cut": "of'}),
        ("\ud800", {"_raw": "\ufffd"}),
        ('{"d": ' + "[" * 100 + "]" * 100 + "}", {"_raw": '{"d": ' + "[" * 100 + "]" * 100 + "}"}),
    ],
)
def test_arguments_are_an_object_whatever_the_client_sent(arguments: str, sent: object) -> None:
    called = entries(user("a"), assistant(call(arguments=arguments)))[1]
    assert isinstance(called, AssistantEntry)
    assert json.loads(bytes(called.uses[0].input)) == sent


@given(st.sampled_from(ARGUMENTS) | st.text())
def test_arguments_never_break_the_body(arguments: str) -> None:
    called = entries(user("a"), assistant(call(arguments=arguments)))[1]
    assert isinstance(called, AssistantEntry)
    assert isinstance(json.loads(bytes(called.uses[0].input)), dict)


def test_pictures_of_a_result_are_lifted_to_the_message() -> None:
    last = entries(user("a"), assistant(call("1"), call("2")), user(result("1", PICTURE), result("2", "x", PICTURE)))[
        -1
    ]
    assert isinstance(last, UserEntry)
    assert len(last.images) == 2
    assert [content for _, content, _ in answers(last)] == [[wire.IMAGE_ONLY_TEXT], ["x"]]


def test_blank_texts_of_a_result_are_no_output() -> None:
    last = entries(user("a"), assistant(call()), user(result("t", "", " ", failed=True)))[-1]
    assert answers(last) == [("t", [wire.EMPTY_TOOL_RESULT], "error")]


def test_an_overlong_result_keeps_its_ends() -> None:
    last = entries(user("a"), assistant(call()), user(result("t", "a" * 500_000, "b" * 500_000)))[-1]
    ((_, (content,), _),) = answers(last)
    assert content is not None
    assert content.startswith("a" * 200_000 + "\n\n[600002 characters")
    assert content.endswith("b" * 200_000)
    fits = entries(user("a"), assistant(call()), user(result("t", "a" * 400_000, "b" * 400_000)))[-1]
    assert [len(item or "") for item in answers(fits)[0][1]] == [400_000, 400_000]


def test_clamping_leaves_what_fits() -> None:
    assert clamp("x" * 600_000, 600_000) == "x" * 600_000


def test_a_picture_that_may_not_travel_leaves_a_sentence() -> None:
    large = Image("png", "A" * (MAX_IMAGE_LENGTH + 1))
    first, *_ = entries(user("a", large), assistant("b"), user("c"))
    assert isinstance(first, UserEntry)
    assert (first.images, first.text) == ([], f"a\n\n{wire.OMITTED_IMAGE}")
    *_, last = entries(user("a"), assistant(call()), user(result("t", large)), assistant("b"), user("c"))
    assert last.text == "c"
    with pytest.raises(InvalidRequest):
        entries(user("a"), assistant(call()), user(result("t", large)))


def test_a_document_that_may_not_travel_leaves_a_sentence() -> None:
    first, _, last = entries(user(REPORT), assistant("b"), user("c", *[PICTURE] * MAX_ATTACHMENTS))
    assert isinstance(first, UserEntry) and isinstance(last, UserEntry)
    assert (first.documents, first.text) == ([], wire.OMITTED_DOCUMENT.format(name=REPORT.name))
    assert len(last.images) == MAX_ATTACHMENTS


def test_documents_stand_beside_text_and_are_lifted_from_results() -> None:
    first, _, last = entries(user(REPORT), assistant(call("1"), call("2")), user(result("1", REPORT), result("2", "x")))
    assert isinstance(first, UserEntry) and isinstance(last, UserEntry)
    assert first.text == wire.DOCUMENT_ONLY_TEXT
    assert [(each.name, each.format, each.source.bytes) for each in (*first.documents, *last.documents)] == [
        ("report", "pdf", REPORT.data),
        ("report (2)", "pdf", REPORT.data),
    ]
    assert [content for _, content, _ in answers(last)] == [[wire.DOCUMENT_ONLY_TEXT], ["x"]]


def test_a_picture_that_nobody_fetched_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        entries(user(RemoteImage("https://example.com/cat.png", "messages[0].content[0].image_url.url")))
    assert refusal.value.param == "messages[0].content[0].image_url.url"
    assert "data:image/png;base64," in refusal.value.message


def test_without_declared_tools_the_tool_history_is_text() -> None:
    turns: list[Turn] = [
        user("a"),
        assistant("b", call("1", '{"p": 1}', "a.b"), call("2", "")),
        user(result("1", "out", PICTURE), result("2", failed=True)),
    ]
    _, called, last = entries(*turns, names=None)
    assert isinstance(called, AssistantEntry) and isinstance(last, UserEntry)
    assert called.uses == [] and last.results == []
    assert called.text.split("\n\n") == [
        "b",
        wire.TOOL_USE_AS_TEXT.format(name="a.b", arguments='{"p": 1}'),
        wire.TOOL_USE_AS_TEXT.format(name="read", arguments="{}"),
    ]
    assert last.text.split("\n\n") == [
        wire.TOOL_RESULT_AS_TEXT.format(name="a.b", text="out"),
        wire.TOOL_FAILURE_AS_TEXT.format(name="read", text=wire.EMPTY_TOOL_RESULT),
    ]
    assert len(last.images) == 1


def test_a_growing_conversation_keeps_what_was_sent() -> None:
    turns: list[Turn] = [
        user(" "),
        assistant("a", call("same")),
        SystemTurn("Mind the gap."),
        user(result("same"), "go on"),
        assistant("b", call("same", name="a.b"), call("x|y")),
        user(""),
        assistant("c"),
        user("", "\n"),
        assistant("d", call("same")),
        user(result("same", PICTURE)),
        user("and"),
    ]
    sent: list[Entry] = []
    for end, turn in enumerate(turns, 1):
        if isinstance(turn, UserTurn) and not isinstance(turns[min(end, len(turns) - 1)], UserTurn):
            now = entries(*turns[:end])
            assert now[: len(sent)] == sent
            sent = now
    assert len(entries(*turns)) == 9


@pytest.mark.timeout(30)  # many times what it takes; quadratic, it would take longer
def test_many_calls_of_one_id_and_many_calls_at_once_cost_linear_time() -> None:
    rounds: list[Turn] = []
    for _ in range(20_000):
        rounds += [assistant(call("call_0")), user(result("call_0"))]
    names = [f"c{number}" for number in range(10_000)]
    at_once: list[Turn] = [assistant(*map(call, names)), user(*map(result, names))]
    assert len(entries(*rounds)) == 40_001
    assert len(entries(*at_once)) == 3


SIGNED = Reasoning("hm", "c2ln+/=")


def thoughts(*turns: Turn, names: Mapping[str, str] | None = NAMES, replay: bool = True) -> list[object]:
    earlier, _ = arrange(group(turns), names, replay=replay)
    found = [entry.reasoning for entry in earlier if isinstance(entry, AssistantEntry)]
    return [msgspec.to_builtins(reasoning) for reasoning in found]


def test_a_thought_is_sent_back_where_it_is_taken() -> None:
    turns: list[Turn] = [
        user("a"),
        assistant(SIGNED, "b", call()),
        user(result()),
        assistant(RedactedReasoning("AAAA"), "c"),
    ]
    told = [{"reasoningText": {"text": "hm", "signature": "c2ln+/="}}, {"redactedContent": "AAAA"}]
    assert thoughts(*turns) == told
    assert thoughts(*turns, names=None) == told
    assert thoughts(*turns, replay=False) == [None, None]


@pytest.mark.parametrize(
    "parts",
    [
        [Reasoning("hm", "")],
        [Reasoning("", "c2ln")],
        [RedactedReasoning("")],
        [SIGNED, SIGNED],
        [SIGNED, RedactedReasoning("AAAA")],
    ],
)
def test_what_the_backend_would_refuse_stays_behind(parts: list[AssistantPart]) -> None:
    assert thoughts(user("a"), assistant(*parts, "b")) == [None]


def test_a_thought_alone_is_no_entry() -> None:
    assert texts(user("a"), assistant(SIGNED), user("b")) == ["a\n\nb"]
    assert thoughts(user("a"), assistant(SIGNED), assistant("b"), user("c")) == [None]
