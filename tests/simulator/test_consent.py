from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.simulator.test_approval import Page
from tests.simulator.test_codes import QUERY, REDIRECT
from tests.support.simulator import Simulator

SCOPES = ["codewhisperer:conversations"]


def register(http: httpx.Client, **changes: object) -> str:
    members = {
        "clientName": "<b>Evil & Co</b>",
        "clientType": "public",
        "scopes": SCOPES,
        "grantTypes": ["authorization_code", "refresh_token"],
        "redirectUris": [REDIRECT],
        "issuerUrl": "https://d-1.awsapps.com/start",
        **changes,
    }
    client_id: str = http.post("/client/register", json=members).json()["clientId"]
    return client_id


def authorize(http: httpx.Client, client: str, **changes: str) -> httpx.Response:
    query = {**QUERY, "response_type": "code", "client_id": client, "scopes": " ".join(SCOPES), **changes}
    return http.get("/authorize", params=query)


def login_of(page: httpx.Response) -> str:
    (field,) = [tag for tag in Page(page.text).attributes("input") if tag["name"] == "login"]
    return field["value"] or ""


def test_a_person_sees_who_asks_and_where_it_leads(http: httpx.Client) -> None:
    page = authorize(http, register(http))
    assert page.status_code == 200
    text = Page(page.text).text
    assert "<b>Evil & Co</b>" in text
    assert "IAM Identity Center, https://d-1.awsapps.com/start" in text
    assert REDIRECT in text
    assert "not AWS" in text
    assert "form-action 'self' http://127.0.0.1:4711;" in page.headers["content-security-policy"]


def test_yes_leads_back_with_a_code_once(http: httpx.Client) -> None:
    login = login_of(authorize(http, register(http, issuerUrl="https://view.awsapps.com/start")))
    back = http.post("/consent", data={"login": login, "decision": "approve"})
    assert back.status_code == 302
    place = urlsplit(back.headers["location"])
    assert f"http://{place.netloc}{place.path}" == REDIRECT
    assert parse_qs(place.query)["state"] == ["s"]
    assert http.post("/consent", data={"login": login, "decision": "approve"}).status_code == 404


def test_no_leads_back_without(http: httpx.Client) -> None:
    page = http.get("/login", params={**QUERY, "idp": "Github"})
    assert "Github" in Page(page.text).text
    back = http.post("/consent", data={"login": login_of(page), "decision": "deny"})
    assert back.headers["location"] == f"{REDIRECT}?error=access_denied&state=s"


def test_it_may_approve_itself(aws: Simulator, http: httpx.Client) -> None:
    aws.options(auto_approve=0)
    assert authorize(http, register(http)).headers["location"].startswith(f"{REDIRECT}?code=")


@pytest.mark.parametrize(
    ("registration", "changes"),
    [
        ({}, {"client_id": "unknown"}),
        ({}, {"response_type": "token"}),
        ({}, {"scopes": "codewhisperer:analysis"}),
        ({}, {"redirect_uri": "http://127.0.0.1:4712/oauth/callback"}),
        ({"grantTypes": ["refresh_token"]}, {}),
        ({"redirectUris": None, "issuerUrl": None}, {}),
    ],
)
def test_requests_that_lead_nowhere(
    http: httpx.Client, registration: dict[str, object], changes: dict[str, str]
) -> None:
    answer = authorize(http, register(http, **registration), **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_other_ways_of_asking(http: httpx.Client) -> None:
    assert http.get("/login", params={**QUERY, "idp": "Myspace"}).status_code == 400
    assert http.get("/consent").status_code == 405
    assert http.post("/authorize").status_code == 405
    foreign = http.post("/consent", data={"login": "x"}, headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403
