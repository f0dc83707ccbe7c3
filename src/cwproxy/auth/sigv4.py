"""AWS signatures (SigV4) for IAM credentials, made by botocore (protocol.md 1.3)."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import TYPE_CHECKING

import httpx

from cwproxy.auth.bearer import rejected
from cwproxy.errors import LoginRequired

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

SERVICE = "q"

_SIGNED = frozenset({"content-type", "content-length", "host", "amz-sdk-invocation-id", "amz-sdk-request"})


class SigV4(httpx.Auth):
    """Signs with the default credential chain of AWS's tools (environment, profile, web identity, container,
    instance), looked up in a thread when the first request is made, renewed by botocore, and looked up again when the
    service does not take them. Asynchronous only.

    region: part of the signature. profile: the name of a profile in the user's AWS files, or None.
    Raises LoginRequired when there are no credentials.
    """

    requires_request_body = True

    def __init__(self, region: str, *, profile: str | None = None) -> None:
        self._region = region
        self._profile = profile
        self._credentials: Credentials | None = None
        self._loading = threading.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        await request.aread()
        credentials = await asyncio.to_thread(self.frozen)
        request.headers.update(sign(request, credentials, self._region))
        response = yield request
        if await rejected(response):
            # Keys without an end are read once; somebody may have put others in the files since.
            fresh = await asyncio.to_thread(self._reread)
            if fresh != credentials:
                request.headers.pop("x-amz-security-token", None)
                request.headers.update(sign(request, fresh, self._region))
                yield request

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        raise TypeError("SigV4 works with httpx.AsyncClient only")

    def _reread(self) -> "ReadOnlyCredentials":
        with self._loading:
            self._credentials = None
        return self.frozen()

    def frozen(self) -> "ReadOnlyCredentials":
        """The credentials of this moment; it may take seconds. Raises LoginRequired."""
        import botocore.session
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with self._loading:
                if self._credentials is None:
                    self._credentials = botocore.session.Session(profile=self._profile).get_credentials()
                if self._credentials is not None:
                    return self._credentials.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, ValueError) as error:
            # A role may be refused, and a `credential_process` be missing or print something else.
            raise LoginRequired(f"The AWS credentials cannot be used ({type(error).__name__}). {_ADVICE}") from error
        raise LoginRequired(f"There are no AWS credentials. {_ADVICE}")


async def require(profile: str | None) -> None:
    """Find the credentials that calls would be signed with. Raises LoginRequired where there are none."""
    await asyncio.to_thread(SigV4("", profile=profile).frozen)


async def profiles() -> list[str]:
    """The names of the profiles in the user's AWS files. Raises LoginRequired where those cannot be read."""

    def read() -> list[str]:
        import botocore.session
        from botocore.exceptions import BotoCoreError

        try:
            return sorted(botocore.session.Session().available_profiles)
        except (BotoCoreError, OSError, ValueError) as error:
            raise LoginRequired(f"The AWS files cannot be read ({type(error).__name__}). {_ADVICE}") from error

    return await asyncio.to_thread(read)


_ADVICE = "Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`."


def sign(request: httpx.Request, credentials: "ReadOnlyCredentials", region: str) -> Mapping[str, str]:
    """The headers that make `request`, whose body has been read, a signed one. Signed are the SDK's own headers,
    the length, the type, the host and everything that begins with `x-amz-`.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    headers = {name: value for name, value in request.headers.items() if name in _SIGNED or name.startswith("x-amz-")}
    headers["x-amz-content-sha256"] = hashlib.sha256(request.content).hexdigest()
    signed = AWSRequest(request.method, str(request.url), headers=headers, data=request.content)
    SigV4Auth(credentials, SERVICE, region).add_auth(signed)
    added = ("x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "authorization")
    return {name: signed.headers[name] for name in added if name in signed.headers}
