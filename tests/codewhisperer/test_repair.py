"""The second request: the same conversation, one exchange longer."""

from cwproxy.codewhisperer import wire
from cwproxy.codewhisperer.repair import MAX_PROBLEM_LENGTH, after_invalid_json, after_missing_call
from cwproxy.codewhisperer.request import build, conversation_id
from cwproxy.conversation import AssistantTurn, Conversation, JsonAnswer, Text, Tool, ToolChoice, UserTurn

ASKED = Conversation(
    "m",
    (UserTurn((Text("Hi"),)),),
    (Tool("f", "", b"{}"),),
    ToolChoice("required", "f"),
    JsonAnswer(),
    stop=("x",),
    max_tokens=9,
)


def test_what_was_said_and_what_is_wrong_with_it_follow() -> None:
    again = after_invalid_json(ASKED, "nope", "it is not JSON")
    said, sentence = again.turns[1:]
    assert said == AssistantTurn((Text("nope"),))
    assert sentence == UserTurn((Text(wire.JSON_REPAIR.format(problem="it is not JSON")),))
    assert (again.answer, again.stop, again.max_tokens) == (ASKED.answer, ("x",), 9)
    assert len(str(after_invalid_json(ASKED, "", "x" * 10_000))) < MAX_PROBLEM_LENGTH + 2_000


def test_the_demand_stands_behind_the_sentence() -> None:
    built = build(after_missing_call(ASKED, ""), model_id=None, conversation_id="c", origin="CLI").state
    message = built.current_message.user_input_message
    assert message is not None
    assert message.content.index(wire.FORCE_TOOL_AGAIN) < message.content.index('calling the tool "f"')


def test_the_conversation_keeps_its_id() -> None:
    ids = {conversation_id(each, namespace="n") for each in (ASKED, after_missing_call(ASKED, "no"))}
    assert len(ids) == 1
