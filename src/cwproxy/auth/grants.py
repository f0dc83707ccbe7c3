"""What the OIDC service gives and how it refuses, as closed sets of values (protocol.md 5.1, 5.2, 5.7).

Strings that are secrets stay out of every repr. Numbers from the wire are clamped here (reliability.md 3D 97).
"""

import enum
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

TYPICAL_LIFETIME = 3600.0
"""Seconds that an access token lives where the answer does not say (protocol.md 5.2)."""

MAX_DETAIL = 200


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """expires_at: epoch seconds; infinite where the service set no end."""

    client_id: str
    client_secret: str = field(repr=False)
    expires_at: float
    region: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """A login that waits for a person. expires_in, interval: seconds."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: float
    interval: float


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens. refresh_token: None when the answer had none, and the old one stays good. expires_in: seconds.
    profile_arn: only Kiro's own login service names one.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float
    profile_arn: str | None = None


class Login(msgspec.Struct, frozen=True):
    """The tokens, and the registration that is needed to renew them, where there are registrations."""

    registration: ClientRegistration | None
    grant: Grant


class Reason(enum.Enum):
    """Why there is no token. The values are those of the wire, but for the last four.

    WRONG_REGION: the login was made in another one (reliability.md 3D 99). UNKNOWN: a word that is not known
    here, which need not be the end of a login. UNAVAILABLE gathers what passes by itself.
    """

    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED = "expired_token"
    DENIED = "access_denied"
    INVALID_GRANT = "invalid_grant"
    INVALID_CLIENT = "invalid_client"
    INVALID_REQUEST = "invalid_request"
    WRONG_REGION = "wrong_region"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


class Refusal(msgspec.Struct, frozen=True):
    """detail: for people, without secrets.
    ambiguous: the request was sent and its answer was lost, so that the service may have acted on it.
    """

    reason: Reason
    detail: str
    ambiguous: bool = False


_NAMES = {
    "AuthorizationPendingException": Reason.AUTHORIZATION_PENDING,
    "SlowDownException": Reason.SLOW_DOWN,
    "ExpiredTokenException": Reason.EXPIRED,
    "AccessDeniedException": Reason.DENIED,
    "InvalidGrantException": Reason.INVALID_GRANT,
    "InvalidClientException": Reason.INVALID_CLIENT,
    "UnauthorizedClientException": Reason.INVALID_CLIENT,
    "InternalServerException": Reason.UNAVAILABLE,
    "unauthorized_client": Reason.INVALID_CLIENT,
    "server_error": Reason.UNAVAILABLE,
    "temporarily_unavailable": Reason.UNAVAILABLE,
}
_REGION = "InvalidRequestRegionException"
_REFUSING_STATUSES = (400, 401)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def reason_of(error: str | None, name: str, *, status: int, message: str, is_json: bool) -> Reason:
    """Classify an error answer by the body's `error`, else by the exception's name, else by what is left.

    Something between here and AWS (a portal, a firewall) answers with pages and other statuses: that is
    unavailability, and costs nobody a login.
    """
    if name == _REGION or error == _REGION:  # its word is that of any bad request
        return Reason.WRONG_REGION
    for word in (error, name):
        if word in _NAMES:
            return _NAMES[word]
        try:
            return Reason(word)
        except ValueError:
            continue
    if not is_json or status not in _REFUSING_STATUSES:
        return Reason.UNAVAILABLE
    if error or (name and not name.isdecimal()):
        return Reason.UNKNOWN
    # Sent without any code (backend-rules.md C 2).
    return Reason.INVALID_GRANT if "invalid refresh token" in message.lower() else Reason.INVALID_REQUEST


def lifetime(value: object, *, default: float, least: float, most: float) -> float:
    """Seconds from the wire, between `least` and `most`; `default` where it is no number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return default
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return default
    return float(min(max(value, least), most))


def grant_of(answer: Mapping[str, object], access: str, refresh: str, expires_in: str) -> Grant | Refusal:
    """The tokens in an answer, by the names of its members."""
    access_token, refresh_token = answer.get(access), answer.get(refresh)
    if not isinstance(access_token, str) or not access_token:
        return incomplete()
    profile_arn = answer.get("profileArn")
    return Grant(
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        expires_in=lifetime(answer.get(expires_in), default=TYPICAL_LIFETIME, least=60.0, most=86_400.0),
        profile_arn=profile_arn if isinstance(profile_arn, str) and profile_arn else None,
    )


def incomplete() -> Refusal:
    return Refusal(Reason.UNAVAILABLE, "the answer of the login service lacks what was asked for", ambiguous=True)


def presentable(text: str, secrets: Iterable[str]) -> str:
    """`text` in one short line, without `secrets`: a service may echo what it was sent (reliability.md 3C 74)."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return _UNPRINTABLE.sub(" ", text).strip()[:MAX_DETAIL]
