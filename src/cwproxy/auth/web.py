"""Calls of the login services that boto3 does not know, over httpx: JSON or a form out, one JSON object back.

Answers are values, the object or a `Refusal`; nothing of httpx comes out of here. One attempt each: a refresh token
that is sent twice can end the login (reliability.md 2.3).
"""

import json
from collections.abc import Mapping
from typing import TypeAlias

import httpx

from cwproxy.auth.grants import Reason, Refusal, presentable, reason_of

TIMEOUT_SECONDS = 10.0
BODY_LIMIT = 64 * 1024

Answer: TypeAlias = Mapping[str, object]


class Web:
    """proxy: the HTTP proxy to use; the environment's are not looked at. ca_bundle: path of a PEM file.

    The client is made when the first call is, because its TLS context takes a while.
    """

    def __init__(
        self, *, proxy: str | None = None, ca_bundle: str | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def post_json(self, url: str, members: Answer, headers: Mapping[str, str], *secrets: str) -> Answer | Refusal:
        """`secrets`: what `members` hold that must not be repeated to anybody."""
        content = json.dumps(members).encode()
        return await self._post(url, content, {**headers, "content-type": "application/json"}, secrets)

    async def post_form(self, url: str, members: Mapping[str, str], *secrets: str) -> Answer | Refusal:
        content = str(httpx.QueryParams(members)).encode()
        return await self._post(url, content, {"content-type": "application/x-www-form-urlencoded"}, secrets)

    async def _post(
        self, url: str, content: bytes, headers: Mapping[str, str], secrets: tuple[str, ...]
    ) -> Answer | Refusal:
        host = httpx.URL(url).host
        try:
            async with self._opened().stream("POST", url, content=content, headers=headers) as response:
                body = await _start_of(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError):
            return Refusal(Reason.UNAVAILABLE, f"{host} cannot be reached")
        except httpx.HTTPError:
            return Refusal(Reason.UNAVAILABLE, f"{host} gave no whole answer", ambiguous=True)
        members = _json_object(body)
        if response.status_code != 200:
            return _refusal(response, body, members, secrets)
        return members or Refusal(Reason.UNAVAILABLE, f"{host} answered with nonsense", ambiguous=True)

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            context = httpx.create_ssl_context(verify=True, trust_env=False)
            if self._ca_bundle is not None:
                context.load_verify_locations(cafile=self._ca_bundle)
            self._client = httpx.AsyncClient(
                verify=context,
                proxy=self._proxy,
                timeout=self._timeout,
                headers={"accept": "application/json", "accept-encoding": "identity"},
                follow_redirects=False,
                trust_env=False,
            )
        return self._client


async def _start_of(response: httpx.Response) -> bytes:
    body = bytearray()
    async for data in response.aiter_raw():
        body += data
        if len(body) > BODY_LIMIT:
            break
    return bytes(body)


def _json_object(body: bytes) -> Answer:
    """Empty where `body` is anything else."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _refusal(response: httpx.Response, body: bytes, members: Answer, secrets: tuple[str, ...]) -> Refusal:
    error = members.get("error")
    code = error if isinstance(error, str) else None
    text = next((it for name in ("error_description", "message") if isinstance(it := members.get(name), str)), "")
    label = code or f"HTTP {response.status_code}"
    name = response.headers.get("x-amzn-errortype", "").partition(":")[0]
    if response.status_code == 401 and not body:
        reason = Reason.INVALID_GRANT  # seen for a refresh token that was used up (backend-rules.md C 2)
    else:
        reason = reason_of(code, name, status=response.status_code, message=text, is_json=bool(members))
    return Refusal(reason, presentable(f"{label}: {text}" if text else label, secrets))
