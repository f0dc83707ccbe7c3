"""botocore's signer and the simulator's verifier, written apart, agree; and every tampering is noticed."""

import json
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.support.simulator import SimulatedAccount, Simulator
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.contract

BODY = json.dumps(
    {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "conversationId": "c-1",
            "currentMessage": {"userInputMessage": {"content": "Grüße", "origin": "CLI"}},
        },
        "source": "CLI",
    }
).encode()
HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "AmazonQDeveloperStreamingService.SendMessage",
    "x-amzn-codewhisperer-optout": "true",
    "amz-sdk-invocation-id": "0d9f1a3e-0000-4000-8000-000000000000",
}


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def signed(
    account: SimulatedAccount,
    url: str,
    *,
    body: bytes = BODY,
    service: str = "q",
    region: str = "us-east-1",
    secret: str | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a POST that botocore has signed."""
    assert account.access_key_id is not None
    credentials = Credentials(
        account.access_key_id, secret or account.secret_access_key or "", account.session_token or None
    )
    request = AWSRequest(method="POST", url=url, data=body, headers={**HEADERS, **(headers or {})})
    SigV4Auth(credentials, service, region).add_auth(request)
    return dict(request.headers.items())


def post(url: str, headers: dict[str, str], body: bytes = BODY) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=SECONDS) as client:
        return client.post(url, headers=headers, content=body)


@pytest.mark.parametrize("session_token", [None, "FwoGZXIvYXdzEXAMPLE//token=="])
def test_a_signed_message_is_answered(aws: Simulator, session_token: str | None) -> None:
    account = aws.account("iam", session_token=session_token)
    response = post(f"{aws.url}/", signed(account, f"{aws.url}/"))
    assert response.status_code == 200, response.text
    [request] = aws.received()
    assert (request.surface, request.operation, request.account) == ("q-iam", "SendMessage", account.id)


def test_a_region_in_the_path_and_a_query_are_part_of_what_is_signed(aws: Simulator) -> None:
    account = aws.account("iam")
    url = f"{aws.url}/eu-central-1/?b=2&a=1%20&empty="
    assert post(url, signed(account, url, region="eu-central-1")).status_code == 200
    assert post(url, signed(account, url, region="us-east-1")).status_code == 403
    assert post(f"{aws.url}/eu-central-1/?b=3", signed(account, url, region="eu-central-1")).status_code == 403


@pytest.mark.parametrize(
    ("tamper", "error"),
    [
        (lambda headers: {**headers, "content-type": "application/x-amz-json-1.0; charset=utf-8"}, "InvalidSignature"),
        (lambda headers: {**headers, "x-amzn-codewhisperer-optout": "false"}, "InvalidSignature"),
        (lambda headers: {**headers, "x-amz-extra": "unsigned"}, "InvalidSignature"),
        (lambda headers: {**headers, "x-amz-content-sha256": "0" * 64}, "InvalidSignature"),
        (lambda headers: {**headers, "X-Amz-Security-Token": "stolen"}, "UnrecognizedClient"),
        (lambda headers: {**headers, "X-Amz-Date": "20200101T000000Z"}, "InvalidSignature"),
        (lambda headers: {**headers, "X-Amz-Date": "yesterday"}, "IncompleteSignature"),
        (lambda headers: {**headers, "Authorization": headers["Authorization"][:-1]}, "IncompleteSignature"),
        (lambda headers: {**headers, "Authorization": "Bearer aoaToken"}, "IncompleteSignature"),
        (lambda headers: {**headers, "Authorization": flipped(headers["Authorization"])}, "InvalidSignature"),
        (
            lambda headers: {**headers, "Authorization": headers["Authorization"].replace("AKIA", "AKIB")},
            "UnrecognizedClient",
        ),
        (
            lambda headers: {name: value for name, value in headers.items() if name != "Authorization"},
            "MissingAuthenticationToken",
        ),
    ],
)
def test_tampered_headers(aws: Simulator, tamper: Callable[[dict[str, str]], dict[str, str]], error: str) -> None:
    url = f"{aws.url}/"
    response = post(url, tamper(signed(aws.account("iam"), url)))
    assert response.status_code in (400, 403)
    assert response.headers["x-amzn-errortype"].startswith(f"{error}Exception")
    assert response.json()["__type"] == f"com.amazon.coral.service#{error}Exception"


def flipped(authorization: str) -> str:
    last = authorization[-1]
    return authorization[:-1] + ("0" if last != "0" else "1")


def test_a_tampered_body_key_service_or_date_scope(aws: Simulator) -> None:
    account = aws.account("iam")
    url = f"{aws.url}/"
    honest = signed(account, url)
    assert post(url, honest, BODY.replace(b"MANUAL", b"MANUAL ")).status_code == 403
    assert post(url, signed(account, url, secret="guessed")).status_code == 403
    wrong_service = post(url, signed(account, url, service="codewhisperer"))
    assert "'q'" in wrong_service.json()["message"]
    other_day = {**honest, "Authorization": re.sub(r"/\d{8}/", "/20200101/", honest["Authorization"])}
    assert "Date in Credential scope" in post(url, other_day).json()["message"]
    assert [request.account for request in aws.received()] == [None] * 4


def test_a_signature_grows_old(aws: Simulator) -> None:
    account = aws.account("iam")
    headers = signed(account, f"{aws.url}/")
    aws.advance(301)
    response = post(f"{aws.url}/", headers)
    assert response.status_code == 403
    assert "expired" in response.json()["message"]


def test_a_signature_for_a_bearer_surface_is_no_bearer_token(aws: Simulator) -> None:
    account = aws.account("iam")
    target = {"x-amz-target": "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"}
    response = post(f"{aws.url}/", signed(account, f"{aws.url}/", headers=target))
    assert response.status_code == 400
    assert response.json()["message"] == "Missing bearer token in the authorization header."
