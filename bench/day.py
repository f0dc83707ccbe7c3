"""`python -m bench.day`: a day of ten accounts, on which everything goes wrong that can, in a minute or two.

The real service, pool and store; time is simulated (`bench.virtual`), and so is the backend, beneath httpx. What must
hold (exit status 1 if it does not): no request fails before its first content that a healthy account could have
served; healthy equal accounts carry loads that differ by less than 5 %; accounts without quota are called no oftener
than is stated.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import virtual
from bench.faults import HOUR, KINDS, MODELS, Episode, plan, stated_calls
from bench.frames import event
from cwproxy.accounts.callers import Caller
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.selection import Selected, Selector
from cwproxy.auth.bearer import Bearer, Replacement
from cwproxy.auth.clock import Clock
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.conversation import Conversation, Text, UserTurn
from cwproxy.errors import CwproxyError, LoginRequired
from cwproxy.eventstream import encode
from cwproxy.service import Options, Service
from cwproxy.service.options import REQUEST_SECONDS
from cwproxy.store import Account, AccountKind, AccountState, Store
from cwproxy.store.cooldowns import CoolDowns
from cwproxy.store.ledger import Record
from cwproxy.upstream import Upstream

EPOCH = 1_750_032_000.0
"""2025-06-16 00:00 UTC."""

ACCOUNTS = 10
HEALTHY = 4
"""Of them: these see no fault, and carry equal loads."""

REST = 600.0
"""An account whose last fault is this long ago counts as healthy: nobody can know it at once."""

TEXT = event("assistantResponseEvent", {"content": "Hello. "})
END = event("metadataEvent", {"stopReason": "END_TURN"}) + event("meteringEvent", {"unit": "credit", "usage": 0.01})
EXCEPTION = encode({":message-type": "exception", ":exception-type": "throttlingError"}, b'{"message":"Slow down."}')


@dataclass
class Day:
    """What the backend does and sees. now: seconds since the day began."""

    loop: virtual.VirtualLoop
    episodes: dict[str, list[Episode]]
    chance: random.Random
    calls: Counter[str] = field(default_factory=Counter)
    quota_calls: Counter[Episode] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def fault(self, account: str) -> str | None:
        now = self.loop.time()
        for episode in self.episodes[account]:
            if episode.at(now):
                if episode.kind.endswith("-quota"):
                    self.quota_calls[episode] += 1
                return episode.kind
        return None

    def healthy(self, account: str, since: float, until: float) -> bool:
        return not any(it.begins <= until and it.ends + REST > since for it in self.episodes[account])


class Backend(httpx.AsyncBaseTransport):
    """Answers as the hour of the day has it."""

    def __init__(self, day: Day) -> None:
        self._day = day

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        account = request.headers["authorization"].removeprefix("Bearer ")
        if "ListAvailableModels" in request.headers["x-amz-target"]:
            return httpx.Response(200, json={"models": [{"modelId": name} for name in MODELS]})
        day = self._day
        day.calls[account] += 1
        kind = day.fault(account)
        if kind is not None:
            day.met[kind] += 1
        await asyncio.sleep(day.chance.uniform(0.05, 0.3))
        if kind in REFUSALS:
            return refusal(*REFUSALS[kind])
        model = json.loads(request.content)["conversationState"]["currentMessage"]["userInputMessage"]["modelId"]
        if kind == "no-model" and model == MODELS[1]:
            return refusal(400, "ValidationException", "Invalid model.", "INVALID_MODEL_ID")
        if kind == "silent":
            await asyncio.sleep(10 * HOUR)
        if kind == "refused":
            raise httpx.ConnectError("refused")
        if kind == "reset":
            raise httpx.ReadError("reset")
        return httpx.Response(200, stream=_Body(day, kind))


class _Body(httpx.AsyncByteStream):
    def __init__(self, day: Day, kind: str | None) -> None:
        self._pieces = {
            "cut": [TEXT[:30]],
            "broken-frame": [TEXT[:-1] + b"?"],
            "empty": [END],
            "exception": [EXCEPTION],
            "cut-late": [TEXT, TEXT[:30]],
        }.get(kind or "", [TEXT, TEXT, END])
        self._day = day

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(self._day.chance.uniform(0.2, 3.0))
            yield piece


REFUSALS: dict[str | None, tuple[int, str, str, str | None]] = {
    "throttled": (429, "ThrottlingException", "Too many requests.", None),
    "throttled-wait": (429, "ThrottlingException", "Too many requests.", "wait"),
    "daily-quota": (429, "ThrottlingException", "5-minute credit limit exceeded", "DAILY_REQUEST_COUNT"),
    "monthly-quota": (402, "ServiceQuotaExceededException", "The limit.", "MONTHLY_REQUEST_COUNT"),
    "suspended": (403, "AccessDeniedException", "It temporarily is suspended.", "TEMPORARILY_SUSPENDED"),
    "misconfigured": (403, "AccessDeniedException", "Not supported.", "FEATURE_NOT_SUPPORTED"),
    "denied": (403, "AccessDeniedException", "Not like this.", None),
    "revoked": (403, "AccessDeniedException", "The bearer token included in the request is invalid.", None),
    "capacity": (429, "ThrottlingException", "High traffic.", "INSUFFICIENT_MODEL_CAPACITY"),
    "server": (503, "ServiceUnavailableException", "Not now.", None),
}


def refusal(status: int, kind: str, message: str, reason: str | None) -> httpx.Response:
    headers = {"x-amzn-errortype": kind}
    if reason == "wait":
        reason, headers["retry-after"] = None, "20"
    body = json.dumps({"message": message, "reason": reason}).encode()
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


class _Token:
    """Of an account that is its own token. A refresh helps as long as the login is good."""

    def __init__(self, day: Day, name: str) -> None:
        self._day = day
        self._name = name

    async def token(self) -> str:
        return self._name

    async def renew(self, stale: str) -> Replacement:
        if any(it.kind == "revoked" and it.at(self._day.loop.time()) for it in self._day.episodes[self._name]):
            raise LoginRequired("The login has ended.")
        return Replacement(self._name)


class _Selector(Selector):
    def __init__(self, day: Day) -> None:
        self._day = day

    def selected(self, account: Account) -> Selected:
        target = Target(Surface.Q, "us-east-1", "http://backend")
        return Selected(account.id, target, Bearer(_Token(self._day, account.id)))


@dataclass
class Figures:
    """seconds: of the simulated time, and of the machine's. avoidable: what failed although it need not have."""

    requests: int = 0
    served: int = 0
    left: int = 0
    after_content: int = 0
    before_content: int = 0
    avoidable: list[str] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    spread: float = 0.0
    quota_calls: int = 0
    quota_stated: int = 0
    quota_excess: int = 0
    met: Counter[str] = field(default_factory=Counter)

    def record(self, record: Record) -> None:
        self.attempts[record.failure_class or record.outcome] += 1

    @property
    def good(self) -> bool:
        return not self.avoidable and self.spread < 0.05 and not self.quota_excess


