"""Three generations of AWS's own JavaScript client take the simulator for AWS (protocol.md 3.2, 3.6, 4, 8.1)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.chat_requests import PROFILES, Profile
from tests.support.node import run_node
from tests.support.simulator import Simulator

from cwproxy.simulator.states import STATES, said

pytestmark = pytest.mark.contract

SCRIPT = Path(__file__).with_name("node") / "chat.cjs"
ALIASES = ["cw45", "cw19", "cw01"]

EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("messageMetadataEvent", {"conversationId": "c-1", "utteranceId": "u-1"}),
    ("assistantResponseEvent", {"content": 'Grüße ☃ 😀 "\\'}),
    ("reasoningContentEvent", {"text": "hm", "signature": "c2ln"}),
    ("reasoningContentEvent", {"redactedContent": "AAEC"}),
    ("toolUseEvent", {"toolUseId": "t1", "name": "f"}),
    ("toolUseEvent", {"toolUseId": "t1", "name": "f", "input": '{"a": "\\u'}),
    ("toolUseEvent", {"toolUseId": "t1", "name": "f", "input": '00e4"}'}),
    ("toolUseEvent", {"toolUseId": "t1", "name": "f", "stop": True}),
    ("toolResultEvent", {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}], "status": "success"}}),
    (
        "codeReferenceEvent",
        {
            "references": [
                {
                    "licenseName": "MIT",
                    "repository": "r",
                    "url": "u",
                    "recommendationContentSpan": {"start": 0, "end": 3},
                }
            ]
        },
    ),
    ("codeEvent", {"content": "x = 1"}),
    ("supplementaryWebLinksEvent", {"supplementaryWebLinks": [{"url": "u", "title": "t", "snippet": "s"}]}),
    ("followupPromptEvent", {"followupPrompt": {"content": "c", "userIntent": "EXPLAIN_CODE_SELECTION"}}),
    ("intentsEvent", {"intents": {"SUPPORT": {"a": {"string": "b"}}}}),
    (
        "interactionComponentsEvent",
        {
            "interactionComponentEntries": [
                {"interactionComponentId": "i", "interactionComponent": {"text": {"content": "x"}}}
            ]
        },
    ),
    ("citationEvent", {"target": {"location": 3}, "citationText": "t", "citationLink": "l"}),
    (
        "documentCitationEvent",
        {"title": "t", "location": {"web": {"url": "u", "domain": "d"}}, "sourceContent": [{"text": "s"}]},
    ),
    ("dryRunSucceedEvent", {}),
    ("invalidStateEvent", {"reason": "INVALID_TASK_ASSIST_PLAN", "message": "m"}),
    ("somethingNewEvent", {"x": 1}),
    ("metadataEvent", {"tokenUsage": {"uncachedInputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
    ("contextUsageEvent", {"contextUsagePercentage": 1.5}),
    ("meteringEvent", {"unit": "credit", "unitPlural": "credits", "usage": 0.0148}),
]
UNKNOWN_TO: dict[str, set[str]] = {
    "cw45": {"somethingNewEvent"},
    "cw19": {"somethingNewEvent", "documentCitationEvent", "meteringEvent", "contextUsageEvent"},
    "cw01": {
        "somethingNewEvent",
        "documentCitationEvent",
        "meteringEvent",
        "contextUsageEvent",
        "metadataEvent",
        "reasoningContentEvent",
    },
}
"""protocol.md 3.2: what each generation does not model, and skips."""

MODELLED = {
    "cw45": {
        "AccessDeniedException",
        "ThrottlingException",
        "ValidationException",
        "InternalServerException",
        "ServiceQuotaExceededException",
        "ServiceUnavailableException",
    },
    "cw19": {
        "AccessDeniedException",
        "ThrottlingException",
        "ValidationException",
        "InternalServerException",
        "ServiceQuotaExceededException",
    },
    "cw01": {
        "AccessDeniedException",
        "ThrottlingException",
        "ValidationException",
        "InternalServerException",
        "ServiceQuotaExceededException",
    },
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client made of one call. where: `send` or `loop`, None if nothing was raised."""

    events: list[tuple[str, Any]]
    error: dict[str, Any]
    where: str | None
    conversation_id: str | None

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def call(token: str, *, operation: str = "GenerateAssistantResponse", attempts: int = 1) -> dict[str, Any]:
    message = {"userInputMessage": {"content": "Hello", "origin": "IDE"}}
    state = {"chatTriggerType": "MANUAL", "conversationId": "c-1", "currentMessage": message}
    return {"token": token, "operation": operation, "input": {"conversationState": state}, "attempts": attempts}


