"""Puts a renewed token into the store, whatever has been stored meanwhile."""

from typing import Final

import msgspec
from msgspec.structs import replace

from cwproxy.accounts.sources import accord
from cwproxy.store import Secret, Store, Token

ATTEMPTS: Final = 5


class Unsaved(msgspec.Struct, frozen=True):
    """A token that is not stored yet. over: the generation that it is to replace. spent: the refresh tokens that were
    spent since that one, and for it: none of them may stay in the store.
    """

    token: Token
    over: int
    spent: frozenset[Secret]

    def after(self, earlier: "Unsaved | None") -> "Unsaved":
        """The same, where `earlier` had not been stored either."""
        return self if earlier is None else replace(self, spent=self.spent | earlier.spent)

    def save(self, store: Store, account_id: str) -> Token | None:
        """What the store has then; None where the account is gone. Another login that was stored meanwhile stays. One
        whose refresh token has been spent is none: only something beside it was noted anew, or this token's forerunner
        was stored late. Raises StoreError.
        """
        token, over = self.token, self.over
        found: Token | None = None
        for _ in range(ATTEMPTS):
            if store.replace_token(account_id, token, expected_generation=over):
                return token
            found = store.token(account_id)
            if found is None or found.refresh_token not in self.spent:
                return found
            over = found.generation
            token = replace(
                token,
                generation=max(token.generation, over + 1),
                extra=found.extra
                if token.refresh_token == found.refresh_token
                else accord.spent(found.extra, found.refresh_token),
            )
        return found
