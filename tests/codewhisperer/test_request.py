import json
import time
from typing import Any

import pytest
from hypothesis import given
from tests.support.chat_requests import ARN, PROFILES, Profile, base_context
from tests.support.conversation_strategy import broken_laws
from tests.support.conversations import conversations

from cwproxy.codewhisperer import wire
from cwproxy.codewhisperer.caching import Caching
from cwproxy.codewhisperer.request import NEUTRAL_ENVIRONMENT, Prepared, build, conversation_id
from cwproxy.codewhisperer.surfaces import Surface, Target, chat_call
from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    Document,
    Image,
    JsonAnswer,
    RemoteImage,
    SystemTurn,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Turn,
    UserPart,
    UserTurn,
)
from cwproxy.errors import InvalidRequest
from cwproxy.simulator.rules import validate

READ = Tool("read", "Reads a file.", b'{"type":"object","properties":{"path":{"type":"string"}}}')


def prepared(conversation: Conversation, **options: Any) -> Prepared:
    settings = {"model_id": "claude-sonnet-4.5", "conversation_id": "c-1", "origin": "KIRO_CLI", **options}
    return build(conversation, **settings)


def body(conversation: Conversation, **options: Any) -> dict[str, Any]:
    call = chat_call(Target(Surface.Q, "us-east-1"), prepared(conversation, **options).state, invocation_id="i")
    decoded: dict[str, Any] = json.loads(call.body or b"")
    return decoded


def current(conversation: Conversation, **options: Any) -> dict[str, Any]:
    message: dict[str, Any] = body(conversation, **options)["conversationState"]["currentMessage"]["userInputMessage"]
    return message


def history(conversation: Conversation) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = body(conversation)["conversationState"].get("history", [])
    return entries


def talk(*turns: Turn, **members: Any) -> Conversation:
    return Conversation("claude-sonnet-4.5", turns, **members)


def user(text: str) -> UserTurn:
    return UserTurn((Text(text),))


@given(conversations())
def test_every_conversation_becomes_a_lawful_body(conversation: Conversation) -> None:
    assert broken_laws(body(conversation)) == []


@given(conversations())
def test_no_text_of_the_client_is_lost(conversation: Conversation) -> None:
    document = json.dumps(body(conversation), ensure_ascii=False)
    for turn in conversation.turns:
        texts = [turn.text] if isinstance(turn, SystemTurn) else [p.text for p in turn.parts if isinstance(p, Text)]
        for text in texts:
            assert not text.strip() or json.dumps(text, ensure_ascii=False)[1:-1] in document


@given(conversations())
def test_the_same_conversation_always_becomes_the_same_body(conversation: Conversation) -> None:
    assert body(conversation) == body(conversation)


@given(conversations())
def test_every_declared_name_leads_back_to_the_client(conversation: Conversation) -> None:
    result = prepared(conversation)
    context = result.state.current_message.user_input_message
    assert context is not None and context.user_input_message_context is not None
    declared = [tool.tool_specification.name for tool in context.user_input_message_context.tools or []]
    assert list(result.tool_names) == declared
    assert len(set(result.tool_names.values())) == len(declared)


def test_a_plain_question_is_nothing_but_the_question() -> None:
    assert body(talk(user("Hi")))["conversationState"] == {
        "currentMessage": {
            "userInputMessage": {
                "content": "Hi",
                "userInputMessageContext": {"envState": {"operatingSystem": "linux", "currentWorkingDirectory": "/"}},
                "origin": "KIRO_CLI",
                "modelId": "claude-sonnet-4.5",
            }
        },
        "chatTriggerType": "MANUAL",
        "conversationId": "c-1",
    }


def test_the_service_chooses_when_no_model_is_named() -> None:
    assert "modelId" not in current(talk(user("Hi")), model_id=None)


def test_the_environment_and_the_git_status_are_the_callers() -> None:
    environment = wire.EnvState(operating_system="macos", current_working_directory="/" + "x" * 300)
    context = current(talk(user("Hi")), environment=environment, git_status="M " + "y" * 5_000)[
        "userInputMessageContext"
    ]
    assert context["envState"]["operatingSystem"] == "macos"
    assert len(context["envState"]["currentWorkingDirectory"]) == 256
    assert len(context["gitState"]["status"]) == 4_096
    bare = wire.EnvState(operating_system="linux")
    assert current(talk(user("Hi")), environment=bare)["userInputMessageContext"]["envState"] == {
        "operatingSystem": "linux"
    }
    assert NEUTRAL_ENVIRONMENT.current_working_directory == "/"


def test_the_system_text_is_a_fixed_first_pair_and_later_system_turns_keep_their_place() -> None:
    conversation = talk(
        SystemTurn("Be brief."), SystemTurn(" "), SystemTurn("Be kind."), user("Hi"), SystemTurn("Now!")
    )
    instructions, acknowledgement = history(conversation)
    assert instructions["userInputMessage"]["content"] == "Be brief.\n\nBe kind."
    assert acknowledgement["assistantResponseMessage"]["content"] == wire.SYSTEM_ACKNOWLEDGEMENT
    assert current(conversation)["content"] == "Hi\n\nNow!"


def test_instructions_stand_at_the_end_of_the_last_text_the_schema_last() -> None:
    conversation = talk(
        user("Hi"), tools=(READ,), tool_choice=ToolChoice("required"), answer=JsonAnswer(b'{"type":"object"}')
    )
    expected = wire.JSON_SCHEMA_ONLY.format(schema='{"type":"object"}')
    assert current(conversation)["content"] == f"Hi\n\n{wire.FORCE_ANY_TOOL}\n\n{expected}"
    assert current(talk(user("Hi"), answer=JsonAnswer()))["content"] == f"Hi\n\n{wire.JSON_ONLY}"


