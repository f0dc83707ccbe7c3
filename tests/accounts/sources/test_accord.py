import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.records import NOW, a_registration, a_token, an_account
from tests.support.sourcefiles import CLI_REGISTRATION, IDC_HASH, cli_token, kiro_members, write_database, write_kiro

from cwproxy.accounts.sources.accord import Accord, Verdict, compared, judge, place_of, seen_in, spent, taken
from cwproxy.accounts.sources.holding import Holding
from cwproxy.errors import SourceError
from cwproxy.store import AccountKind, AccountState, Secret, Source, SourceKind, Store, Token

IDC = {"provider": "Enterprise", "clientIdHash": IDC_HASH}


class Bench:
    """The account `one`, of an Identity Center, lives in a Kiro file, which both have seen."""

    def __init__(self, directory: Path, store: Store) -> None:
        self.directory = directory
        self.path = write_kiro(directory, **IDC)
        self.store = store
        self.accord = Accord(store, now=lambda: NOW)
        holding = place_of(self.source, None).read()
        account = replace(an_account("one", AccountKind.IDENTITY_CENTER), source=self.source)
        store.add(account, taken(None, holding, now=NOW), holding.registration)

    @property
    def source(self) -> Source:
        return Source(SourceKind.KIRO_IDE, str(self.path))

    @property
    def token(self) -> Token:
        token = self.store.token("one")
        assert token is not None
        return token

    def file(self) -> dict[str, object]:
        members: dict[str, object] = json.loads(self.path.read_bytes())
        return members

    def renew_ours(self, number: int) -> Token:
        """As a renewal does that dies before it has told the file."""
        before = self.token
        token = replace(
            a_token(number, generation=before.generation + 1), extra=spent(before.extra, before.refresh_token)
        )
        assert self.store.replace_token("one", token, expected_generation=before.generation)
        return token

    def renew_theirs(self, number: int) -> None:
        self.change(accessToken=f"canary-access-{number}", refreshToken=f"canary-refresh-{number}")

    def change(self, **changes: object) -> None:
        write_kiro(self.directory, **IDC, **changes)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Store.open(tmp_path / "data") as store:
        yield Bench(tmp_path / "cache", store)


def test_nothing_new(bench: Bench) -> None:
    before = bench.token
    bench.accord.pull("one")
    assert bench.token == before


def test_an_account_without_a_source_and_none_at_all(bench: Bench) -> None:
    bench.store.add(an_account("two"), a_token(), a_registration())
    bench.accord.pull("two")
    bench.accord.pull("three")
    account = bench.store.account("two")
    assert account is not None
    assert bench.accord.push(account, a_token(9), spent=None) == a_token(9)
    assert bench.accord.obstacle(account, a_token(), None) is None


def test_what_the_other_program_renewed_is_taken_over(bench: Bench) -> None:
    bench.renew_theirs(1)
    bench.accord.pull("one")
    assert bench.token.access_token == Secret("canary-access-1")
    assert bench.token.refresh_token == Secret("canary-refresh-1")
    assert (bench.token.expires_at, bench.token.generation) == (NOW + 3600, 2)


def test_what_was_renewed_here_reaches_the_file_later(bench: Bench) -> None:
    token = bench.renew_ours(1)
    bench.accord.pull("one")
    assert bench.file()["refreshToken"] == "canary-refresh-1"
    assert bench.token == token
    bench.accord.pull("one")
    assert bench.token.access_token == token.access_token
    before = bench.token
    bench.accord.pull("one")
    assert bench.token == before


def test_two_renewals_that_did_not_reach_the_file(bench: Bench) -> None:
    bench.renew_ours(1)
    bench.renew_ours(2)
    bench.accord.pull("one")
    assert bench.file()["refreshToken"] == "canary-refresh-2"


def test_an_old_copy_that_is_put_back_is_not_believed(bench: Bench) -> None:
    """The token in it is spent; to show it again would end the login (backend-rules.md C 3)."""
    old = bench.path.read_bytes()
    for number in (1, 2, 3):
        bench.accord.pull("one")
        token, before = bench.renew_ours(number), bench.token
        account = bench.store.account("one")
        assert account is not None
        bench.accord.push(account, token, spent=Secret(f"canary-refresh-{number - 1}"))
        assert bench.token == before
    bench.accord.pull("one")
    bench.path.write_bytes(old)
    bench.accord.pull("one")
    assert bench.file()["refreshToken"] == "canary-refresh-3"
    assert bench.token.refresh_token == Secret("canary-refresh-3")


