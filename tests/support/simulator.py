"""A simulated AWS for tests: `Simulator` runs one in a thread, `SimulatorClient` steers one that runs elsewhere.

    with Simulator(auto_approve=0) as aws:
        account = aws.account("builder-id")
        aws.say("Hello")
        ...                                  # let the code under test talk to aws.url
        assert aws.received("GenerateAssistantResponse")[0].json["conversationState"]

Steering does not use the network in `Simulator`, so its methods can be called from async tests as well.
"""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import anyio
import httpx
from tests.support.waiting import SECONDS

from cwproxy.simulator import SimulatorOptions, SimulatorServer
from cwproxy.simulator.clock import Clock
from cwproxy.simulator.control import PREFIX, answer
from cwproxy.simulator.envelope import Reply
from cwproxy.simulator.request import Request

Kind = Literal["builder-id", "identity-center", "social", "external-idp", "api-key", "iam"]
FaultScope = Literal["chat", "oidc", "control-plane"]


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """`token` is empty for iam, which has the keys instead; `refresh_token` is only given to social and external
    accounts here, `token_endpoint` and `client_id` to external ones.
    """

    id: str
    kind: Kind
    region: str
    start_url: str | None
    profile_arns: tuple[str, ...]
    email: str
    token: str
    refresh_token: str | None
    access_key_id: str | None
    secret_access_key: str | None
    session_token: str | None
    provider: str | None = None
    token_endpoint: str | None = None
    client_id: str | None = None

    @property
    def profile_arn(self) -> str:
        return self.profile_arns[0]


@dataclass(frozen=True, slots=True)
class Received:
    """One request that the simulator got, and what became of its answer (see `cwproxy.simulator.journal.Entry`)."""

    method: str
    path: str
    query: dict[str, str]
    region: str | None
    headers: dict[str, str]
    body: str
    port: int
    surface: str | None
    operation: str | None
    account: str | None
    fault: str | None
    note: str
    status: int | None
    frames: int
    ended: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass(frozen=True, slots=True)
class Status:
    """`connections` counts open sockets, `running` answers on their way, `turns` and `faults` what is still queued."""

    connections: int
    running: int
    turns: int
    faults: int
    now: float


