"""Checks AWS Signature Version 4 with hmac alone, the way AWS's front door does.

Source: AWS's published algorithm (canonical request, string to sign, derived key); service name and signed headers:
protocol.md 1.3.
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from cwproxy.simulator.envelope import Refused, ServiceError
from cwproxy.simulator.request import Request

_AUTHORIZATION = re.compile(
    r"^AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request, ?SignedHeaders=(?P<signed>[^,\s]+), ?Signature=(?P<signature>[0-9a-f]{64})$"
)
_SKEW = 300.0
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the verifier must know of a key: its secret, and the session token that must come with it, if any."""

    secret_access_key: str
    session_token: str | None


def verify(
    request: Request,
    *,
    service: str,
    now: float,
    credentials: Callable[[str], Credentials | None],
) -> str:
    """The access key id of a request that was signed with its secret; Refused for every other."""
    header = request.headers.get("authorization")
    if header is None:
        raise _refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.match(header)
    if match is None:
        raise _refusal("IncompleteSignatureException", "Authorization header is not a complete AWS4-HMAC-SHA256 one.")
    known = credentials(match["key"])
    if known is None or request.headers.get("x-amz-security-token") != known.session_token:
        raise _refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    _check_scope(match, request, service=service)
    _check_date(match["date"], request, now=now)
    _check_signed_headers(match["signed"].split(";"), request)
    payload_hash = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", payload_hash) != payload_hash:
        raise _refusal("InvalidSignatureException", _MISMATCH)
    expected = signature(request, match.groupdict(), known.secret_access_key, payload_hash=payload_hash)
    if not hmac.compare_digest(expected, match["signature"]):
        raise _refusal("InvalidSignatureException", _MISMATCH)
    return match["key"]


def signature(request: Request, scope: dict[str, str], secret: str, *, payload_hash: str) -> str:
    """The hexadecimal signature that the request should carry; scope: date, region, service, signed."""
    names = scope["signed"].split(";")
    canonical = "\n".join(
        [
            request.method,
            quote(request.raw_path, safe="/-_.~"),
            _canonical_query(request.query_string),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            scope["signed"],
            payload_hash,
        ]
    )
    credential_scope = f"{scope['date']}/{scope['region']}/{scope['service']}/aws4_request"
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            request.headers.get("x-amz-date", ""),
            credential_scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in credential_scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _canonical_query(query_string: str) -> str:
    """Sorted by name, then value, both percent-encoded anew; `+` is a plus, as everywhere outside forms."""
    pairs = (part.partition("=") for part in query_string.split("&") if part)
    return "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs))


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _check_scope(match: re.Match[str], request: Request, *, service: str) -> None:
    if match["service"] != service:
        message = f"Credential should be scoped to correct service: '{service}'."
        raise _refusal("InvalidSignatureException", message)
    if request.region is not None and match["region"] != request.region:
        raise _refusal("InvalidSignatureException", "Credential should be scoped to a valid region.")


def _check_date(scope_date: str, request: Request, *, now: float) -> None:
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed_at = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise _refusal("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.") from None
    if not stamp.startswith(scope_date):
        message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
        raise _refusal("InvalidSignatureException", message)
    if abs(now - signed_at) > _SKEW:
        word = "expired" if signed_at < now else "not yet current"
        raise _refusal("InvalidSignatureException", f"Signature {word}: {stamp} is outside the allowed five minutes.")


def _check_signed_headers(signed: list[str], request: Request) -> None:
    required = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    absent = [name for name in signed if name not in request.headers]
    if signed != sorted(signed) or not required <= set(signed) or absent:
        message = "Host and every x-amz-* header must be among the sorted SignedHeaders of the Authorization header."
        raise _refusal("InvalidSignatureException", message)


def _refusal(error: str, message: str) -> Refused:
    status = 400 if error == "IncompleteSignatureException" else 403
    return Refused(ServiceError(status, error, message))
