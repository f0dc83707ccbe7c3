"""When models are listed, and what happens when they cannot be."""

import asyncio
import json

import pytest
from tests.support import virtual_time
from tests.support.scripted_backend import MODELS, WHOLE, Backend, ask, reply, running
from tests.support.waiting import SECONDS, settled

from cwproxy.auth.clock import Clock
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import (
    BackendUnavailable,
    ModelNotFound,
)
from cwproxy.reply import TextPart
from cwproxy.service import Options
from cwproxy.service.catalogs import (
    CATALOG_SECONDS,
    FIRST_PATIENCE,
    LISTING_PATIENCE,
    LISTING_PAUSE,
    MAX_PAGES,
    OLD_SECONDS,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> virtual_time.Backend:
    return virtual_time.BACKEND


async def test_models_are_listed_once_for_all_who_ask() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        catalogs = await asyncio.gather(*(service.models() for _ in range(5)))
        await reply(service)
    assert backend.listings == 1
    assert {model.id for model in catalogs[0].models} == {"auto", "claude-sonnet-4.5"}


async def test_a_list_that_cannot_be_had_does_not_stop_chats() -> None:
    backend = Backend(WHOLE)
    backend.list_status = 500
    async with running(backend, Options(aliases={"fast": "claude-haiku-4.5"})) as service:
        with pytest.raises(BackendUnavailable):
            await service.models()
        await reply(service, ask(model="fast"))
        await reply(service, ask(model="auto"))
    assert "claude-haiku-4.5" in json.dumps(backend.chats[0])
    assert "modelId" not in json.dumps(backend.chats[1])


async def test_a_stale_list_is_better_than_none() -> None:
    now = 1000.0
    backend = Backend(WHOLE)
    async with running(backend, clock=Clock(monotonic=lambda: now)) as service:
        await service.models()
        now += CATALOG_SECONDS + 1
        backend.list_status = 500
        for _ in range(2):
            assert (await service.models()).models
            await settled()
        assert backend.listings == 2
        now += LISTING_PAUSE + 1
        backend.list_status = 200
        for _ in range(2):
            await service.models()
            await settled()
        assert backend.listings == 3


async def test_nobody_waits_for_a_new_list_while_the_last_one_is_not_old() -> None:
    loop = asyncio.get_running_loop()
    backend = Backend(WHOLE)
    async with running(backend, clock=Clock(monotonic=loop.time)) as service:
        await service.models()
        backend.hanging = {"a"}
        await asyncio.sleep(CATALOG_SECONDS + 1)
        began = loop.time()
        assert (await service.models()).models
        assert (await reply(service, ask(model="claude-sonnet-4.5"))).parts == (TextPart("Hello"),)
        await settled()
        assert loop.time() == began
        assert backend.listings == 2, "it is under way"


async def test_a_list_that_is_old_is_not_used_before_a_new_one_had_its_time() -> None:
    loop = asyncio.get_running_loop()
    backend = Backend(WHOLE)
    async with running(backend, clock=Clock(monotonic=loop.time)) as service:
        await service.models()
        await asyncio.sleep(OLD_SECONDS + 1)
        backend.models = {"models": [{"modelId": "new", "modelName": "New"}], "defaultModel": {"modelId": "new"}}
        assert [model.id for model in (await service.models()).models] == ["new"]
        await asyncio.sleep(OLD_SECONDS + 1)
        backend.hanging = {"a"}
        began = loop.time()
        assert [model.id for model in (await service.models()).models] == ["new"]
        assert loop.time() - began == pytest.approx(LISTING_PATIENCE)


async def test_a_list_that_never_ends_is_cut() -> None:
    backend = Backend(WHOLE)
    backend.models = {**MODELS, "nextToken": "again"}
    async with running(backend) as service:
        assert (await service.models()).models
    assert backend.listings == MAX_PAGES


async def test_a_failed_listing_is_not_tried_again_by_everybody() -> None:
    now = 1000.0
    backend = Backend(WHOLE)
    backend.list_status = 503
    async with running(backend, clock=Clock(monotonic=lambda: now)) as service:
        await asyncio.gather(*(reply(service) for _ in range(10)))
        assert backend.listings == 1
        now += LISTING_PAUSE + 1
        await reply(service)
    assert backend.listings == 2
    assert len(backend.chats) == 11


async def test_a_listing_that_is_refused_is_not_the_clients_fault() -> None:
    backend = Backend(WHOLE)
    backend.list_status = 400
    async with running(backend) as service:
        with pytest.raises(BackendUnavailable, match="refused to list"):
            await service.models()
        assert (await reply(service)).parts == (TextPart("Hello"),)


async def test_unknown_models_are_refused_before_any_call() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        with pytest.raises(ModelNotFound):
            await reply(service, ask(model="gpt-2"))
    assert not backend.chats


async def test_an_account_that_hangs_holds_up_nobody_for_long() -> None:
    backend = Backend(WHOLE)
    backend.hanging = {"b"}
    clock = Clock(monotonic=asyncio.get_running_loop().time)
    async with running(backend, clock=clock, accounts=("a", "b")) as service, asyncio.timeout(SECONDS):
        assert {model.id for model in (await service.models()).models} == {"auto", "claude-sonnet-4.5"}
        before = asyncio.get_running_loop().time()
        for _ in range(3):
            await reply(service)
        assert asyncio.get_running_loop().time() - before < LISTING_PATIENCE, "the first has waited for all"
        assert backend.listings == 2


async def test_a_listing_that_hangs_holds_up_nobody_for_long_either_when_nothing_is_known() -> None:
    """Not the first request for long, those beside and behind it not at all anew, nor any by the next listings."""
    now = 1000.0
    loop = asyncio.get_running_loop()
    backend = Backend(WHOLE)
    backend.list_gate.clear()
    options = Options(aliases={"fast": "claude-haiku-4.5"})
    began = loop.time()
    async with running(backend, options, clock=Clock(monotonic=lambda: now + loop.time() - began)) as service:
        async with asyncio.timeout(FIRST_PATIENCE * 2.5):
            await asyncio.gather(*(reply(service, ask(model="fast")) for _ in range(3)))
        async with asyncio.timeout(FIRST_PATIENCE - 0.5):
            await reply(service)
            with pytest.raises(BackendUnavailable, match="not been listed yet"):
                await service.models()
        assert backend.listings == 1
        backend.list_status = 500
        backend.list_gate.set()
        await settled()
        now += LISTING_PAUSE + 1
        backend.list_gate.clear()
        async with asyncio.timeout(FIRST_PATIENCE - 0.5):
            await reply(service)
        await settled()
        assert backend.listings == 2
        backend.list_status = 200
        backend.list_gate.set()
        await settled()
        assert (await service.models()).models
    assert "claude-haiku-4.5" in json.dumps(backend.chats[0])


async def test_a_listing_that_failed_at_once_is_waited_for_again() -> None:
    now = 1000.0
    backend = Backend(WHOLE)
    backend.list_status = 503
    async with running(backend, clock=Clock(monotonic=lambda: now)) as service:
        await reply(service, ask(model="claude-sonnet-4-5"))
        now += LISTING_PAUSE + 1
        backend.list_status = 200
        await reply(service, ask(model="claude-sonnet-4-5"))
    assert "claude-sonnet-4.5" in json.dumps(backend.chats[1])


async def test_each_account_is_asked_for_what_it_lists_itself() -> None:
    """`auto` is a default of the account's own where it does not list it."""
    backend = Backend(WHOLE)
    backend.lists = {
        "a": {"models": [{"modelId": "auto"}], "defaultModel": {"modelId": "auto"}},
        "b": {"models": [{"modelId": "claude-x-1"}], "defaultModel": {"modelId": "claude-x-1"}},
        "c": {"models": [{"modelId": "claude-x-1"}]},
    }
    async with running(backend, accounts=("a", "b", "c")) as service:
        for _ in range(3):
            await reply(service)
        assert [model.id for model in (await service.models()).models] == ["auto", "claude-x-1"]
    assert backend.called == ["a", "b", "c"]
    assert ["claude-x-1" in json.dumps(chat) for chat in backend.chats] == [False, True, False]


async def test_credentials_of_aws_list_no_models_and_may_be_asked_anything() -> None:
    backend = Backend(WHOLE)
    async with running(backend, Options(aliases={"fast": "claude-haiku-9"}), surface=Surface.Q_IAM) as service:
        assert [model.id for model in (await service.models()).models] == ["auto"]
        for name in ("auto", "fast", "claude-sonnet-9"):
            await reply(service, ask(model=name))
    assert backend.listings == 0
    assert ["claude-haiku-9" in json.dumps(chat) for chat in backend.chats] == [False, True, False]
    assert "claude-sonnet-9" in json.dumps(backend.chats[2])


async def test_an_account_without_quota_is_not_asked_for_its_models() -> None:
    now = 1000.0
    used_up = (402, b'{"__type":"ServiceQuotaExceededException","reason":"MONTHLY_REQUEST_COUNT","message":"No."}')
    backend = Backend(WHOLE)
    backend.scripts = {"b": [used_up]}
    async with running(backend, clock=Clock(monotonic=lambda: now), accounts=("a", "b")) as service:
        for _ in range(3):
            await reply(service)
        assert backend.listings == 2
        now += CATALOG_SECONDS + 1
        assert len((await service.models()).models) == 2
        await settled()
        await reply(service)
        await settled()
    assert backend.listings == 3