def test_another_login_in_the_file_is_taken_also_when_ours_did_not_reach_it(bench: Bench) -> None:
    bench.renew_ours(1)
    bench.renew_theirs(7)
    bench.accord.pull("one")
    assert bench.token.refresh_token == Secret("canary-refresh-7")


def test_a_correction_beside_the_tokens_is_taken_and_ends_a_refusal(bench: Bench) -> None:
    bench.store.quarantine("one", "refused", expected_generation=1)
    bench.change(region="eu-west-1")
    (account,) = bench.accord.accounts()
    assert (account.sso_region, account.state) == ("eu-west-1", AccountState.ACTIVE)
    registration = bench.store.registration("one")
    assert registration is not None
    assert registration.region == "eu-west-1"
    assert bench.token.access_token == Secret("canary-access-0")


def test_a_correction_while_ours_did_not_reach_the_file(bench: Bench) -> None:
    bench.renew_ours(1)
    bench.change(region="eu-west-1")
    bench.accord.pull("one")
    assert bench.token.refresh_token == Secret("canary-refresh-1")
    bench.accord.pull("one")
    assert (bench.file()["refreshToken"], bench.file()["region"]) == ("canary-refresh-1", "eu-west-1")


def test_a_refused_account_waits_for_something_new(bench: Bench) -> None:
    bench.store.quarantine("one", "refused", expected_generation=1)
    (account,) = bench.accord.accounts()
    assert account.state is AccountState.NEEDS_LOGIN
    bench.path.unlink()
    (account,) = bench.accord.accounts()
    assert account.state is AccountState.NEEDS_LOGIN
    bench.renew_theirs(5)
    (account,) = bench.accord.accounts()
    assert account.state is AccountState.ACTIVE
    assert bench.token.access_token == Secret("canary-access-5")


def test_a_suspension_outlives_a_renewal(bench: Bench) -> None:
    bench.store.set_state("one", AccountState.SUSPENDED, "by AWS")
    bench.renew_theirs(1)
    bench.accord.pull("one")
    (account,) = bench.accord.accounts()
    assert (account.state, account.state_detail) == (AccountState.SUSPENDED, "by AWS")


def test_a_push_reaches_the_file(bench: Bench) -> None:
    token, account = bench.renew_ours(1), bench.store.account("one")
    assert account is not None
    assert bench.accord.push(account, token, spent=Secret("canary-refresh-0")) == token
    assert bench.file() == kiro_members(
        accessToken="canary-access-1", refreshToken="canary-refresh-1", expiresAt="2025-06-15T16:06:40.000Z", **IDC
    )


def test_a_push_finds_a_newer_login(bench: Bench) -> None:
    token, account = bench.renew_ours(1), bench.store.account("one")
    assert account is not None
    bench.renew_theirs(7)
    counts = bench.accord.push(account, token, spent=Secret("canary-refresh-0"))
    assert counts.refresh_token == Secret("canary-refresh-7")
    assert bench.file()["refreshToken"] == "canary-refresh-7"


