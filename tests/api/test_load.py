"""What is too much is refused before it costs anything (reliability.md 1.8)."""

import asyncio

import pytest
from tests.support.api_client import assert_envelope, chat, in_process
from tests.support.fake_service import FakeService, text_reply

from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.api.load import Load
from cwproxy.api.refused import Refused

pytestmark = pytest.mark.anyio


def test_one_request_too_many() -> None:
    load = Load(requests=2, body_bytes=1)
    with load.request(), load.request():
        load.admit()
        with load.request(), pytest.raises(Refused) as caught:
            load.admit()
        load.admit()
    failure = caught.value.failure
    headers = dict(failure.headers)
    assert (failure.status, failure.code) == (503, "overloaded")
    assert 1 <= int(headers["retry-after"]) <= 5
    assert 1000 <= int(headers["retry-after-ms"]) <= 5000
    assert headers["x-should-retry"] == "true"


def test_bodies_share_their_room_and_give_it_back() -> None:
    load = Load(requests=1, body_bytes=10)
    with load.body() as first, load.body() as second:
        first.take(6)
        second.take(4)
        with pytest.raises(Refused) as caught:
            first.take(1)
        assert first.taken == 6
    with load.body() as third:
        third.take(10)
    assert (caught.value.failure.status, caught.value.failure.code) == (503, "overloaded")


async def test_over_http_in_each_apis_own_words_while_health_is_answered() -> None:
    held = asyncio.Event()
    service = FakeService([held, *text_reply("Hello")])
    app = create_app(service, AccessPolicy(), limits=Limits(requests=1))
    async with in_process(app) as client:
        first = asyncio.create_task(client.post("/v1/chat/completions", json=chat()))
        await service.waiting.wait()
        second = await client.post("/v1/chat/completions", json=chat())
        assert second.status_code == 503
        assert assert_envelope(second.content)["code"] == "overloaded"
        other = await client.post("/v1/messages", json=chat(max_tokens=9))
        assert (other.status_code, other.json()["type"]) == (529, "error")
        assert (await client.get("/health")).status_code == 200
        held.set()
        assert (await first).status_code == 200
        assert (await client.post("/v1/chat/completions", json=chat())).status_code == 200


async def test_bodies_over_http() -> None:
    app = create_app(FakeService(), AccessPolicy(), limits=Limits(bodies_bytes=1_000))
    async with in_process(app) as client:
        for _ in range(3):
            assert (await client.post("/v1/chat/completions", json=chat())).status_code == 200
        big = chat(messages=[{"role": "user", "content": "x" * 1_000}])
        refused = await client.post("/v1/chat/completions", json=big)
        assert (refused.status_code, assert_envelope(refused.content)["code"]) == (503, "overloaded")
        assert (await client.post("/v1/chat/completions", json=chat())).status_code == 200
