"""One request and several accounts: who is asked next, what it costs, and what is never asked again.

It belongs to `attempts`; the faults are those of reliability.md 1.2 and 3.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.support.scripted_backend import (
    EXCEPTION,
    WHOLE,
    Backend,
    Step,
    ask,
    reply,
    running,
    text,
)
from tests.support.waiting import settled, until

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.pool import Policy, Strategy
from cwproxy.auth.clock import Clock
from cwproxy.conversation import Conversation
from cwproxy.errors import (
    AccountUnusable,
    BackendTimeout,
    BackendUnavailable,
    ContextLengthExceeded,
    CwproxyError,
    InvalidRequest,
    LoginRequired,
    ModelNotFound,
    QuotaExhausted,
    Throttled,
)
from cwproxy.reply import Finished, ReplyEvent, TextPart
from cwproxy.service import Service
from cwproxy.service.retry import ATTEMPTS, MOVES
from cwproxy.upstream.transport.faults import Disconnected

pytestmark = pytest.mark.anyio


def refusal(status: int, kind: str, message: str = "No.", reason: str | None = None, **more: object) -> Step:
    return status, json.dumps({"__type": kind, "message": message, "reason": reason, **more}).encode()


THROTTLED = refusal(429, "ThrottlingException", retryAfterMilliseconds=60_000)
MONTHLY = refusal(402, "ServiceQuotaExceededException", reason="MONTHLY_REQUEST_COUNT")
DAILY = refusal(429, "ThrottlingException", reason="DAILY_REQUEST_COUNT")
SUSPENDED = refusal(403, "AccessDeniedException", reason="TEMPORARILY_SUSPENDED")
MISCONFIGURED = refusal(403, "AccessDeniedException", reason="FEATURE_NOT_SUPPORTED")
DENIED = refusal(403, "AccessDeniedException", "User is not authorized to make this call.")
REVOKED = refusal(403, "AccessDeniedException", "The bearer token included in the request is invalid.")
CAPACITY = refusal(429, "ThrottlingException", reason="INSUFFICIENT_MODEL_CAPACITY")
NO_MODEL = refusal(400, "ValidationException", "Invalid model.", "INVALID_MODEL_ID")
BAD_ID = refusal(400, "ValidationException", "No.", "INVALID_CONVERSATION_ID")
IMPROPER = refusal(400, "ValidationException", "Improperly formed request.")
FAULT: Step = (503, b"{}")
HANG = httpx.ReadTimeout("silent")

NAMES = ("a", "b", "c", "d")


@asynccontextmanager
async def four(backend: Backend, **scripts: Step) -> AsyncIterator[Service]:
    """Four accounts, of which those that are named always answer so."""
    backend.scripts = {name: [step] for name, step in scripts.items()}
    async with running(backend, accounts=NAMES) as service:
        yield service


async def all_served(service: Service, requests: int = 8) -> None:
    for _ in range(requests):
        assert (await reply(service)).parts == (TextPart("Hello"),)


@pytest.mark.parametrize("fault", [MONTHLY, DAILY, SUSPENDED, MISCONFIGURED, DENIED, REVOKED, THROTTLED])
async def test_an_account_that_is_out_is_asked_once_and_then_left_alone(fault: Step) -> None:
    backend = Backend(WHOLE)
    async with four(backend, b=fault) as service:
        await all_served(service)
    assert backend.called.count("b") == 1


@pytest.mark.parametrize("fault", [CAPACITY, FAULT, EXCEPTION, httpx.ReadError("reset"), HANG, b"", WHOLE[:20]])
async def test_what_may_pass_is_served_by_another(fault: Step) -> None:
    backend = Backend(WHOLE)
    async with four(backend, b=fault) as service:
        await all_served(service)
    assert "b" in backend.called


async def test_many_accounts_that_are_out_cost_no_attempt() -> None:
    backend = Backend(WHOLE)
    async with four(backend, a=MONTHLY, b=SUSPENDED, c=REVOKED, d=WHOLE) as service:
        await all_served(service, 3)
    assert backend.called == ["a", "b", "c", "d", "d", "d"]


async def test_eight_accounts_are_left_at_most() -> None:
    backend = Backend(MONTHLY)
    names = [f"account-{number}" for number in range(12)]
    async with running(backend, accounts=names) as service:
        with pytest.raises(QuotaExhausted):
            await reply(service)
    assert len(backend.called) == MOVES + 1
    assert len(set(backend.called)) == MOVES + 1


async def test_three_calls_are_work_whoever_does_it() -> None:
    backend = Backend(FAULT)
    async with four(backend) as service:
        with pytest.raises(BackendUnavailable):
            await reply(service)
    assert len(backend.called) == len(set(backend.called)) == ATTEMPTS


@pytest.mark.parametrize("refused", [MISCONFIGURED, DENIED])
async def test_one_request_cannot_have_all_accounts_written_off(refused: Step) -> None:
    backend = Backend(refused)
    async with four(backend) as service:
        with pytest.raises(AccountUnusable):
            await reply(service)
        assert sorted(backend.called) == list(NAMES)
        backend.script = [WHOLE]
        await all_served(service)
    assert set(backend.called[4:]) == {"b", "c", "d"}, "one is blamed"


async def test_when_somebody_serves_it_those_who_refused_are_to_blame() -> None:
    backend = Backend(WHOLE)
    async with four(backend, a=MISCONFIGURED, b=DENIED, c=MISCONFIGURED) as service:
        await all_served(service, 4)
    assert backend.called == ["a", "b", "c", "d", "d", "d", "d"]


async def test_what_the_request_is_to_blame_for_goes_nowhere_else() -> None:
    too_long = refusal(400, "ValidationException", "Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD")
    for refused, error in ((IMPROPER, InvalidRequest), (too_long, ContextLengthExceeded)):
        backend = Backend(refused)
        async with four(backend) as service:
            with pytest.raises(error):
                await reply(service)
        assert len(backend.called) == 1


@pytest.mark.parametrize(
    "cut", [text("Hel"), text("Hel") + EXCEPTION, text("Hel") + WHOLE[:25]], ids=["end", "exception", "in a frame"]
)
async def test_after_content_nobody_else_is_asked(cut: bytes) -> None:
    backend = Backend(cut)
    said: list[ReplyEvent] = []
    async with four(backend) as service, service.answer(ask(), caller=Caller("tests")) as answer:
        with pytest.raises(CwproxyError):
            async for batch in answer:
                said += batch
    assert len(backend.called) == 1
    assert not any(isinstance(item, Finished) for item in said)


async def test_a_kept_connection_that_was_dead_is_no_failure() -> None:
    """Replayed once, on the same account, and not counted against anybody."""
    backend = Backend(Disconnected("gone", reused=True), FAULT, FAULT, WHOLE)
    async with running(backend, accounts=("a",)) as service:
        await reply(service)
        assert len(backend.called) == ATTEMPTS + 1
        backend.script = [Disconnected("gone", reused=True)]
        with pytest.raises(BackendUnavailable):
            await reply(service)
    assert len(backend.called) == ATTEMPTS + 1 + 2 * ATTEMPTS


async def test_a_client_that_goes_while_its_request_moves_leaves_nothing_behind() -> None:
    backend = Backend(WHOLE)
    backend.scripts = {"a": [THROTTLED]}
    asleep = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async with running(backend, clock=Clock(sleep=sleep), accounts=("a", "b")) as service:
        task = asyncio.ensure_future(reply(service))
        await asleep.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.gather(*(reply(service) for _ in range(8)))
    assert backend.called == ["a", *"bbbbbbbb"]


async def test_sticky_conversations_stay_where_they_are() -> None:
    backend = Backend(WHOLE)
    async with running(backend, accounts=NAMES, policy=Policy(strategy=Strategy.STICKY)) as service:
        for prompt in ("one", "two", "three", "word " * 120_000):
            before = len(backend.called)
            for _ in range(3):
                await reply(service, ask(prompt))
            assert len(set(backend.called[before:])) == 1
    assert len(set(backend.called)) > 1


async def test_a_silence_is_not_waited_for_again_on_the_same_account() -> None:
    backend = Backend(HANG)
    async with running(backend, accounts=("a",)) as service:
        with pytest.raises(BackendTimeout):
            await reply(service)
    assert len(backend.called) == 1


async def test_a_model_that_an_account_may_not_use_is_asked_of_another_that_lists_it() -> None:
    backend = Backend(WHOLE)
    only_auto = {"models": [{"modelId": "auto"}]}
    backend.lists = {"c": only_auto, "d": only_auto}
    async with four(backend, a=NO_MODEL) as service:
        for _ in range(4):
            await reply(service, ask(model="claude-sonnet-4.5"))
        assert backend.called == ["a", "b", "b", "b", "b"]
        backend.scripts["b"] = [NO_MODEL]
        with pytest.raises(ModelNotFound):
            await reply(service, ask(model="claude-sonnet-4.5"))
        with pytest.raises(ModelNotFound):
            await reply(service, ask(model="claude-sonnet-4.5"))
    assert backend.called.count("b") == 5


async def test_clients_are_shown_the_models_of_all_accounts() -> None:
    backend = Backend(WHOLE)
    backend.lists = {name: {"models": [{"modelId": f"model-{name}"}]} for name in NAMES}
    async with four(backend) as service:
        assert {model.id for model in (await service.models()).models} == {f"model-{name}" for name in NAMES}
        for name in NAMES:
            await reply(service, ask(model=f"model-{name}"))
        with pytest.raises(ModelNotFound):
            await reply(service, ask(model="model-e"))
    assert backend.called == list(NAMES)


async def test_a_refused_name_of_a_conversation_is_replaced_once() -> None:
    backend = Backend(BAD_ID, WHOLE)
    async with running(backend) as service:
        await reply(service)
        backend.script = [BAD_ID]
        with pytest.raises(InvalidRequest):
            await reply(service)
    ids = [json.loads(json.dumps(chat))["conversationState"]["conversationId"] for chat in backend.chats]
    assert len(ids) == 4
    assert len(set(ids)) == 3
    assert ids[0] == ids[2]


async def test_the_clients_own_name_for_a_conversation_is_not_replaced() -> None:
    backend = Backend(BAD_ID)
    async with running(backend) as service:
        asked = ask()
        with pytest.raises(InvalidRequest):
            await reply(service, Conversation(model=asked.model, turns=asked.turns, name="mine"))
    assert len(backend.chats) == 1


async def test_every_account_gets_its_own_numbers() -> None:
    backend = Backend(WHOLE)
    async with four(backend, a=FAULT) as service:
        await reply(service)
    first, second = (headers["amz-sdk-invocation-id"] for headers in backend.headers)
    assert first != second
    assert [headers["amz-sdk-request"].split(";")[0] for headers in backend.headers] == ["attempt=1", "attempt=1"]


async def test_when_the_process_has_repeated_too_much_each_request_is_called_once() -> None:
    backend = Backend(FAULT)
    calls = []
    async with four(backend) as service:
        for _ in range(40):
            before = len(backend.called)
            with pytest.raises(BackendUnavailable):
                await reply(service)
            calls.append(len(backend.called) - before)
        assert calls[0] == ATTEMPTS
        assert calls[-1] <= 1
        assert sum(calls) < 40 + 500 / 14 + 1
        backend.script = [WHOLE]


async def test_what_the_client_gets_when_all_are_out() -> None:
    for fault, error in ((MONTHLY, QuotaExhausted), (SUSPENDED, CwproxyError), (REVOKED, LoginRequired)):
        backend = Backend(fault)
        async with four(backend) as service:
            for _ in range(2):
                with pytest.raises(CwproxyError):
                    await reply(service)
            called = len(backend.called)
            with pytest.raises(error):
                await reply(service)
            assert len(backend.called) == called, "nobody is bothered any more"


async def test_when_all_are_throttled_the_client_is_told_when_to_come_back() -> None:
    backend = Backend(refusal(429, "ThrottlingException", retryAfterMilliseconds=30_000))
    async with four(backend) as service:
        with pytest.raises(Throttled):
            await reply(service)
        with pytest.raises(Throttled) as caught:
            await reply(service)
            await reply(service)
    assert 25.0 < (caught.value.retry_after or 0.0) <= 40.0


async def test_nothing_is_kept_of_a_client_that_goes() -> None:
    backend = Backend(WHOLE)
    backend.gate.clear()
    async with running(backend, accounts=("a",)) as service:
        tasks = [asyncio.ensure_future(reply(service)) for _ in range(12)]
        await backend.reached.wait()
        await until(lambda: len(backend.called) >= 8)
        await settled()
        assert len(backend.called) == 8, "as many as one account may have in flight"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert backend.open == 0
        backend.gate.set()
        await asyncio.gather(*(reply(service) for _ in range(8)))


async def test_those_who_wait_are_served_when_others_are_done() -> None:
    backend = Backend(WHOLE)
    async with running(backend, accounts=("a", "b")) as service:
        answers = await asyncio.gather(*(reply(service) for _ in range(40)))
    assert len(answers) == 40
    assert abs(backend.called.count("a") - backend.called.count("b")) <= 2
