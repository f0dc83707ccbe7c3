import asyncio

import httpx
import pytest
from tests.support.waiting import SECONDS

from cwproxy.auth.loopback import Callback, listening
from cwproxy.errors import LoginFailed

pytestmark = pytest.mark.anyio


async def visit(callback: Callback, query: str, *, path: str | None = None, host: str | None = None) -> httpx.Response:
    url = callback.redirect_uri if path is None else callback.redirect_uri.replace("/oauth/callback", path)
    async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as browser:
        return await browser.get(f"{url}?{query}", headers={} if host is None else {"host": host})


async def test_the_code_of_the_awaited_login_arrives() -> None:
    async with listening("s") as callback:
        assert callback.redirect_uri.startswith("http://127.0.0.1:")
        page = await visit(callback, "code=canary-code&state=s")
        assert await callback.code(within=SECONDS) == "canary-code"
    assert page.status_code == 200
    assert "closed" in page.text
    assert "canary" not in page.text + str(page.headers)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


async def test_what_is_not_of_this_login_is_turned_away_and_ends_nothing() -> None:
    async with listening("s") as callback:
        waiting = asyncio.ensure_future(callback.code(within=SECONDS))
        await asyncio.sleep(0)
        assert (await visit(callback, "code=c&state=other")).status_code == 400
        assert (await visit(callback, "code=c&state=")).status_code == 400
        assert (await visit(callback, "code=c")).status_code == 400
        assert (await visit(callback, "code=c&state=%C3%A9")).status_code == 400
        assert (await visit(callback, "code=c&state=s", path="/elsewhere")).status_code == 404
        assert (await visit(callback, "code=c&state=s", host="evil.example")).status_code == 421
        assert not waiting.done()
        await visit(callback, "code=right&state=s")
        await visit(callback, "code=late&state=s")
        assert await waiting == "right"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("error=access_denied&state=s", "denied in the browser"),
        ("error=server%0Aerror&state=s", r"without a login \(servererror\)"),
        ("state=s", "no reason was given"),
    ],
)
async def test_a_login_that_did_not_succeed(query: str, sentence: str) -> None:
    async with listening("s") as callback:
        waiting = asyncio.ensure_future(callback.code(within=SECONDS))
        await asyncio.sleep(0)
        assert "not completed" in (await visit(callback, query)).text
        with pytest.raises(LoginFailed, match=sentence):
            await waiting


async def test_nobody_comes() -> None:
    async with listening("s") as callback:
        with pytest.raises(LoginFailed, match="Nobody logged in"):
            await callback.code(within=0.01)


async def test_a_browser_that_goes_away_is_no_event(capfd: pytest.CaptureFixture[str]) -> None:
    async with listening("s") as callback:
        host, _, port = callback.redirect_uri.removeprefix("http://").partition("/")[0].partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /oauth/call")
        writer.transport.abort()
        assert (await visit(callback, "")).status_code == 400
    assert capfd.readouterr() == ("", "")