class Simulation:
    def __init__(self, day: Day, service: Service, figures: Figures) -> None:
        self._day = day
        self._service = service
        self._figures = figures

    async def request(self, number: int, model: str, *, leaves: bool) -> None:
        figures, loop = self._figures, self._day.loop
        began, content = loop.time(), False
        asked = Conversation(model=model, turns=(UserTurn((Text(f"Question {number}"),)),))
        try:
            async with self._service.answer(asked, caller=Caller("day")) as answer:
                async for _ in answer:
                    content = True
                    if leaves:
                        figures.left += 1
                        return
            figures.served += 1
        except CwproxyError as error:
            if content:
                figures.after_content += 1
                return
            figures.before_content += 1
            healthy = [name for name in self._day.episodes if self._day.healthy(name, began, loop.time())]
            if healthy:
                figures.avoidable.append(f"{began:.0f} s: {type(error).__name__}: {error.message}")

    async def traffic(self, seconds: float, rate: float) -> None:
        """More by day than by night."""
        chance = self._day.chance
        async with asyncio.TaskGroup() as group:
            while (now := self._day.loop.time()) < seconds:
                hour = now / HOUR % 24
                await asyncio.sleep(chance.expovariate(rate * (1.6 if 8 <= hour < 20 else 0.4)))
                self._figures.requests += 1
                model = chance.choice(MODELS)
                leaves = chance.random() < 0.05
                group.create_task(self.request(self._figures.requests, model, leaves=leaves))


