import dataclasses
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.fake_clock import FakeClock
from tests.support.oidc_server import Answer, Json, OidcServer, error, oidc_server

from cwproxy.auth.device import BUILDER_ID_START_URL, SCOPES, Prompt, log_in
from cwproxy.auth.grants import ClientRegistration, Login
from cwproxy.auth.oidc import Oidc
from cwproxy.errors import LoginFailed

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[OidcServer]:
    with oidc_server() as server:
        yield server


@pytest.fixture
async def oidc(server: OidcServer) -> AsyncIterator[Oidc]:
    oidc = Oidc("us-east-1", endpoint=server.url)
    yield oidc
    await oidc.aclose()


@pytest.fixture
def time() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registration(time: FakeClock) -> ClientRegistration:
    return ClientRegistration("client-0", "canary-client-secret-0", time.wall + 86_400, "us-east-1", SCOPES)


async def ignore(prompt: Prompt) -> None:
    pass


async def run(oidc: Oidc, time: FakeClock, registration: ClientRegistration | None = None) -> Login:
    return await log_in(oidc, BUILDER_ID_START_URL, ignore, registration=registration, clock=time.clock)


async def test_the_person_is_told_before_the_first_poll(oidc: Oidc, server: OidcServer, time: FakeClock) -> None:
    told: list[tuple[Prompt, int]] = []

    async def tell(prompt: Prompt) -> None:
        told.append((prompt, server.count("/token")))

    login = await log_in(oidc, BUILDER_ID_START_URL, tell, clock=time.clock)
    prompt = Prompt(
        url="https://device.example/?user_code=ABCD-EFGH",
        user_code="ABCD-EFGH",
        url_without_code="https://device.example/",
        expires_in=600.0,
    )
    assert told == [(prompt, 0)]
    assert login.grant.access_token == "canary-access-1"
    assert login.registration is not None and login.registration.client_id == "client-1"
    assert [path for path, _ in server.calls] == ["/client/register", "/device_authorization", "/token"]
    assert time.slept == [5.0]


async def test_polls_until_it_is_confirmed(oidc: Oidc, server: OidcServer, time: FakeClock) -> None:
    server.script.extend([error("authorization_pending")] * 3)
    await run(oidc, time)
    assert time.slept == [5.0] * 4


async def test_slowing_down_is_for_good(oidc: Oidc, server: OidcServer, time: FakeClock) -> None:
    server.script.extend([error("slow_down"), error("authorization_pending"), error("slow_down")])
    await run(oidc, time)
    assert time.slept == [5.0, 10.0, 10.0, 15.0]


async def test_a_short_outage_does_not_end_the_login(oidc: Oidc, server: OidcServer, time: FakeClock) -> None:
    server.script.extend([error("server_error"), Answer(hang_up=True)])
    await run(oidc, time)
    assert len(time.slept) == 3


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("access_denied", "denied in the browser"),
        ("expired_token", "expired before it was confirmed"),
        ("invalid_grant", "refused .*start over"),
        ("invalid_client", "refused .*start over"),
        ("invalid_request", "refused .*start over"),
    ],
)
async def test_a_refusal_ends_it_and_says_what_to_do(
    oidc: Oidc, server: OidcServer, time: FakeClock, code: str, sentence: str
) -> None:
    server.script.extend([error("authorization_pending"), error(code, "canary-device-code")])
    with pytest.raises(LoginFailed, match=sentence) as caught:
        await run(oidc, time)
    assert "cwproxy login" in caught.value.message
    assert "canary" not in caught.value.message
    assert server.count("/token") == 2


async def test_stops_when_the_code_has_expired_whatever_the_service_says(
    oidc: Oidc, server: OidcServer, time: FakeClock
) -> None:
    server.script.extend([error("authorization_pending")] * 200)
    with pytest.raises(LoginFailed, match="expired"):
        await run(oidc, time)
    assert sum(time.slept) < 600
    assert server.count("/token") == 119


async def test_a_fitting_registration_is_used_again(
    oidc: Oidc, server: OidcServer, time: FakeClock, registration: ClientRegistration
) -> None:
    login = await run(oidc, time, registration)
    assert login.registration == registration
    assert server.count("/client/register") == 0


@pytest.mark.parametrize("change", [{"region": "eu-west-1"}, {"scopes": ("less",)}, {"expires_at": 0.0}])
async def test_another_registration_is_not(
    oidc: Oidc, server: OidcServer, time: FakeClock, registration: ClientRegistration, change: Json
) -> None:
    login = await run(oidc, time, dataclasses.replace(registration, **change))  # type: ignore[arg-type]
    assert login.registration is not None and login.registration.client_id == "client-1"
    assert server.count("/client/register") == 1


async def test_a_registration_that_has_ended_unnoticed_is_renewed_once(
    oidc: Oidc, server: OidcServer, time: FakeClock, registration: ClientRegistration
) -> None:
    server.start_script.append(error("invalid_client"))
    login = await run(oidc, time, registration)
    assert login.registration is not None and login.registration.client_id == "client-1"
    assert server.count("/device_authorization") == 2


async def test_a_refused_start_names_url_and_region(oidc: Oidc, server: OidcServer, time: FakeClock) -> None:
    server.start_script.append(error("invalid_request", "Invalid start url"))
    with pytest.raises(LoginFailed, match=r"us-east-1 .*view\.awsapps\.com.*Invalid start url"):
        await run(oidc, time)


async def test_a_refused_registration_says_so(oidc: Oidc, server: OidcServer, time: FakeClock) -> None:
    server.register_script.append(error("server_error"))
    with pytest.raises(LoginFailed, match="did not register"):
        await run(oidc, time)


async def test_a_login_does_not_show_its_secrets(oidc: Oidc, time: FakeClock) -> None:
    assert "canary" not in repr(await run(oidc, time))
