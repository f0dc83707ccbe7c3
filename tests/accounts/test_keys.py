from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest
from tests.support.records import an_account

from cwproxy.accounts.keys import StoredKey
from cwproxy.auth.bearer import Replacement
from cwproxy.errors import LoginRequired
from cwproxy.store import AccountKind, AccountState, Secret, Store, Token

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as store:
        store.add(an_account("one", AccountKind.API_KEY), Token(Secret("ksk_canary-1"), None, inf))
        yield store


async def test_the_key_is_read_once(store: Store) -> None:
    key = StoredKey("one", store)
    assert await key.token() == "ksk_canary-1"
    store.remove("one")
    assert await key.token() == "ksk_canary-1"


async def test_a_refused_key_is_tried_again_and_another_one_taken_over(store: Store) -> None:
    key = StoredKey("one", store)
    assert await key.renew(await key.token()) == Replacement("ksk_canary-1")
    store.replace_token("one", Token(Secret("ksk_canary-2"), None, inf, 2), expected_generation=1)
    assert await key.token() == "ksk_canary-1"
    assert await key.renew("ksk_canary-1") == Replacement("ksk_canary-2")
    assert await key.token() == "ksk_canary-2"


async def test_without_a_key_somebody_has_to_log_in(store: Store) -> None:
    store.set_state("one", AccountState.NEEDS_LOGIN, "It was revoked.")
    with pytest.raises(LoginRequired, match=r"It was revoked\. Run"):
        await StoredKey("one", store).token()
    store.remove("one")
    with pytest.raises(LoginRequired, match="no such login"):
        await StoredKey("one", store).token()
