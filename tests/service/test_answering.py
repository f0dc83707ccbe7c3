"""The service against a backend that is a list of byte strings: what it is asked, what it gives."""

import json
from base64 import b64encode

import httpx
import pytest
from msgspec.structs import replace
from tests.support.fleet import fleet
from tests.support.rasters import png
from tests.support.scripted_backend import WHOLE, Backend, ask, event, reply, running, text

from cwproxy.accounts.callers import LOCAL
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.conversation import Conversation, RemoteImage, UserTurn
from cwproxy.errors import (
    InvalidRequest,
)
from cwproxy.eventstream import encode
from cwproxy.reply import StopReason, TextPart, Usage
from cwproxy.service import Options, Service
from cwproxy.upstream import Upstream
from cwproxy.upstream.fetching import Fetcher
from cwproxy.upstream.pictures import Pictures

pytestmark = pytest.mark.anyio


async def test_an_answer() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        answer = await reply(service)
    assert answer.parts == (TextPart("Hello"),)
    assert answer.reason is StopReason.END_TURN
    assert answer.usage.credits == pytest.approx(0.1)
    assert backend.open == 0


async def test_links_to_pictures_are_followed_only_when_wanted() -> None:
    async def resolve(host: str) -> tuple[str, ...]:
        return ("93.184.215.14",)

    web = httpx.MockTransport(lambda _: httpx.Response(200, content=png(2, 2)))
    link = RemoteImage("https://example.com/cat.png", "messages[0].content[0].image_url.url")
    asked = Conversation("auto", (UserTurn((link,)),))
    backend = Backend(WHOLE)
    async with running(backend) as service:
        with pytest.raises(InvalidRequest, match="Remote pictures are not fetched"):
            await reply(service, asked)
    async with running(backend, Options(pictures=Pictures(Fetcher(resolve=resolve, transport=web)))) as service:
        await reply(service, asked)
    (chat,) = backend.chats
    assert b64encode(png(2, 2)).decode() in json.dumps(chat)


async def test_readiness_says_why_not() -> None:
    upstream = Upstream(transport=Backend(WHOLE))
    async with fleet() as nobody:
        readiness = await Service(accounts=nobody, upstream=upstream, options=Options()).readiness()
    await upstream.aclose()
    assert not readiness.ready
    assert "cwproxy login" in readiness.detail
    async with running(Backend(WHOLE)) as other:
        assert (await other.readiness()).ready


async def test_usage_is_marked() -> None:
    metadata = event("metadataEvent", {"tokenUsage": {"uncachedInputTokens": 7, "outputTokens": 3, "totalTokens": 10}})
    backend = Backend(text("Hello") + metadata)
    async with running(backend) as service:
        usage = (await reply(service)).usage
    assert usage == Usage(7, 3, "backend")


EFFORTS = {"properties": {"reasoning": {"properties": {"effort": {"enum": ["low", "high"]}}}}}

FIELDS = "additionalModelRequestFields"

IMPROPER = (400, b'{"__type":"ValidationException","message":"Improperly formed request."}')


def thinking(backend: Backend) -> Conversation:
    """What asks for an effort that the model takes."""
    backend.models = {"models": [{"modelId": "gpt", "additionalModelRequestFieldsSchema": EFFORTS}]}
    return replace(ask(model="gpt"), effort="high")


async def effects(service: Service, conversation: Conversation) -> tuple[bool, bool]:
    """Whether the effort is said to take effect, before and after the answer."""
    async with service.answer(conversation, caller=LOCAL) as answer:
        before = answer.takes_effort
        async for _ in answer:
            pass
        return before, answer.takes_effort


async def test_effort_is_told_to_a_model_that_takes_it() -> None:
    backend = Backend(WHOLE)
    asked = thinking(backend)
    async with running(backend, surface=Surface.KIRO) as service:
        assert await effects(service, asked) == (True, True)
        assert await effects(service, replace(asked, effort=None)) == (False, False)
    assert [chat.get(FIELDS) for chat in backend.chats] == [{"reasoning": {"effort": "high"}}, None]


async def test_a_model_that_does_not_think_does_as_it_is_told_not_to() -> None:
    backend = Backend(WHOLE)
    async with running(backend, surface=Surface.KIRO) as service:
        assert await effects(service, replace(ask(), effort="none")) == (True, True)
        assert await effects(service, replace(ask(), effort="low")) == (False, False)
    assert FIELDS not in backend.chats[0]


async def test_effort_is_told_on_the_kiro_surface_only() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        assert await effects(service, thinking(backend)) == (False, False)
    assert FIELDS not in backend.chats[0]


async def test_an_account_that_may_not_send_effort_is_remembered() -> None:
    backend = Backend(IMPROPER, WHOLE)
    asked = thinking(backend)
    async with running(backend, surface=Surface.KIRO) as service:
        assert await effects(service, asked) == (True, False)
        assert await effects(service, asked) == (False, False)
    assert [FIELDS in chat for chat in backend.chats] == [True, False, False]


@pytest.mark.parametrize(
    ("script", "error", "calls"),
    [
        ((IMPROPER,), InvalidRequest, 2),
        (((400, b'{"reason":"CONTENT_LENGTH_EXCEEDS_THRESHOLD","message":"Input is too long."}'),), InvalidRequest, 1),
        (
            (text("Hel") + encode({":message-type": "exception", ":exception-type": "ValidationException"}, b"{}"),),
            InvalidRequest,
            1,
        ),
    ],
    ids=["improper without it, too", "too long", "after content"],
)
async def test_what_has_another_reason_is_not_remembered(
    script: tuple[bytes | tuple[int, bytes], ...], error: type[Exception], calls: int
) -> None:
    backend = Backend(*script)
    asked = thinking(backend)
    async with running(backend, surface=Surface.KIRO) as service:
        with pytest.raises(error):
            await effects(service, asked)
        assert len(backend.chats) == calls
        backend.script = [WHOLE]
        assert await effects(service, asked) == (True, True)
