import json
import sqlite3
import threading
from pathlib import Path

import pytest
from tests.support.records import NOW, a_token
from tests.support.sourcefiles import CLI_REGISTRATION, cli_token, put_rows, row_of, write_database
from tests.support.unprivileged import closed_directory, unprivileged

from cwproxy.accounts.sources.cli_database import CliDatabase
from cwproxy.errors import SourceError
from cwproxy.store import AccountKind, Registration, Secret

Q, KIRO, SOCIAL = "codewhisperer:odic:token", "kirocli:odic:token", "kirocli:social:token"
IDC = {"start_url": "https://d-1.awsapps.com/start", "region": "eu-west-1"}
ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"


def registered(token: str, **changes: object) -> dict[str, object]:
    return {token: cli_token(**changes), token.replace(":token", ":device-registration"): dict(CLI_REGISTRATION)}


def test_the_builder_id_of_the_q_cli(tmp_path: Path) -> None:
    path = write_database(tmp_path / "data.sqlite3", registered(Q), {"api.codewhisperer.profile": {"arn": ARN}})
    holding = CliDatabase(path).read()
    assert holding.kind is AccountKind.BUILDER_ID
    assert holding.access_token == Secret("canary-access-0")
    assert holding.refresh_token == Secret("canary-refresh-0")
    assert holding.expires_at is not None
    assert int(holding.expires_at) == NOW + 3600
    assert (holding.region, holding.start_url) == ("us-east-1", "https://view.awsapps.com/start")
    assert holding.profile_arn is None
    assert holding.registration == Registration(
        "client-0",
        Secret("canary-client-secret-0"),
        NOW + 90 * 86_400,
        "us-east-1",
        ("codewhisperer:completions",),
    )


@pytest.mark.parametrize("profile", [{"arn": ARN, "profile_name": "x"}, {"arn": ARN, "profileName": "x"}])
def test_the_identity_center_of_the_kiro_cli(tmp_path: Path, profile: dict[str, object]) -> None:
    path = write_database(
        tmp_path / "data.sqlite3", registered(KIRO, **IDC), {"api.codewhisperer.profile": json.dumps(profile).encode()}
    )
    holding = CliDatabase(path).read()
    assert holding.kind is AccountKind.IDENTITY_CENTER
    assert (holding.start_url, holding.region) == ("https://d-1.awsapps.com/start", "eu-west-1")
    assert holding.profile_arn == ARN


def test_the_social_login_of_the_kiro_cli(tmp_path: Path) -> None:
    token = {"access_token": "a", "refresh_token": "r", "expires_at": "x", "provider": "google", "profile_arn": ARN}
    holding = CliDatabase(write_database(tmp_path / "data.sqlite3", {SOCIAL: token})).read()
    assert (holding.kind, holding.profile_arn, holding.expires_at) == (AccountKind.SOCIAL, ARN, None)
    assert (holding.registration, holding.region, holding.start_url) == (None, None, None)


def test_of_two_logins_the_later_one_counts_unless_it_is_said_which(tmp_path: Path) -> None:
    rows = {
        SOCIAL: cli_token(access_token="social", expires_at="2025-06-15T15:00:00Z"),
        KIRO: cli_token(access_token="oidc", expires_at="2025-06-15T16:00:00Z"),
    }
    path = write_database(tmp_path / "data.sqlite3", rows)
    assert CliDatabase(path).read().access_token == Secret("oidc")
    assert CliDatabase(path, social=True).read().access_token == Secret("social")
    assert CliDatabase(path, social=False).read().access_token == Secret("oidc")


def test_a_registration_of_another_name_is_good_enough(tmp_path: Path) -> None:
    rows = {KIRO: cli_token(), "codewhisperer:odic:device-registration": {**CLI_REGISTRATION, "region": None}}
    holding = CliDatabase(write_database(tmp_path / "data.sqlite3", rows)).read()
    assert holding.registration is not None
    assert holding.registration.region == "us-east-1"


def test_no_registration(tmp_path: Path) -> None:
    rows = {KIRO: cli_token(), "kirocli:odic:device-registration": {"client_id": "x"}}
    assert CliDatabase(write_database(tmp_path / "data.sqlite3", rows)).read().registration is None


