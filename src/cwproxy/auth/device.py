"""The device flow: a person confirms a code in a browser, cwproxy polls until it may have the tokens
(protocol.md 5.2, RFC 8628).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

from cwproxy.auth.clock import Clock
from cwproxy.auth.grants import ClientRegistration, DeviceAuthorization, Grant, Reason, Refusal
from cwproxy.auth.oidc import Oidc
from cwproxy.errors import LoginFailed

BUILDER_ID_START_URL = "https://view.awsapps.com/start"
BUILDER_ID_REGION = "us-east-1"
SCOPES = ("codewhisperer:completions", "codewhisperer:analysis", "codewhisperer:conversations")

SLOW_DOWN_SECONDS = 5.0
SPARE_REGISTRATION_SECONDS = 60.0
"""A registration that ends sooner than this is renewed."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person has to be told. url holds the code already; expires_in: seconds."""

    url: str
    user_code: str
    url_without_code: str
    expires_in: float


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """The tokens, and the registration that is needed to renew them."""

    registration: ClientRegistration
    grant: Grant


async def log_in(
    oidc: Oidc,
    start_url: str,
    tell: Callable[[Prompt], Awaitable[None]],
    *,
    registration: ClientRegistration | None = None,
    scopes: tuple[str, ...] = SCOPES,
    clock: Clock | None = None,
) -> DeviceLogin:
    """Log a person in at `start_url`. `registration` is used again if it still fits.

    Raises LoginFailed when the person denied, the code expired, or the service refused.
    """
    clock = clock or Clock()
    if registration is None or not _fits(registration, oidc.region, scopes, clock.now()):
        registration = await _registered(oidc, scopes)
    started = await oidc.start_device(registration, start_url)
    if isinstance(started, Refusal) and started.reason is Reason.INVALID_CLIENT:
        registration = await _registered(oidc, scopes)
        started = await oidc.start_device(registration, start_url)
    if isinstance(started, Refusal):
        raise LoginFailed(
            f"The login service of {oidc.region} refused the start URL {start_url} ({started.detail}). "
            "Check the start URL and the region."
        )
    await tell(
        Prompt(
            url=started.verification_uri_complete,
            user_code=started.user_code,
            url_without_code=started.verification_uri,
            expires_in=started.expires_in,
        )
    )
    return DeviceLogin(registration, await _confirmed(oidc, registration, started, clock))


def _fits(registration: ClientRegistration, region: str, scopes: tuple[str, ...], now: float) -> bool:
    return (
        registration.region == region
        and registration.scopes == scopes
        and registration.expires_at - now > SPARE_REGISTRATION_SECONDS
    )


async def _registered(oidc: Oidc, scopes: tuple[str, ...]) -> ClientRegistration:
    registration = await oidc.register(scopes)
    if isinstance(registration, Refusal):
        raise LoginFailed(
            f"The login service of {oidc.region} did not register this program ({registration.detail}). "
            "Check the region and the network, then run `cwproxy login` again."
        )
    return registration


async def _confirmed(oidc: Oidc, registration: ClientRegistration, started: DeviceAuthorization, clock: Clock) -> Grant:
    interval = started.interval
    deadline = clock.monotonic() + started.expires_in
    while clock.monotonic() + interval < deadline:
        await clock.sleep(interval)
        answer = await oidc.poll(registration, started.device_code)
        if isinstance(answer, Grant):
            return answer
        match answer.reason:
            case Reason.AUTHORIZATION_PENDING | Reason.UNAVAILABLE:
                continue
            case Reason.SLOW_DOWN:
                interval += SLOW_DOWN_SECONDS
            case Reason.EXPIRED:
                break
            case Reason.DENIED:
                raise LoginFailed("The login was denied in the browser. Run `cwproxy login` to try again.")
            case Reason.INVALID_GRANT | Reason.INVALID_CLIENT | Reason.INVALID_REQUEST:
                raise LoginFailed(f"The login service refused ({answer.detail}). Run `cwproxy login` to start over.")
            case _:
                assert_never(answer.reason)
    raise LoginFailed("The code expired before it was confirmed. Run `cwproxy login` for a new one.")