async def person(day: Day, store: Store, accounts: Accounts) -> None:
    """Heals what only people can, when its cause is over."""
    due = sorted((it.ends, name) for name, them in day.episodes.items() for it in them if KINDS[it.kind].healed)
    for when, name in due:
        await asyncio.sleep(max(0.0, when - day.loop.time()))
        store.set_state(name, AccountState.ACTIVE)
        accounts.recover(name)


async def simulated(
    loop: virtual.VirtualLoop, *, hours: float, rate: float, seed: int, request_seconds: float
) -> Figures:
    chance, figures = random.Random(seed), Figures()
    names = [f"account-{number}" for number in range(ACCOUNTS)]
    episodes: dict[str, list[Episode]] = {name: [] for name in names[:HEALTHY]}
    episodes |= plan(names[HEALTHY:], seconds=hours * HOUR, chance=chance)
    day = Day(loop, episodes, chance)
    clock = Clock(now=lambda: EPOCH + loop.time(), monotonic=loop.time, sleep=asyncio.sleep)
    with tempfile.TemporaryDirectory() as directory, Store.open(Path(directory) / "data") as store:
        for number, name in enumerate(names):
            store.add(Account(name, AccountKind.BUILDER_ID, name, "us-east-1", float(number)))
        accounts = Accounts(store, CoolDowns(store.database), _Selector(day), clock=clock, chance=chance.random)
        upstream = Upstream(transport=Backend(day))
        options = Options(request_seconds=request_seconds)
        service = Service(
            accounts=accounts, upstream=upstream, options=options, recorder=figures, clock=clock, chance=chance.random
        )
        healing = asyncio.ensure_future(person(day, store, accounts))
        await Simulation(day, service, figures).traffic(hours * HOUR, rate)
        healing.cancel()
        await service.aclose()
        await accounts.aclose()
        await upstream.aclose()
    loads = [day.calls[name] for name in names[:HEALTHY]]
    figures.spread = (max(loads) - min(loads)) / (sum(loads) / len(loads))
    quotas = [it for them in episodes.values() for it in them if it.kind.endswith("-quota")]
    figures.quota_calls = day.quota_calls.total()
    figures.quota_stated = sum(stated_calls(it) for it in quotas)
    figures.quota_excess = sum(max(0, day.quota_calls[it] - stated_calls(it)) for it in quotas)
    figures.met = day.met
    return figures


def simulate(
    *, hours: float = 24.0, rate: float = 0.25, seed: int = 1, request_seconds: float = REQUEST_SECONDS
) -> Figures:
    """rate: requests per second, on average over a whole day."""
    logging.disable(logging.CRITICAL)
    try:
        return virtual.run(
            lambda loop: simulated(loop, hours=hours, rate=rate, seed=seed, request_seconds=request_seconds)
        )
    finally:
        logging.disable(logging.NOTSET)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.day", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rate", type=float, default=0.25, help="requests per second")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    it = simulate(hours=given.hours, rate=given.rate, seed=given.seed)
    print(f"{given.hours:g} hours, {ACCOUNTS} accounts ({HEALTHY} without faults), seed {given.seed}: ", end="")
    print(f"{time.monotonic() - began:.0f} s of real time")
    print(f"calls that met a fault: {it.met.total()} ({', '.join(f'{k} {n}' for k, n in sorted(it.met.items()))})")
    print(f"attempts: {', '.join(f'{k} {n}' for k, n in sorted(it.attempts.items()))}")
    print(f"requests {it.requests}: served {it.served}, left by the client {it.left}, ", end="")
    print(f"failed after content {it.after_content}, before content {it.before_content}")
    print(f"failed before content although a healthy account could have served: {len(it.avoidable)} (must be 0)")
    for line in it.avoidable[:10]:
        print(f"  {line}")
    print(f"loads of the healthy accounts differ by {it.spread:.2%} (must be below 5 %)")
    print(f"calls of accounts without quota: {it.quota_calls}, stated {it.quota_stated}, ", end="")
    print(f"beyond that {it.quota_excess} (must be 0)")
    return 0 if it.good else 1


if __name__ == "__main__":
    sys.exit(main())
