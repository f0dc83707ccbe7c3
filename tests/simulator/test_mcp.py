"""InvokeMCP as protocol.md 7 4 has it."""

import json
from typing import Any

import httpx
import pytest
from tests.support.simulator import SimulatedAccount, Simulator
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.anyio

CALL = {
    "jsonrpc": "2.0",
    "id": "7",
    "method": "tools/call",
    "params": {"name": "web_search", "arguments": {"query": "größe"}},
}


def asked(aws: Simulator, account: SimulatedAccount, body: bytes, **headers: str) -> httpx.Response:
    sent = {
        "authorization": f"Bearer {account.token}",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "KiroRuntimeService.InvokeMCP",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    with httpx.Client(trust_env=False, timeout=SECONDS) as client:
        return client.post(aws.url + "/", content=body, headers=sent)


def spoken(document: Any, **headers: str) -> httpx.Response:
    with Simulator() as aws:
        account = aws.account("identity-center")
        arn = {"x_amzn_kiro_profile_arn": account.profile_arn}
        return asked(aws, account, json.dumps(document).encode(), **{**arn, **headers})


def test_a_search_finds_pages() -> None:
    answer = spoken(CALL).json()
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", "7")
    pages = json.loads(answer["result"]["content"][0]["text"])
    assert pages["query"] == "größe"
    assert [page["url"] for page in pages["results"]] == ["https://page1.example/", "https://page2.example/"]


def test_its_tool_is_listed() -> None:
    (tool,) = spoken({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).json()["result"]["tools"]
    assert tool["name"] == "web_search"


@pytest.mark.parametrize("params", [{"name": "other"}, {"name": "web_search", "arguments": {"query": ""}}])
def test_wrong_parameters_are_an_error_of_json_rpc(params: dict[str, Any]) -> None:
    assert spoken({**CALL, "params": params}).json()["error"]["code"] == -32602


@pytest.mark.parametrize("document", [[], {**CALL, "jsonrpc": "1.0"}, {**CALL, "method": "tools/run"}])
def test_what_is_no_json_rpc_is_refused(document: Any) -> None:
    assert spoken(document).status_code == 400


def test_the_profile_is_checked() -> None:
    assert spoken(CALL, x_amzn_kiro_profile_arn="arn:aws:x").status_code == 400
    with Simulator() as aws:
        account = aws.account("identity-center")
        refused = asked(aws, account, json.dumps(CALL).encode())
        assert (refused.status_code, "profileArn is required" in refused.text) == (400, True)
        assert asked(aws, account, b"{", x_amzn_kiro_profile_arn=account.profile_arn).status_code == 400


def test_the_rest_surface_has_it_at_a_path() -> None:
    with Simulator() as aws:
        token = aws.account("builder-id").token
        with httpx.Client(trust_env=False, timeout=SECONDS) as client:
            answer = client.post(aws.url + "/mcp", json=CALL, headers={"authorization": f"Bearer {token}"})
    assert answer.json()["id"] == "7"
