"""What an operator sees and may do, on a store and a pool."""

from pathlib import Path

import pytest
from tests.support.operations import LIMITS, made_operations
from tests.support.records import NOW, a_token, an_account

from cwproxy.accounts.oversight import quota_view
from cwproxy.accounts.quotas import Quota
from cwproxy.store import AccountState

pytestmark = pytest.mark.anyio


async def test_who_is_switched_off_is_not_asked_for_a_quota(tmp_path: Path) -> None:
    async with made_operations(tmp_path) as made:
        made.store.add(an_account("one"), a_token())
        made.store.add(an_account("two"), a_token())
        oversight = made.operations.oversight
        assert await oversight.set_disabled("two", disabled=True)
        one, two = await oversight.accounts()
    assert one.quota is not None
    assert (two.disabled, two.quota) == (True, None)


@pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.NEEDS_LOGIN, AccountState.MISCONFIGURED])
async def test_who_has_to_be_helped_is_not_asked_for_a_quota(tmp_path: Path, state: AccountState) -> None:
    async with made_operations(tmp_path) as made:
        made.store.add(an_account("one"), a_token())
        made.store.set_state("one", state, "why")
        (one,) = await made.operations.oversight.accounts()
    assert one.quota is None


async def test_of_nobody_nothing_is_known(tmp_path: Path) -> None:
    async with made_operations(tmp_path) as made:
        oversight = made.operations.oversight
        assert await oversight.account("nobody") is None
        assert not await oversight.recover("nobody")
        assert not await oversight.set_disabled("nobody", disabled=True)


async def test_a_quota_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    async with made_operations(tmp_path, limits=None) as made:
        made.store.add(an_account("one"), a_token())
        (one,) = await made.operations.oversight.accounts()
    assert one.quota is not None
    assert (one.quota.problem, one.quota.fraction_left, one.quota.allowances) == ("It is away.", None, [])


def test_a_quota_as_it_is_shown() -> None:
    assert quota_view(None) is None
    shown = quota_view(Quota(NOW, LIMITS))
    assert shown is not None
    assert (shown.plan, shown.fraction_left, shown.problem) == ("Pro", 0.75, None)
    (allowance,) = shown.allowances
    assert (allowance.used, allowance.limit, allowance.resets_at) == (250.0, 1000.0, "2025-06-15T15:08:20Z")
