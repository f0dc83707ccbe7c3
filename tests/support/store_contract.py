"""What every store of accounts and tokens does. Subclass it and say in `open_store` how one is opened."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from msgspec.structs import replace
from tests.support.records import NOW, a_registration, a_token, an_account

from cwproxy.errors import StoreError
from cwproxy.store import AccountKind, AccountState, Reservation, Secret, Source, SourceKind, Store, Token

OpenStore = Callable[[], AbstractContextManager[Store]]


class StoreContract:
    @pytest.fixture
    def store(self, open_store: OpenStore) -> Iterator[Store]:
        with open_store() as store:
            yield store

    def test_is_empty_at_first(self, store: Store) -> None:
        assert store.accounts() == []
        assert store.account("one") is None
        assert store.token("one") is None
        assert store.registration("one") is None

    def test_keeps_an_account_over_a_restart(self, open_store: OpenStore) -> None:
        account = an_account(surface="kiro", profile_arn="arn:aws:codewhisperer:us-east-1:1:profile/A")
        with open_store() as store:
            store.add(account, a_token(), a_registration())
        with open_store() as store:
            assert store.accounts() == [account]
            assert store.account("one") == account
            assert store.token("one") == a_token()
            assert store.registration("one") == a_registration()

    def test_keeps_an_account_without_tokens(self, store: Store) -> None:
        store.add(an_account(kind=AccountKind.IAM))
        assert store.accounts()[0].kind is AccountKind.IAM
        assert store.token("one") is None

    def test_keeps_a_token_without_a_refresh_token(self, store: Store) -> None:
        token = Token(Secret("canary-access"), None, NOW)
        store.add(an_account(), token)
        assert store.token("one") == token

    def test_lists_the_oldest_first(self, store: Store) -> None:
        store.add(an_account("new", created_at=2.0))
        store.add(an_account("old", created_at=1.0))
        assert [account.id for account in store.accounts()] == ["old", "new"]

    def test_refuses_an_id_twice_and_keeps_the_first(self, store: Store) -> None:
        store.add(an_account(), a_token(1))
        with pytest.raises(StoreError) as caught:
            store.add(an_account(label="other"), a_token(2))
        assert "canary" not in caught.value.message
        assert store.accounts() == [an_account()]
        assert store.token("one") == a_token(1)

    def test_changes_state_profile_and_surface(self, store: Store) -> None:
        store.add(an_account())
        assert store.set_state("one", AccountState.SUSPENDED, "by AWS")
        assert store.set_profile("one", "arn:x")
        assert store.set_surface("one", "q")
        account = store.accounts()[0]
        assert (account.state, account.state_detail) == (AccountState.SUSPENDED, "by AWS")
        assert (account.profile_arn, account.surface) == ("arn:x", "q")

    def test_revises_what_is_said_of_an_account(self, store: Store) -> None:
        store.add(an_account())
        store.set_state("one", AccountState.SUSPENDED, "by AWS")
        store.set_disabled("one", True)
        before = store.accounts()[0]
        source = Source(SourceKind.KIRO_IDE, "/a/file")
        wanted = replace(
            before,
            label="x",
            sso_region="eu-west-1",
            start_url="y",
            profile_arn="z",
            surface="q",
            source=source,
            weight=2.0,
        )
        assert store.revise(replace(wanted, state=AccountState.ACTIVE, disabled=False))
        assert store.accounts() == [wanted]

    def test_says_that_an_account_is_missing(self, store: Store) -> None:
        assert not store.set_state("one", AccountState.ACTIVE)
        assert not store.set_profile("one", None)
        assert not store.set_surface("one", None)
        assert not store.revise(an_account())
        assert not store.remove("one")
        assert not store.replace_token("one", a_token(generation=2), expected_generation=1)
        assert not store.replace_login("one", a_token(), a_registration())
        assert not store.quarantine("one", "why", expected_generation=1)
        assert not store.reserve("one", expected_generation=1, started_at=NOW)
        with pytest.raises(StoreError):
            store.save_registration("one", a_registration())

    def test_removes_everything_of_one_account(self, store: Store) -> None:
        store.add(an_account("one"), a_token(1), a_registration())
        store.add(an_account("two"), a_token(2), a_registration())
        store.reserve("one", expected_generation=1, started_at=NOW)
        assert store.remove("one")
        assert [account.id for account in store.accounts()] == ["two"]
        assert store.token("one") is None
        assert store.registration("one") is None
        assert store.unfinished("one") is None
        assert store.token("two") == a_token(2)

    def test_replaces_a_token_of_the_expected_generation_only(self, store: Store) -> None:
        store.add(an_account(), a_token(0))
        assert store.replace_token("one", a_token(1, generation=2), expected_generation=1)
        assert not store.replace_token("one", a_token(9, generation=9), expected_generation=1)
        assert store.token("one") == a_token(1, generation=2)

    def test_generations_only_grow(self, store: Store) -> None:
        store.add(an_account(), a_token(0))
        with pytest.raises(ValueError, match="higher"):
            store.replace_token("one", a_token(1, generation=1), expected_generation=1)

    def test_one_of_many_writers_wins(self, store: Store) -> None:
        store.add(an_account(), a_token(0))

        def write(number: int) -> bool:
            return store.replace_token("one", a_token(number, generation=2), expected_generation=1)

        with ThreadPoolExecutor(8) as threads:
            won = list(threads.map(write, range(1, 17)))
        assert sum(won) == 1
        assert store.token("one") == a_token(won.index(True) + 1, generation=2)

    def test_a_refused_token_is_kept_and_its_account_needs_a_login(self, store: Store) -> None:
        store.add(an_account(), a_token())
        assert not store.quarantine("one", "outdated", expected_generation=7)
        assert store.accounts()[0].state is AccountState.ACTIVE
        assert store.quarantine("one", "refused", expected_generation=1)
        account = store.accounts()[0]
        assert (account.state, account.state_detail) == (AccountState.NEEDS_LOGIN, "refused")
        assert store.token("one") == a_token()

    def test_a_newer_token_ends_the_need_of_a_login(self, store: Store) -> None:
        store.add(an_account(), a_token())
        store.quarantine("one", "refused", expected_generation=1)
        store.replace_token("one", a_token(1, generation=2), expected_generation=1)
        account = store.accounts()[0]
        assert (account.state, account.state_detail) == (AccountState.ACTIVE, "")

    def test_a_newer_token_does_not_end_a_suspension(self, store: Store) -> None:
        store.add(an_account(), a_token())
        store.set_state("one", AccountState.SUSPENDED, "by AWS")
        store.replace_token("one", a_token(1, generation=2), expected_generation=1)
        assert store.accounts()[0].state is AccountState.SUSPENDED

    def test_a_suspended_account_stays_so_when_its_login_is_refused(self, store: Store) -> None:
        store.add(an_account(), a_token())
        store.set_state("one", AccountState.SUSPENDED, "by AWS")
        assert not store.quarantine("one", "refused", expected_generation=1)
        assert store.accounts()[0].state is AccountState.SUSPENDED

    def test_a_new_login_replaces_token_registration_and_state(self, store: Store) -> None:
        store.add(an_account(), a_token(generation=4), a_registration())
        store.set_state("one", AccountState.SUSPENDED, "by AWS")
        assert store.replace_login("one", a_token(1), a_registration("eu-west-1"))
        assert store.token("one") == a_token(1, generation=5)
        assert store.registration("one") == a_registration("eu-west-1")
        assert store.accounts()[0].state is AccountState.ACTIVE

    def test_a_new_login_of_an_account_that_never_had_a_token(self, store: Store) -> None:
        store.add(an_account())
        assert store.replace_login("one", a_token(1), a_registration())
        assert store.token("one") == a_token(1, generation=1)

    def test_saves_a_registration(self, store: Store) -> None:
        store.add(an_account(), a_token())
        store.save_registration("one", a_registration())
        store.save_registration("one", a_registration("eu-central-1"))
        assert store.registration("one") == a_registration("eu-central-1")

    def test_a_reservation_lasts_until_its_token_is_stored(self, store: Store) -> None:
        store.add(an_account(), a_token())
        assert store.unfinished("one") is None
        assert store.reserve("one", expected_generation=1, started_at=NOW)
        assert store.unfinished("one") == Reservation(1, NOW)
        assert not store.reserve("one", expected_generation=1, started_at=NOW + 1)
        assert not store.reserve("one", expected_generation=1, started_at=NOW + 1, over=Reservation(1, NOW + 1))
        assert store.unfinished("one") == Reservation(1, NOW)
        assert store.reserve("one", expected_generation=1, started_at=NOW + 1, over=Reservation(1, NOW))
        assert store.unfinished("one") == Reservation(1, NOW + 1)
        store.replace_token("one", a_token(1, generation=2), expected_generation=1)
        assert store.unfinished("one") is None

    def test_a_reservation_can_be_released(self, store: Store) -> None:
        store.add(an_account(), a_token())
        store.reserve("one", expected_generation=1, started_at=NOW)
        store.release("one", Reservation(1, NOW - 1))
        assert store.unfinished("one") == Reservation(1, NOW), "it is another one's by now"
        store.release("one", Reservation(1, NOW))
        assert store.unfinished("one") is None

    def test_does_not_reserve_for_an_outdated_token(self, store: Store) -> None:
        store.add(an_account(), a_token(generation=3))
        assert not store.reserve("one", expected_generation=2, started_at=NOW)

    def test_two_stores_see_each_other(self, open_store: OpenStore) -> None:
        with open_store() as first, open_store() as second:
            first.add(an_account(), a_token())
            assert second.token("one") == a_token()
            assert second.replace_token("one", a_token(1, generation=2), expected_generation=1)
            assert first.token("one") == a_token(1, generation=2)

    def test_is_usable_from_many_threads(self, store: Store) -> None:
        def work(number: int) -> None:
            name = f"account-{number}"
            store.add(an_account(name), a_token(number))
            store.reserve(name, expected_generation=1, started_at=NOW)
            assert store.replace_token(name, a_token(number, generation=2), expected_generation=1)
            assert store.token(name) == a_token(number, generation=2)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(24)))
        assert len(store.accounts()) == 24

    def test_a_closed_store_says_so(self, open_store: OpenStore) -> None:
        with open_store() as store:
            store.add(an_account())
        with pytest.raises(StoreError):
            store.accounts()
        with pytest.raises(StoreError):
            store.add(an_account("two"))
