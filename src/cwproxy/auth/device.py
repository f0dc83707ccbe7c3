"""The device flow: a person confirms a code in a browser, cwproxy polls until it may have the tokens
(protocol.md 5.2, RFC 8628).
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

import msgspec

from cwproxy.auth.clock import Clock
from cwproxy.auth.grants import ClientRegistration, DeviceAuthorization, Grant, Login, Reason, Refusal
from cwproxy.auth.oidc import BrowserLogin, Oidc
from cwproxy.auth.social import Provider, Social
from cwproxy.errors import LoginFailed

BUILDER_ID_START_URL = "https://view.awsapps.com/start"
BUILDER_ID_REGION = "us-east-1"
SCOPES = ("codewhisperer:completions", "codewhisperer:analysis", "codewhisperer:conversations")

SLOW_DOWN_SECONDS = 5.0
SPARE_REGISTRATION_SECONDS = 60.0
"""A registration that ends sooner than this is renewed."""


class Prompt(msgspec.Struct, frozen=True):
    """What the person has to be told. url holds the code already; expires_in: seconds.
    user_code: None where the browser has to be on this machine, and needs no code.
    """

    url: str
    user_code: str | None
    url_without_code: str
    expires_in: float


async def log_in(
    oidc: Oidc,
    start_url: str,
    tell: Callable[[Prompt], Awaitable[None]],
    *,
    registration: ClientRegistration | None = None,
    scopes: tuple[str, ...] = SCOPES,
    clock: Clock | None = None,
) -> Login:
    """Log a person in at `start_url`. `registration` is used again if it still fits.

    Raises LoginFailed when the person denied, the code expired, or the service refused.
    """
    clock = clock or Clock()
    if registration is None or not _fits(registration, oidc.region, scopes, clock.now()):
        registration = await registered(oidc, scopes)
    started = await oidc.start_device(registration, start_url)
    if isinstance(started, Refusal) and started.reason is Reason.INVALID_CLIENT:
        registration = await registered(oidc, scopes)
        started = await oidc.start_device(registration, start_url)
    if isinstance(started, Refusal):
        raise LoginFailed(
            f"The login service of {oidc.region} refused the start URL {start_url} ({started.detail}). "
            "Check the start URL and the region."
        )
    await tell(_prompt(started))
    poll = partial(oidc.poll, registration, started.device_code)
    return Login(registration, await _confirmed(poll, started, clock))


async def log_in_social(
    social: Social, provider: Provider, tell: Callable[[Prompt], Awaitable[None]], *, clock: Clock | None = None
) -> Login:
    """The same at Kiro's own login service, which knows no registrations (protocol.md 5.6)."""
    started = await social.start_device(provider)
    if isinstance(started, Refusal):
        raise LoginFailed(
            f"Kiro's login service gave no code ({started.detail}). Check the network and the region, or log in with "
            "a browser on this machine: `cwproxy login social --browser`."
        )
    await tell(_prompt(started))
    return Login(None, await _confirmed(partial(social.poll, started.device_code), started, clock or Clock()))


def _prompt(started: DeviceAuthorization) -> Prompt:
    return Prompt(
        url=started.verification_uri_complete,
        user_code=started.user_code,
        url_without_code=started.verification_uri,
        expires_in=started.expires_in,
    )


def _fits(registration: ClientRegistration, region: str, scopes: tuple[str, ...], now: float) -> bool:
    return (
        registration.region == region
        and registration.scopes == scopes
        and registration.expires_at - now > SPARE_REGISTRATION_SECONDS
    )


async def registered(oidc: Oidc, scopes: tuple[str, ...], *, browser: BrowserLogin | None = None) -> ClientRegistration:
    """A new registration of this program. Raises LoginFailed."""
    registration = await oidc.register(scopes, browser=browser)
    if isinstance(registration, Refusal):
        raise LoginFailed(
            f"The login service of {oidc.region} did not register this program ({registration.detail}). "
            "Check the region and the network, then run `cwproxy login` again."
        )
    return registration


async def _confirmed(
    poll: Callable[[], Awaitable[Grant | Refusal]], started: DeviceAuthorization, clock: Clock
) -> Grant:
    interval = started.interval
    deadline = clock.monotonic() + started.expires_in
    while clock.monotonic() + interval < deadline:
        await clock.sleep(interval)
        answer = await poll()
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
            case Reason.WRONG_REGION:
                raise LoginFailed(
                    f"That is another region's start URL ({answer.detail}). Run `cwproxy login` with its own."
                )
            case Reason.INVALID_GRANT | Reason.INVALID_CLIENT | Reason.INVALID_REQUEST | Reason.UNKNOWN:
                raise LoginFailed(f"The login service refused ({answer.detail}). Run `cwproxy login` to start over.")
            case _:
                assert_never(answer.reason)
    raise LoginFailed("The code expired before it was confirmed. Run `cwproxy login` for a new one.")
