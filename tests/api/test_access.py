"""Names, origins and keys (reliability.md 2.4, 3E 116, 117, 128)."""

from pathlib import Path

import pytest
from starlette.requests import Request
from tests.support.api_client import scope
from tests.support.records import NOW
from tests.support.rings import Breakable, Ring, a_ring, an_unreadable_ring
from tests.support.waiting import until

from cwproxy.accounts.callers import LOCAL, Caller
from cwproxy.accounts.keyring import STALE_SECONDS, KeyRing, KnownKey
from cwproxy.api.access import AccessPolicy
from cwproxy.api.exchange import begin, exchange_of
from cwproxy.api.refused import Refused
from cwproxy.inbound.failures import Failure
from cwproxy.store import open_database
from cwproxy.store.keys import KeyKind, KeyLimits, Keys, digest_of, new_key

pytestmark = pytest.mark.anyio

KEY = "cwp_0123456789"
LOCKED = AccessPolicy.of(keys=[KEY, "cwp_another"])


async def caller(policy: AccessPolicy, *headers: tuple[str, str], host: str | None = "localhost") -> Caller | None:
    """Who is let in with these headers."""
    asked = scope()
    named = [*headers, *([("host", host)] if host is not None else [])]
    asked["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in named]
    begin(asked)
    await policy.admit(Request(asked))
    return exchange_of(asked).caller


async def refused(policy: AccessPolicy, *headers: tuple[str, str], host: str | None = "localhost") -> Refused:
    with pytest.raises(Refused) as caught:
        await caller(policy, *headers, host=host)
    assert KEY not in caught.value.message
    return caught.value


async def refusal(policy: AccessPolicy, *headers: tuple[str, str], host: str | None = "localhost") -> int:
    return (await refused(policy, *headers, host=host)).failure.status


async def operator(policy: AccessPolicy, *headers: tuple[str, str]) -> Caller | None:
    """Which operator is let in with these headers."""
    asked = scope()
    asked["headers"] = [(name.encode(), value.encode()) for name, value in (*headers, ("host", "localhost"))]
    begin(asked)
    await policy.admit_operator(Request(asked))
    return exchange_of(asked).caller


async def test_without_keys_everybody_is_local() -> None:
    assert await caller(AccessPolicy.of()) == LOCAL
    assert await caller(AccessPolicy.of(), ("authorization", "Bearer anything")) == LOCAL


@pytest.mark.parametrize(
    "header",
    [
        ("authorization", f"Bearer {KEY}"),
        ("authorization", f"bearer  {KEY}"),
        ("x-api-key", KEY),
        ("api-key", KEY),
    ],
)
async def test_a_key_is_read_from_all_three_headers_alike(header: tuple[str, str]) -> None:
    known = await caller(LOCKED, header)
    assert known is not None
    assert known.name.startswith("key-")
    assert KEY not in known.name
    assert known == await caller(LOCKED, ("x-api-key", KEY))
    assert known != await caller(LOCKED, ("x-api-key", "cwp_another"))


async def test_the_same_key_twice_is_one_key() -> None:
    assert await caller(LOCKED, ("x-api-key", KEY), ("authorization", f"Bearer {KEY}"))


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("authorization", "Bearer wrong"),),
        (("authorization", "Bearer "),),
        (("authorization", ""),),
        (("authorization", KEY),),
        (("authorization", f"Basic {KEY}"),),
        (("x-api-key", ""),),
        (("x-api-key", "clé-ü"),),
        (("x-api-key", KEY[:-1]),),
        (("x-api-key", "x" * 10_000),),
        (("x-api-key", KEY), ("authorization", "Bearer wrong")),
        (("authorization", f"Bearer {KEY}"), ("authorization", "Bearer cwp_another")),
    ],
)
async def test_any_other_key_is_a_401(headers: tuple[tuple[str, str], ...]) -> None:
    assert await refusal(LOCKED, *headers) == 401


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:3000", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:3000", "proxy.lan:443", "10.0.0.7"],
)
async def test_names_of_this_server(host: str) -> None:
    policy = AccessPolicy.of(host="10.0.0.7", names=["Proxy.lan"])
    assert await caller(policy, host=host) == LOCAL


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil",
        "localhost:3000/healthz?",
        "localhost:x",
        "localhost:",
        "",
        "::1",
        "0.0.0.0",
    ],
)
async def test_other_names_are_misdirected(host: str) -> None:
    assert await refusal(AccessPolicy.of(), host=host) == 421


async def test_the_refusal_says_which_name_and_what_to_do() -> None:
    message = (await refused(LOCKED, host="Proxy.lan:3000")).message
    assert "'proxy.lan'" in message and "CWPROXY_ALLOWED_HOSTS" in message
    assert len((await refused(LOCKED, host="x" * 5000)).message) < 400


@pytest.mark.parametrize("host", ["192.168.1.5:3000", "192.168.1.5", "[fd00::1]:3000"])
async def test_any_address_is_this_server_where_a_key_is_asked_for(host: str) -> None:
    assert await caller(LOCKED, ("x-api-key", KEY), host=host) is not None
    assert await refusal(LOCKED, host=host) == 401
    assert await refusal(AccessPolicy.of(), host=host) == 421
    assert await refusal(LOCKED, ("x-api-key", KEY), ("origin", f"http://{host}"), host=host) == 403


async def test_no_host_or_two_are_misdirected() -> None:
    assert await refusal(AccessPolicy.of(), host=None) == 421
    assert await refusal(AccessPolicy.of(), ("host", "localhost")) == 421


