from urllib.parse import urlsplit

import httpx
import pytest
from tests.support.simulator import Simulator


def test_a_refresh_token_works_once(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("external-idp")
    assert account.token_endpoint is not None and account.client_id is not None
    path = urlsplit(account.token_endpoint).path
    form = {
        "grant_type": "refresh_token",
        "client_id": account.client_id,
        "refresh_token": account.refresh_token or "",
        "scope": "offline_access",
    }
    tokens = http.post(path, data=form).json()
    assert set(tokens) == {"token_type", "access_token", "refresh_token", "expires_in"}
    assert http.post(path, data=form).json()["error"] == "invalid_grant"
    assert http.post(path, data={**form, "refresh_token": tokens["refresh_token"]}).json()["error"] == "invalid_grant"


def test_it_may_keep_the_old_one(aws: Simulator, http: httpx.Client) -> None:
    aws.options(rotate_refresh_tokens=False)
    account = aws.account("external-idp")
    form = {"grant_type": "refresh_token", "client_id": account.client_id, "refresh_token": account.refresh_token}
    answer = http.post(urlsplit(account.token_endpoint or "").path, data=form)
    assert "refresh_token" not in answer.json()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "client_id": "x"}, "invalid_request"),
        (
            {"grant_type": "refresh_token", "client_id": "x", "refresh_token": "x", "client_secret": "x"},
            "invalid_client",
        ),
        ({"grant_type": "refresh_token", "client_id": "x", "refresh_token": "x"}, "invalid_grant"),
    ],
)
def test_refusals(http: httpx.Client, form: dict[str, str], error: str) -> None:
    path = "/simulated-tenant/oauth2/v2.0/token"
    assert http.post(path, data=form).json()["error"] == error
    assert http.post(path, json=form).json()["error"] == "invalid_request"
