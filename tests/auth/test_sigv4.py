import hashlib
import hmac
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.support.web_server import Reply, web_server

from cwproxy.auth.sigv4 import SigV4, profiles, require
from cwproxy.errors import LoginRequired

pytestmark = pytest.mark.anyio

URL = "https://q.us-east-1.amazonaws.com/"
BODY = b'{"conversationState":{}}'
SENT = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "AmazonQDeveloperStreamingService.SendMessage",
    "x-amz-user-agent": "cwproxy/1",
    "x-amzn-codewhisperer-optout": "true",
    "amz-sdk-invocation-id": "0d2c3ab6-0000-4000-8000-000000000000",
    "amz-sdk-request": "attempt=1; max=3",
    "user-agent": "cwproxy/1",
    "accept-encoding": "identity",
}
SIGNED = (
    "amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-content-sha256;x-amz-date;"
    "x-amz-security-token;x-amz-target;x-amz-user-agent"
)


@pytest.fixture(autouse=True)
def _no_other_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")


async def signed(url: str = URL, body: bytes = BODY) -> httpx.Request:
    seen: list[httpx.Request] = []

    def backend(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(backend)) as http:
        await http.post(url, headers=SENT, content=body, auth=SigV4("us-east-1"))
    return seen[0]


def fields(request: httpx.Request) -> dict[str, str]:
    algorithm, _, rest = request.headers["authorization"].partition(" ")
    assert algorithm == "AWS4-HMAC-SHA256"
    return dict(part.split("=", 1) for part in rest.split(", "))


def by_the_book(request: httpx.Request, secret: str) -> str:
    """The signature, computed from AWS's published steps with nothing but hmac."""
    names = fields(request)["SignedHeaders"].split(";")
    headers = "".join(f"{name}:{request.headers[name]}\n" for name in names)
    digest = hashlib.sha256(request.content).hexdigest()
    canonical = "\n".join([request.method, request.url.path, "", headers, ";".join(names), digest])
    moment = request.headers["x-amz-date"]
    scope = [moment[:8], "us-east-1", "q", "aws4_request"]
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, "/".join(scope), hashed])
    key = f"AWS4{secret}".encode()
    for part in [*scope, to_sign]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


@pytest.mark.usefixtures("_credentials")
async def test_signs_what_awss_own_client_signs() -> None:
    request = await signed()
    parts = fields(request)
    assert parts["SignedHeaders"] == SIGNED
    assert parts["Credential"] == f"AKIDEXAMPLE/{request.headers['x-amz-date'][:8]}/us-east-1/q/aws4_request"
    assert request.headers["x-amz-content-sha256"] == hashlib.sha256(BODY).hexdigest()
    assert request.headers["x-amz-security-token"] == "session-token"
    assert request.headers["x-amzn-codewhisperer-optout"] == "true"


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:8123/us-east-1/"])
async def test_the_signature_is_right_by_the_published_steps(url: str) -> None:
    request = await signed(url)
    assert fields(request)["Signature"] == by_the_book(request, "canary-secret-key")


@pytest.mark.usefixtures("_credentials")
async def test_the_signature_is_what_botocore_makes_at_that_moment() -> None:
    request = await signed()
    names = fields(request)["SignedHeaders"].split(";")
    oracle = AWSRequest("POST", URL, headers={name: request.headers[name] for name in names}, data=BODY)
    oracle.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", "canary-secret-key", "session-token"), "q", "us-east-1")
    signature = signer.signature(signer.string_to_sign(oracle, signer.canonical_request(oracle)), oracle)
    assert fields(request)["Signature"] == signature


@pytest.mark.usefixtures("_credentials")
async def test_an_empty_body_is_signed_too() -> None:
    request = await signed(body=b"")
    assert fields(request)["Signature"] == by_the_book(request, "canary-secret-key")


async def test_credentials_without_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    request = await signed()
    assert "x-amz-security-token" not in request.headers
    assert fields(request)["Signature"] == by_the_book(request, "key")


@pytest.mark.usefixtures("_credentials")
async def test_credentials_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = SigV4("us-east-1")
    for _ in range(2):
        flow = auth.async_auth_flow(httpx.Request("POST", URL, content=BODY))
        assert fields(await anext(flow))["Credential"].startswith("AKIDEXAMPLE/")
        await flow.aclose()
        monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)


async def test_a_named_profile_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = key\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    request = httpx.Request("POST", URL, content=BODY)
    flow = SigV4("us-east-1", profile="work").async_auth_flow(request)
    assert fields(await anext(flow))["Credential"].startswith("AKIDWORK/")
    await flow.aclose()


async def test_no_credentials_say_what_to_do() -> None:
    with pytest.raises(LoginRequired, match="no AWS credentials.*aws configure"):
        await signed()


async def test_unusable_credentials_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(LoginRequired, match=r"ProfileNotFound.*AWS_PROFILE"):
        await signed()


