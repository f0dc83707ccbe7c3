"""A search of the web on the account whose turn it is, and once more on another one."""

from functools import partial
from typing import Final
from uuid import uuid4

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.pool import Failed, FailureClass, Left, Outcome, Served, Want, classify
from cwproxy.codewhisperer import searching, surfaces
from cwproxy.conversation import Conversation
from cwproxy.errors import CwproxyError, LoginAwaited
from cwproxy.reply import Found
from cwproxy.service.means import Means

CALLS: Final = 2

WAIT: Final = 5.0
"""Seconds that a search waits for an account; without one the model answers."""

_TELLING: Final = (FailureClass.THROTTLED, FailureClass.SERVER, FailureClass.TIMEOUT, FailureClass.CONNECTION)
"""What a search finds out about an account; that it is denied the search says nothing of its chats."""


async def found(means: Means, conversation: Conversation, query: str, caller: Caller) -> tuple[Found, ...] | None:
    """What is found on the web, None when no account can look there. Raises what the calls and the caller's check of
    the model raise, LoginRequired and StoreError.
    """
    model = await means.catalogs.model(conversation.model, any_version=conversation.any_version)
    caller.check(conversation.model, model.id)
    usable = await means.accounts.usable()
    able = {it.account_id for it in usable if surfaces.has_search(it.target)}
    tried = {it.account_id for it in usable} - able
    failed: CwproxyError | None = None
    for others in reversed(range(min(CALLS, len(able)))):
        want = Want(tried=frozenset(tried))
        if isinstance(failed, LoginAwaited):
            want = means.accounts.ready(want)
        turn = await means.accounts.lease(want, within=WAIT)
        tried.add(turn.selected.account_id)
        elsewhere = partial(_is_free, means.accounts, frozenset(tried))
        outcome: Outcome = Left()
        began = means.clock.monotonic()
        try:
            call = surfaces.search_call(turn.selected.target, query, id=str(uuid4()))
            body = await means.upstream.fetch(call, turn.selected.hurried(elsewhere) if others else turn.selected.auth)
            outcome = Served(means.clock.monotonic() - began)
            return searching.parse(body)
        except CwproxyError as error:
            failed = error
            failure = classify(error)
            if isinstance(outcome, Left) and failure is not None and failure.kind in _TELLING:
                outcome = Failed(failure)
        finally:
            turn.settle(outcome)
    if failed is not None:
        raise failed
    return None


def _is_free(accounts: Accounts, tried: frozenset[str]) -> bool:
    """Whether another account could search now, while the login of the one whose turn it is is being renewed."""
    return accounts.is_free(accounts.ready(Want(tried=tried)))
