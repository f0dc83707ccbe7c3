"""Kiro's own login service, for people who log in with Google or GitHub (protocol.md 5.6).

Every call answers with a value, what was asked for or a `Refusal`. A refresh token works once: the answer brings
the next one.
"""

import enum
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from cwproxy import __version__
from cwproxy.auth.grants import DeviceAuthorization, Grant, Reason, Refusal, grant_of, incomplete, lifetime
from cwproxy.auth.web import Answer, Web
from cwproxy.errors import SettingsError

REGION = "us-east-1"

_DEVICE_CLIENT = "kiro-cli"
"""The one client that the service gives device codes to."""

_REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_HEADERS: Mapping[str, str] = {"user-agent": f"cwproxy/{__version__}"}


class Provider(enum.Enum):
    """Who knows the person. The values are those of the wire."""

    GOOGLE = "Google"
    GITHUB = "Github"


class Social:
    """The service of one `region`. Raises SettingsError for a region that no host name may be made of.

    endpoint: a base URL instead of Kiro's; `{region}` in it becomes the region.
    """

    def __init__(self, region: str, web: Web, *, endpoint: str | None = None) -> None:
        if not _REGION.fullmatch(region):
            raise SettingsError(f"{region[:64]!r} is not the name of an AWS region.")
        self._base = (endpoint or "https://prod.{region}.auth.desktop.kiro.dev").replace("{region}", region)
        self._web = web

    def page(self, provider: Provider, *, redirect_uri: str, challenge: str, state: str) -> str:
        """The URL at which a person logs in with a browser."""
        query = {
            "idp": provider.value,
            "redirect_uri": redirect_uri,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": state,
        }
        return f"{self._base}/login?{urlencode(query)}"

    async def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> Grant | Refusal:
        """The tokens for the code that the browser brought back."""
        members = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
        return _grant(await self._post("/oauth/token", members, code, verifier))

    async def start_device(self, provider: Provider) -> DeviceAuthorization | Refusal:
        members = {"clientId": _DEVICE_CLIENT, "loginProvider": provider.value}
        answer = await self._post("/oauth/device/authorization", members)
        if isinstance(answer, Refusal):
            return answer
        device_code, user_code, uri = (answer.get(key) for key in ("deviceCode", "userCode", "verificationUri"))
        if not (isinstance(device_code, str) and isinstance(user_code, str) and isinstance(uri, str)):
            return incomplete()
        complete = answer.get("verificationUriComplete")
        return DeviceAuthorization(
            device_code=device_code,
            user_code=user_code,
            verification_uri=uri,
            verification_uri_complete=complete if isinstance(complete, str) else uri,
            expires_in=_milliseconds(answer.get("expiresInMilliseconds"), default=600.0, least=60.0, most=3600.0),
            interval=_milliseconds(answer.get("intervalInMilliseconds"), default=5.0, least=1.0, most=60.0),
        )

    async def poll(self, device_code: str) -> Grant | Refusal:
        """Ask once whether the person has confirmed the login."""
        members = {"clientId": _DEVICE_CLIENT, "deviceCode": device_code}
        answer = await self._post("/oauth/device/poll", members, device_code)
        if isinstance(answer, Refusal) or answer.get("accessToken"):
            return _grant(answer)
        return _waiting(answer.get("status"))

    async def refresh(self, refresh_token: str) -> Grant | Refusal:
        """Spend `refresh_token`, once."""
        return _grant(await self._post("/refreshToken", {"refreshToken": refresh_token}, refresh_token))

    async def _post(self, path: str, members: Mapping[str, str], *secrets: str) -> Answer | Refusal:
        return await self._web.post_json(self._base + path, members, _HEADERS, *secrets)


def _grant(answer: Answer | Refusal) -> Grant | Refusal:
    return answer if isinstance(answer, Refusal) else grant_of(answer, "accessToken", "refreshToken", "expiresIn")


def _waiting(status: object) -> Refusal:
    """The service's words are known by hearsay only, so they are recognised by what they contain."""
    word = status.lower().replace("_", "").replace(" ", "") if isinstance(status, str) else ""
    for part, reason in (
        ("pending", Reason.AUTHORIZATION_PENDING),
        ("slow", Reason.SLOW_DOWN),
        ("expired", Reason.EXPIRED),
        ("denied", Reason.DENIED),
        ("rejected", Reason.DENIED),
    ):
        if part in word:
            return Refusal(reason, word)
    return incomplete()


def _milliseconds(value: object, *, default: float, least: float, most: float) -> float:
    """Seconds."""
    return lifetime(value, default=default * 1000, least=least * 1000, most=most * 1000) / 1000
