import json
import math
import threading
from pathlib import Path
from stat import S_IMODE

import pytest
from tests.support.records import NOW, a_token
from tests.support.sourcefiles import EXPIRES, IDC_HASH, kiro_members, write_kiro, write_registration

from cwproxy.accounts.sources.kiro_file import KiroFile, kind_of
from cwproxy.errors import SourceError
from cwproxy.store import AccountKind, Registration, Secret


def test_a_builder_id(tmp_path: Path) -> None:
    holding = KiroFile(write_kiro(tmp_path)).read()
    assert holding.kind is AccountKind.BUILDER_ID
    assert holding.access_token == Secret("canary-access-0")
    assert holding.refresh_token == Secret("canary-refresh-0")
    assert holding.expires_at == NOW + 3600
    assert (holding.region, holding.profile_arn) == ("us-east-1", None)
    assert holding.start_url == "https://view.awsapps.com/start"
    assert holding.registration == Registration(
        "client-0", Secret("canary-client-secret-0"), NOW + 90 * 86_400, "us-east-1", ()
    )


def test_an_identity_center(tmp_path: Path) -> None:
    path = write_kiro(tmp_path, provider="Enterprise", clientIdHash=IDC_HASH, region="eu-west-1")
    holding = KiroFile(path).read()
    assert (holding.kind, holding.region) == (AccountKind.IDENTITY_CENTER, "eu-west-1")
    assert holding.registration is not None
    assert holding.registration.region == "eu-west-1"


def test_a_social_login_has_no_registration(tmp_path: Path) -> None:
    path = write_kiro(tmp_path, authMethod="social", provider="Google", profileArn="arn:x", region=None)
    holding = KiroFile(path).read()
    assert (holding.kind, holding.profile_arn) == (AccountKind.SOCIAL, "arn:x")
    assert holding.registration is None
    assert holding.region is None


def test_an_external_identity_provider(tmp_path: Path) -> None:
    path = write_kiro(
        tmp_path,
        authMethod="external_idp",
        provider="ExternalIdp",
        clientIdHash=None,
        clientId="azure-client",
        tokenEndpoint="https://login.example.com/t/oauth2/v2.0/token",
        issuerUrl="https://login.example.com/t/v2.0",
        scopes="api://x/codewhisperer:conversations offline_access",
    )
    holding = KiroFile(path).read()
    assert holding.kind is AccountKind.EXTERNAL_IDP
    assert holding.start_url == "https://login.example.com/t/oauth2/v2.0/token"
    assert holding.registration == Registration(
        "azure-client",
        Secret(""),
        math.inf,
        "us-east-1",
        ("api://x/codewhisperer:conversations", "offline_access"),
    )


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"provider": None}, AccountKind.BUILDER_ID),
        ({"provider": None, "clientIdHash": IDC_HASH}, AccountKind.IDENTITY_CENTER),
        ({"provider": "Internal"}, AccountKind.IDENTITY_CENTER),
        ({"authMethod": "builder-id", "provider": None}, AccountKind.BUILDER_ID),
        ({"authMethod": None, "provider": "Github"}, AccountKind.SOCIAL),
        ({"authMethod": "SOCIAL"}, AccountKind.SOCIAL),
        ({"authMethod": None, "provider": None, "clientIdHash": None}, None),
        ({"authMethod": "something-new"}, None),
    ],
)
def test_the_kind_is_said_and_not_guessed(changes: dict[str, object], kind: AccountKind | None) -> None:
    assert kind_of(kiro_members(**changes)) is kind


@pytest.mark.parametrize("value", [None, "", "Invalid Date", 0])
def test_no_end_is_said(tmp_path: Path, value: object) -> None:
    path = write_kiro(tmp_path, expiresAt=value)
    assert KiroFile(path).read().expires_at is None
    assert KiroFile(path).write(a_token(1), held=Secret("canary-refresh-0"))
    assert json.loads(path.read_bytes())["expiresAt"] == EXPIRES


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    path = write_kiro(tmp_path)
    path.write_text(path.read_text().replace("\n", "\r\n"), encoding=encoding)
    registration = next(item for item in tmp_path.iterdir() if item != path)
    registration.write_text(registration.read_text(), encoding=encoding)
    holding = KiroFile(path).read()
    assert holding.registration is not None
    assert KiroFile(path).write(a_token(1), held=Secret("canary-refresh-0"))
    # Without a mark, which Kiro itself cannot read (backend-rules.md C 7).
    assert json.loads(path.read_text("utf-8")) == kiro_members(
        accessToken="canary-access-1", refreshToken="canary-refresh-1", expiresAt=EXPIRES
    )


