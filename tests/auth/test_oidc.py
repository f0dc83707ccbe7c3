import logging
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.oidc_server import ERROR_TYPES, Answer, Json, OidcServer, error, oidc_server
from tests.support.waiting import until

from cwproxy.auth.device import SCOPES
from cwproxy.auth.grants import ClientRegistration, DeviceAuthorization, Grant, Reason, Refusal
from cwproxy.auth.oidc import Oidc

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
def registration() -> ClientRegistration:
    return ClientRegistration("client-0", "canary-client-secret", 0.0, "us-east-1", SCOPES)


def refused(answer: object) -> Refusal:
    assert isinstance(answer, Refusal)
    assert "canary" not in answer.detail
    return answer


async def test_registers_under_its_own_name(oidc: Oidc, server: OidcServer) -> None:
    registration = await oidc.register(SCOPES)
    assert registration == ClientRegistration(
        "client-1", "canary-client-secret-1", 4_000_000_000.0, "us-east-1", SCOPES
    )
    assert server.calls == [
        ("/client/register", {"clientName": "cwproxy", "clientType": "public", "scopes": list(SCOPES)})
    ]


@pytest.mark.parametrize("end", [None, 0, -1, "never"])
async def test_a_registration_without_an_end_does_not_end(oidc: Oidc, server: OidcServer, end: object) -> None:
    body: Json = {"clientId": "c", "clientSecret": "s", "clientSecretExpiresAt": end}
    server.register_script.append(Answer(body={key: value for key, value in body.items() if value is not None}))
    registration = await oidc.register(SCOPES)
    assert isinstance(registration, ClientRegistration)
    assert registration.expires_at == float("inf")


async def test_starts_a_device_login(oidc: Oidc, server: OidcServer, registration: ClientRegistration) -> None:
    started = await oidc.start_device(registration, "https://acme.awsapps.com/start")
    assert isinstance(started, DeviceAuthorization)
    assert started.user_code == "ABCD-EFGH"
    assert (started.expires_in, started.interval) == (600.0, 5.0)
    assert server.calls[0][1]["startUrl"] == "https://acme.awsapps.com/start"


async def test_a_device_login_with_odd_members(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration
) -> None:
    body: Json = {"deviceCode": "d", "userCode": "u", "verificationUri": "https://x/", "expiresIn": 0, "interval": 0}
    server.start_script.append(Answer(body=body))
    started = await oidc.start_device(registration, "https://x/start")
    assert isinstance(started, DeviceAuthorization)
    assert started.verification_uri_complete == "https://x/"
    assert (started.expires_in, started.interval) == (60.0, 1.0)


async def test_polls_for_the_tokens(oidc: Oidc, server: OidcServer, registration: ClientRegistration) -> None:
    grant = await oidc.poll(registration, "canary-device-code")
    assert grant == Grant("canary-access-1", "canary-refresh-1", 3600.0)
    assert server.calls[0][1] == {
        "clientId": "client-0",
        "clientSecret": "canary-client-secret",
        "grantType": "urn:ietf:params:oauth:grant-type:device_code",
        "deviceCode": "canary-device-code",
    }


async def test_refreshes_unsigned(oidc: Oidc, server: OidcServer, registration: ClientRegistration) -> None:
    grant = await oidc.refresh(registration, "refresh-0")
    assert grant == Grant("canary-access-1", "canary-refresh-1", 3600.0)
    assert server.calls == [
        (
            "/token",
            {
                "clientId": "client-0",
                "clientSecret": "canary-client-secret",
                "grantType": "refresh_token",
                "refreshToken": "refresh-0",
            },
        )
    ]
    assert "authorization" not in server.headers[0]


async def test_an_answer_may_lack_the_refresh_token(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration
) -> None:
    server.token_members = {"refreshToken": None, "expiresIn": "7200"}
    grant = await oidc.refresh(registration, "refresh-0")
    assert grant == Grant("canary-access-1", None, 7200.0)


@pytest.mark.parametrize(
    ("sent", "read"), [("soon", 3600.0), ("", 3600.0), ([], 3600.0), ("1e3", 1000.0), (0, 60.0), (10**12, 86_400.0)]
)
async def test_an_odd_lifetime_does_not_cost_the_tokens(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration, sent: object, read: float
) -> None:
    server.token_members = {"expiresIn": sent}
    assert await oidc.refresh(registration, "refresh-0") == Grant("canary-access-1", "canary-refresh-1", read)


@pytest.mark.parametrize("with_error_type", [True, False])
@pytest.mark.parametrize("code", sorted(ERROR_TYPES))
async def test_every_error_is_told_by_header_or_body(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration, code: str, with_error_type: bool
) -> None:
    server.send_error_type = with_error_type
    server.script.append(error(code, "canary-refresh was not right"))
    refusal = refused(await oidc.refresh(registration, "canary-refresh"))
    assert refusal.reason is (Reason.UNAVAILABLE if code == "server_error" else Reason(code))
    assert refusal.detail == f"{code}: [secret] was not right"
    assert not refusal.ambiguous