@pytest.mark.parametrize("process", ["/nowhere/credentials", "echo not-json"])
async def test_a_failing_credential_process_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: str
) -> None:
    """botocore lets these through as they are; an OSError would be taken for a client that is gone."""
    file = tmp_path / "config"
    file.write_text(f"[default]\ncredential_process = {process}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    with pytest.raises(LoginRequired, match="credentials cannot be used"):
        await signed()


def credential_process(directory: Path, *, expires_in: float) -> tuple[str, Path]:
    """A command that prints credentials of that life, numbered by how often it ran, and where it counts."""
    count, program = directory / "count", directory / "process.py"
    program.write_text(
        "import datetime, json, pathlib\n"
        f"count = pathlib.Path({str(count)!r})\n"
        "number = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (number + 1))\n"
        f"end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds={expires_in})\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'AKIDPROCESS{number}', 'SecretAccessKey': 'canary-key',\n"
        "                  'SessionToken': f'session-{number}', 'Expiration': end.isoformat()}))\n"
    )
    return f"{sys.executable} {program}", count


async def keys_of(auth: SigV4, *, times: int = 2) -> list[str]:
    """The access keys that that many requests are signed with."""
    keys = []
    for _ in range(times):
        flow = auth.async_auth_flow(httpx.Request("POST", URL, content=BODY))
        keys.append(fields(await anext(flow))["Credential"].partition("/")[0])
        await flow.aclose()
    return keys


@pytest.mark.parametrize(("expires_in", "keys"), [(3600, ["0", "0"]), (60, ["1", "2"])])
async def test_credentials_that_end_are_renewed_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expires_in: float, keys: list[str]
) -> None:
    """botocore renews what ends within ten minutes, already when it has just been read."""
    process, count = credential_process(tmp_path, expires_in=expires_in)
    (tmp_path / "config").write_text(f"[profile work]\ncredential_process = {process}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert await keys_of(SigV4("us-east-1", profile="work")) == [f"AKIDPROCESS{number}" for number in keys]
    assert len(count.read_text()) == int(keys[-1]) + 1


async def test_a_role_is_assumed_with_credentials_of_a_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process, _ = credential_process(tmp_path, expires_in=3600)
    (tmp_path / "config").write_text(
        f"[profile base]\ncredential_process = {process}\n"
        "[profile work]\nrole_arn = arn:aws:iam::123456789012:role/q\nsource_profile = base\nregion = us-east-1\n"
    )
    assumed = (
        "<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult><Credentials>"
        "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>canary-role</SecretAccessKey>"
        "<SessionToken>role-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
        "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
    with web_server() as sts:
        sts.script.append(Reply(body=assumed.encode(), headers={"content-type": "text/xml"}))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        assert await keys_of(SigV4("us-east-1", profile="work")) == ["ASIAROLE", "ASIAROLE"]
    (asked,) = sts.asked
    assert b"Action=AssumeRole&" in asked.body
    assert "Credential=AKIDPROCESS0/" in asked.headers["authorization"]


class Refused(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"message": "The security token included in the request is invalid."}'


async def test_keys_that_somebody_has_replaced_are_read_again_when_they_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = OLD\naws_secret_access_key = key\naws_session_token = t\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    seen: list[httpx.Request] = []

    def backend(request: httpx.Request) -> httpx.Response:
        seen.append(httpx.Request(request.method, request.url, headers=request.headers))
        return httpx.Response(403 if "OLD" in request.headers["authorization"] else 200, stream=Refused())

    auth = SigV4("us-east-1")
    async with httpx.AsyncClient(transport=httpx.MockTransport(backend), auth=auth) as http:
        assert (await http.post(URL, headers=SENT, content=BODY)).status_code == 403
        assert len(seen) == 1  # the same keys once more would be refused once more
        file.write_text("[default]\naws_access_key_id = NEW\naws_secret_access_key = key\n")
        assert (await http.post(URL, headers=SENT, content=BODY)).status_code == 200
        assert (await http.post(URL, headers=SENT, content=BODY)).status_code == 200
    assert [fields(request)["Credential"].partition("/")[0] for request in seen] == ["OLD", "OLD", "NEW", "NEW"]
    assert ["x-amz-security-token" in request.headers for request in seen] == [True, True, False, False]


async def test_the_profiles_of_the_awss_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    assert await profiles() == []
    file.write_text("[default]\n[profile work]\n[sso-session x]\n")
    assert await profiles() == ["default", "work"]
    file.write_text("no section\n")
    with pytest.raises(LoginRequired, match="cannot be read"):
        await profiles()


@pytest.mark.usefixtures("_credentials")
async def test_shows_no_secret() -> None:
    auth = SigV4("us-east-1")
    flow = auth.async_auth_flow(httpx.Request("POST", URL, content=BODY))
    request = await anext(flow)
    await flow.aclose()
    assert "canary" not in repr(auth) + repr(vars(auth)) + repr(request.headers.raw)


def test_works_asynchronously_only() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=transport) as http, pytest.raises(TypeError, match="AsyncClient"):
        http.get(URL, auth=SigV4("us-east-1"))


@pytest.mark.usefixtures("_credentials")
async def test_credentials_that_are_there_are_found() -> None:
    await require(None)


async def test_credentials_that_are_not_there_are_missed() -> None:
    with pytest.raises(LoginRequired, match="no AWS credentials"):
        await require(None)
