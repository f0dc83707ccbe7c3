"""boto3's `sso-oidc` client, in threads: register, start a device login and poll it, exchange the code of a browser
login, renew a token.

Every call answers with a value, either what was asked for or a `Refusal`; nothing of botocore comes out of here.
One attempt each: a refresh token that is sent twice can end the login (reliability.md 2.3). boto3 is imported when
the first call is made, because it costs a third of a second.
"""

import asyncio
import json
import logging
import math
import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from cwproxy.auth.clock import Limit
from cwproxy.auth.grants import (
    ClientRegistration,
    DeviceAuthorization,
    Grant,
    Reason,
    Refusal,
    grant_of,
    incomplete,
    lifetime,
    presentable,
    reason_of,
)

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.exceptions import ClientError
    from mypy_boto3_sso_oidc.client import SSOOIDCClient

CLIENT_NAME = "cwproxy"
CLIENT_TYPE = "public"
DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CODE_GRANT = "authorization_code"
TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0

_Answer: TypeAlias = Mapping[str, object]
_BODY = "Body"
_NUMBERS = frozenset({"expiresIn", "interval", "clientIdIssuedAt", "clientSecretExpiresAt"})


class BrowserLogin(msgspec.Struct, frozen=True):
    """What a registration for a login in the browser is bound to."""

    redirect_uri: str
    start_url: str


class Oidc:
    """The OIDC service of one `region`.

    endpoint: a base URL instead of AWS's; `{region}` in it becomes the region.
    proxy: the HTTP proxy to use; the environment's are not looked at. ca_bundle: path of a PEM file.
    Nothing of the user's AWS configuration or credentials is read.
    """

    def __init__(
        self,
        region: str,
        *,
        endpoint: str | None = None,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.region = region
        self._endpoint = None if endpoint is None else endpoint.replace("{region}", region)
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._timeout = timeout
        self._client: SSOOIDCClient | None = None
        self._opening = threading.Lock()

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    async def register(
        self, scopes: tuple[str, ...], *, browser: BrowserLogin | None = None
    ) -> ClientRegistration | Refusal:
        """For the device flow, or for one login in a browser of this machine (protocol.md 5.4)."""

        def call(client: "SSOOIDCClient") -> _Answer:
            if browser is None:
                return client.register_client(clientName=CLIENT_NAME, clientType=CLIENT_TYPE, scopes=list(scopes))
            return client.register_client(
                clientName=CLIENT_NAME,
                clientType=CLIENT_TYPE,
                scopes=list(scopes),
                redirectUris=[browser.redirect_uri],
                grantTypes=[CODE_GRANT, "refresh_token"],
                issuerUrl=browser.start_url,
            )

        answer = await self._ask(call)
        if isinstance(answer, Refusal):
            return answer
        client_id, secret, end = (answer.get(key) for key in ("clientId", "clientSecret", "clientSecretExpiresAt"))
        if not (isinstance(client_id, str) and isinstance(secret, str)):
            return incomplete()
        expires_at = lifetime(end, default=0.0, least=0.0, most=math.inf) or math.inf
        return ClientRegistration(client_id, secret, expires_at, self.region, scopes)

    async def start_device(self, registration: ClientRegistration, start_url: str) -> DeviceAuthorization | Refusal:
        def call(client: "SSOOIDCClient") -> _Answer:
            return client.start_device_authorization(
                clientId=registration.client_id, clientSecret=registration.client_secret, startUrl=start_url
            )

        answer = await self._ask(call, registration.client_secret)
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
            expires_in=lifetime(answer.get("expiresIn"), default=600.0, least=60.0, most=3600.0),
            interval=lifetime(answer.get("interval"), default=5.0, least=1.0, most=60.0),
        )

    async def poll(self, registration: ClientRegistration, device_code: str) -> Grant | Refusal:
        """Ask once whether the person has confirmed the login."""

        def call(client: "SSOOIDCClient") -> _Answer:
            return client.create_token(
                clientId=registration.client_id,
                clientSecret=registration.client_secret,
                grantType=DEVICE_CODE_GRANT,
                deviceCode=device_code,
            )

        return _grant(await self._ask(call, registration.client_secret, device_code))

    def page(self, registration: ClientRegistration, redirect_uri: str, challenge: str, state: str) -> str:
        """The URL at which a person logs in with a browser. `scopes` is in the plural there (protocol.md 5.4)."""
        query = {
            "response_type": "code",
            "client_id": registration.client_id,
            "redirect_uri": redirect_uri,
            "scopes": " ".join(registration.scopes),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        base = self._endpoint or f"https://oidc.{self.region}.amazonaws.com"
        return f"{base}/authorize?{urlencode(query, quote_via=quote, safe='')}"

    async def exchange(
        self, registration: ClientRegistration, code: str, *, verifier: str, redirect_uri: str
    ) -> Grant | Refusal:
        """The tokens for the code that the browser brought back."""

        def call(client: "SSOOIDCClient") -> _Answer:
            return client.create_token(
                clientId=registration.client_id,
                clientSecret=registration.client_secret,
                grantType=CODE_GRANT,
                code=code,
                codeVerifier=verifier,
                redirectUri=redirect_uri,
            )

        return _grant(await self._ask(call, registration.client_secret, code, verifier))

    async def refresh(
        self, registration: ClientRegistration, refresh_token: str, *, until: Limit | None = None
    ) -> Grant | Refusal:
        """Spend `refresh_token`, once. until: afterwards it is not sent any more, even if nobody waits for the call."""

        def call(client: "SSOOIDCClient") -> _Answer:
            return client.create_token(
                clientId=registration.client_id,
                clientSecret=registration.client_secret,
                grantType="refresh_token",
                refreshToken=refresh_token,
            )

        return _grant(await self._ask(call, registration.client_secret, refresh_token, until=until))

    async def _ask(
        self, call: Callable[["SSOOIDCClient"], _Answer], *secrets: str, until: Limit | None = None
    ) -> _Answer | Refusal:
        return await asyncio.to_thread(self._call, call, secrets, until)

    def _call(
        self, call: Callable[["SSOOIDCClient"], _Answer], secrets: tuple[str, ...], until: Limit | None
    ) -> _Answer | Refusal:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
        from botocore.parsers import ResponseParserError

        from cwproxy.auth import punctual

        try:
            client = self._opened()
        except (BotoCoreError, ValueError) as error:
            return Refusal(Reason.UNAVAILABLE, presentable(str(error), secrets))
        try:
            return punctual.call(partial(call, client), until)
        except ClientError as error:
            return _refusal(error, secrets)
        except (HTTPClientError, IncompleteReadError):
            return Refusal(Reason.UNAVAILABLE, f"{client.meta.endpoint_url} gave no whole answer", ambiguous=True)
        except BotoCoreError as error:
            return Refusal(Reason.UNAVAILABLE, presentable(str(error), secrets))
        except (ResponseParserError, AttributeError, TypeError, ValueError):
            # The last three are botocore's own when an answer is JSON but no object.
            return Refusal(Reason.UNAVAILABLE, f"{client.meta.endpoint_url} answered with nonsense", ambiguous=True)

    def _opened(self) -> "SSOOIDCClient":
        with self._opening:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> "SSOOIDCClient":
        import boto3
        import botocore.session
        from botocore import UNSIGNED
        from botocore.config import Config

        from cwproxy.auth import punctual

        _keep_bodies_out_of_logs()
        # Without a profile and files of configuration, so that a broken `AWS_PROFILE` cannot get in the way.
        session = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
                "ignore_configured_endpoint_urls": (None, None, True, None),
            }
        )
        config = Config(
            signature_version=UNSIGNED,
            connect_timeout=min(self._timeout, CONNECT_SECONDS),
            read_timeout=self._timeout,
            retries={"total_max_attempts": 1, "mode": "standard"},
            proxies={} if self._proxy is None else {"http": self._proxy, "https": self._proxy},
        )
        client = boto3.session.Session(botocore_session=session).client(
            "sso-oidc", region_name=self.region, endpoint_url=self._endpoint, verify=self._ca_bundle, config=config
        )
        punctual.make_punctual(client)
        client.meta.events.register("before-parse.sso-oidc", _mend_numbers)
        client.meta.events.register("after-call.sso-oidc", _keep_error_body)
        return client