async def test_an_ipv6_bind_address_is_a_name() -> None:
    assert await caller(AccessPolicy.of(host="fd00::1"), host="[fd00::1]:3000") == LOCAL
    assert await caller(AccessPolicy.of(names=["[fd00::2]"]), host="[fd00::2]") == LOCAL


@pytest.mark.parametrize("origin", ["http://localhost:8080", "http://127.0.0.1", "https://[::1]:3000"])
async def test_pages_of_this_machine_may_call(origin: str) -> None:
    assert await caller(AccessPolicy.of(), ("origin", origin)) == LOCAL


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://[::1", "https://localhost.evil.example"]
)
async def test_other_pages_may_not(origin: str) -> None:
    assert await refusal(AccessPolicy.of(), ("origin", origin)) == 403


def test_keys_are_not_in_the_repr() -> None:
    assert KEY not in repr(LOCKED)
    assert repr(LOCKED.ring) == object.__repr__(LOCKED.ring)


async def test_a_client_key_opens_the_clients_door_only(tmp_path: Path) -> None:
    made = await a_ring(tmp_path)
    policy = AccessPolicy.of(ring=made.ring)
    assert await caller(policy, ("x-api-key", made.other)) is not None
    with pytest.raises(Refused) as caught:
        await operator(policy, ("x-api-key", made.other))
    assert (caught.value.failure.status, caught.value.failure.code) == (403, "wrong_kind_of_key")


async def test_an_admin_key_opens_the_operators_door_only(tmp_path: Path) -> None:
    made = await a_ring(tmp_path)
    policy = AccessPolicy.of(ring=made.ring)
    known = await operator(policy, ("authorization", f"Bearer {made.admin}"))
    assert known is not None
    assert known.key_id is not None
    assert await refusal(policy, ("x-api-key", made.admin)) == 403


async def test_the_operators_door_is_closed_even_where_clients_need_no_key() -> None:
    with pytest.raises(Refused, match="keys create NAME --admin") as caught:
        await operator(AccessPolicy.of())
    assert caught.value.failure.status == 401


async def test_an_admin_key_is_no_clients_key_where_clients_need_none(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    key, secret = new_key("admin", now=0, kind=KeyKind.ADMIN)
    Keys(database).add(key)
    ring = KeyRing(keys=Keys(database))
    await ring.start()
    await ring.aclose()
    database.close()
    policy = AccessPolicy.of(ring=ring)
    assert await caller(policy) == LOCAL
    assert await refusal(policy, ("x-api-key", secret.reveal())) == 403


@pytest.mark.parametrize("seconds", [10.0, STALE_SECONDS + 10.0])
async def test_a_key_that_cannot_be_judged_is_no_wrong_key(tmp_path: Path, seconds: float) -> None:
    async with an_unreadable_ring(tmp_path, KEY, seconds=seconds) as made:
        policy = AccessPolicy.of(ring=made.ring)
        assert await caller(policy, ("x-api-key", KEY)) is not None
        if seconds < STALE_SECONDS:
            assert await caller(policy, ("x-api-key", made.other)) is not None
        else:
            assert await refusal(policy, ("x-api-key", made.other)) == 503
        failure = (await refused(policy, ("x-api-key", "cwp_made-meanwhile"))).failure
        assert (failure.status, failure.code, failure.type) == (503, "store_unavailable", "server_error")
        assert dict(failure.headers) == {"retry-after": "5", "x-should-retry": "true"}
        assert await refusal(policy) == 401, "there is nothing to judge"
        assert await refusal(policy, ("x-api-key", "one"), ("api-key", "two")) == 401
        with pytest.raises(Refused) as caught:
            await operator(policy, ("x-api-key", "cwp_made-meanwhile"))
        assert caught.value.failure.status == 503


async def test_where_no_key_is_asked_for_none_is_judged(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    keys = Breakable(database)
    ring = KeyRing(keys=keys, poll=0.01)
    await ring.start()
    keys.broken = True
    await until(lambda: not ring.judges)
    assert await caller(AccessPolicy.of(ring=ring), ("x-api-key", "anything")) == LOCAL
    await ring.aclose()
    database.close()


def charge(policy: AccessPolicy, key: KnownKey | None) -> Failure | None:
    asked = scope()
    exchange = begin(asked)
    try:
        policy.charge(Request(asked), key)
    except Refused as refused:
        assert exchange.release is None
        return refused.failure
    assert (exchange.release is None) == (key is None)
    return None


def known(made: Ring) -> KnownKey:
    key = made.ring.find(digest_of(made.limited))
    assert key is not None
    return key


async def test_over_its_requests_a_key_is_told_when_to_come_back(tmp_path: Path) -> None:
    made = await a_ring(tmp_path, KeyLimits(requests_per_minute=1))
    policy = AccessPolicy(made.ring, clock=lambda: 100.0)
    assert charge(policy, known(made)) is None
    failure = charge(policy, known(made))
    assert failure is not None
    assert (failure.status, failure.code, failure.type) == (429, "rate_limit_exceeded", "rate_limit_error")
    assert dict(failure.headers) == {"retry-after": "60", "retry-after-ms": "60000", "x-should-retry": "true"}


async def test_spent_credits_are_no_reason_to_try_again(tmp_path: Path) -> None:
    made = await a_ring(tmp_path, KeyLimits(monthly_credits=0))
    failure = charge(AccessPolicy(made.ring, wall=lambda: NOW), known(made))
    assert failure is not None
    headers = dict(failure.headers)
    assert (failure.status, failure.code, headers["x-should-retry"]) == (429, "insufficient_quota", "false")
    assert int(headers["retry-after"]) > 86_400


def test_nobody_is_charged_where_there_are_no_keys() -> None:
    assert charge(AccessPolicy.of(), None) is None
