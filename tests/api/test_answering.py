"""Between the route and the answer: what a body and its headers make of a request."""

from typing import Any

import pytest
from fastapi import FastAPI
from tests.support.api_client import assert_envelope, chat, in_process
from tests.support.fake_service import FakeService

from cwproxy.api import AccessPolicy, Limits, create_app

pytestmark = pytest.mark.anyio

KEY = "cwp_secret"


def app_of(service: FakeService | None = None, **options: Any) -> FastAPI:
    return create_app(service or FakeService(), options.pop("access", AccessPolicy()), **options)


async def test_what_is_wrong_in_a_request_is_named() -> None:
    async with in_process(app_of()) as client:
        response = await client.post("/v1/chat/completions", json=chat(messages=[{"role": "user", "content": 5}]))
    assert response.status_code == 400
    assert assert_envelope(response.content)["param"] == "messages[0].content"


async def test_strict_clients_are_told_of_what_has_no_effect() -> None:
    async with in_process(app_of(), headers={"x-cwproxy-strict": "1"}) as client:
        strict = await client.post("/v1/chat/completions", json=chat(temperature=1))
        assert (await client.post("/v1/chat/completions", json=chat())).status_code == 200
    error = assert_envelope(strict.content)
    assert (strict.status_code, error["param"], error["code"]) == (400, "temperature", "unsupported_parameter")


@pytest.mark.parametrize(
    ("said", "status"), [("1", 400), ("true", 400), ("Yes", 400), ("", 200), ("0", 200), ("False", 200), (" off ", 200)]
)
async def test_a_client_is_strict_when_it_says_so(said: str, status: int) -> None:
    async with in_process(app_of(), headers={"x-cwproxy-strict": said}) as client:
        assert (await client.post("/v1/chat/completions", json=chat(temperature=1))).status_code == status


@pytest.mark.parametrize("header", ["x-conversation-id", "x-cwproxy-conversation"])
async def test_a_client_may_name_its_conversation(header: str) -> None:
    service = FakeService()
    async with in_process(app_of(service, access=AccessPolicy.of(keys=[KEY]))) as client:
        await client.post("/v1/chat/completions", json=chat(), headers={header: "mine", "x-api-key": KEY})
    assert service.asked[0].name == "mine"
    assert service.callers[0].startswith("key-")


async def test_without_a_name_there_is_none() -> None:
    service = FakeService()
    async with in_process(app_of(service)) as client:
        await client.post("/v1/chat/completions", json=chat())
    assert service.asked[0].name is None
    assert service.callers == ["local"]


async def test_big_bodies_are_parsed_elsewhere_with_the_same_result() -> None:
    service = FakeService()
    async with in_process(app_of(service, limits=Limits(offload_bytes=10))) as client:
        assert (await client.post("/v1/chat/completions", json=chat())).status_code == 200
        assert (await client.post("/v1/chat/completions", json=chat(n=5))).status_code == 400
    assert service.asked[0].model == "m"


async def test_a_client_may_choose_how_its_answer_is_given_out() -> None:
    service = FakeService()
    async with in_process(app_of(service)) as client:
        for value in ("full", " Calls ", "off"):
            headers = {"x-cwproxy-buffered": value}
            assert (await client.post("/v1/chat/completions", json=chat(), headers=headers)).status_code == 200
        await client.post("/v1/chat/completions", json=chat())
        wrong = await client.post("/v1/chat/completions", json=chat(), headers={"x-cwproxy-buffered": "yes"})
    assert service.buffered == ["full", "calls", "off", None]
    assert wrong.status_code == 400
    assert "off, calls, full" in assert_envelope(wrong.content)["message"]
