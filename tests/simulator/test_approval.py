from html.parser import HTMLParser

import httpx
import pytest
from tests.support.simulator import Simulator

REGISTRATION = {"clientName": "<b>Evil & Co</b>", "clientType": "public", "scopes": ["codewhisperer:conversations"]}


@pytest.fixture
def device(http: httpx.Client) -> dict[str, str]:
    return start(http, "https://view.awsapps.com/start")


def start(http: httpx.Client, start_url: str) -> dict[str, str]:
    made = http.post("/client/register", json=REGISTRATION).json()
    client = {"clientId": made["clientId"], "clientSecret": made["clientSecret"]}
    answer: dict[str, str] = http.post("/device_authorization", json={**client, "startUrl": start_url}).json()
    return answer


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_says_who_asks_for_what(http: httpx.Client, device: dict[str, str]) -> None:
    response = http.get(device["verificationUriComplete"])
    page = Page(response.text)
    assert response.status_code == 200
    assert device["userCode"] in page.text
    assert "<b>Evil & Co</b>" in page.text
    assert "AWS Builder ID" in page.text
    assert "codewhisperer:conversations" in page.text
    assert [button["value"] for button in page.attributes("button")] == ["approve", "deny"]
    assert page.attributes("html") == [{"lang": "en"}]
    assert not page.attributes("b")


def test_an_identity_center_is_named_as_such(http: httpx.Client) -> None:
    device = start(http, "https://d-1.awsapps.com/start")
    assert "IAM Identity Center" in http.get(device["verificationUriComplete"]).text


def test_nothing_but_its_own_style_may_load(http: httpx.Client, device: dict[str, str]) -> None:
    response = http.get(device["verificationUriComplete"])
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["cache-control"] == "no-store"
    tags = {tag for tag, _ in Page(response.text).tags}
    assert not tags & {"script", "img", "link", "iframe"}


@pytest.mark.parametrize(("decision", "title"), [("approve", "approved"), ("deny", "denied")])
def test_a_decision_is_final(
    aws: Simulator, http: httpx.Client, device: dict[str, str], decision: str, title: str
) -> None:
    form = {"user_code": device["userCode"], "decision": decision}
    assert title in http.post("/device", data=form, headers={"origin": aws.url}).text
    assert aws.devices()[0]["decision"] == {"approve": "approved", "deny": "denied"}[decision]
    assert http.post("/device", data=form).status_code == 404


def test_codes_can_be_typed(http: httpx.Client, device: dict[str, str]) -> None:
    page = Page(http.get("/device").text)
    [field] = page.attributes("input")
    assert page.attributes("label") == [{"for": field["id"]}]
    typed = f" {device['userCode'].lower()} "
    assert device["userCode"] in http.get("/device", params={"user_code": typed}).text


def test_codes_that_lead_nowhere(aws: Simulator, http: httpx.Client, device: dict[str, str]) -> None:
    unknown = http.get("/device", params={"user_code": "<script>"})
    assert unknown.status_code == 404
    assert "<script>" not in unknown.text
    aws.advance(601)
    assert http.get(device["verificationUriComplete"]).status_code == 404


def test_only_the_page_itself_decides(aws: Simulator, http: httpx.Client, device: dict[str, str]) -> None:
    form = {"user_code": device["userCode"], "decision": "approve"}
    for origin in ("https://evil.example", "null"):
        assert http.post("/device", data=form, headers={"origin": origin}).status_code == 403
    assert http.post("/device", data={**form, "decision": "maybe"}).status_code == 400
    assert http.post("/device", content=b"\xff").status_code == 404
    assert http.delete("/device").status_code == 405
    assert aws.devices()[0]["decision"] == "pending"
