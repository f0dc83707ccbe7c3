import json

import msgspec

from cwproxy.codewhisperer import wire


def test_absent_members_are_left_out_and_raw_json_is_passed_through() -> None:
    state = wire.ConversationState(
        current_message=wire.ChatMessage(user_input_message=wire.UserInputMessage(content="", model_id="m")),
        chat_trigger_type="MANUAL",
        conversation_id="c",
        history=[
            wire.ChatMessage(
                assistant_response_message=wire.AssistantResponseMessage(
                    content=" ",
                    tool_uses=[wire.ToolUse(tool_use_id="t", name="n", input=msgspec.Raw(b'{"a": 1}'))],
                )
            )
        ],
    )
    document = msgspec.json.encode(wire.ChatRequest(conversation_state=state))
    assert json.loads(document) == {
        "conversationState": {
            "currentMessage": {"userInputMessage": {"content": "", "modelId": "m"}},
            "chatTriggerType": "MANUAL",
            "conversationId": "c",
            "history": [
                {
                    "assistantResponseMessage": {
                        "content": " ",
                        "toolUses": [{"toolUseId": "t", "name": "n", "input": {"a": 1}}],
                    }
                }
            ],
        }
    }
    assert b'{"a": 1}' in document


def test_unknown_members_of_an_event_are_no_reason_to_fail() -> None:
    payload = msgspec.json.decode(b'{"content":"x","modelTag":"new"}', type=wire.AssistantResponsePayload)
    assert payload.content == "x"


def test_every_sentence_with_gaps_can_be_filled() -> None:
    assert "{" not in wire.FORCE_NAMED_TOOL.format(name="read")
    assert wire.JSON_SCHEMA_ONLY.format(schema='{"a":{}}').endswith('\n{"a":{}}')
    assert "{" not in wire.TOOL_USE_AS_TEXT.format(name="read", arguments="1")
    assert wire.TOOL_RESULT_AS_TEXT.format(name="read", text="{x}").endswith("\n{x}")
    assert wire.TOOL_FAILURE_AS_TEXT.format(name="read", text="{x}").endswith("\n{x}")
    assert wire.TOOL_DESCRIPTION_REST.format(name="read", rest="{x}").endswith("\n{x}")
    assert "5 characters" in wire.CLAMPED_TEXT.format(count=5)
