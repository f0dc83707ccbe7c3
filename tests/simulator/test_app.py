from email.utils import parsedate_to_datetime

import httpx
import pytest
from tests.support.simulator import Simulator
from tests.support.wire_requests import AWS_JSON, chat, control_plane


@pytest.mark.parametrize("path", ["/", "/unknown", "/token/", "/us-east-1/unknown"])
def test_unknown_places_are_unknown_operations(http: httpx.Client, path: str) -> None:
    response = http.post(path, content=b"{}")
    assert response.status_code == 404
    assert response.headers["x-amzn-errortype"].startswith("UnknownOperationException")
    assert response.headers["x-amzn-requestid"]


def test_unknown_targets_answer_in_their_own_envelope(http: httpx.Client) -> None:
    response = http.post("/", content=b"{}", headers={**AWS_JSON, "x-amz-target": "KiroRuntimeService.Nothing"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/x-amz-json-1.0"


def test_a_body_past_every_limit(aws: Simulator, http: httpx.Client) -> None:
    response = chat(http, aws.account().token, b" " * (32 * 1024 * 1024 + 1))
    assert (response.status_code, response.text) == (413, "Request entity too large")


def test_faults_of_the_control_plane_spare_chat(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.fault("error", scope="control-plane", status=503, error="ServiceUnavailableException")
    assert chat(http, token).status_code == 200
    response = control_plane(http, token, "ListAvailableModels", {"origin": "CLI"})
    assert response.headers["x-amzn-errortype"].startswith("ServiceUnavailableException")
    assert control_plane(http, token, "ListAvailableModels", {"origin": "CLI"}).status_code == 200


def test_the_journal_says_why(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account()
    chat(http, account.token, {})
    chat(http, "aoaUnknown")
    http.post("/token", json={})
    improper, unknown, login = aws.received()
    assert improper.note == "ValidationException: Improperly formed request. (rule 100)"
    assert (improper.account, improper.status) == (account.id, 400)
    assert (unknown.account, unknown.status) == (None, 403)
    assert (login.operation, login.status) == ("/token", 400)
    assert login.note.startswith("invalid_request: ")


def test_two_requests_of_one_client_share_a_connection(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    for _ in range(2):
        chat(http, token)
    first, second = aws.received()
    assert first.port == second.port
    assert aws.status().connections == 1


def test_answers_tell_the_simulators_time(aws: Simulator, http: httpx.Client) -> None:
    def time() -> float:
        return parsedate_to_datetime(chat(http, "aoaUnknown").headers["date"]).timestamp()

    before = time()
    aws.advance(3600)
    assert 3600 <= time() - before < 3660
