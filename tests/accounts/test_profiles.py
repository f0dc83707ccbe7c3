import json

import httpx
import pytest
from tests.support.waiting import SECONDS

from cwproxy.accounts.profiles import MAX_PAGES, ControlPlane
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import BackendUnavailable, CredentialRejected, LoginFailed

pytestmark = pytest.mark.anyio

ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/AAAAAAAAAAAA"


async def test_a_listing_without_an_end_is_left_some_time() -> None:
    asked: list[httpx.Request] = []

    def endless(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=json.dumps({"profiles": [{"arn": ARN}], "nextToken": "more"}).encode())

    async with httpx.AsyncClient(transport=httpx.MockTransport(endless)) as http:
        profiles = await ControlPlane(http, None).profiles(Surface.KIRO, "token")
    assert [profile.arn for profile in profiles] == [ARN]
    assert len(asked) == 2 * MAX_PAGES


async def test_nobody_to_list_for_is_said_by_its_cause() -> None:
    answers = {"us-east-1": httpx.Response(200, content=b'{"profiles": []}'), "eu-central-1": httpx.Response(503)}

    def answer(request: httpx.Request) -> httpx.Response:
        return answers[request.url.host.split(".")[1]]

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(BackendUnavailable):
            await ControlPlane(http, None).profiles(Surface.KIRO, "token")
        answers["eu-central-1"] = answers["us-east-1"]
        with pytest.raises(LoginFailed, match="no Q Developer or Kiro profile"):
            await ControlPlane(http, None).profiles(Surface.KIRO, "token")


async def test_a_key_is_shown_as_what_it_is() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host.startswith("management.eu"):
            message = {"message": "The bearer token included in the request is invalid."}
            return httpx.Response(403, content=json.dumps(message).encode())
        return httpx.Response(200, content=b'{"models": []}')

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        plane = ControlPlane(http, None)
        await plane.check(Surface.KIRO, "us-east-1", "ksk_canary", "API_KEY")
        with pytest.raises(CredentialRejected):
            await plane.check(Surface.KIRO, "eu-central-1", "ksk_canary", "API_KEY")
    assert seen[0].headers["tokentype"] == "API_KEY"
    assert seen[0].headers["authorization"] == "Bearer ksk_canary"


async def test_nobody_answers() -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
        with pytest.raises(BackendUnavailable, match=r"127\.0\.0\.1 cannot be reached"):
            await ControlPlane(http, "http://127.0.0.1:9").check(Surface.KIRO, "us-east-1", "x", None)