def outcomes(alias: str, aws: Simulator, project: Path, *calls: dict[str, Any]) -> list[Outcome]:
    result = run_node(SCRIPT, alias, aws.url, project=project, stdin=json.dumps(calls).encode())
    assert result.returncode == 0, result.stderr.decode()
    return [
        Outcome(
            [(name, value) for name, value in one["events"]], one["error"] or {}, one["where"], one["conversationId"]
        )
        for one in json.loads(result.stdout)
    ]


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("operation", ["GenerateAssistantResponse", "SendMessage"])
def test_every_event_arrives_unless_the_client_never_heard_of_it(
    aws: Simulator, node_project: Path, alias: str, operation: str
) -> None:
    aws.events(*EVENTS, trailer="none")
    [outcome] = outcomes(alias, aws, node_project, call(aws.account().token, operation=operation))
    assert outcome.error == {}
    expected = [(name, payload) for name, payload in EVENTS if name not in UNKNOWN_TO[alias]]
    assert outcome.names == [name for name, _ in expected]
    for (name, seen), (_, sent) in zip(outcome.events, expected, strict=True):
        if name != "interactionComponentsEvent":  # the clients spell its absent union members out
            assert seen == sent
    assert outcome.conversation_id == ("c-1" if operation == "GenerateAssistantResponse" else None)
    [request] = aws.received()
    assert (request.surface, request.operation, request.ended) == ("codewhisperer", operation, "complete")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-amz-json-1.0"])
def test_the_stream_is_read_whatever_it_calls_itself(aws: Simulator, node_project: Path, content_type: str) -> None:
    aws.options(content_type=content_type, initial_response=True)
    [outcome] = outcomes("cw45", aws, node_project, call(aws.account().token))
    assert outcome.error == {}
    assert outcome.names[-3:] == ["metadataEvent", "contextUsageEvent", "meteringEvent"]
    text = "".join(value["content"] for name, value in outcome.events if name == "assistantResponseEvent")
    assert "Hello" in text


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("alias", ALIASES)
def test_every_account_state_is_the_class_and_reason_of_the_service(
    aws: Simulator, node_project: Path, alias: str, profile: Profile
) -> None:
    aws.options(profile=profile)
    wrong = {name: state.error for name in STATES if (state := said(name, profile)).error is not None}
    calls = [call(aws.account(state=name).token) for name in wrong]
    for error, outcome in zip(wrong.values(), outcomes(alias, aws, node_project, *calls), strict=True):
        assert outcome.where == "send"
        seen = outcome.error
        assert (seen["name"], seen["message"], seen["reason"]) == (error.error, error.message, error.reason)
        assert (seen["status"], seen["retryAfter"]) == (error.status, error.retry_after_milliseconds)
        assert seen["requestId"] is not None
        generic = "CodeWhispererStreamingServiceException"
        assert seen["class"] == (error.error if error.error in MODELLED[alias] else generic)


SENDING = [
    ("AccessDeniedException", 403, "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS"),
    ("ConflictException", 409, "CUSTOMER_KMS_KEY_DISABLED"),
    ("DryRunOperationException", 400, None),
    ("InternalServerException", 500, None),
    ("ResourceNotFoundException", 404, None),
    ("ServiceQuotaExceededException", 402, "CONVERSATION_LIMIT_EXCEEDED"),
    ("ThrottlingException", 429, "MONTHLY_REQUEST_COUNT"),
    ("ValidationException", 400, "INVALID_KMS_GRANT"),
]
"""Every class that SendMessage has in all three versions (protocol.md 4.2)."""


@pytest.mark.parametrize("alias", ALIASES)
def test_every_class_of_error_is_known_to_the_client(aws: Simulator, node_project: Path, alias: str) -> None:
    for name, status, reason in SENDING:
        aws.fault("error", error=name, status=status, reason=reason, message="No.")
    token = aws.account().token
    seen = outcomes(alias, aws, node_project, *[call(token, operation="SendMessage")] * len(SENDING))
    told = [(one.error["class"], one.error["status"], one.error["reason"]) for one in seen]
    assert told == SENDING


@pytest.mark.parametrize("alias", ALIASES)
def test_tokens_that_need_another_wire_shape_or_a_token_type(aws: Simulator, node_project: Path, alias: str) -> None:
    """These clients speak REST without `TokenType`: neither an API key nor a company's token is good for them."""
    calls = [call(aws.account(kind).token) for kind in ("api-key", "external-idp")]
    for outcome in outcomes(alias, aws, node_project, *calls):
        assert outcome.error["class"] == "AccessDeniedException"
        assert outcome.error["message"] == "The bearer token included in the request is invalid."


