"""Web pages of configured origins may call; others may not, and without configuration nothing is said of origins."""

import json

import pytest
from fastapi import FastAPI
from tests.support.api_client import chat, in_process
from tests.support.fake_service import FakeService

from cwproxy.api import AccessPolicy, create_app

pytestmark = pytest.mark.anyio

PAGE = "https://chat.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


def app_of(*origins: str) -> FastAPI:
    return create_app(FakeService(), AccessPolicy.of(origins=origins), cors_origins=origins)


@pytest.mark.parametrize("allowed", [PAGE, "*", "HTTPS://Chat.Example"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_page_may_call_and_read(allowed: str, stream: bool) -> None:
    async with in_process(app_of(allowed), headers={"origin": PAGE}) as client:
        asked = await client.options("/v1/chat/completions", headers=PREFLIGHT)
        answer = await client.post("/v1/chat/completions", json=chat(stream=stream, temperature=1))
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
    assert asked.headers["access-control-allow-methods"] == "GET, HEAD, POST, DELETE"
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "x-cwproxy-ignored" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "origin"


@pytest.mark.parametrize(("origin", "status", "outcome"), [(PAGE, 204, "ok"), ("null", 403, "origin_not_allowed")])
async def test_a_preflight_is_in_the_log_as_what_it_was(
    origin: str, status: int, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "cwproxy.access")
    async with in_process(app_of(PAGE), headers={"origin": origin}) as client:
        await client.options("/v1/responses/resp_1", headers={"access-control-request-method": "DELETE"})
    (line,) = [json.loads(record.getMessage()) for record in caplog.records if record.name == "cwproxy.access"]
    assert (line["status"], line["outcome"]) == (status, outcome)


async def test_a_preflight_that_asks_for_no_headers_is_granted_none() -> None:
    async with in_process(app_of(PAGE), headers={"origin": PAGE}) as client:
        asked = await client.options("/v1/models", headers={"access-control-request-method": "GET"})
    assert asked.status_code == 204
    assert "access-control-allow-headers" not in asked.headers


async def test_errors_can_be_read_too() -> None:
    async with in_process(app_of(PAGE), headers={"origin": PAGE}) as client:
        answer = await client.post("/v1/chat/completions", json=chat(n="x"))
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (400, PAGE)


async def test_pages_from_elsewhere_are_refused() -> None:
    async with in_process(app_of(PAGE), headers={"origin": "https://evil.example"}) as client:
        asked = await client.options("/v1/chat/completions", headers=PREFLIGHT)
        answer = await client.post("/v1/chat/completions", json=chat())
    for response in (asked, answer):
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "origin_not_allowed"
        assert "access-control-allow-origin" not in response.headers


async def test_callers_that_are_no_pages_see_nothing_of_it() -> None:
    async with in_process(app_of(PAGE)) as client:
        assert (await client.options("/v1/chat/completions")).status_code == 405
        answer = await client.post("/v1/chat/completions", json=chat())
    assert not any(name.startswith("access-control-") for name in answer.headers)


async def test_without_configuration_there_is_no_cors() -> None:
    async with in_process(app_of(), headers={"origin": PAGE}) as client:
        assert (await client.options("/v1/chat/completions", headers=PREFLIGHT)).status_code == 405
        assert (await client.post("/v1/chat/completions", json=chat())).status_code == 403
