"""The routes: what is served where, to whom, and that every refusal is in OpenAI's envelope (hit list 5)."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware
from tests.support.api_client import Caller, assert_envelope, chat, in_process, scope
from tests.support.fake_service import FakeReadiness, FakeService, text_reply, tool_reply
from tests.support.rings import an_unreadable_ring

from cwproxy import __version__
from cwproxy.accounts.keyring import STALE_SECONDS
from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.api.drain import Drain
from cwproxy.diagnosis.dumps import Dumps
from cwproxy.errors import LoginRequired

pytestmark = pytest.mark.anyio

KEY = "cwp_secret"


def app_of(service: FakeService | None = None, **options: Any) -> FastAPI:
    return create_app(service or FakeService(), options.pop("access", AccessPolicy()), **options)


@pytest.mark.parametrize("prefix", ["/v1", "", "/v1/v1"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_route_with_and_without_v1(prefix: str, slash: str) -> None:
    async with in_process(app_of()) as client:
        assert (await client.post(f"{prefix}/chat/completions{slash}", json=chat())).status_code == 200
        assert (await client.get(f"{prefix}/models{slash}")).json()["object"] == "list"
        assert (await client.get(f"{prefix}/models/claude-sonnet-4{slash}")).json()["id"] == "claude-sonnet-4"


async def test_the_query_does_not_matter() -> None:
    async with in_process(app_of()) as client:
        assert (await client.post("/v1/chat/completions?beta=true", json=chat())).status_code == 200


async def test_ids_of_models_may_hold_slashes() -> None:
    async with in_process(app_of()) as client:
        assert (await client.get("/v1/models/my/auto")).json()["id"] == "my/auto"
        missing = await client.get("/v1/models/no/such")
    assert missing.status_code == 404
    assert assert_envelope(missing.content)["code"] == "model_not_found"


async def test_models_without_an_account() -> None:
    async with in_process(app_of(FakeService(catalog=LoginRequired("Log in first.")))) as client:
        response = await client.get("/v1/models")
    assert response.status_code == 502
    assert assert_envelope(response.content)["message"] == "Log in first."


async def test_head_has_the_headers_of_get() -> None:
    async with in_process(app_of()) as client:
        response = await client.head("/v1/models")
    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nope", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("POST", "/", 405, "method_not_allowed"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/openapi.json", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
async def test_unknown_paths_and_methods(method: str, path: str, status: int, code: str) -> None:
    async with in_process(app_of()) as client:
        response = await client.request(method, path)
    assert response.status_code == status
    assert assert_envelope(response.content)["code"] == code
    assert response.headers["x-request-id"]
    assert ("allow" in response.headers) == (status == 405)
    assert not any(name.startswith("access-control-") for name in response.headers)


async def test_at_the_root_anybody_learns_what_this_is() -> None:
    drain = Drain()
    async with in_process(app_of(drain=drain, access=AccessPolicy.of(keys=[KEY]))) as client:
        shown = await client.get("/", headers={"host": "10.1.2.3:80"})
        drain.begin()
        asked = await client.head("/")
        misplaced = await client.post("/", json={})
    assert (shown.status_code, asked.status_code) == (200, 200)
    assert shown.json() == {
        "name": "cwproxy",
        "version": __version__,
        "apis": ["/v1/chat/completions", "/v1/responses", "/v1/messages"],
        "models": "/v1/models",
        "health": "/health/ready",
    }
    assert asked.content == b""
    assert asked.headers["content-length"] == shown.headers["content-length"]
    assert "/v1/chat/completions, /v1/responses and /v1/messages" in misplaced.json()["error"]["message"]


async def test_health() -> None:
    drain = Drain()
    service = FakeService()
    async with in_process(app_of(service, drain=drain, access=AccessPolicy.of(keys=[KEY]))) as client:
        assert (await client.get("/health")).status_code == 200
        ready = await client.get("/health/ready", headers={"host": "10.1.2.3:80"})
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "detail": "an account is logged in"})
        service.state = FakeReadiness(False, "no account")
        unready = await client.get("/health/ready")
        assert (unready.status_code, assert_envelope(unready.content)["message"]) == (503, "no account")
        drain.begin()
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503


async def test_a_draining_server_takes_no_new_requests() -> None:
    drain = Drain()
    drain.begin()
    async with in_process(app_of(drain=drain)) as client:
        response = await client.post("/v1/chat/completions", json=chat())
    assert response.status_code == 503
    assert assert_envelope(response.content)["code"] == "server_shutdown"
    assert response.headers["x-should-retry"] == "true"
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/v1/models", "/models/auto", "/v1/chat/completions"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": f"Bearer {KEY}", "host": "evil.example"}, 421),
        ({"authorization": f"Bearer {KEY}", "origin": "https://evil.example"}, 403),
    ],
)
async def test_every_route_is_guarded(path: str, headers: dict[str, str], status: int) -> None:
    service = FakeService()
    async with in_process(app_of(service, access=AccessPolicy.of(keys=[KEY]))) as client:
        method = "POST" if path.endswith("completions") else "GET"
        response = await client.request(method, path, json=chat(), headers=headers)
    assert response.status_code == status
    assert_envelope(response.content)
    assert service.asked == []


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (gzip.compress(b"{}"), {"content-type": "application/json", "content-encoding": "gzip"}, 415),
        (b"{", {"content-type": "application/json"}, 400),
        (b"[" * 100_000, {"content-type": "application/json"}, 400),
        (b"\xff", {"content-type": "application/json"}, 400),
        (b"x" * 2000, {"content-type": "application/json"}, 413),
    ],
    ids=["text", "no type", "gzip", "cut", "deep", "no utf-8", "large"],
)
async def test_bodies_that_are_no_json(content: bytes, headers: dict[str, str], status: int) -> None:
    limits = Limits(body_bytes=1000 if status == 413 else 1_000_000)
    async with in_process(app_of(limits=limits)) as client:
        response = await client.post("/v1/chat/completions", content=content, headers=headers)
    assert response.status_code == status
    assert_envelope(response.content)


async def test_a_client_that_leaves_within_its_body_is_not_answered(caplog: pytest.LogCaptureFixture) -> None:
    caller = Caller()
    caller.inbox.put_nowait({"type": "http.request", "body": b"{", "more_body": True})
    caller.leave()
    with caplog.at_level(logging.INFO, logger="cwproxy.access"):
        await app_of()(scope(), caller.receive, caller.send)
    assert caller.sent == []
    assert '"status": 499' in caplog.text


async def test_a_fault_of_ours_is_an_envelope_too(caplog: pytest.LogCaptureFixture) -> None:
    service = FakeService(opening=ZeroDivisionError("secret detail"))
    with caplog.at_level(logging.INFO, logger="cwproxy.access"):
        async with in_process(app_of(service)) as client:
            response = await client.post("/v1/chat/completions", json=chat())
    assert response.status_code == 500
    assert assert_envelope(response.content)["code"] == "internal_error"
    assert "secret" not in response.text
    assert '"outcome": "internal_error"' in caplog.text


async def test_one_line_per_request_without_bodies_and_keys(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(FakeService(text_reply("private answer")), access=AccessPolicy.of(keys=[KEY]))
    with caplog.at_level(logging.DEBUG, logger="cwproxy"):
        async with in_process(app, headers={"x-api-key": KEY}) as client:
            await client.post("/v1/chat/completions", json=chat(messages=[{"role": "user", "content": "private"}]))
            await client.get("/v1/models")
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "cwproxy.access"]
    assert [(line["path"], line["status"], line["outcome"]) for line in lines] == [
        ("/v1/chat/completions", 200, "ok"),
        ("/v1/models", 200, "ok"),
    ]
    assert (lines[0]["input_tokens"], lines[0]["output_tokens"], lines[0]["usage_source"]) == (7, 5, "estimate")
    assert "private" not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/responses"])
async def test_a_key_that_cannot_be_judged(tmp_path: Path, path: str) -> None:
    async with (
        an_unreadable_ring(tmp_path, "configured", seconds=STALE_SECONDS + 1.0) as made,
        in_process(app_of(access=AccessPolicy.of(ring=made.ring))) as client,
    ):
        refused = await client.post(path, json=chat(), headers={"authorization": f"Bearer {made.other}"})
        admitted = await client.post(path, json=chat(), headers={"authorization": "Bearer configured"})
    assert (refused.status_code, refused.headers["x-should-retry"]) == (503, "true")
    assert assert_envelope(refused.content)["code"] == "store_unavailable"
    assert admitted.status_code != 503


def test_no_middleware_stands_between_an_answer_and_the_server() -> None:
    layers = [layer.cls for layer in app_of().user_middleware]
    assert layers
    assert not any(isinstance(layer, type) and issubclass(layer, BaseHTTPMiddleware) for layer in layers)


async def test_the_service_lives_as_long_as_the_application() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        seen.append("open")
        yield
        seen.append("closed")

    caller = Caller()
    caller.inbox.put_nowait({"type": "lifespan.startup"})
    caller.inbox.put_nowait({"type": "lifespan.shutdown"})
    await app_of(lifespan=lifespan)({"type": "lifespan", "asgi": {"version": "3.0"}}, caller.receive, caller.send)
    assert seen == ["open", "closed"]


def sdk(app: FastAPI) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url="http://localhost/v1",
        api_key="unused",
        http_client=in_process_for_sdk(app),
        max_retries=0,
        _strict_response_validation=True,
    )


def in_process_for_sdk(app: FastAPI) -> Any:
    """The SDK's own generation of httpx, over the same application."""
    library = openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0]
    module = __import__(library)
    return openai.DefaultAsyncHttpxClient(transport=module.ASGITransport(app))


