import hashlib
import json
import time

import httpx
import pytest
from tests.support.simulator import Kind, Simulator
from tests.support.wire_requests import AWS_JSON, CHAT_TARGETS, chat, chat_body, control_plane

from cwproxy.simulator.request import Request
from cwproxy.simulator.sigv4 import signature

INVALID = "The bearer token included in the request is invalid."
MISSING = "Missing bearer token in the authorization header."


@pytest.mark.parametrize(("surface", "status"), [("q", 400), ("codewhisperer", 400), ("kiro", 403)])
@pytest.mark.parametrize("authorization", ["", "Basic dXNlcg==", "Bearer"])
def test_no_bearer(http: httpx.Client, surface: str, status: int, authorization: str) -> None:
    response = chat(http, "", surface=surface, authorization=authorization)
    assert (response.status_code, response.json()["message"]) == (status, MISSING)


@pytest.mark.parametrize("surface", ["q", "codewhisperer", "kiro"])
def test_unknown_and_expired_bearers_are_403(aws: Simulator, http: httpx.Client, surface: str) -> None:
    account = aws.account("social", expires_in=60)
    aws.advance(61)
    for token in ("aoaUnknown", account.token):
        response = chat(http, token, surface=surface)
        assert (response.status_code, response.json()["message"], response.json()["reason"]) == (403, INVALID, None)


def test_an_api_key_needs_its_token_type_and_a_token_must_not_have_it(aws: Simulator, http: httpx.Client) -> None:
    key, token = aws.account("api-key").token, aws.account("social")
    assert chat(http, key, surface="kiro", tokentype="API_KEY").status_code == 200
    assert chat(http, key, surface="kiro").json()["message"] == INVALID
    body = chat_body(profile_arn=token.profile_arn)
    assert chat(http, token.token, body, surface="kiro", tokentype="API_KEY").json()["message"] == INVALID
    assert chat(http, token.token, body, surface="kiro", tokentype="SSO_OIDC").status_code == 200


def test_a_key_works_with_the_wire_shape_of_the_command_line_only(aws: Simulator, http: httpx.Client) -> None:
    key = aws.account("api-key").token
    assert chat(http, key, surface="q", tokentype="API_KEY").status_code == 200
    refused = http.post(
        "/generateAssistantResponse",
        json=chat_body(),
        headers={"authorization": f"Bearer {key}", "tokentype": "API_KEY"},
    )
    assert (refused.status_code, refused.json()["message"]) == (403, INVALID)


def test_a_token_of_a_company_needs_its_token_type_and_its_profile(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("external-idp")
    body = chat_body(profile_arn=account.profile_arn)
    for surface in ("q", "kiro"):
        assert chat(http, account.token, body, surface=surface, tokentype="EXTERNAL_IDP").status_code == 200
        assert chat(http, account.token, body, surface=surface).json()["message"] == INVALID
        without = chat(http, account.token, surface=surface, tokentype="EXTERNAL_IDP")
        assert without.status_code == (400 if surface == "kiro" else 403)


def test_chat_hosts_exist_in_two_regions_only(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    with pytest.raises(httpx.ReadError):
        chat(http, token, region="eu-north-1")
    assert chat(http, token, region="us-east-1").status_code == 200
    assert aws.received()[0].note == "no such host (rule 55)"


def test_a_token_of_one_region_is_invalid_in_the_other(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    for response in (
        chat(http, token, region="eu-central-1"),
        control_plane(http, token, "ListAvailableModels", {"origin": "CLI"}, region="eu-central-1"),
        control_plane(http, token, "GetUsageLimits", {}, region="eu-central-1"),
    ):
        assert (response.status_code, response.json()["message"]) == (403, INVALID)


def test_an_arn_of_the_other_region_is_an_improper_request(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("identity-center", region="eu-west-1")
    body = chat_body(profile_arn=account.profile_arn)
    response = chat(http, account.token, body, region="us-east-1")
    assert (response.status_code, response.json()["message"]) == (400, "Improperly formed request.")
    assert chat(http, account.token, body, region="eu-central-1").status_code == 200


def test_trouble_with_the_account_comes_before_any_look_at_the_body(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account(state="suspended")
    assert chat(http, account.token, b"not json").json()["reason"] == "TEMPORARILY_SUSPENDED"
    assert control_plane(http, account.token, "GetUsageLimits", {}).json()["reason"] == "TEMPORARILY_SUSPENDED"
    aws.set_state(account, "monthly-402")
    assert chat(http, account.token, b"not json").status_code == 402
    assert control_plane(http, account.token, "GetUsageLimits", {}).status_code == 200
    aws.set_state(account, "expired")
    assert chat(http, account.token).json()["message"] == INVALID


def test_trouble_is_told_in_the_words_of_the_surface(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("identity-center", state="monthly-402")
    body = chat_body(profile_arn=account.profile_arn)
    statuses = [chat(http, account.token, body, surface=surface).status_code for surface in ("q", "kiro")]
    assert statuses == [402, 400]
    aws.options(profile="kiro-runtime")
    assert chat(http, account.token, body).status_code == 400


def test_a_signed_call_is_its_accounts(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("iam", state="throttled")
    subject = Request(
        method="POST",
        path="/",
        raw_path="/",
        query_string="",
        headers={
            "host": http.base_url.netloc.decode(),
            "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
            "x-amz-target": CHAT_TARGETS["q-iam"],
        },
        body=json.dumps(chat_body()).encode(),
        region=None,
        peer="127.0.0.1",
        port=1,
    )
    scope = {
        "date": subject.headers["x-amz-date"][:8],
        "region": "us-east-1",
        "service": "q",
        "signed": ";".join(subject.headers),
    }
    digest = hashlib.sha256(subject.body).hexdigest()
    value = signature(subject, scope, account.secret_access_key or "", payload_hash=digest)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={account.access_key_id}/{scope['date']}/us-east-1/q/aws4_request, "
        f"SignedHeaders={scope['signed']}, Signature={value}"
    )
    headers = {**AWS_JSON, **subject.headers, "authorization": authorization}
    assert http.post("/", content=subject.body, headers=headers).status_code == 429
    aws.set_state(account, "healthy")
    assert http.post("/", content=subject.body, headers=headers).status_code == 200
    aws.reset()
    assert http.post("/", content=subject.body, headers=headers).status_code == 403


def test_an_iam_account_has_no_bearer_and_a_bearer_no_signature(aws: Simulator, http: httpx.Client) -> None:
    response = chat(http, aws.account().token, surface="q-iam")
    assert response.headers["x-amzn-errortype"].startswith("IncompleteSignatureException")
    assert aws.account("iam").token == ""


@pytest.mark.parametrize("kind", ["builder-id", "iam"])
def test_a_fault_strikes_the_account_that_it_is_meant_for(aws: Simulator, http: httpx.Client, kind: Kind) -> None:
    struck, spared = aws.account(kind), aws.account("builder-id")
    aws.fault("status", status=503, account=struck.id)
    assert chat(http, spared.token).status_code == 200
    authorization = (
        f"Bearer {struck.token}" if struck.token else f"AWS4-HMAC-SHA256 Credential={struck.access_key_id}/x"
    )
    assert chat(http, "", authorization=authorization).status_code == 503
    assert aws.status().faults == 0