@pytest.mark.parametrize("raw", [str, bytes])
def test_writing_changes_the_tokens_only(tmp_path: Path, raw: type[str] | type[bytes]) -> None:
    text = json.dumps(cli_token(future=[1], expires_at=1_750_003_600), separators=(",", ":"))
    value = text if raw is str else text.encode()
    path = write_database(tmp_path / "data.sqlite3", {KIRO: value, "other": "x"})
    assert CliDatabase(path).write(a_token(1, expires_at=NOW + 7200), held=Secret("canary-refresh-0"))
    assert row_of(path, KIRO) == cli_token(
        access_token="canary-access-1", refresh_token="canary-refresh-1", expires_at=1_750_007_200, future=[1]
    )
    database = sqlite3.connect(path)
    assert database.execute("SELECT typeof(value) FROM auth_kv WHERE key = ?", (KIRO,)).fetchone() == (
        "text" if raw is str else "blob",
    )
    database.close()


def test_what_somebody_else_wrote_is_not_overwritten(tmp_path: Path) -> None:
    path = write_database(tmp_path / "data.sqlite3", {KIRO: cli_token(refresh_token="canary-theirs")})
    assert not CliDatabase(path).write(a_token(1), held=Secret("canary-refresh-0"))
    assert not CliDatabase(path).write(a_token(1), held=None)
    assert row_of(path, KIRO) == cli_token(refresh_token="canary-theirs")


@pytest.mark.parametrize("write_ahead", [False, True])
def test_the_owner_writes_at_any_time(tmp_path: Path, write_ahead: bool) -> None:
    """It never finds the database locked by our reading."""
    path = write_database(tmp_path / "data.sqlite3", {KIRO: cli_token()}, write_ahead=write_ahead)
    end = threading.Event()

    def read() -> None:
        while not end.is_set():
            CliDatabase(path).read()
            end.wait(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    owner = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        for number in range(200):
            put_rows(owner, "auth_kv", {KIRO: cli_token(access_token=f"canary-{number}")})
    finally:
        end.set()
        reader.join()
        owner.close()
    assert CliDatabase(path).read().access_token == Secret("canary-199")


def test_a_log_that_was_not_moved_yet_is_read(tmp_path: Path) -> None:
    path = write_database(tmp_path / "data.sqlite3", {KIRO: cli_token()}, write_ahead=True)
    owner = sqlite3.connect(path, isolation_level=None)
    put_rows(owner, "auth_kv", {KIRO: cli_token(access_token="canary-new")})
    assert (tmp_path / "data.sqlite3-wal").stat().st_size > 0
    assert CliDatabase(path).read().access_token == Secret("canary-new")
    owner.close()


def test_a_directory_that_takes_no_log() -> None:
    with closed_directory() as directory:
        path = write_database(directory / "data.sqlite3", {KIRO: cli_token()}, write_ahead=True)
        path.chmod(0o444)
        with unprivileged(directory):
            assert CliDatabase(path).read().access_token == Secret("canary-access-0")
            assert CliDatabase(path).obstacle() == "the file is read-only"
            with pytest.raises(SourceError, match="cannot be written"):
                CliDatabase(path).write(a_token(1), held=Secret("canary-refresh-0"))


def test_a_log_that_cannot_be_read_is_not_passed_over() -> None:
    with closed_directory() as directory:
        path = write_database(directory / "data.sqlite3", {KIRO: cli_token()}, write_ahead=True)
        (directory / "data.sqlite3-wal").write_bytes(b"something")
        path.chmod(0o444)
        with unprivileged(directory), pytest.raises(SourceError, match="cannot be read"):
            CliDatabase(path).read()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        CliDatabase(tmp_path / "none").read()
    (tmp_path / "text").write_text("this is no database, whatever its name says")
    with pytest.raises(SourceError, match="cannot be read"):
        CliDatabase(tmp_path / "text").read()
    with pytest.raises(SourceError, match="cannot be written"):
        CliDatabase(tmp_path / "text").write(a_token(), held=None)
    with pytest.raises(SourceError, match="holds no login"):
        CliDatabase(write_database(tmp_path / "empty", {})).read()
    with pytest.raises(SourceError, match="is not whole") as caught:
        CliDatabase(write_database(tmp_path / "broken", {KIRO: '{"access_token": "canary-'})).read()
    assert "canary" not in str(caught.value)
    with pytest.raises(SourceError, match="neither"):
        CliDatabase(write_database(tmp_path / "hollow", {KIRO: {"region": "us-east-1"}})).read()


def test_the_obstacle(tmp_path: Path) -> None:
    path = write_database(tmp_path / "data.sqlite3", {KIRO: cli_token()})
    place = CliDatabase(path)
    assert place.path == path
    assert place.obstacle() is None
    path.chmod(0o444)
    assert place.obstacle() == "the file is read-only"
