"""Who may call: names this server answers to, origins, API keys (reliability.md 2.4).

Checked as a dependency of each route, never by path in a middleware: a path that is read differently in two places
has been the hole of others.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from cwproxy.accounts.callers import LOCAL, Caller
from cwproxy.api.exchange import exchange_of
from cwproxy.api.refused import Refused, elsewhere

_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_KEY_HEADERS: Final = ("x-api-key", "api-key")


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """keys: SHA-256 of every API key; when empty, all callers are let in. hosts: names without port, lower-case.
    origins: of web pages that may call besides those from our own hosts, lower-case; `*` for all.
    """

    keys: frozenset[bytes] = field(default=frozenset(), repr=False)
    hosts: frozenset[str] = frozenset(_LOCAL_NAMES)
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        *,
        keys: Iterable[str] = (),
        host: str = "127.0.0.1",
        names: Iterable[str] = (),
        origins: Iterable[str] = (),
    ) -> "AccessPolicy":
        """`keys` in clear, `host` the address that is listened on, `names` by which clients call us besides."""
        digests = frozenset(sha256(key.encode()).digest() for key in keys)
        hosts = frozenset({*_LOCAL_NAMES, *(_bracketed(name) for name in (host, *names))})
        return cls(digests, hosts, frozenset(origin.lower() for origin in origins))

    async def admit(self, request: Request) -> None:
        """For `Depends`. Raises Refused; notes who calls. It is a coroutine so that no thread is used for it."""
        self._check_host(request.headers.getlist("host"))
        self._check_origin(request.headers.get("origin"))
        exchange_of(request.scope).caller = self._caller(request)

    def _check_host(self, hosts: list[str]) -> None:
        if len(hosts) != 1 or _name(hosts[0]) not in self.hosts:
            raise Refused(
                421,
                "This server does not answer to the name in the Host header; call it by the address it listens on, "
                "or add the name to `allowed_hosts`.",
                "host_not_allowed",
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

    def _caller(self, request: Request) -> Caller:
        if not self.keys:
            return LOCAL
        shown = {value for header in _KEY_HEADERS for value in request.headers.getlist(header)}
        for value in request.headers.getlist("authorization"):
            scheme, _, credentials = value.partition(" ")
            shown.add(credentials.strip() if scheme.lower() == "bearer" else "")
        digest = sha256("\n".join(shown).encode()).digest()
        known = [hmac.compare_digest(digest, key) for key in self.keys]
        if len(shown) != 1 or not any(known):
            raise Refused(
                401,
                "The API key is missing or wrong; send it as `Authorization: Bearer KEY`.",
                "invalid_api_key",
                headers=(("www-authenticate", "Bearer"), ("x-should-retry", "false")),
            )
        name = f"key-{digest.hex()[:12]}"
        return Caller(name, name)


def _bracketed(name: str) -> str:
    lowered = name.lower()
    return f"[{lowered}]" if ":" in lowered and not lowered.startswith("[") else lowered


def _name(host: str) -> str | None:
    """The name in a Host header, None when it is not one."""
    name, colon, port = host.lower().rpartition(":")
    if not colon or host.endswith("]"):
        return host.lower()
    return name if port.isascii() and port.isdigit() else None
