from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.records import NOW
from tests.support.sourcefiles import IDC_HASH, cli_token, write_database, write_kiro

from cwproxy.accounts.sources.importing import Wanted, notice, put, source_at
from cwproxy.errors import LoginFailed, SourceError
from cwproxy.store import AccountKind, Secret, Source, SourceKind, Store

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"
IDC = {"provider": "Enterprise", "clientIdHash": IDC_HASH}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as store:
        yield store


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    assert source_at(write_kiro(tmp_path)).kind is SourceKind.KIRO_IDE
    q = write_database(tmp_path / "amazon-q" / "data.sqlite3", {"x": "y"})
    assert source_at(q) == Source(SourceKind.Q_CLI, str(q))
    for name in ("kiro-cli", "Kiro-Cli"):
        assert source_at(write_database(tmp_path / name / "data.sqlite3", {"x": "y"})).kind is SourceKind.KIRO_CLI
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        source_at(tmp_path / "none")


def test_a_shared_one(tmp_path: Path, store: Store) -> None:
    wanted = Wanted(source_at(write_kiro(tmp_path, **IDC, region="eu-west-1")), label="work", profile_arn=ARN)
    account, is_new = put(store, wanted, now=NOW)
    assert is_new
    assert store.account(account.id) == account
    assert (account.kind, account.label, account.sso_region) == (AccountKind.IDENTITY_CENTER, "work", "eu-west-1")
    assert (account.profile_arn, account.source) == (ARN, wanted.source)
    token = store.token(account.id)
    assert token is not None
    assert token.refresh_token == Secret("canary-refresh-0")
    assert store.registration(account.id) is not None
    assert put(store, wanted, now=NOW) == (account, False)


def test_a_copy(tmp_path: Path, store: Store) -> None:
    wanted = Wanted(source_at(write_kiro(tmp_path)), share=False)
    account, is_new = put(store, wanted, now=NOW)
    token = store.token(account.id)
    assert (is_new, account.source, account.label) == (True, None, "kiro-ide")
    assert token is not None
    assert token.extra is None
    assert put(store, wanted, now=NOW) == (account, False)
    assert put(store, replace(wanted, share=True), now=NOW) == (account, False)


def test_another_login_beside_it(tmp_path: Path, store: Store) -> None:
    put(store, Wanted(source_at(write_kiro(tmp_path / "a")), share=False), now=NOW)
    other = write_kiro(tmp_path / "b", refreshToken="canary-refresh-9")
    assert put(store, Wanted(source_at(other), share=False), now=NOW)[1]


def test_how_the_login_was_made_has_to_be_known(tmp_path: Path, store: Store) -> None:
    wanted = Wanted(source_at(write_kiro(tmp_path, authMethod=None, provider=None, clientIdHash=None)))
    with pytest.raises(LoginFailed, match="Say it with --kind"):
        put(store, wanted, now=NOW)
    account, _ = put(store, replace(wanted, kind=AccountKind.SOCIAL), now=NOW)
    assert account.kind is AccountKind.SOCIAL


def test_a_surface_that_takes_no_tokens_is_refused(tmp_path: Path, store: Store) -> None:
    with pytest.raises(LoginFailed, match="q-iam takes AWS credentials"):
        put(store, Wanted(source_at(write_kiro(tmp_path)), surface="q-iam"), now=NOW)
    assert store.accounts() == []


def test_the_region_has_to_be_known_where_there_is_more_than_one(tmp_path: Path, store: Store) -> None:
    wanted = Wanted(source_at(write_kiro(tmp_path, **{**IDC, "clientIdHash": None}, region=None)))
    with pytest.raises(LoginFailed, match="Say it with --region"):
        put(store, wanted, now=NOW)
    assert put(store, replace(wanted, region="eu-west-1"), now=NOW)[0].sso_region == "eu-west-1"
    social = write_kiro(tmp_path / "social", authMethod="social", region=None)
    assert put(store, Wanted(source_at(social)), now=NOW)[0].sso_region == "us-east-1"


def test_what_the_person_is_told(tmp_path: Path) -> None:
    path = write_database(tmp_path / "kiro-cli" / "data.sqlite3", {"kirocli:odic:token": cli_token()})
    source = source_at(path)
    assert "both renew it" in notice(source, AccountKind.BUILDER_ID, share=True)
    assert "the Kiro CLI" in notice(source, AccountKind.BUILDER_ID, share=True)
    assert "This is a copy" in notice(source, AccountKind.BUILDER_ID, share=False)
    path.chmod(0o400)
    assert "only reads it" in notice(source, AccountKind.BUILDER_ID, share=True)
