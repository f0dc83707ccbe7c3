import json
from collections import deque
from collections.abc import AsyncIterator

import httpx
import pytest

from cwproxy.auth.bearer import ERROR_BODY_LIMIT, Bearer, Replacement
from cwproxy.errors import BackendUnavailable, LoginRequired

pytestmark = pytest.mark.anyio

INVALID = json.dumps({"message": "The bearer token included in the request is invalid.", "reason": None}).encode()
SUSPENDED = json.dumps({"message": "Your User ID temporarily is suspended", "reason": "TEMPORARILY_SUSPENDED"}).encode()


class Tokens:
    """Hands out `tokens` in turn, the next one for each renewal."""

    def __init__(self, *tokens: str, again: float | None = None) -> None:
        self.tokens = deque(tokens)
        self.again = again
        self.renewed: list[str] = []

    async def token(self) -> str:
        return self.tokens[0]

    async def renew(self, stale: str) -> Replacement:
        self.renewed.append(stale)
        self.tokens.popleft()
        if not self.tokens:
            raise LoginRequired("Run `cwproxy login`.")
        return Replacement(self.tokens[0], self.again)


class Body(httpx.AsyncByteStream):
    """Counts what is read of it, and whether it was closed."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.read += 1
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


class Backend:
    """Answers in turn; the last one for ever."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = deque(answers)
        self.seen: list[tuple[str, bytes]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.headers["authorization"], request.content))
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


def client(backend: Backend) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(backend))


def answer(status: int, body: bytes, **headers: str) -> httpx.Response:
    return httpx.Response(status, stream=Body(body), headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_puts_the_token_on_the_request() -> None:
    tokens, backend = Tokens("t1"), Backend(answer(200, b"fine"))
    async with client(backend) as http:
        response = await http.post("http://backend/", content=b"q", auth=Bearer(tokens))
    assert response.content == b"fine"
    assert backend.seen == [("Bearer t1", b"q")]
    assert tokens.renewed == []


async def test_a_successful_body_is_left_unread() -> None:
    body = Body(b"a", b"b")
    backend = Backend(httpx.Response(200, stream=body))
    async with client(backend) as http, http.stream("POST", "http://backend/", auth=Bearer(Tokens("t"))) as response:
        assert body.read == 0
        assert [data async for data in response.aiter_raw()] == [b"a", b"b"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_token_is_renewed_once_and_the_request_sent_again(status: int) -> None:
    tokens, backend = Tokens("t1", "t2"), Backend(answer(status, INVALID), answer(200, b"fine"))
    async with client(backend) as http:
        response = await http.post("http://backend/", content=b"q", auth=Bearer(tokens))
    assert (response.status_code, response.content) == (200, b"fine")
    assert backend.seen == [("Bearer t1", b"q"), ("Bearer t2", b"q")]
    assert tokens.renewed == ["t1"]


async def test_a_second_rejection_is_handed_on() -> None:
    tokens = Tokens("t1", "t2", "t3")
    backend = Backend(answer(403, INVALID), answer(403, INVALID))
    async with client(backend) as http:
        response = await http.post("http://backend/", auth=Bearer(tokens))
    assert (response.status_code, response.content) == (403, INVALID)
    assert tokens.renewed == ["t1"]


async def test_an_unchanged_token_is_tried_once_more() -> None:
    tokens, backend = Tokens("t1", "t1"), Backend(answer(403, INVALID), answer(200, b"fine"))
    async with client(backend) as http:
        response = await http.post("http://backend/", auth=Bearer(tokens))
    assert response.status_code == 200
    assert len(backend.seen) == 2


async def test_two_refusals_without_a_renewal_between_them_say_nothing_of_the_login() -> None:
    tokens = Tokens("t1", "t1", again=40.0)
    backend = Backend(answer(403, INVALID), answer(403, INVALID))
    async with client(backend) as http:
        with pytest.raises(BackendUnavailable, match="renewed just now") as caught:
            await http.post("http://backend/", auth=Bearer(tokens))
    assert (caught.value.reason, caught.value.retry_after) == ("login_refused", 40.0)
    assert len(backend.seen) == 2


async def test_a_refusal_that_vanishes_without_a_renewal_costs_nothing() -> None:
    backend = Backend(answer(403, INVALID), answer(200, b"fine"))
    async with client(backend) as http:
        response = await http.post("http://backend/", auth=Bearer(Tokens("t1", "t1", again=40.0)))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("status", "body"), [(403, SUSPENDED), (403, b"<html>Forbidden</html>"), (400, INVALID), (429, b"{}"), (500, b"")]
)
async def test_other_refusals_do_not_renew_and_can_still_be_read(status: int, body: bytes) -> None:
    tokens, backend = Tokens("t1", "t2"), Backend(answer(status, body))
    async with client(backend) as http, http.stream("POST", "http://backend/", auth=Bearer(tokens)) as response:
        assert b"".join([data async for data in response.aiter_raw()]) == body
    assert tokens.renewed == []
    assert len(backend.seen) == 1


async def test_a_packed_refusal_is_not_unpacked() -> None:
    tokens, backend = Tokens("t1", "t2"), Backend(answer(403, b"bomb", content_encoding="gzip"))
    async with client(backend) as http, http.stream("POST", "http://backend/", auth=Bearer(tokens)) as response:
        assert response.status_code == 403
    assert tokens.renewed == []


async def test_a_long_refusal_is_read_in_part_and_its_connection_closed() -> None:
    body = Body(*[b"x" * 1024] * 1000)
    backend = Backend(httpx.Response(403, stream=body))
    async with client(backend) as http:
        response = await http.post("http://backend/", auth=Bearer(Tokens("t1")))
    assert len(response.content) == ERROR_BODY_LIMIT
    assert body.read == 64
    assert body.closed


async def test_a_failed_renewal_comes_through_and_closes_the_connection() -> None:
    body = Body(INVALID)
    backend = Backend(httpx.Response(403, stream=body))
    async with client(backend) as http:
        with pytest.raises(LoginRequired):
            await http.post("http://backend/", auth=Bearer(Tokens("t1")))
    assert body.closed


def test_works_asynchronously_only() -> None:
    backend = Backend(answer(200, b""))
    with httpx.Client(transport=httpx.MockTransport(backend)) as http, pytest.raises(TypeError, match="AsyncClient"):
        http.get("http://backend/", auth=Bearer(Tokens("t")))


async def test_a_refusal_that_breaks_off_is_judged_by_what_there_is() -> None:
    class Torn(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b'{"mess'
            raise httpx.ReadError("reset")

    backend = Backend(httpx.Response(403, stream=Torn()), answer(200, b"fine"))
    async with client(backend) as http:
        response = await http.post("http://backend/", auth=Bearer(Tokens("t1", "t2")))
    assert (response.status_code, response.content) == (403, b'{"mess')