def _keep_bodies_out_of_logs() -> None:
    """At DEBUG botocore logs whole requests and answers, tokens included."""
    for name in ("botocore", "boto3", "urllib3"):
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() < logging.INFO:
            logger.setLevel(logging.INFO)


def _mend_numbers(response_dict: dict[str, object], **_: object) -> None:
    """botocore gives up on a number that is none, and the tokens beside it would be lost (reliability.md 3D 97)."""
    members = _json_object(response_dict["body"])
    for name in _NUMBERS & members.keys():
        number = lifetime(members.pop(name), default=math.nan, least=-1e15, most=1e15)
        if not math.isnan(number):
            members[name] = int(number)
    if members:
        response_dict["body"] = json.dumps(members).encode()


def _keep_error_body(http_response: "AWSResponse", parsed: dict[str, object], **_: object) -> None:
    """Without the header `x-amzn-ErrorType` botocore drops the body's `error` (protocol.md 5.7)."""
    if http_response.status_code >= 300:
        parsed[_BODY] = _json_object(http_response.content)


def _json_object(body: object) -> dict[str, object]:
    """Empty where `body` is anything else."""
    try:
        members = json.loads(body) if isinstance(body, bytes) else None
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _refusal(error: "ClientError", secrets: tuple[str, ...]) -> Refusal:
    response: Mapping[str, object] = {**error.response}
    body = response.get(_BODY)
    members = body if isinstance(body, dict) else {}
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    code, description = members.get("error"), members.get("error_description") or members.get("message")
    text = description if isinstance(description, str) else ""
    name = error.response["Error"]["Code"]
    reason = reason_of(
        code if isinstance(code, str) else None, name, status=status, message=text, is_json=bool(members)
    )
    label = code if isinstance(code, str) else f"HTTP {status}"
    return Refusal(reason, presentable(f"{label}: {text}" if text else label, secrets))


def _grant(answer: _Answer | Refusal) -> Grant | Refusal:
    return answer if isinstance(answer, Refusal) else grant_of(answer, "accessToken", "refreshToken", "expiresIn")
