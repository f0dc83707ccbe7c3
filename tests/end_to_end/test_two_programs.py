"""cwproxy and a Kiro IDE renew one login, each when it likes; the service ends a login whose refresh token is shown
twice.

`HYPOTHESIS_PROFILE=deep python -m pytest -s tests/end_to_end/test_two_programs.py` does 200 rounds and says how they
ended.
"""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from tests.support.kiro import FakeKiro
from tests.support.simulator import Simulator

from cwproxy.accounts.renewal import Lost, Refreshed, Renewal
from cwproxy.accounts.sources.importing import Wanted, put, source_at
from cwproxy.auth.clock import Clock
from cwproxy.auth.services import LoginServices
from cwproxy.store import AccountState, Store, Token

pytestmark = pytest.mark.anyio

ROUNDS = 200 if settings().max_examples > 1000 else 8
SPREAD = 1.0
"""Seconds within which both renew: far closer together than two programs would."""


def shown_twice(aws: Simulator, before: int) -> bool:
    """Whether a refresh token came to the service for a second time since then."""
    tokens = [
        call.json["refreshToken"] for call in aws.received(secrets=True)[before:] if '"refreshToken"' in call.body
    ]
    return len(tokens) != len(set(tokens))


def held(store: Store, account_id: str) -> Token:
    token = store.token(account_id)
    assert token is not None
    return token


@pytest.mark.timeout(1200)
async def test_nobody_loses_the_login_unless_both_show_the_same_token(tmp_path: Path) -> None:
    chance, ended = random.Random(15), Counter[str]()
    with Simulator(auto_approve=0) as aws, Store.open(tmp_path / "data") as store:
        account = aws.account("builder-id")
        aws.next_login(account)
        kiro = FakeKiro(aws.url, tmp_path / "cache")
        await asyncio.to_thread(kiro.log_in)
        ours = put(store, Wanted(source_at(kiro.path)), now=time.time())[0].id
        renewal = Renewal(store, LoginServices(endpoint=aws.url + "/{region}"), clock=Clock())

        async def theirs() -> bool:
            await asyncio.sleep(chance.uniform(0, SPREAD))
            return await asyncio.to_thread(kiro.renew)

        for number in range(ROUNDS):
            before = len(aws.received())
            task = asyncio.ensure_future(theirs())
            await asyncio.sleep(chance.uniform(0, SPREAD))
            if number == 0:  # even where everything takes longer than both are apart
                await task
            outcome = await renewal.renew(ours, held(store, ours))
            kept = await task
            if isinstance(outcome, Refreshed) and kept and kiro.renew():
                ended["kept"] += 1
                assert not shown_twice(aws, before)
                renewal.newest(ours)
                continue
            ended["ended by the service"] += 1
            assert shown_twice(aws, before), (outcome, kept)
            outcome = await renewal.renew(ours, held(store, ours))
            assert isinstance(outcome, Lost)
            assert "two programs that renew a login in the same moment can end it" in outcome.message
            aws.next_login(account)
            await asyncio.to_thread(kiro.log_in)
            assert renewal.newest(ours) is not None
            found = store.account(ours)
            assert found is not None
            assert found.state is AccountState.ACTIVE
            assert held(store, ours).access_token.reveal() == kiro.read()["accessToken"]
        await renewal.aclose()
    print(f"{ROUNDS} rounds: {dict(ended)}; every login that ended was shown the same refresh token twice")
    assert ended["kept"] > 0
