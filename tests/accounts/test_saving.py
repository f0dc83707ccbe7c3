from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.records import a_token, an_account

from cwproxy.accounts.saving import Unsaved
from cwproxy.store import Secret, Store, Token

SPENT = frozenset({Secret("canary-refresh-0")})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as store:
        store.add(an_account("one"), a_token(0))
        yield store


def refresh_of(token: Token | None) -> str:
    assert token is not None
    assert token.refresh_token is not None
    return token.refresh_token.reveal()


def noted(token: Token, generation: int) -> Token:
    """The same tokens, with something new beside them."""
    extra = Secret('{"source": {"stamp": "new", "refresh": "x", "spent": []}}')
    return Token(token.access_token, token.refresh_token, token.expires_at, generation, extra)


def test_it_takes_the_place_of_the_one_that_it_came_of(store: Store) -> None:
    token = a_token(1, generation=2)
    assert Unsaved(token, 1, SPENT).save(store, "one") == token
    assert store.token("one") == token


@pytest.mark.parametrize("generation", [2, 7])
def test_it_replaces_the_spent_one_whatever_was_noted_beside_that(store: Store, generation: int) -> None:
    store.replace_token("one", noted(a_token(0), generation), expected_generation=1)
    saved = Unsaved(a_token(1, generation=2), 1, SPENT).save(store, "one")
    assert saved == store.token("one")
    assert saved is not None
    assert (refresh_of(saved), saved.generation) == ("canary-refresh-1", generation + 1)
    assert saved.extra is not None
    assert '"new"' in saved.extra.reveal()


def test_without_a_new_refresh_token_the_old_one_is_not_noted_as_spent(store: Store) -> None:
    before = noted(a_token(0), 2)
    store.replace_token("one", before, expected_generation=1)
    token = Token(Secret("canary-access-1"), before.refresh_token, 9.0, 2)
    saved = Unsaved(token, 1, SPENT).save(store, "one")
    assert saved is not None
    assert (saved.access_token, saved.extra) == (token.access_token, before.extra)


def test_another_login_stays(store: Store) -> None:
    store.replace_token("one", a_token(5, generation=2), expected_generation=1)
    assert Unsaved(a_token(1, generation=2), 1, SPENT).save(store, "one") == a_token(5, generation=2)
    assert store.token("one") == a_token(5, generation=2)


def test_an_account_that_is_gone(store: Store) -> None:
    store.remove("one")
    assert Unsaved(a_token(1, generation=2), 1, SPENT).save(store, "one") is None


def test_all_forerunners_are_spent(store: Store) -> None:
    first = Unsaved(a_token(1, generation=2), 1, SPENT)
    second = Unsaved(a_token(2, generation=3), 1, frozenset({Secret("canary-refresh-1")})).after(first)
    first.save(store, "one")
    assert refresh_of(second.save(store, "one")) == "canary-refresh-2"
    assert second.after(None) == second


def test_a_store_that_moves_again_and_again_is_given_up(store: Store) -> None:
    class Moving(Store):
        def replace_token(self, account_id: str, token: Token, *, expected_generation: int) -> bool:
            return False

    assert Unsaved(a_token(1, generation=2), 1, SPENT).save(Moving(store.database), "one") == a_token(0)