async def test_openais_own_client_is_content() -> None:
    async with sdk(app_of()) as client:
        models = [model.id async for model in client.models.list()]
        assert models == ["claude-sonnet-4", "auto"]
        assert (await client.models.retrieve("my/auto")).id == "my/auto"
        whole = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
        assert whole.choices[0].message.content == "Hello world"
        assert whole._request_id is not None
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("none")
        assert (caught.value.code, caught.value.request_id is not None) == ("model_not_found", True)


async def test_openais_own_accumulator_gets_whole_calls() -> None:
    service = FakeService(tool_reply(("t1", "f", '{"a": 1}'), ("t2", "g", "")))
    async with (
        sdk(app_of(service)) as client,
        client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "hi"}], stream_options={"include_usage": True}
        ) as stream,
    ):
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("t1", "f", '{"a": 1}'),
        ("t2", "g", "{}"),
    ]
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.usage is not None
    assert final.usage.total_tokens == 12


async def test_many_answers_at_once_do_not_mix() -> None:
    async with in_process(app_of()) as client:
        answers = await asyncio.gather(
            *(client.post("/v1/chat/completions", json=chat(model=f"m{i}", stream=True)) for i in range(20))
        )
    for number, answer in enumerate(answers):
        assert f'"model":"m{number}"'.encode() in answer.content
        assert answer.content.count(b"[DONE]") == 1


async def test_what_fails_is_left_behind_where_that_is_wanted(tmp_path: Path) -> None:
    service = FakeService([LoginRequired("Nobody.")])
    async with in_process(app_of(service, dumps=Dumps(tmp_path / "dumps"))) as client:
        failed = await client.post("/v1/chat/completions", json=chat())
        refused = await client.post("/v1/chat/completions", json={"model": "m"})
        nothing = await client.get("/v1/models/none")
    assert [answer.status_code for answer in (failed, refused, nothing)] == [502, 400, 404]
    for answer in (failed, refused):
        (path,) = (tmp_path / "dumps").glob(f"*-{answer.headers['x-request-id']}.json")
        assert json.loads(path.read_text())["client"]["body"]["model"] == "m"
    assert len(list((tmp_path / "dumps").iterdir())) == 2
