"""Who may call: names this server answers to, origins, API keys and their limits (reliability.md 2.4).

Checked as a dependency of each route, never by path in a middleware: a path that is read differently in two places
has been the hole of others. There are two doors, and no key opens both.
"""

import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from math import ceil
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request

from cwproxy.accounts.callers import LOCAL, Caller
from cwproxy.accounts.keyring import KeyRing, KnownKey
from cwproxy.accounts.metering import Bound, Refusal
from cwproxy.api.exchange import exchange_of
from cwproxy.api.refused import Refused, elsewhere
from cwproxy.store.keys import KeyKind, digest_of

_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_NOT_OURS: Final = "host_not_allowed"
_KEY_HEADERS: Final = frozenset({b"x-api-key", b"api-key"})


class _Said:
    """What of a request's headers is looked at, taken out in one pass: it is done for every request."""

    __slots__ = ("hosts", "keys", "origin")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.hosts: list[str] = []
        self.origin: str | None = None
        self.keys: set[str] = set()
        for name, value in headers:
            if name == b"host":
                self.hosts.append(value.decode("latin-1"))
            elif name == b"authorization":
                scheme, _, credentials = value.decode("latin-1").partition(" ")
                self.keys.add(credentials.strip() if scheme.lower() == "bearer" else "")
            elif name in _KEY_HEADERS:
                self.keys.add(value.decode("latin-1"))
            elif name == b"origin" and self.origin is None:
                self.origin = value.decode("latin-1")


class AccessPolicy(msgspec.Struct, frozen=True):
    """hosts: names without port, lower-case. origins: of web pages that may call besides those from our own hosts,
    lower-case; `*` for all. wall: epoch seconds.
    """

    ring: KeyRing = msgspec.field(default_factory=KeyRing)
    hosts: frozenset[str] = frozenset(_LOCAL_NAMES)
    origins: frozenset[str] = frozenset()
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    @classmethod
    def of(
        cls,
        *,
        keys: Iterable[str] = (),
        ring: KeyRing | None = None,
        host: str = "127.0.0.1",
        names: Iterable[str] = (),
        origins: Iterable[str] = (),
    ) -> "AccessPolicy":
        """`keys` in clear, unless there is a `ring`; `host` the address that is listened on, `names` by which clients
        call us besides.
        """
        hosts = frozenset({*_LOCAL_NAMES, *(_bracketed(name) for name in (host, *names))})
        return cls(ring or KeyRing(keys), hosts, frozenset(origin.lower() for origin in origins))

    async def admit(self, request: Request) -> KnownKey | None:
        """For `Depends`. Raises Refused; notes who calls. It is a coroutine so that no thread is used for it.

        The result is None where no key is asked for.
        """
        key = self._shown(request, wanted=self.ring.required)
        if key is not None and key.kind is not KeyKind.CLIENT:
            raise _other_door("This is an operator's key, which opens `/admin` and nothing else.")
        if key is None and self.ring.required:
            raise _unknown()
        exchange_of(request.scope).caller = LOCAL if key is None else key.caller
        return key

    async def admit_operator(self, request: Request) -> KnownKey:
        """The same for the routes under `/admin`, which always want a key."""
        key = self._shown(request, wanted=True)
        if key is None:
            raise _unknown(" An operator's key is made by `cwproxy keys create NAME --admin`.")
        if key.kind is not KeyKind.ADMIN:
            raise _other_door(
                "This is a client's key; `/admin` is opened by one of `cwproxy keys create NAME --admin`."
            )
        exchange_of(request.scope).caller = Caller(key.caller.name, key.caller.key_id)
        return key

    def charge(self, request: Request, key: KnownKey | None) -> None:
        """Count a request that asks a model against the limits of its key, until it ends. Raises Refused."""
        if key is None:
            return
        refusal = key.meter.enter(monotonic=self.clock(), wall=self.wall())
        if refusal is not None:
            raise _over(refusal)
        exchange_of(request.scope).release = key.meter.leave

    def _check_host(self, hosts: list[str]) -> None:
        """A page whose name was made to point here (DNS rebinding) shows in the name. An address is nobody's name: who
        calls by one has really been sent here, so where keys are asked for, any is taken.
        """
        name = _name(hosts[0]) if len(hosts) == 1 else None
        if name is None:
            raise Refused(421, "The request needs exactly one Host header, a name and perhaps a port.", _NOT_OURS)
        if name not in self.hosts and not (self.ring.required and _is_address(name)):
            raise Refused(
                421,
                f"This server does not answer to the name {name[:100]!r} in the Host header. If clients are to call it "
                "by that name, add it to CWPROXY_ALLOWED_HOSTS (`allowed_hosts` in config.toml) and start it again.",
                _NOT_OURS,
            )

    def _check_origin(self, origin: str | None) -> None:
        if origin is None or origin.lower() in self.origins or "*" in self.origins:
            return
        try:
            name = _name(urlsplit(origin).netloc)
        except ValueError:
            name = None
        if name not in self.hosts:
            raise elsewhere()

    def _shown(self, request: Request, *, wanted: bool) -> KnownKey | None:
        """The key in force that the client shows, by whichever header; None for none, another, or several. Raises
        Refused for a client from a place that may not call, and where one is wanted that cannot be judged now.
        """
        said = _Said(request.scope["headers"])
        self._check_host(said.hosts)
        self._check_origin(said.origin)
        if len(said.keys) != 1:
            return None
        key = self.ring.find(digest_of(said.keys.pop()))
        if key is None and wanted and not self.ring.judges:
            raise _unjudged()
        return key


def _unknown(more: str = "") -> Refused:
    return Refused(
        401,
        "The API key is missing or wrong; send it as `Authorization: Bearer KEY`." + more,
        "invalid_api_key",
        headers=(("www-authenticate", "Bearer"), ("x-should-retry", "false")),
    )


def _unjudged() -> Refused:
    return Refused(
        503,
        "The API key cannot be checked, because the store of keys cannot be read at the moment; try again soon.",
        "store_unavailable",
        type="server_error",
        headers=(("retry-after", "5"), ("x-should-retry", "true")),
    )


def _other_door(message: str) -> Refused:
    return Refused(403, message, "wrong_kind_of_key", type="permission_error")


def _over(refusal: Refusal) -> Refused:
    """reliability.md 1.8. Credits do not come back by waiting a little, and clients are told so."""
    spent = refusal.bound is Bound.MONTHLY_CREDITS
    return Refused(
        429,
        refusal.message,
        "insufficient_quota" if spent else "rate_limit_exceeded",
        type="insufficient_quota" if spent else "rate_limit_error",
        headers=(
            ("retry-after", str(max(1, ceil(refusal.retry_after)))),
            ("retry-after-ms", str(max(1, ceil(refusal.retry_after * 1000)))),
            ("x-should-retry", "false" if spent else "true"),
        ),
    )


def _bracketed(name: str) -> str:
    lowered = name.lower()
    return f"[{lowered}]" if ":" in lowered and not lowered.startswith("[") else lowered


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _name(host: str) -> str | None:
    """The name in a Host header, None when it is not one."""
    name, colon, port = host.lower().rpartition(":")
    if not colon or host.endswith("]"):
        return host.lower()
    return name if port.isascii() and port.isdigit() else None