def test_a_push_that_fails_is_made_good(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    token, account = bench.renew_ours(1), bench.store.account("one")
    assert account is not None
    whole = bench.path.read_bytes()
    bench.path.unlink()
    assert bench.accord.push(account, token, spent=Secret("canary-refresh-0")) == token
    assert "the Kiro IDE has not got the renewed login" in caplog.text
    assert "canary" not in caplog.text
    bench.path.write_bytes(whole)
    bench.accord.pull("one")
    assert bench.file()["refreshToken"] == "canary-refresh-1"


def test_a_login_of_another_kind(bench: Bench) -> None:
    write_kiro(bench.directory, authMethod="social", provider="Google", clientIdHash=None, refreshToken="r")
    with pytest.raises(SourceError, match=r"now holds a login of another kind \(social\)"):
        bench.accord.pull("one")
    assert bench.token.refresh_token == Secret("canary-refresh-0")


def test_only_a_refresh_token(bench: Bench) -> None:
    bench.change(accessToken=None, refreshToken="canary-refresh-3")
    bench.accord.pull("one")
    assert (bench.token.expires_at, bench.token.refresh_token) == (0.0, Secret("canary-refresh-3"))


def test_the_obstacles(bench: Bench) -> None:
    account = bench.store.account("one")
    assert account is not None
    obstacle = bench.accord.obstacle
    assert obstacle(account, a_token(), a_registration()) is None
    assert obstacle(replace(account, kind=AccountKind.SOCIAL), a_token(), None) is None
    assert "lacks what is needed" in (obstacle(account, a_token(), None) or "")
    external = replace(account, kind=AccountKind.EXTERNAL_IDP, start_url=None)
    assert "lacks what is needed" in (obstacle(external, a_token(), a_registration()) or "")
    assert obstacle(replace(external, start_url="https://idp/token"), a_token(), a_registration()) is None
    assert "lacks what is needed" in (obstacle(account, replace(a_token(), refresh_token=None), a_registration()) or "")
    bench.path.chmod(0o400)
    assert "has to be renewed by the Kiro IDE: cwproxy cannot write" in (
        obstacle(account, a_token(), a_registration()) or ""
    )


@pytest.mark.parametrize("kind", [SourceKind.Q_CLI, SourceKind.KIRO_CLI])
def test_a_database(tmp_path: Path, kind: SourceKind) -> None:
    rows = {"codewhisperer:odic:token": cli_token(), "codewhisperer:odic:device-registration": dict(CLI_REGISTRATION)}
    path = write_database(tmp_path / "data.sqlite3", rows)
    place = place_of(Source(kind, str(path)), AccountKind.BUILDER_ID)
    assert place.read().kind is AccountKind.BUILDER_ID
    assert place.write(a_token(1), held=Secret("canary-refresh-0"))


def test_an_end_that_is_not_said_is_believed_to_be_an_hour_off() -> None:
    assert taken(None, holding(0), now=NOW).expires_at == NOW + 3600
    assert taken(None, replace(holding(0), expires_at=5.0), now=NOW).expires_at == 5.0


def test_what_else_is_noted_stays() -> None:
    extra = compared(Secret('{"other": 1}'), holding(0))
    assert json.loads(extra.reveal())["other"] == 1
    assert spent(None, Secret("x")) is None
    assert spent(extra, None) is extra
    assert "canary" not in extra.reveal()
    assert seen_in(Secret("{}")) is None


def holding(number: int, region: str = "us-east-1") -> Holding:
    return Holding(
        AccountKind.BUILDER_ID, Secret(f"canary-access-{number}"), Secret(f"canary-refresh-{number}"), region=region
    )


@given(st.lists(st.sampled_from(["ours", "lost", "theirs", "restore", "pull", "detail"]), max_size=25))
def test_whoever_renews_and_wherever_it_is_cut_off_the_newest_token_wins(steps: list[str]) -> None:
    """A model of two programs and a service: `newest` is the only refresh token that is not spent."""
    newest, region = 0, 0
    file = holding(0)
    old_file = file
    stored = taken(None, file, now=NOW)

    def pull() -> None:
        nonlocal stored, file
        match judge(stored, seen_in(stored.extra), file):
            case Verdict.OURS:
                file = replace(file, access_token=stored.access_token, refresh_token=stored.refresh_token)
            case Verdict.DETAILS:
                stored = replace(stored, extra=compared(stored.extra, file))
            case Verdict.THEIRS:
                stored = taken(stored, file, now=NOW)
            case Verdict.UNCHANGED:
                pass

    for step in steps:
        if step in ("ours", "lost"):
            pull()
            assert stored.refresh_token == Secret(f"canary-refresh-{newest}")
            old_file, newest = file, newest + 1
            stored = replace(a_token(newest), extra=spent(stored.extra, stored.refresh_token))
            if step == "ours":
                file = replace(file, access_token=stored.access_token, refresh_token=stored.refresh_token)
        elif step == "theirs" and file.refresh_token == Secret(f"canary-refresh-{newest}"):
            newest += 1
            file = replace(holding(newest), region=file.region)
            old_file = file
        elif step == "restore":
            file = old_file
        elif step == "detail":
            region += 1
            file = replace(file, region=f"us-east-{region}")
        elif step == "pull":
            pull()
    pull()
    pull()
    assert stored.refresh_token == file.refresh_token == Secret(f"canary-refresh-{newest}")


def test_what_is_said_at_the_start(bench: Bench) -> None:
    bench.store.add(an_account("two"), a_token(), a_registration())
    assert bench.accord.warnings() == []
    bench.path.chmod(0o400)
    (warning,) = bench.accord.warnings()
    assert "cannot write" in warning
    bench.path.unlink()
    (warning,) = bench.accord.warnings()
    assert "is not there" in warning
