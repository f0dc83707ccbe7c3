from typing import Any

import pytest
from tests.support.chat_requests import (
    CALL,
    CONTEXT,
    CURRENT,
    PROFILES,
    QUESTION,
    REMOVED,
    RESULT,
    STATE,
    TOOL,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
    assistant,
    user,
)

RESULTS = f"{RESULT}.userInputMessageContext.toolResults"
THOUGHT = f"{CALL}.reasoningContent"
BAD_TOOL_USE = "Invalid tool use format."


BREACHES = [
    Breach(12, {f"{CURRENT}.content": "x" * 600_001}, context={"window_tokens": 1_000_000}),
    Breach(12, {f"{RESULTS}.0.content.0.text": "x" * 800_001}, context={"window_tokens": 1_000_000}),
    Breach(13, {f"{CURRENT}.content": [{"text": "hi"}]}),
    Breach(13, {f"{CALL}.content": ["hi"]}),
    Breach(22, {f"{CALL}.toolUses.0.input": "{}"}, message=BAD_TOOL_USE, legacy_message=BAD_TOOL_USE),
    Breach(22, {f"{CALL}.toolUses.0.input": []}, message=BAD_TOOL_USE, legacy_message=BAD_TOOL_USE),
    Breach(22, {f"{CALL}.toolUses.0.input": None}, message=BAD_TOOL_USE, legacy_message=BAD_TOOL_USE),
    Breach(24, {f"{RESULTS}.0.status": "failed"}),
    Breach(24, {f"{RESULTS}.0.content": "sunny"}),
    Breach(24, {f"{RESULTS}.0.content": [{"text": "a", "json": {}}]}),
    Breach(24, {f"{RESULTS}.0.content": [{"image": {}}]}),
    Breach(28, {f"{TOOL}.name": "n" * 65}),
    Breach(28, {f"{CALL}.toolUses.0.name": "n" * 65}),
    *(Breach(29, {f"{TOOL}.name": name}) for name in ("", "1st", "_private", "a.b", "a b", "été", "a\n")),
    Breach(30, {f"{TOOL}.description": ""}),
    Breach(31, {f"{TOOL}.description": "é" * 5_121}),
    Breach(43, {f"{CONTEXT}.tools.1": {"cachePoint": {"type": "default"}}}),
    Breach(47, {THOUGHT: {"text": "Hm.", "signature": "x"}}),
    Breach(47, {THOUGHT: "Hm."}),
    Breach(47, {f"{THOUGHT}.reasoningText.text": REMOVED}),
    Breach(66, {f"{QUESTION}.images.0.format": "jpg"}),
    Breach(66, {f"{QUESTION}.images.0.source": {"bytes": {"type": "Buffer", "data": [1]}}}),
    Breach(66, {f"{QUESTION}.images.0.source": {}}),
]

SHAPES: dict[str, Any] = {
    "conversationState": None,
    STATE: [],
    f"{STATE}.currentMessage": REMOVED,
    f"{STATE}.chatTriggerType": "AUTO",
    f"{STATE}.conversationId": "x" * 129,
    f"{STATE}.history": {},
    f"{STATE}.history.0": {**user("a"), **assistant("b")},
    f"{STATE}.history.1": {},
    f"{STATE}.history.2": None,
    f"{STATE}.agentTaskType": "chat",
    "profileArn": "arn:aws:codewhisperer:us-east-1:1:profile/X",
    "additionalModelRequestFields": [],
    f"{CURRENT}.content": None,
    f"{CURRENT}.origin": "TERMINAL",
    f"{CURRENT}.userIntent": "CHAT",
    f"{CURRENT}.modelId": "claude sonnet",
    f"{CURRENT}.cachePoint": {"type": "ephemeral"},
    f"{CURRENT}.clientCacheConfig": {"useClientCachingOnly": "yes"},
    f"{CURRENT}.documents": [{"name": "a", "format": "exe", "source": {"bytes": "aGk="}}],
    f"{CALL}.reasoningContent": {"redactedContent": "not base64 !!"},
    f"{CONTEXT}.envState.operatingSystem": "plan9",
    f"{CONTEXT}.envState.currentWorkingDirectory": "",
    f"{CONTEXT}.envState": {"currentWorkingDirectory": "x" * 257},
    f"{CONTEXT}.envState.timezoneOffset": 1441,
    f"{CONTEXT}.gitState": {"status": "x" * 4_097},
    f"{CONTEXT}.shellState": {"shellName": "cmd"},
    f"{CONTEXT}.tools.0": {"type": "web_search_20250305", "name": "web_search"},
    f"{TOOL}.inputSchema": REMOVED,
    f"{TOOL}.inputSchema.json": REMOVED,
    f"{CALL}.toolUses.0.toolUseId": "call|1",
    f"{CALL}.toolUses.0": {"toolUseId": "a" * 65, "name": "get_weather", "input": {}},
    f"{CALL}.toolUses.0.input": REMOVED,
    f"{CALL}.messageId": "x" * 129,
    f"{RESULTS}.0.toolUseId": REMOVED,
    f"{RESULTS}.0.content": REMOVED,
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"rule {breach.rule}")
def test_a_breach_is_refused(breach: Breach, profile: Profile) -> None:
    assert_refused(breach, profile)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("path", SHAPES)
def test_a_fault_of_shape_is_refused(path: str, profile: Profile) -> None:
    assert_refused(Breach(100, {path: SHAPES[path]}), profile)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "members",
    [{"source": {"bytes": data}} for data in ("", "%%%", "aGk", "aGk=\n", "é")] + [{"name": ""}, {"name": "n" * 201}],
)
def test_a_document_is_base64_and_has_a_name(members: dict[str, Any], profile: Profile) -> None:
    document = {"name": "a", "format": "pdf", "source": {"bytes": "aGk="}, **members}
    assert_refused(Breach(100, {f"{CURRENT}.documents": [document]}), profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_current_message_is_the_users(profile: Profile) -> None:
    assert_refused(Breach(100, {f"{STATE}.currentMessage": assistant("I begin.")}), profile)


@pytest.mark.parametrize("changes", [{"source": "TERMINAL"}, {"dryRun": "no"}])
@pytest.mark.parametrize("profile", PROFILES)
def test_send_message_has_members_of_its_own(changes: dict[str, Any], profile: Profile) -> None:
    assert_refused(Breach(100, changes, context={"operation": "SendMessage"}), profile)


@pytest.mark.parametrize(
    "changes",
    [
        {f"{STATE}.currentMessage.unknown": 1, f"{TOOL}.strict": True},
        {f"{TOOL}.description": REMOVED},
        {f"{TOOL}.description": "é" * 5_120, f"{TOOL}.name": "n" * 64, f"{CALL}.toolUses.0.name": "n" * 64},
        {f"{CALL}.toolUses": [], f"{RESULTS}": [], f"{RESULT}.content": "hi"},
        {f"{CALL}.reasoningContent": {"redactedContent": "eA=="}},
        {f"{RESULTS}.0.content": []},
        {f"{STATE}.history.0.userInputMessage.modelId": "an-older-model"},
        {f"{CONTEXT}.editorState": {"cursorState": {}}, f"{STATE}.workspaceId": "w"},
        {f"{CALL}.cachePoint": {"type": "default"}, f"{CURRENT}.cachePoint": {"type": "default"}},
    ],
)
def test_what_the_service_takes(changes: dict[str, Any]) -> None:
    assert_accepted(changes)
