"""The four wire generations of the backend: where a call goes, with which headers and which body.

A `Call` is complete but for the proof of who we are, which `auth` adds. Hosts, targets and paths: protocol.md 1.1,
1.2, 1.5. cwproxy says who it is in `user-agent`; the other headers are the protocol's own (protocol.md 1.3).
"""

import enum
import re
from typing import Literal, TypeAlias, assert_never
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from cwproxy import __version__
from cwproxy.codewhisperer.wire import ChatRequest, ControlRequest, ConversationState, SearchRequest
from cwproxy.errors import SettingsError

USER_AGENT = f"cwproxy/{__version__}"

MAX_ATTEMPTS = 3
"""What `amz-sdk-request` says; the same as AWS's clients (protocol.md 4.5)."""

_REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_MAX_REGION_SHOWN = 64

_AWS_JSON = "application/x-amz-json-1.0"
_MODELS_PER_PAGE = 100
_PROFILES_PER_PAGE = 10

_Operation: TypeAlias = Literal["ListAvailableModels", "ListAvailableProfiles", "GetUsageLimits"]


class Surface(enum.Enum):
    """`q` and `kiro` speak awsJson, `codewhisperer` REST, `q-iam` is the operation for SigV4."""

    Q = "q"
    Q_IAM = "q-iam"
    CODEWHISPERER = "codewhisperer"
    KIRO = "kiro"


class Call(msgspec.Struct, frozen=True):
    """One HTTP request without its Authorization."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Target(msgspec.Struct, frozen=True):
    """Where an account's calls go. Raises SettingsError for a region that no host name may be made of: it comes from
    a profile ARN, and the token must not follow it to another host.

    region: of the API, see `api_region`.
    endpoint: a base URL instead of AWS's hosts; `{region}` in it becomes the region.
    profile_arn: None for Builder ID and API keys, which have no profile (protocol.md 2.1).
    token_type: the `TokenType` header's value, where the credential needs one (protocol.md 1.3).
    opt_out: tell the service not to use the content.
    """

    surface: Surface
    region: str
    endpoint: str | None = None
    profile_arn: str | None = None
    token_type: str | None = None
    opt_out: bool = True

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise SettingsError(
                f"{self.region[:_MAX_REGION_SHOWN]!r} is not the name of an AWS region; check the profile ARN."
            )


def api_region(profile_arn: str | None, sso_region: str) -> str:
    """The region whose hosts serve the account: the profile's, else the one nearest to the login's.

    Hosts exist in us-east-1 and eu-central-1 only (backend-rules.md A4 53, 55).
    """
    if profile_arn is not None:
        fields = profile_arn.split(":")
        if len(fields) > 3 and fields[3]:
            return fields[3]
    return "eu-central-1" if sso_region.startswith("eu-") else "us-east-1"


def origin(surface: Surface) -> str:
    """The product that the surface belongs to (protocol.md 2.4); the choice of models depends on it.

    `KIRO_CLI` on `q` as well: that client speaks to these hosts too, and `CLI` is not offered every model
    (protocol.md 1.3, backend-rules.md A4 57).
    """
    match surface:
        case Surface.Q | Surface.KIRO:
            return "KIRO_CLI"
        case Surface.Q_IAM:
            return "CLI"
        case Surface.CODEWHISPERER:
            return "AI_EDITOR"
        case _:
            assert_never(surface)


def chat_call(
    target: Target,
    state: ConversationState,
    *,
    invocation_id: str,
    attempt: int = 1,
    model_fields: bytes | None = None,
    piecewise: bool = False,
) -> Call:
    """The streamed chat call. `invocation_id` is a UUID, the same for all attempts (counted from 1) of one call.
    model_fields: JSON text of `additionalModelRequestFields`, for the kiro surface only.
    piecewise: encode the history entry by entry, so that other threads have their turns in between.
    """
    operation: str | None
    source = None
    match target.surface:
        case Surface.Q:
            operation = "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"
        case Surface.Q_IAM:
            operation, source = "AmazonQDeveloperStreamingService.SendMessage", origin(target.surface)
        case Surface.CODEWHISPERER:
            operation = None
        case Surface.KIRO:
            operation = "KiroRuntimeService.GenerateAssistantResponse"
        case _:
            assert_never(target.surface)
    headers = _headers(target, operation)
    headers["amz-sdk-invocation-id"] = invocation_id
    headers["amz-sdk-request"] = f"attempt={attempt}; max={MAX_ATTEMPTS}"
    request = ChatRequest(
        conversation_state=state,
        profile_arn=target.profile_arn,
        additional_model_request_fields=msgspec.Raw(model_fields) if model_fields is not None else None,
        source=source,
    )
    path = "/" if operation else "/generateAssistantResponse"
    body = _joined(request) if piecewise else msgspec.json.encode(request)
    return Call("POST", chat_base(target) + path, headers, body)


def _joined(request: ChatRequest) -> bytes:
    """The same as `msgspec.json.encode`. A zero byte, which is in no JSON, keeps the place of the history."""
    history = request.conversation_state.history
    if not history:
        return msgspec.json.encode(request)
    state = replace(request.conversation_state, history=msgspec.Raw(b"\0"))
    before, _, after = msgspec.json.encode(replace(request, conversation_state=state)).partition(b"\0")
    entries = [msgspec.json.encode(entry) for entry in history]
    commas = [b","] * (2 * len(entries) - 1)
    commas[::2] = entries
    return b"".join((before, b"[", *commas, b"]", after))


def has_search(target: Target) -> bool:
    """Whether the surface has InvokeMCP (protocol.md 1.1)."""
    return target.surface in (Surface.KIRO, Surface.CODEWHISPERER)


def search_call(target: Target, query: str, *, id: str) -> Call:
    """A search of the web (protocol.md 7 4), for a target that has one. `id` comes back with the answer."""
    kiro = target.surface is Surface.KIRO
    headers = _headers(target, "KiroRuntimeService.InvokeMCP" if kiro else None)
    if target.profile_arn is not None:
        headers["x-amzn-kiro-profile-arn"] = target.profile_arn
    body = SearchRequest(id=id, params={"name": "web_search", "arguments": {"query": query}})
    return Call("POST", chat_base(target) + ("/" if kiro else "/mcp"), headers, msgspec.json.encode(body))


def models_call(target: Target, *, next_token: str | None = None) -> Call:
    """One page of ListAvailableModels."""
    request = ControlRequest(
        max_results=_MODELS_PER_PAGE,
        next_token=next_token,
        origin=origin(target.surface),
        profile_arn=target.profile_arn,
    )
    return _control_call(target, "ListAvailableModels", request)


def profiles_call(target: Target, *, next_token: str | None = None) -> Call:
    """One page of ListAvailableProfiles. Not for Builder ID, which is refused (backend-rules.md A4 56)."""
    if target.surface is Surface.KIRO:
        request = ControlRequest(next_token=next_token)
    else:
        request = ControlRequest(max_results=_PROFILES_PER_PAGE, next_token=next_token)
    return _control_call(target, "ListAvailableProfiles", request)


def usage_call(target: Target) -> Call:
    """GetUsageLimits. The user's e-mail address is not asked for."""
    request = ControlRequest(origin=origin(target.surface), profile_arn=target.profile_arn)
    return _control_call(target, "GetUsageLimits", request)


