from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.records import NOW
from tests.support.sourcefiles import IDC_HASH, write_kiro

from cwproxy.accounts.declarations import Provider, declarations
from cwproxy.accounts.declaring import apply
from cwproxy.accounts.sources.importing import Wanted, put, source_at
from cwproxy.errors import SettingsError
from cwproxy.store import AccountKind, AccountState, Secret, Store

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"


def provider(path: Path | str, **more: object) -> Provider:
    return Provider.model_validate({"type": "kiro", "authentication": {"tokenFilePath": str(path)}, **more})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as store:
        yield store


def test_one_provider_is_one_account(tmp_path: Path, store: Store) -> None:
    path = write_kiro(tmp_path / "a", provider="Enterprise", clientIdHash=IDC_HASH)
    declared = provider(path, name="work", profileArn=ARN, region="eu-west-1", surface="kiro", weight=2)
    apply(store, declarations([declared], tmp_path), now=NOW)
    (account,) = store.accounts()
    assert account.id == declarations([provider(path)], tmp_path)[0].account_id
    assert (account.label, account.kind, account.declared) == ("work", AccountKind.IDENTITY_CENTER, True)
    assert (account.profile_arn, account.surface, account.weight) == (ARN, "kiro", 2.0)
    assert account.sso_region == "us-east-1", "the login knows better than the file"
    token = store.token(account.id)
    assert token is not None
    assert token.refresh_token == Secret("canary-refresh-0")


def test_what_is_declared_no_more_is_gone_and_nothing_else(tmp_path: Path, store: Store) -> None:
    imported = put(store, Wanted(source_at(write_kiro(tmp_path / "own"))), now=NOW)[0]
    one, two = (provider(write_kiro(tmp_path / name)) for name in "ab")
    apply(store, declarations([one, two], tmp_path), now=NOW)
    assert len(store.accounts()) == 3
    apply(store, declarations([two], tmp_path), now=NOW)
    assert len(store.accounts()) == 3, "it may be another machine's"
    apply(store, declarations([two], tmp_path), now=NOW, forget=True)
    assert {account.declared for account in store.accounts()} == {True, False}
    apply(store, [], now=NOW, forget=True)
    assert store.accounts() == [imported]


def test_a_changed_declaration_changes_the_account_and_keeps_its_login(tmp_path: Path, store: Store) -> None:
    path = write_kiro(tmp_path / "a")
    apply(store, declarations([provider(path)], tmp_path), now=NOW)
    (before,) = store.accounts()
    store.set_state(before.id, AccountState.SUSPENDED, "by AWS")
    store.set_disabled(before.id, True)
    apply(store, declarations([provider(path, name="x", weight=5)], tmp_path), now=NOW + 1)
    (after,) = store.accounts()
    assert (after.id, after.label, after.weight) == (before.id, "x", 5.0)
    assert (after.state, after.disabled, after.created_at) == (AccountState.SUSPENDED, True, NOW)


def test_a_login_of_another_kind_at_the_same_place(tmp_path: Path, store: Store) -> None:
    path = write_kiro(tmp_path / "a")
    apply(store, declarations([provider(path)], tmp_path), now=NOW)
    write_kiro(tmp_path / "a", authMethod="social", refreshToken="canary-social")
    apply(store, declarations([provider(path)], tmp_path), now=NOW)
    (account,) = store.accounts()
    token = store.token(account.id)
    assert account.kind is AccountKind.SOCIAL
    token = store.token(account.id)
    assert token is not None
    assert token.refresh_token == Secret("canary-social")
    assert token.generation == 2, "a running server has one of the first login"


def test_a_login_that_was_never_there_is_left_out_and_one_that_was_is_kept(tmp_path: Path, store: Store) -> None:
    path = write_kiro(tmp_path / "a")
    declared = declarations([provider(path)], tmp_path)
    whole = path.read_bytes()
    path.unlink()
    other = declarations([provider(path), provider(write_kiro(tmp_path / "b"))], tmp_path)
    (sentence,) = apply(store, other, now=NOW)
    assert sentence.startswith("providers.0.authentication.tokenFilePath: ") and "cannot be read" in sentence
    assert [account.source.path for account in store.accounts() if account.source] == [str(other[1].path)]
    path.write_bytes(whole)
    apply(store, declared, now=NOW, forget=True)
    path.write_bytes(whole[:40])
    apply(store, declared, now=NOW, forget=True)
    assert len(store.accounts()) == 1


def test_what_a_login_does_not_say_has_to_be_declared(tmp_path: Path, store: Store) -> None:
    path = write_kiro(tmp_path / "a", authMethod=None, provider=None, clientIdHash=None)
    with pytest.raises(SettingsError, match=r"^providers\.0: .* does not say how"):
        apply(store, declarations([provider(path)], tmp_path), now=NOW)
    apply(store, declarations([provider(path, kind="social")], tmp_path), now=NOW)
    assert store.accounts()[0].kind is AccountKind.SOCIAL


def test_twice(tmp_path: Path, store: Store) -> None:
    path = write_kiro(tmp_path / "a")
    with pytest.raises(SettingsError, match=r"providers\.1\.authentication\.tokenFilePath: .* at providers\.0 already"):
        declarations([provider(path), provider(path)], tmp_path)
    put(store, Wanted(source_at(path), label="mine"), now=NOW)
    with pytest.raises(SettingsError, match="is imported already, as account 'mine'"):
        apply(store, declarations([provider(path)], tmp_path), now=NOW)
