"""Who may spend a refresh token: announcements in the store, seen by all processes and machines that use it.

A login service that sees one refresh token twice may end the login, so nobody may send one while somebody else's try
is under way. What keeps them apart:

1. A lock (`Database.locked`). A file's ends with its process, and is enough. PostgreSQL's ends with a connection, which
   a fail-over or a firewall also ends while its holder is asking the login service; to the database he looks like one
   that was killed, all of whose connections have ended, too. So in a remote database the lock saves work, no more.
2. The beginning of each try is announced, compared and set, with the time of the database's clock. Whoever has
   announced it may send the token for `TRY_SECONDS` and waits for the answer no longer, by clocks of his own, looked at
   before he asks the database for the time and once more when nothing but the sending is left (`auth.punctual`).
3. Whoever finds the announcement of another process leaves the token alone until that has ended or is `FENCE_SECONDS`
   old.

So when somebody else sends the token, the earlier try is over and its result stored, whatever has happened:
* Killed before it was sent, on the way, or before the answer was stored: nothing more comes from that process. The next
  renewal begins when its announcement is old enough, well before requests give up (`tokens.PATIENCE_SECONDS`).
* The connection is lost, or the database is started anew: the announcement was committed and stands. What is over
  `TRY_SECONDS` in `FENCE_SECONDS` is for storing the result through another connection.
* Cut off from the database: the try ends as it would have, and no other is announced. A result that cannot be stored
  for so long is sent for once more by the others, which nobody can prevent; it is kept and stored when that is possible
  (`saving`).
* Stopped, and woken later: what was not sent yet is not sent (between the last look at the clock and the sending are
  microseconds). A second try is not announced, because somebody else's announcement stands, and only one's own is taken
  back. An answer that was waiting is stored where the token has not been renewed meanwhile.
"""

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from cwproxy.auth.clock import Clock, Limit
from cwproxy.store import Account, Reservation, Store, Token
from cwproxy.store.threads import in_store

log = logging.getLogger("cwproxy.accounts")

TRY_SECONDS: Final = 8.0
"""How long one try to renew a login may take, its announcement included."""

FENCE_SECONDS: Final = TRY_SECONDS + 2.0
POLL_SECONDS: Final = 0.25


class Announced(msgspec.Struct, frozen=True):
    """A try of ours. until: when the refresh token may be sent no longer."""

    account: Account
    reservation: Reservation
    until: Limit


class Announcer:
    """Of the renewals of one process. newest: the token that the store, or the file of the account's program, has now;
    for a thread.

    Methods raise StoreError when the store cannot be used.
    """

    def __init__(self, store: Store, newest: Callable[[str], Token | None], *, clock: Clock) -> None:
        self._store = store
        self._newest = newest
        self._clock = clock
        self._own: dict[str, Reservation] = {}
        """What this process has last announced, by account: that try is over when it announces the next."""

    async def announce(self, account: Account, stored: Token) -> Announced | None:
        """The first try with `stored`, once nobody else's is under way. None when that token has moved meanwhile, in
        the store or in its program's file, or when somebody else's try has just ended or begun.
        """
        found = await in_store(self._store.unfinished, account.id)
        if found is not None:
            if await self._has_ended(account.id, found):
                return None
            log.warning("an earlier renewal of account %s was cut off; trying again", account.id)
        return await in_store(self._written, account, stored.generation, found)

    async def again(self, last: Announced) -> Announced | None:
        """The next try with the same token. None as above."""
        return await in_store(self._written, last.account, last.reservation.generation, last.reservation)

    async def withdraw(self, announced: Announced) -> None:
        """The token was not spent."""
        await in_store(self._store.release, announced.account.id, announced.reservation)

    async def _has_ended(self, account_id: str, found: Reservation) -> bool:
        """Whether somebody else's try, which was waited for, has come to an end."""
        database = self._store.database
        if not database.is_remote or self._own.get(account_id) == found:
            return False
        age = await in_store(database.now) - found.started_at
        end = self._clock.monotonic() + FENCE_SECONDS - max(age, 0.0)
        while self._clock.monotonic() < end:
            await self._clock.sleep(POLL_SECONDS)
            if await in_store(self._store.unfinished, account_id) != found:
                return True
        return False

    def _written(self, account: Account, generation: int, over: Reservation | None) -> Announced | None:
        """It makes room for the result, too. The file of the account's program is looked at last: the less time passes
        until the token is spent, the less likely both programs do that.
        """
        until = Clock().limit(TRY_SECONDS)  # of the time in which networks are waited for, whatever clock we are given
        reservation = Reservation(generation, self._store.database.now())
        started_at = reservation.started_at
        if not self._store.reserve(account.id, expected_generation=generation, started_at=started_at, over=over):
            return None
        self._own[account.id] = reservation
        if account.source is not None:
            newest = self._newest(account.id)
            if newest is None or newest.generation != generation:
                return None
        return Announced(account, reservation, until)