def test_unknown_members_and_the_mode_stay(tmp_path: Path) -> None:
    path = write_kiro(tmp_path, future={"a": [1, None]}, zebra="ä")
    path.chmod(0o640)
    assert KiroFile(path).write(a_token(1), held=Secret("canary-refresh-0"))
    expected = kiro_members(
        accessToken="canary-access-1", refreshToken="canary-refresh-1", future={"a": [1, None]}, zebra="ä"
    )
    assert json.loads(path.read_text("utf-8")) == expected
    assert S_IMODE(path.stat().st_mode) == 0o640


def test_an_answer_without_a_refresh_token_leaves_it(tmp_path: Path) -> None:
    path = write_kiro(tmp_path)
    token = a_token(1)
    without = type(token)(token.access_token, None, token.expires_at)
    assert KiroFile(path).write(without, held=Secret("canary-refresh-0"))
    assert json.loads(path.read_bytes())["refreshToken"] == "canary-refresh-0"


def test_what_somebody_else_wrote_is_not_overwritten(tmp_path: Path) -> None:
    path = write_kiro(tmp_path, refreshToken="canary-refresh-theirs")
    before = path.read_bytes()
    assert not KiroFile(path).write(a_token(1), held=Secret("canary-refresh-0"))
    assert not KiroFile(path).write(a_token(1), held=None)
    assert path.read_bytes() == before


def test_half_a_file_is_waited_for(tmp_path: Path) -> None:
    path = write_kiro(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    owner = threading.Timer(0.05, path.write_bytes, (whole,))
    owner.start()
    assert KiroFile(path).read().refresh_token == Secret("canary-refresh-0")
    owner.join()


def test_a_file_that_stays_broken(tmp_path: Path) -> None:
    path = write_kiro(tmp_path)
    path.write_bytes(b'{"accessToken": "canary-')
    with pytest.raises(SourceError, match="is not whole") as caught:
        KiroFile(path).read()
    assert "canary" not in str(caught.value)
    with pytest.raises(SourceError):
        KiroFile(path).write(a_token(1), held=None)
    assert path.read_bytes() == b'{"accessToken": "canary-'


def test_no_tokens_at_all(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="neither an accessToken nor a refreshToken"):
        KiroFile(write_kiro(tmp_path, accessToken=None, refreshToken="")).read()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "x" * 200])
def test_the_registration_lies_beside_it_and_nowhere_else(tmp_path: Path, name: str) -> None:
    (tmp_path / "cache").mkdir()
    path = write_kiro(tmp_path / "cache")
    path.write_text(json.dumps(kiro_members(clientIdHash=name)))
    write_registration(tmp_path / "secret.json")
    with pytest.raises(SourceError, match="clientIdHash that is none"):
        KiroFile(path).read()


def test_a_registration_that_is_missing(tmp_path: Path) -> None:
    path = write_kiro(tmp_path)
    next(item for item in tmp_path.iterdir() if item != path).unlink()
    with pytest.raises(SourceError, match=r"[0-9a-f]{40}\.json is not there"):
        KiroFile(path).read()
    path.write_text(json.dumps(kiro_members(clientId="inside", clientSecret="canary-inside")))
    holding = KiroFile(path).read()
    assert holding.registration == Registration("inside", Secret("canary-inside"), math.inf, "us-east-1", ())


def test_no_registration_is_named(tmp_path: Path) -> None:
    assert KiroFile(write_kiro(tmp_path, clientIdHash=None)).read().registration is None


def test_the_obstacle(tmp_path: Path) -> None:
    path = write_kiro(tmp_path)
    place = KiroFile(path)
    assert place.path == path
    assert place.obstacle() is None
    path.chmod(0o444)
    assert place.obstacle() == "the file is read-only"
