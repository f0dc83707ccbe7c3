"""A search of the web takes a turn like any other call (protocol.md 7 4)."""

import json

import pytest
from tests.support.scripted_backend import WHOLE, Backend, ask, reply, running

from cwproxy.accounts.callers import LOCAL, Caller
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import BackendError, InvalidRequest, ModelNotFound, Throttled
from cwproxy.reply import Found
from cwproxy.service import Service

pytestmark = pytest.mark.anyio

PAGES = json.dumps({"results": [{"title": "One", "url": "https://e.x/"}]})
FOUND = json.dumps({"jsonrpc": "2.0", "id": "1", "result": {"content": [{"type": "text", "text": PAGES}]}}).encode()
THROTTLED = (429, b'{"__type":"ThrottlingException","message":"Too many requests"}')
DENIED = (403, b'{"__type":"AccessDeniedException","message":"No."}')
BAD = (400, b'{"__type":"ValidationException","message":"Improperly formed request."}')
ONE = (Found("One", "https://e.x/"),)


async def search(service: Service, caller: Caller = LOCAL) -> tuple[Found, ...] | None:
    return await service.search(ask(), "q", caller=caller)


async def test_the_accounts_take_turns() -> None:
    backend = Backend(FOUND)
    async with running(backend, surface=Surface.KIRO, accounts=("a", "b")) as service:
        assert [await search(service) for _ in range(4)] == [ONE] * 4
    assert sorted(backend.called) == ["a", "a", "b", "b"]


async def test_another_account_is_asked_once_where_the_first_fails() -> None:
    for failure in (THROTTLED, DENIED, BAD):
        backend = Backend(failure, FOUND)
        async with running(backend, surface=Surface.KIRO, accounts=("a", "b", "c")) as service:
            assert await search(service) == ONE
        assert len(set(backend.called)) == 2
        backend = Backend(failure)
        async with running(backend, surface=Surface.KIRO, accounts=("a", "b", "c")) as service:
            with pytest.raises((BackendError, InvalidRequest)):
                await search(service)
        assert len(set(backend.called)) == len(backend.called) == 2


async def test_what_it_finds_out_of_an_account_counts_and_a_denial_does_not() -> None:
    backend = Backend(THROTTLED, FOUND, WHOLE)
    async with running(backend, surface=Surface.KIRO, accounts=("a", "b")) as service:
        await search(service)
        _, other = backend.called
        await reply(service)
        assert backend.called[-1] == other
    for answer in (DENIED, b"{}"):
        backend = Backend(answer, WHOLE)
        async with running(backend, surface=Surface.KIRO) as service:
            with pytest.raises(BackendError):
                await search(service)
            assert (await reply(service)).parts


async def test_where_nobody_can_search_nothing_is_called() -> None:
    backend = Backend(FOUND)
    async with running(backend, surface=Surface.Q) as service:
        assert await search(service) is None
    assert backend.called == []


async def test_who_may_not_ask_the_model_may_not_search() -> None:
    backend = Backend(FOUND)
    async with running(backend, surface=Surface.KIRO) as service:
        with pytest.raises(ModelNotFound):
            await search(service, Caller("a", models=frozenset({"claude-sonnet-4.5"})))
    assert backend.called == []


async def test_a_single_account_is_not_asked_twice() -> None:
    backend = Backend(THROTTLED)
    async with running(backend, surface=Surface.KIRO) as service:
        with pytest.raises(Throttled):
            await search(service)
    assert backend.called == ["a"]