class SimulatorClient:
    """Steers a simulator over HTTP. Raises ValueError with the simulator's sentence for a request without sense."""

    def __init__(self, url: str) -> None:
        self.url = url

    def account(
        self,
        kind: Kind = "builder-id",
        *,
        id: str | None = None,
        region: str = "us-east-1",
        start_url: str | None = None,
        profile_arns: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        state: str = "healthy",
        token: str | None = None,
        expires_in: float | None = None,
        session_token: str | None = None,
        provider: str | None = None,
    ) -> SimulatedAccount:
        """Make an account and a token for it, without a login; the token lasts for ever unless `expires_in` says."""
        members: dict[str, object] = {"kind": kind, "region": region, "state": state}
        optional = {
            "id": id,
            "startUrl": start_url,
            "profileArns": None if profile_arns is None else list(profile_arns),
            "models": None if models is None else list(models),
            "token": token,
            "expiresIn": expires_in,
            "sessionToken": session_token,
            "provider": provider,
        }
        made = self._post("accounts", {**members, **{name: it for name, it in optional.items() if it is not None}})
        return SimulatedAccount(
            id=made["id"],
            kind=made["kind"],
            region=made["region"],
            start_url=made["startUrl"],
            profile_arns=tuple(made["profileArns"]),
            email=made["email"],
            token=made.get("token", ""),
            refresh_token=made.get("refreshToken"),
            access_key_id=made["accessKeyId"],
            secret_access_key=made["secretAccessKey"],
            session_token=made["sessionToken"],
            provider=made["provider"],
            token_endpoint=made.get("tokenEndpoint"),
            client_id=made.get("clientId"),
        )

    def accounts(self) -> list[dict[str, Any]]:
        """Also those that came into being by a login."""
        listing: list[dict[str, Any]] = self._get("accounts")["accounts"]
        return listing

    def set_state(self, account: SimulatedAccount | str, state: str) -> None:
        """`expired` takes the access tokens away; the other words are those of `cwproxy.simulator.states`."""
        self._post(f"accounts/{_id(account)}", {"state": state})

    def set_models(self, account: SimulatedAccount | str, models: Sequence[str] | None) -> None:
        self._post(f"accounts/{_id(account)}", {"models": None if models is None else list(models)})

    def set_model_states(self, account: SimulatedAccount | str, states: dict[str, str]) -> None:
        """What chat answers for some models, by their ids; the words are those of states that are not `everywhere`."""
        self._post(f"accounts/{_id(account)}", {"modelStates": states})

    def revoke_logins(self, account: SimulatedAccount | str) -> None:
        """Every token that came out of a login of this account is dead from now on."""
        self._post(f"accounts/{_id(account)}", {"revokeLogins": True})

    def next_login(self, account: SimulatedAccount | str) -> None:
        """The next login that is approved is for this account."""
        self._post("next-login", {"account": _id(account)})

    def approve(self, user_code: str) -> None:
        self._post("approve", {"userCode": user_code})

    def deny(self, user_code: str) -> None:
        self._post("approve", {"userCode": user_code, "decision": "deny"})

    def devices(self) -> list[dict[str, Any]]:
        """The device logins so far: userCode, startUrl, client, decision, polls, interval."""
        listing: list[dict[str, Any]] = self._get("devices")["devices"]
        return listing

    def turns(self, *turns: dict[str, Any]) -> None:
        """What the next chat calls answer, one each (the members are those of `script.parse_turn`)."""
        self._post("turns", {"turns": list(turns)})

    def say(self, text: str, **more: Any) -> None:
        """The next chat call answers this text."""
        self.turns({"say": text, **more})

    def call(self, name: str, arguments: object, **more: Any) -> None:
        """The next chat call answers with this tool call."""
        self.turns({"call": {"name": name, "input": arguments}, **more})

    def events(self, *events: tuple[str, dict[str, Any]], **more: Any) -> None:
        """The next chat call answers with exactly these events, and the trailer unless `trailer="none"`."""
        self.turns({"events": [list(event) for event in events], **more})

    def fault(self, kind: str, *, count: int = 1, scope: FaultScope = "chat", **more: Any) -> None:
        """The next `count` calls of the scope go wrong (kinds and members: `cwproxy.simulator.faults`)."""
        self._post("faults", {"kind": kind, "count": count, "scope": scope, **more})

    def calm(self) -> None:
        """No fault strikes any more."""
        self._post("calm", {})

    def options(self, **changes: Any) -> dict[str, Any]:
        """Change options while it runs; all of them come back."""
        return self._post("options", changes)

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock."""
        self._post("clock", {"seconds": seconds})

    def refuse_connections(self, seconds: float) -> None:
        """Nobody can connect for that long."""
        self._post("listening", {"seconds": seconds})

    def swallow_connections(self, seconds: float) -> None:
        """New connections are accepted for that long, and nothing is read from them."""
        self._post("black-hole", {"seconds": seconds})

    def reset(self) -> None:
        """Forget accounts, logins, scripts, faults and what was received."""
        self._post("reset", {})

    def status(self) -> Status:
        return Status(**self._get("status"))

    def received(self, operation: str | None = None, *, secrets: bool = False) -> list[Received]:
        """What came in, oldest first; operation: `GenerateAssistantResponse`, `/token`, ... Credentials are masked
        unless `secrets`."""
        listing = self._get("requests", {"secrets": "true" if secrets else "false"})["requests"]
        return [
            Received(**{name: item[name] for name in Received.__dataclass_fields__})
            for item in listing
            if operation is None or item["operation"] == operation
        ]

    async def wait_for(self, *, connections: int | None = None, running: int | None = 0) -> Status:
        """Until at most that many are left; AssertionError when they stay."""
        end = time.monotonic() + SECONDS
        while True:
            status = self.status()
            few = connections is None or status.connections <= connections
            if few and (running is None or status.running <= running):
                return status
            if time.monotonic() > end:
                raise AssertionError(f"the simulator still has {status}")
            await anyio.sleep(0.01)

    def _get(self, name: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        return self._exchange("GET", name, query or {}, b"")

    def _post(self, name: str, members: dict[str, Any]) -> dict[str, Any]:
        return self._exchange("POST", name, {}, json.dumps(members).encode())

    def _exchange(self, method: str, name: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        with httpx.Client(trust_env=False, timeout=SECONDS) as client:
            response = client.request(method, f"{self.url}{PREFIX}{name}", params=query, content=body)
        return _document(response.status_code, response.content)


class Simulator(SimulatorClient):
    """A simulator in a thread of its own, on a free port, from `with` to its end. Keywords: `SimulatorOptions`."""

    def __init__(self, *, clock: Clock | None = None, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        super().__init__("")
        self._tls = tls
        self._server = SimulatorServer(SimulatorOptions(**options), clock=clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._server.start(tls=self._tls), self._loop).result(SECONDS)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def _exchange(self, method: str, name: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        request = Request(
            method=method,
            path=PREFIX + name,
            raw_path=PREFIX + name,
            query_string="&".join(f"{key}={value}" for key, value in query.items()),
            headers={},
            body=body,
            region=None,
            peer="127.0.0.1",
            port=0,
        )
        reply = (
            self._in_loop(request) if name in {"listening", "black-hole"} else answer(self._server.simulation, request)
        )
        return _document(reply.status, reply.body)

    def _in_loop(self, request: Request) -> Reply:
        """The calls that touch the event loop itself."""

        async def call() -> Reply:
            return answer(self._server.simulation, request)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(SECONDS)


def _document(status: int, body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body)
    if status != 200:
        raise ValueError(document["error"])
    return document


def _id(account: SimulatedAccount | str) -> str:
    return account if isinstance(account, str) else account.id