def _control_call(target: Target, operation: _Operation, request: ControlRequest) -> Call:
    base = _control_base(target)
    if target.surface is Surface.CODEWHISPERER:
        return _rest_control_call(base, target, operation, request)
    if target.surface is Surface.KIRO and operation != "ListAvailableProfiles":
        service = "KiroControlPlaneBearerService"
    else:
        service = "AmazonCodeWhispererService"
    return Call("POST", base + "/", _headers(target, f"{service}.{operation}"), msgspec.json.encode(request))


def _rest_control_call(base: str, target: Target, operation: _Operation, request: ControlRequest) -> Call:
    headers = _headers(target, None)
    if operation == "ListAvailableProfiles":
        return Call("POST", f"{base}/{operation}", headers, msgspec.json.encode(request))
    del headers["content-type"]
    query = urlencode(sorted(msgspec.to_builtins(request).items()))
    path = "getUsageLimits" if operation == "GetUsageLimits" else operation
    return Call("GET", f"{base}/{path}?{query}", headers, None)


def _headers(target: Target, operation: str | None) -> dict[str, str]:
    headers = {
        "content-type": _AWS_JSON if operation else "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
        "x-amz-user-agent": USER_AGENT,
        "x-amzn-codewhisperer-optout": "true" if target.opt_out else "false",
    }
    if operation:
        headers["x-amz-target"] = operation
    if target.token_type:
        headers["tokentype"] = target.token_type
    return headers


def chat_base(target: Target) -> str:
    """The address of the chat calls, without a path."""
    if target.endpoint is not None:
        return _override(target.endpoint, target.region)
    match target.surface:
        case Surface.Q | Surface.Q_IAM:
            return f"https://q.{target.region}.amazonaws.com"
        case Surface.CODEWHISPERER:
            # The name `codewhisperer.{region}` resolves in us-east-1 only (backend-rules.md A4 55).
            host = "codewhisperer" if target.region == "us-east-1" else "q"
            return f"https://{host}.{target.region}.amazonaws.com"
        case Surface.KIRO:
            return f"https://runtime.{target.region}.kiro.dev"
        case _:
            assert_never(target.surface)


def _control_base(target: Target) -> str:
    if target.surface is Surface.KIRO and target.endpoint is None:
        return f"https://management.{target.region}.kiro.dev"
    return chat_base(target)


def _override(endpoint: str, region: str) -> str:
    return endpoint.replace("{region}", region).rstrip("/")
