"""What a client sees of faults that only a simulator can bring about on demand (reliability.md 3A, 3B and 3D)."""

import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from tests.support.loopback import Loopback, proxy
from tests.support.program import Server, command
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.end_to_end]

BODY: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
CHAT = "/v1/chat/completions"

CODES = {
    "rst-inside": "connection_broken",
    "long-headers": "declares 163962 bytes of headers",
    "headers-beyond-frame": "with its headers it has at least",
    "unknown-header-type": "of the unknown type 42",
    "duplicate-header": "twice",
    "header-beyond-headers": "would end at byte",
    "oversize-frame": "declares 2147483647 bytes",
    "undersize-frame": "declares 8 bytes",
}


@pytest.fixture
async def stack() -> AsyncIterator[Loopback]:
    async with proxy("q") as running:
        yield running


@pytest.fixture
async def client(stack: Loopback) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=SECONDS, trust_env=False) as http:
        yield http


@pytest.mark.parametrize(("kind", "words"), CODES.items())
async def test_a_broken_stream_is_a_failure_before_the_first_word_and_an_error_after_it(
    stack: Loopback, client: httpx.AsyncClient, kind: str, words: str
) -> None:
    stack.simulator.fault(kind, count=9)
    refused = await client.post(CHAT, json={**BODY, "stream": True})
    assert refused.status_code == 502
    assert words in refused.json()["error"]["message"]
    stack.simulator.calm()
    stack.simulator.fault(kind, after=2)
    begun = await client.post(CHAT, json={**BODY, "stream": True})
    assert begun.status_code == 200
    *said, last = [line for line in begun.text.split("\n\n") if line]
    assert "Hello" in said[0] + said[1]
    assert words in last
    assert "[DONE]" not in begun.text
    assert '"finish_reason":"stop"' not in begun.text


async def test_bytes_that_are_no_text_are_replaced_and_the_answer_goes_on(
    stack: Loopback, client: httpx.AsyncClient
) -> None:
    stack.simulator.fault("bad-utf8")
    answer = await client.post(CHAT, json=BODY)
    content = answer.json()["choices"][0]["message"]["content"]
    assert content.startswith("\N{REPLACEMENT CHARACTER}(Hello!")


@pytest.mark.parametrize("status", [301, 501, 505, 511, 599, 999])
async def test_a_status_that_is_not_known_is_a_failure_at_once(
    stack: Loopback, client: httpx.AsyncClient, status: int
) -> None:
    stack.simulator.fault("status", status=status, count=9, model="claude-sonnet-4.5")
    answer = await client.post(CHAT, json={**BODY, "model": "claude-sonnet-4.5"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "upstream_error")
    assert error["message"] == f"The backend answered with HTTP {status}."
    assert len(stack.simulator.received("GenerateAssistantResponse")) == 1


async def test_what_is_too_large_for_the_backend_says_so(stack: Loopback, client: httpx.AsyncClient) -> None:
    stack.simulator.fault("status", status=413, body="Request entity too large", count=9)
    answer = await client.post(CHAT, json=BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert len(stack.simulator.received("GenerateAssistantResponse")) == 1


@pytest.mark.parametrize(("status", "seen"), [(500, 502), (400, 400), (200, 502)])
async def test_gzip_is_not_unpacked(stack: Loopback, client: httpx.AsyncClient, status: int, seen: int) -> None:
    stack.simulator.fault("gzip-bomb", count=9, status=status)
    answer = await client.post(CHAT, json=BODY)
    assert answer.status_code == seen
    assert len(answer.content) < 1_000


async def test_a_host_that_accepts_and_never_reads_costs_its_time_and_nothing_else(
    stack: Loopback, client: httpx.AsyncClient
) -> None:
    started = time.monotonic()
    stack.simulator.swallow_connections(0.5)
    answer = await client.post(CHAT, json=BODY)
    assert answer.status_code == 200
    assert time.monotonic() - started > 0.4


async def test_one_model_without_capacity_leaves_the_others_alone(stack: Loopback, client: httpx.AsyncClient) -> None:
    stack.simulator.set_model_states(stack.account, {"claude-sonnet-4.5": "capacity-429"})
    answer = await client.post(CHAT, json={**BODY, "model": "claude-sonnet-4.5"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_overloaded")
    assert (await client.post(CHAT, json=BODY)).status_code == 200
    stack.simulator.fault("status", model="claude-sonnet-4", count=9, status=500)
    assert (await client.post(CHAT, json={**BODY, "model": "claude-sonnet-4"})).status_code == 502
    assert (await client.post(CHAT, json=BODY)).status_code == 200


@pytest.mark.parametrize("value", [None, -5, "3600"])
def test_a_lifetime_without_sense_costs_no_request(tmp_path: Path, value: object) -> None:
    with Simulator(auto_approve=0) as aws, httpx.Client(trust_env=False, timeout=SECONDS) as http:
        environment = {"CWPROXY_ENDPOINT": aws.url}
        aws.fault("expires-in", scope="oidc", count=9, value=value)
        assert command("login", "--no-browser", home=tmp_path, environment=environment).code == 0
        with Server("serve", "--port", "0", home=tmp_path, environment=environment) as server:
            assert [http.post(server.url + CHAT, json=BODY).status_code for _ in range(3)] == [200] * 3


def test_a_login_service_of_another_region_says_so(tmp_path: Path) -> None:
    with Simulator() as aws:
        aws.fault("error", scope="oidc", error="invalid_request_region", message="Not in this region.")
        refused = command("login", "--no-browser", home=tmp_path, environment={"CWPROXY_ENDPOINT": aws.url})
    assert refused.code == 1
    assert "Not in this region." in refused.err
    assert "Check the region" in refused.err


def test_an_authority_that_nobody_knows(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with Simulator(tls=context, auto_approve=0) as aws, httpx.Client(trust_env=False, timeout=SECONDS) as http:
        environment = {"CWPROXY_ENDPOINT": aws.url}
        trusting = {**environment, "CWPROXY_CA_BUNDLE": str(bundle)}
        refused = command("login", "--no-browser", home=tmp_path, environment=environment)
        assert (refused.code, "CERTIFICATE_VERIFY_FAILED" in refused.err) == (1, True)
        assert command("login", "--no-browser", home=tmp_path, environment=trusting).code == 0
        for known, status in ((environment, 502), (trusting, 200)):
            with Server("serve", "--port", "0", home=tmp_path, environment=known) as server:
                answer = http.post(server.url + CHAT, json=BODY)
                assert answer.status_code == status, answer.text
                assert status == 200 or answer.json()["error"]["code"] == "upstream_tls_error"