async def test_an_error_may_be_told_by_its_header_alone(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration
) -> None:
    server.script.append(Answer(400, {}, {"x-amzn-ErrorType": "InvalidGrantException"}))
    assert refused(await oidc.refresh(registration, "r")).reason is Reason.INVALID_GRANT


@pytest.mark.parametrize(
    ("answer", "ambiguous"),
    [
        (Answer(503, b"<html>down</html>"), False),
        (Answer(403, b"<html>portal</html>"), False),
        (Answer(400, b'{"error": 7}'), False),
        (Answer(400, b"[]"), True),
        (Answer(200, b"[]"), True),
        (Answer(200, b"<html>portal</html>"), True),
        (Answer(200, b"\xff"), True),
        (Answer(200, {"accessToken": ""}), True),
        (Answer(200, {"accessToken": 7}), True),
        (Answer(hang_up=True), True),
    ],
)
async def test_nonsense_is_unavailability(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration, answer: Answer, ambiguous: bool
) -> None:
    server.script.append(answer)
    refusal = refused(await oidc.refresh(registration, "canary-refresh"))
    if answer.body != b'{"error": 7}':
        assert refusal.reason is Reason.UNAVAILABLE
    assert refusal.ambiguous is ambiguous
    assert server.refreshes == 1


async def test_incomplete_answers_are_unavailability(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration
) -> None:
    server.register_script.append(Answer(body={"clientId": "c"}))
    server.start_script.append(Answer(body={"userCode": "u"}))
    assert refused(await oidc.register(SCOPES)).reason is Reason.UNAVAILABLE
    assert refused(await oidc.start_device(registration, "https://x")).reason is Reason.UNAVAILABLE


async def test_refusals_of_the_first_two_steps(
    oidc: Oidc, server: OidcServer, registration: ClientRegistration
) -> None:
    server.register_script.append(error("invalid_request"))
    server.start_script.append(error("invalid_client"))
    assert refused(await oidc.register(SCOPES)).reason is Reason.INVALID_REQUEST
    assert refused(await oidc.start_device(registration, "https://x")).reason is Reason.INVALID_CLIENT


async def test_silence_ends_and_is_ambiguous(server: OidcServer, registration: ClientRegistration) -> None:
    oidc = Oidc("us-east-1", endpoint=server.url, timeout=0.1)
    release = server.hold()
    try:
        refusal = refused(await oidc.refresh(registration, "r"))
    finally:
        release()
        await oidc.aclose()
    assert (refusal.reason, refusal.ambiguous) == (Reason.UNAVAILABLE, True)
    await until(lambda: server.refreshes > 0)
    assert server.refreshes == 1


async def test_a_closed_port_is_not_ambiguous(registration: ClientRegistration) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        oidc = Oidc("us-east-1", endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        refusal = refused(await oidc.refresh(registration, "r"))
        await oidc.aclose()
    assert (refusal.reason, refusal.ambiguous) == (Reason.UNAVAILABLE, False)


@pytest.mark.parametrize(("region", "endpoint"), [("not a region", None), ("us-east-1", "nowhere")])
async def test_what_botocore_will_not_even_try(
    registration: ClientRegistration, region: str, endpoint: str | None
) -> None:
    oidc = Oidc(region, endpoint=endpoint)
    assert refused(await oidc.refresh(registration, "r")).reason is Reason.UNAVAILABLE
    await oidc.aclose()


async def test_the_region_goes_into_the_endpoint(server: OidcServer) -> None:
    oidc = Oidc("eu-west-1", endpoint=server.url + "/{region}")
    await oidc.register(SCOPES)
    await oidc.aclose()
    assert server.calls[0][0] == "/eu-west-1/client/register"


async def test_the_users_own_aws_configuration_is_not_looked_at(
    server: OidcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    oidc = Oidc("us-east-1", endpoint=server.url)
    assert isinstance(await oidc.register(SCOPES), ClientRegistration)
    await oidc.aclose()


async def test_a_proxy_is_used_where_one_is_set(server: OidcServer) -> None:
    oidc = Oidc("us-east-1", endpoint="http://oidc.invalid", proxy=server.url)
    assert isinstance(await oidc.register(SCOPES), ClientRegistration)
    await oidc.aclose()
    assert server.calls[0][0] == "http://oidc.invalid/client/register"


async def test_nothing_secret_is_logged_even_at_debug(
    server: OidcServer, registration: ClientRegistration, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        oidc = Oidc("us-east-1", endpoint=server.url)
        await oidc.refresh(registration, "refresh-0")
        server.script.append(error("invalid_grant", "canary-refresh-1"))
        await oidc.refresh(registration, "canary-refresh-1")
        await oidc.aclose()
    assert "canary" not in caplog.text
    assert "canary" not in repr(registration)


async def test_closing_an_unused_client_is_nothing(registration: ClientRegistration) -> None:
    await Oidc("us-east-1").aclose()
