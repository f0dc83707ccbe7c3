"""What AWS's own JavaScript clients post for a ConversationState, and what cwproxy posts, are the same JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.node import run_node

from cwproxy.codewhisperer.caching import Caching
from cwproxy.codewhisperer.request import build
from cwproxy.codewhisperer.surfaces import Surface, Target, chat_call
from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    Image,
    JsonAnswer,
    SystemTurn,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    UserTurn,
)

pytestmark = pytest.mark.contract

SCRIPT = Path(__file__).with_name("node") / "request_body.cjs"
ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEFGHIJKL"
PICTURE = Image("png", "iVBORw0KGgo=")
SCHEMA = b'{"type":"object","properties":{"path":{"type":"string","enum":["a","b"]},"n":{"type":"integer"}}}'

PLAIN = Conversation("m", (UserTurn((Text("Hi"),)),))
RICH = Conversation(
    "m",
    (
        SystemTurn("Be brief. ☃"),
        UserTurn((Text('Grüße 😀 "\\\n'), PICTURE)),
        AssistantTurn(
            (Text("Wait"), ToolUse("call_1", "read.file", '{"n": 1, "deep": {"x": [1.5, null, true, "é"]}}'))
        ),
        UserTurn((ToolResult("call_1", (Text("out"), PICTURE)),)),
        AssistantTurn((ToolUse("call_1", "gone", "not JSON"),)),
        UserTurn((ToolResult("call_1", (), failed=True), Text("Now?"))),
    ),
    tools=(Tool("read.file", "Reads.", SCHEMA), Tool("bare", "", b"{}")),
    tool_choice=ToolChoice("required", "read.file"),
    answer=JsonAnswer(SCHEMA),
)


@pytest.mark.parametrize("alias", ["cw45", "cw19"])
@pytest.mark.parametrize(("conversation", "arn"), [(PLAIN, None), (RICH, ARN)], ids=["plain", "rich"])
def test_the_body_is_that_of_awss_client(
    node_project: Path, alias: str, conversation: Conversation, arn: str | None
) -> None:
    state = build(
        conversation,
        model_id="claude-sonnet-4.5",
        conversation_id="6f1c9a2e-0000-4000-8000-000000000000",
        caching=Caching(1, 4),
        origin="AI_EDITOR",
        git_status="M x",
    ).state
    ours = chat_call(Target(Surface.CODEWHISPERER, "us-east-1", profile_arn=arn), state, invocation_id="i")
    assert ours.body is not None
    result = run_node(SCRIPT, alias, project=node_project, stdin=ours.body)
    assert result.returncode == 0, result.stderr.decode()
    theirs: dict[str, Any] = json.loads(result.stdout)
    assert json.loads(ours.body) == json.loads(theirs["body"])
    assert (ours.method, ours.url.partition("amazonaws.com")[2]) == (theirs["method"], theirs["path"])
    assert ours.headers["content-type"] == theirs["headers"]["content-type"]
    assert set(theirs["headers"]) & {"amz-sdk-invocation-id", "amz-sdk-request"} <= set(ours.headers)
