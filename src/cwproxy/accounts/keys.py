"""Kiro API keys: tokens that a person has made, that have no end and cannot be renewed (backend-rules.md A6 78)."""

from cwproxy.accounts.renewal import login_ended
from cwproxy.auth.bearer import Replacement
from cwproxy.errors import LoginRequired
from cwproxy.store import AccountState, Store
from cwproxy.store.threads import in_store


class StoredKey:
    """The `TokenSource` of an account that has a key. Both methods raise LoginRequired and StoreError."""

    def __init__(self, account_id: str, store: Store) -> None:
        self._account_id = account_id
        self._store = store
        self._key: str | None = None

    async def token(self) -> str:
        if self._key is None:
            self._key = await in_store(self._read)
        return self._key

    async def renew(self, stale: str) -> Replacement:
        """What is stored by now: somebody may have put another key in its place. Where nobody has, it is the same
        one, because a refusal has been seen to vanish by itself (backend-rules.md A6 77).
        """
        self._key = await in_store(self._read)
        return Replacement(self._key)

    def _read(self) -> str:
        account, token = self._store.account(self._account_id), self._store.token(self._account_id)
        if account is None or token is None:
            raise LoginRequired("There is no such login any more. Run `cwproxy login`.")
        if account.state is AccountState.NEEDS_LOGIN:
            raise LoginRequired(login_ended(account))
        return token.access_token.reveal()
