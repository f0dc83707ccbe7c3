"""The service on a backend that is a list of byte strings."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import httpx
from tests.support.fleet import fleet

from cwproxy.accounts.callers import LOCAL, Caller
from cwproxy.accounts.pool import Backoff, Policy
from cwproxy.accounts.recording import Recorder
from cwproxy.accounts.selection import Selected
from cwproxy.auth.clock import Clock
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.conversation import Conversation, SystemTurn, Text, UserTurn
from cwproxy.eventstream import encode
from cwproxy.reply import Reply, ReplyEvent, fold
from cwproxy.service import Options, Service
from cwproxy.upstream import Upstream

MODELS: dict[str, object] = {
    "models": [
        {"modelId": "auto", "modelName": "Auto", "tokenLimits": {"maxInputTokens": 1000}},
        {"modelId": "claude-sonnet-4.5", "modelName": "Claude Sonnet 4.5", "tokenLimits": {"maxInputTokens": 200_000}},
    ],
    "defaultModel": {"modelId": "auto"},
}


def event(kind: str, payload: object) -> bytes:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return encode(headers, json.dumps(payload).encode())


def text(content: str) -> bytes:
    return event("assistantResponseEvent", {"content": content})


METERING = event("meteringEvent", {"usage": 0.1, "unit": "credit"})

EXCEPTION = encode(
    {":message-type": "exception", ":exception-type": "throttlingError"}, b'{"message":"Too many requests"}'
)

WHOLE = text("Hel") + text("lo") + METERING


QUICK = Policy(throttled=Backoff(0.05, 1.0))
"""The pool's own numbers, but a cool-down that a test can wait for."""


@dataclass(frozen=True, slots=True)
class Torn:
    """A stream that ends in disorder: `fault` is raised after `data`, and without one nothing follows any more."""

    data: bytes
    fault: Exception | None = None


Step: TypeAlias = bytes | tuple[int, bytes] | Exception | Torn


class Backend(httpx.AsyncBaseTransport):
    """Answers each chat call with the next script entry; the last one is repeated. `scripts` are those of accounts
    that have one of their own, and `called` the accounts in the order of their calls; one without a name in `x-account`
    is known by its authorization.
    """

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.scripts: dict[str, list[Step]] = {}
        self.called: list[str] = []
        self.lists: dict[str, object] = {}
        self.hanging: set[str] = set()
        self.chats: list[dict[str, object]] = []
        self.headers: list[httpx.Headers] = []
        self.listings = 0
        self.list_status = 200
        self.list_gate = asyncio.Event()
        self.list_gate.set()
        self.models: dict[str, object] = MODELS
        self.open = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        account = request.headers.get("x-account") or request.headers["authorization"]
        if b"ListAvailableModels" in request.headers.raw.__repr__().encode():
            self.listings += 1
            if account in self.hanging:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            await self.list_gate.wait()
            return httpx.Response(self.list_status, json=self.lists.get(account, self.models))
        self.chats.append(json.loads(await request.aread()))
        self.headers.append(request.headers)
        self.called.append(account)
        script = self.scripts.get(account, self.script)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple):
            return httpx.Response(answer[0], stream=httpx.ByteStream(answer[1]))
        return httpx.Response(200, stream=_Body(self, answer))


class _Body(httpx.AsyncByteStream):
    def __init__(self, backend: Backend, answer: bytes | Torn) -> None:
        self.backend = backend
        self.answer = answer
        self.data = answer if isinstance(answer, bytes) else answer.data
        backend.open += 1
        backend.reached.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), 97):
            await self.backend.gate.wait()
            yield self.data[start : start + 97]
        if isinstance(self.answer, Torn):
            if self.answer.fault is None:
                await asyncio.Event().wait()
            else:
                raise self.answer.fault

    async def aclose(self) -> None:
        self.backend.open -= 1


@asynccontextmanager
async def running(
    backend: Backend,
    options: Options | None = None,
    clock: Clock | None = None,
    surface: Surface = Surface.Q,
    accounts: Sequence[str] = ("a",),
    policy: Policy = QUICK,
    recorder: Recorder | None = None,
) -> AsyncIterator[Service]:
    """A service with these accounts, the names of which are in the header `x-account` of every request. Without a clock
    of the test's, pauses take no time.
    """
    target = Target(surface, "us-east-1", "http://backend")
    clock = clock or Clock(sleep=_at_once)
    upstream = Upstream(transport=backend)
    ready = (Selected(name, target, Named(name)) for name in accounts)
    async with fleet(*ready, clock=clock, policy=policy) as pool:
        service = Service(
            accounts=pool, upstream=upstream, options=options or Options(), recorder=recorder, clock=clock
        )
        yield service
        await service.aclose()
    await upstream.aclose()


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


class Named(httpx.Auth):
    def __init__(self, name: str) -> None:
        self.name = name

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["x-account"] = self.name
        yield request


def ask(prompt: str = "Hello", model: str = "auto") -> Conversation:
    return Conversation(model=model, turns=(SystemTurn("Be brief."), UserTurn((Text(prompt),))))


async def reply(service: Service, conversation: Conversation | None = None, *, caller: Caller = LOCAL) -> Reply:
    events: list[ReplyEvent] = []
    async with service.answer(conversation or ask(), caller=caller, streamed=False) as answer:
        async for batch in answer:
            assert batch
            events += batch
    return fold(events)
