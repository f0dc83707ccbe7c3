import json
import time
from typing import Any

import httpx
import pytest
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS
from tests.support.wire_requests import AWS_JSON, CHAT_TARGETS, bearer, chat, chat_body, events

TRAILER = ["metadataEvent", "contextUsageEvent", "meteringEvent"]


def text(said: list[tuple[str, dict[str, Any]]]) -> str:
    return "".join(payload["content"] for name, payload in said if name == "assistantResponseEvent")


@pytest.mark.parametrize(
    ("surface", "header"),
    [
        ("q", "x-amzn-codewhisperer-conversation-id"),
        ("codewhisperer", "x-amzn-codewhisperer-conversation-id"),
        ("kiro", "x-amzn-kiro-conversation-id"),
    ],
)
def test_a_turn_on_each_bearer_surface(aws: Simulator, http: httpx.Client, surface: str, header: str) -> None:
    account = aws.account("social")
    response = chat(http, account.token, chat_body("hello", profile_arn=account.profile_arn), surface=surface)
    assert response.status_code == 200
    assert response.headers[header] == "c-1"
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.headers["x-amzn-requestid"]
    said = events(response.content)
    assert "hello" in text(said)
    assert [name for name, _ in said[-3:]] == TRAILER
    [request] = aws.received()
    assert (request.account, request.surface, request.frames) == (account.id, surface, len(said))


def test_kiro_demands_a_profile_where_the_older_service_does_not(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account("builder-id").token
    assert chat(http, token).status_code == 200
    refusal = chat(http, token, surface="kiro")
    assert (refusal.status_code, refusal.json()["message"]) == (400, "profileArn is required for this request.")
    assert refusal.json()["__type"] == "com.amazon.kiro.runtimeservice#ValidationException"


def test_a_profile_that_is_not_the_accounts(aws: Simulator, http: httpx.Client) -> None:
    mine, other = aws.account("identity-center"), aws.account("identity-center")
    response = chat(http, mine.token, chat_body(profile_arn=other.profile_arn))
    assert (response.status_code, response.json()["message"]) == (403, "User is not authorized to make this call.")


def test_the_validators_word_is_final(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    assert chat(http, token, b"{").json()["message"] == "The request body is not valid JSON."
    assert chat(http, token, {}).json() == {
        "__type": "com.amazon.aws.codewhisperer#ValidationException",
        "message": "Improperly formed request.",
        "reason": None,
    }
    assert chat(http, token, chat_body(model="gpt-2")).json()["reason"] == "INVALID_MODEL_ID"
    assert [request.account for request in aws.received()][0] is not None


def test_an_account_may_be_offered_fewer_models(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account(models=["claude-sonnet-4"])
    assert chat(http, account.token, chat_body(model="claude-haiku-4.5")).status_code == 400
    aws.set_models(account, None)
    assert chat(http, account.token, chat_body(model="claude-haiku-4.5")).status_code == 200


def test_capacity_is_a_models_own(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account()
    aws.set_model_states(account, {"auto": "capacity-429", "claude-sonnet-4.5": "capacity-500"})
    models = (None, "auto", "claude-sonnet-4.5", "claude-sonnet-4")
    assert [chat(http, account.token, chat_body(model=model)).status_code for model in models] == [429, 429, 500, 200]
    aws.set_model_states(account, {})
    assert chat(http, account.token).status_code == 200


def test_the_window_is_that_of_the_model(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    long = "word " * 110_000
    assert chat(http, token, chat_body(long, model="claude-opus-4.6")).status_code == 200
    refusal = chat(http, token, chat_body(long, model="deepseek-3.2"))
    assert (refusal.status_code, refusal.json()["message"]) == (400, "Input is too long.")


def test_profile_and_disputed_rules_can_be_chosen(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.options(profile="kiro-runtime")
    assert chat(http, token).json()["message"] == "profileArn is required for this request."
    aws.options(profile="auto", opt_rules=[51])
    assert chat(http, token).status_code == 400
    aws.options(opt_rules=[], max_body_bytes=10)
    assert chat(http, token).status_code == 400


def test_scripts_are_spoken_one_per_call_and_then_the_model_speaks(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.say("first", pieces=2)
    aws.call("f", {"a": [1]}, trailer="none")
    aws.events(("codeEvent", {"content": "x"}), ("unheardOfEvent", {}), trailer="older", stop="MAX_TOKENS")
    aws.turns({"say": "last", "stop": "MAX_TOKENS"})
    first, second, third, fourth, fifth = (events(chat(http, token).content) for _ in range(5))
    assert text(first) == "first"
    assert [name for name, _ in second] == ["toolUseEvent"] * 5
    assert json.loads("".join(payload.get("input", "") for _, payload in second)) == {"a": [1]}
    assert [name for name, _ in third][:3] == ["messageMetadataEvent", "codeEvent", "unheardOfEvent"]
    assert not {name for name, _ in third} & set(TRAILER)
    assert dict(fourth)["metadataEvent"] == {"stopReason": "MAX_TOKENS"}
    assert "simulated model" in text(fifth)
    assert aws.status().turns == 0


def test_markers_in_the_prompt(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    refused = chat(http, token, chat_body("STUBERR 503"))
    assert refused.status_code == 503
    assert refused.headers["x-amzn-errortype"].startswith("ServiceUnavailableException")
    broken = events(chat(http, token, chat_body("STUBMIDERR")).content)
    assert [name for name, _ in broken][-1] == "error"
    assert broken[0][0] == "assistantResponseEvent"
    assert text(events(chat(http, token, chat_body("STUBSAY Grüße")).content)) == "Grüße"


def test_how_the_stream_is_dressed(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.options(content_type="application/json", initial_response=True, token_usage=True, frames_per_write=100)
    response = chat(http, token)
    said = events(response.content)
    assert response.headers["content-type"] == "application/json"
    assert said[0] == ("initial-response", {"conversationId": "c-1"})
    assert dict(said)["metadataEvent"]["tokenUsage"]["outputTokens"] > 0
    rest = events(chat(http, token, surface="codewhisperer").content)
    assert rest[0] == ("initial-response", {})


def test_pace_and_latency(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.turns({"say": "abc", "trailer": "none", "pace": 0.03, "latency": 0.1})
    start = time.monotonic()
    assert text(events(chat(http, token).content)) == "abc"
    assert time.monotonic() - start >= 0.19


def test_a_stream_that_says_too_little(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.fault("empty")
    aws.fault("open-tool")
    assert chat(http, token).content == b""
    assert [name for name, _ in events(chat(http, token).content)][-1] == "toolUseEvent"


@pytest.mark.anyio
async def test_a_client_that_leaves_is_seen_to_leave(aws: Simulator) -> None:
    aws.turns({"say": "x" * 1000, "pieces": 1000, "pace": 0.1})
    headers = {**AWS_JSON, "x-amz-target": CHAT_TARGETS["q"], **bearer(aws.account().token)}
    body = json.dumps(chat_body()).encode()
    async with (
        httpx.AsyncClient(base_url=aws.url, trust_env=False, timeout=SECONDS) as client,
        client.stream("POST", "/", content=body, headers=headers) as response,
    ):
        async for _ in response.aiter_raw():
            break
        assert (aws.status().connections, aws.status().running) == (1, 1)
    await aws.wait_for(connections=0, running=0)
    [request] = aws.received()
    assert request.ended == "client left"
    assert 0 < request.frames < 1000