@pytest.mark.parametrize("alias", ALIASES)
def test_bad_tokens_and_bad_bodies(aws: Simulator, node_project: Path, alias: str) -> None:
    account = aws.account()
    without_content = call(account.token)
    without_content["input"]["conversationState"]["currentMessage"]["userInputMessage"]["content"] = ""
    bearer, body = outcomes(alias, aws, node_project, call("aoaUnknown"), without_content)
    assert bearer.error["class"] == "AccessDeniedException"
    assert bearer.error["message"] == "The bearer token included in the request is invalid."
    assert body.error["class"] == "ValidationException"
    assert body.error["message"] == "Improperly formed request."


@pytest.mark.parametrize("alias", ALIASES)
def test_failures_inside_the_stream(aws: Simulator, node_project: Path, alias: str) -> None:
    token = aws.account().token
    unavailable = "MODEL_TEMPORARILY_UNAVAILABLE"
    aws.fault("exception", error="error", message="boo", reason=unavailable, after=2)
    aws.fault("exception", error="throttlingError", message="boo", reason="SOME_REASON", after=2)
    aws.fault("error-frame", error="SomeCode", message="boo", after=2)
    aws.fault("bad-message-crc", after=2)
    aws.fault("bad-prelude-crc", after=2)
    aws.fault("truncated-frame", after=2)
    aws.fault("rst-after", after=2)
    aws.fault("fin-mid-chunk", after=2)
    modelled, unmodelled, error, message_crc, prelude_crc, cut, reset, ended = outcomes(
        alias, aws, node_project, *[call(token)] * 8
    )
    assert (modelled.error["class"], modelled.error["reason"]) == ("InternalServerException", unavailable)
    assert (unmodelled.error["class"], unmodelled.error["name"]) == ("Error", "throttlingError")
    assert json.loads(unmodelled.error["message"]) == {"message": "boo", "reason": "SOME_REASON"}
    assert (error.error["class"], error.error["name"], error.error["message"]) == ("Error", "SomeCode", "boo")
    assert "message checksum" in message_crc.error["message"]
    assert "prelude checksum" in prelude_crc.error["message"]
    assert cut.error["message"] == "Truncated event message received."
    assert reset.error["message"] == "aborted"
    assert ended.error["message"] == "aborted"
    for outcome in (modelled, unmodelled, error, message_crc, cut):
        assert outcome.where == "loop"
        assert outcome.names == ["assistantResponseEvent"] * 2


@pytest.mark.parametrize("alias", ALIASES)
def test_oddities_that_a_client_survives(aws: Simulator, node_project: Path, alias: str) -> None:
    token = aws.account().token
    [plain] = outcomes(alias, aws, node_project, call(token))
    survivable = ("one-byte-writes", "one-write", "unknown-event", "continue", "empty", "eof", "open-tool")
    for kind in survivable:
        aws.fault(kind, after=1)
    results = dict(zip(survivable, outcomes(alias, aws, node_project, *[call(token)] * len(survivable)), strict=True))
    assert [outcome.error for outcome in results.values()] == [{}] * len(survivable)
    for kind in ("one-byte-writes", "one-write", "unknown-event", "continue"):
        assert results[kind].names == plain.names
    assert results["empty"].names == []
    assert results["eof"].names == ["assistantResponseEvent"]
    assert results["open-tool"].names[-2:] == ["toolUseEvent"] * 2


def test_transport_faults_before_the_answer(aws: Simulator, node_project: Path) -> None:
    token = aws.account().token
    aws.fault("rst")
    aws.fault("html", status=200)
    aws.fault("redirect")
    aws.fault("status", status=413, body="Request entity too large")
    reset, page, redirect, large = outcomes("cw45", aws, node_project, *[call(token)] * 4)
    assert "ECONNRESET" in reset.error["message"]
    assert (page.where, page.error["status"]) == ("send", 200)
    assert redirect.error["status"] == 302
    assert large.error["status"] == 413


def test_the_newest_client_retries_what_the_service_calls_retryable(aws: Simulator, node_project: Path) -> None:
    token = aws.account().token
    for fault in ({"kind": "exception", "error": "error"}, {"kind": "error", "status": 500}):
        aws.fault(count=2, **fault)
        [outcome] = outcomes("cw45", aws, node_project, call(token, attempts=3))
        assert outcome.error == {}
    requests = aws.received()
    attempts = [request.headers["amz-sdk-request"] for request in requests]
    assert attempts == [f"attempt={number}; max=3" for number in (1, 2, 3)] * 2
    assert len({request.headers["amz-sdk-invocation-id"] for request in requests}) == 2