def test_an_instruction_beside_results_alone_is_all_the_text() -> None:
    conversation = talk(
        user("Hi"),
        AssistantTurn((ToolUse("t", "read", "{}"),)),
        UserTurn((ToolResult("t", (Text("x"),)),)),
        tools=(READ,),
        answer=JsonAnswer(),
    )
    assert current(conversation)["content"] == wire.JSON_ONLY


def test_a_schema_that_leaves_no_room_for_the_question_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        body(talk(user("Hi"), answer=JsonAnswer(b" " * 200_000)))
    assert refusal.value.param == "response_format"


def test_an_overlong_text_keeps_its_ends_and_says_what_is_missing() -> None:
    text = "a" * 300_000 + "b" * 300_000 + "c" * 100_000
    for content in (
        current(talk(user(text)))["content"],
        current(talk(user(text), answer=JsonAnswer()))["content"],
        history(talk(user(text), AssistantTurn((Text("ok"),)), user("Hi")))[0]["userInputMessage"]["content"],
    ):
        assert content.startswith("a" * 200_000 + wire.CLAMPED_TEXT.format(count=300_000))
        assert "c" * 100_000 in content
        assert len(content) < 401_000
    assert current(talk(user("a" * 600_000)))["content"] == "a" * 600_000


def test_a_very_long_history_is_left_alone() -> None:
    turns = [turn for number in range(5_100) for turn in (user(f"q{number}"), AssistantTurn((Text("a"),)))]
    assert len(history(talk(*turns, user("Hi")))) == 10_200


def test_the_conversation_id_is_stable_and_told_apart() -> None:
    first = talk(SystemTurn("Be brief."), user("Hi"))
    grown = talk(SystemTurn("Be brief."), user("Hi"), AssistantTurn((Text("Hello"),)), user("Bye"))
    name = conversation_id(first, namespace="key-1")
    assert name == conversation_id(grown, namespace="key-1")
    assert [len(piece) for piece in name.split("-")] == [8, 4, 4, 4, 12]
    others = [
        conversation_id(first, namespace="key-2"),
        conversation_id(talk(user("Hi")), namespace="key-1"),
        conversation_id(talk(UserTurn((Image("png", "aGk="),))), namespace="key-1"),
        conversation_id(talk(UserTurn((ToolResult("t", ()),))), namespace="key-1"),
        conversation_id(talk(AssistantTurn((Text("Hi"),))), namespace="key-1"),
        conversation_id(talk(SystemTurn("Be brief."), user("Hi"), name="mine"), namespace="key-1"),
    ]
    assert len({name, *others}) == 7
    assert conversation_id(talk(user("x"), name="mine"), namespace="key-1") == others[-1]


def test_a_large_conversation_is_converted_quickly() -> None:
    schema = json.dumps({"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(60)}}).encode()
    tools = tuple(Tool(f"tool_{n}", "Does things. " * 20, schema[:-1] + b',"title":"%d"}' % n) for n in range(50))
    turns: list[Turn] = []
    for number in range(50):
        arguments = json.dumps({"path": "/x", "content": "line\n" * 500})
        turns += [
            user("word " * 1_000),
            AssistantTurn((Text("ok"), ToolUse(f"call_{number}", f"tool_{number}", arguments))),
            UserTurn((ToolResult(f"call_{number}", (Text("out " * 2_000),)),)),
            AssistantTurn((Text("said " * 1_000),)),
        ]
    conversation = talk(*turns, user("Hi"), tools=tools)
    body(conversation)
    fastest = min(_seconds(conversation) for _ in range(5))
    assert fastest < 0.25


def _seconds(conversation: Conversation) -> float:
    began = time.thread_time()
    state = prepared(conversation).state
    chat_call(Target(Surface.Q, "us-east-1"), state, invocation_id="i")
    return time.thread_time() - began


def test_documents_travel_with_the_turn_that_brought_them_under_different_names() -> None:
    report = Document("pdf", "Q3: report.pdf", "JVBERi0=")
    conversation = Conversation("m", (UserTurn((report,)), AssistantTurn((Text("b"),)), UserTurn((report, Text("c")))))
    (asked, _) = history(conversation)
    sent = {"format": "pdf", "source": {"bytes": "JVBERi0="}}
    assert asked["userInputMessage"]["documents"] == [{"name": "Q3- report", **sent}]
    assert current(conversation)["documents"] == [{"name": "Q3- report (2)", **sent}]


def test_a_conversation_that_begins_with_a_picture_or_a_document_is_told_by_it() -> None:
    starts: list[UserPart] = [Image("png", "aGk="), Document("pdf", "a", "aGo="), RemoteImage("https://a/b.png", "p")]
    names = {conversation_id(Conversation("m", (UserTurn((start,)),)), namespace="") for start in starts}
    assert len(names) == 3


@pytest.mark.parametrize("profile", PROFILES)
@given(asked=conversations())
def test_the_judge_takes_whatever_is_attached_and_wherever_the_cache_points_are(
    profile: Profile, asked: Conversation
) -> None:
    sent = {**body(asked, caching=Caching(1, 4)), "profileArn": ARN}
    judged = validate(json.dumps(sent).encode(), base_context(profile))
    assert isinstance(judged, dict), judged
