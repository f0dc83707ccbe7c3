"""Keeps an account and the other program's file that it lives in telling the same story.

The store has a copy of the tokens, and beside it (`Token.extra`) what the file held when the two were last compared.
So it can be told who has renewed since: the file changed, the other program did, and its tokens are taken over; it did
not, and our copy is newer, then ours has not reached the file yet. That also holds when cwproxy dies between the two.
"""

import enum
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import msgspec
from msgspec.structs import asdict, replace

from cwproxy.accounts.sources.cli_database import CliDatabase
from cwproxy.accounts.sources.holding import Holding, Place, fingerprint
from cwproxy.accounts.sources.kiro_file import KiroFile
from cwproxy.auth.grants import TYPICAL_LIFETIME
from cwproxy.errors import SourceError
from cwproxy.store import Account, AccountKind, AccountState, Registration, Secret, Source, SourceKind, Store, Token

log = logging.getLogger("cwproxy.accounts")

_SEEN = "source"
_REMEMBERED = 8

PROGRAMS = {
    SourceKind.KIRO_IDE: "the Kiro IDE",
    SourceKind.Q_CLI: "the Q CLI",
    SourceKind.KIRO_CLI: "the Kiro CLI",
}


class Verdict(enum.Enum):
    """What has become of a file since it was last compared with the store."""

    UNCHANGED = enum.auto()
    OURS = enum.auto()
    """The file has nothing new, and the store's tokens have not reached it."""
    DETAILS = enum.auto()
    """The same refresh token; something beside it has changed."""
    THEIRS = enum.auto()


class Seen(msgspec.Struct, frozen=True):
    """What the file held when it was last compared, as fingerprints.

    spent: the refresh tokens that were last spent here. One of these in the file is an old copy that was put back,
    which programs have been seen to do (backend-rules.md C 3).
    """

    stamp: str
    refresh: str
    spent: tuple[str, ...] = ()


class Accord:
    """The accounts of `store` that have a source. Synchronous, for threads; `now` is epoch seconds.

    `pull` and `push` belong under the lock of the account's renewal.
    """

    def __init__(self, store: Store, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    def pull(self, account_id: str) -> None:
        """Take over what the other program has done, and give it what has not reached it. Nothing for an account
        without a source. Raises SourceError where the file cannot be used, and StoreError.
        """
        account, stored = self._store.account(account_id), self._store.token(account_id)
        if account is None or account.source is None or stored is None:
            return
        place = place_of(account.source, account.kind)
        holding = place.read()
        verdict = judge(stored, seen_in(stored.extra), holding)
        match verdict:
            case Verdict.UNCHANGED:
                return
            case Verdict.OURS:
                self._give(account, place, stored, holding)
            case Verdict.DETAILS | Verdict.THEIRS:
                self._take(account, stored, holding, tokens=verdict is Verdict.THEIRS)
            case _:
                assert_never(verdict)

    def push(self, account: Account, token: Token, *, spent: Secret | None) -> Token:
        """Put `token`, which came of `spent`, into the account's file. Returns the token that counts: another one,
        where the file has a newer login by now. Where it cannot be written, a later `pull` does that.
        Raises StoreError.
        """
        if account.source is None:
            return token
        try:
            if place_of(account.source, account.kind).write(token, held=spent):
                return token
            self.pull(account.id)
        except SourceError as error:
            log.error("%s has not got the renewed login: %s", PROGRAMS[account.source.kind], error.message)
        return self._store.token(account.id) or token

    def accounts(self) -> list[Account]:
        """All accounts of the store. Those that need a login and whose program has a newer one have it now."""
        accounts = self._store.accounts()
        if not any(account.source is not None and account.state is AccountState.NEEDS_LOGIN for account in accounts):
            return accounts
        for account in accounts:
            if account.source is not None and account.state is AccountState.NEEDS_LOGIN:
                try:
                    self.pull(account.id)
                except SourceError as error:
                    log.debug("account %s: %s", account.id, error.message)
        return self._store.accounts()

    def obstacle(self, account: Account, stored: Token, registration: Registration | None) -> str | None:
        """Why the account's token must not be renewed here, as a sentence. None if it may be.

        A file that cannot take the result would leave its program with a token that is spent.
        """
        if account.source is None:
            return None
        path, program = account.source.path, PROGRAMS[account.source.kind]
        why = place_of(account.source, account.kind).obstacle()
        if why is not None:
            return (
                f"The login of account {account.label!r} has to be renewed by {program}: cwproxy cannot write to "
                f"{path}, because {why}. Open {program}, make the file writable, or import it with --copy."
            )
        unknown_idp = account.kind is AccountKind.EXTERNAL_IDP and account.start_url is None
        unregistered = registration is None and account.kind is not AccountKind.SOCIAL
        if stored.refresh_token is None or unregistered or unknown_idp:
            return (
                f"The login of account {account.label!r} has to be renewed by {program}: {path} lacks what is needed "
                f"for that. Open {program}."
            )
        return None

    def warnings(self) -> list[str]:
        """What will keep accounts from being renewed, as sentences for the start. Raises StoreError."""
        found: list[str] = []
        for account in self._store.accounts():
            token = self._store.token(account.id)
            if account.source is None or token is None:
                continue
            try:
                place_of(account.source, account.kind).read()
            except SourceError as error:
                found.append(f"The login of account {account.label!r} cannot be read. {error.message}")
                continue
            obstacle = self.obstacle(account, token, self._store.registration(account.id))
            if obstacle is not None:
                found.append(obstacle)
        return found

    def _give(self, account: Account, place: Place, stored: Token, holding: Holding) -> None:
        try:
            if place.write(stored, held=holding.refresh_token):
                log.info("account %s: %s has got the renewed login", account.id, place.path)
        except SourceError as error:
            log.warning("account %s: %s", account.id, error.message)

    def _take(self, account: Account, stored: Token, holding: Holding, *, tokens: bool) -> None:
        if holding.kind not in (None, account.kind):
            raise SourceError(
                f"{place_path(account)} now holds a login of another kind ({_name(holding.kind)}). Import it again."
            )
        token = replace(
            taken(stored, holding, now=self._now()) if tokens else stored,
            generation=stored.generation + 1,
            extra=compared(stored.extra, holding),
        )
        described = replace(
            account,
            sso_region=holding.region or account.sso_region,
            start_url=holding.start_url or account.start_url,
            profile_arn=holding.profile_arn or account.profile_arn,
        )
        if described != account:
            self._store.revise(described)
        if holding.registration is not None:
            self._store.save_registration(account.id, holding.registration)
        if self._store.replace_token(account.id, token, expected_generation=stored.generation) and tokens:
            log.info("account %s: %s has a newer login, which is used now", account.id, place_path(account))


def place_of(source: Source, kind: AccountKind | None) -> Place:
    """kind: of the account, which says which of two logins in a database is meant; None takes the newer one."""
    path = Path(source.path)
    match source.kind:
        case SourceKind.KIRO_IDE:
            return KiroFile(path)
        case SourceKind.Q_CLI | SourceKind.KIRO_CLI:
            return CliDatabase(path, social=None if kind is None else kind is AccountKind.SOCIAL)
        case _:
            assert_never(source.kind)


def judge(stored: Token, seen: Seen | None, holding: Holding) -> Verdict:
    """Pure. `seen`: None where the two were never compared."""
    same = holding.refresh_token == stored.refresh_token
    same_access = holding.access_token in (None, stored.access_token)
    if seen is None:
        return Verdict.DETAILS if same and same_access else Verdict.THEIRS
    if seen.stamp == holding.stamp():
        return Verdict.UNCHANGED if same and same_access else Verdict.OURS
    if not same and _print(holding.refresh_token) in seen.spent:
        return Verdict.OURS
    if (same and same_access) or (not same and seen.refresh == _print(holding.refresh_token)):
        return Verdict.DETAILS
    return Verdict.THEIRS


def taken(stored: Token | None, holding: Holding, *, now: float) -> Token:
    """The tokens of `holding` for the store, in place of `stored`.

    A token whose end is not known is believed for as long as they usually live: the service refuses it when that is
    wrong, and a refusal brings a renewal. Where there is only a refresh token, a renewal is due.
    """
    known = now + TYPICAL_LIFETIME if holding.expires_at is None else holding.expires_at
    return Token(
        access_token=holding.access_token or Secret(""),
        refresh_token=holding.refresh_token,
        expires_at=known if holding.access_token is not None else 0.0,
        generation=1 if stored is None else stored.generation + 1,
        extra=compared(None if stored is None else stored.extra, holding),
    )


def seen_in(extra: Secret | None) -> Seen | None:
    """What a `Token.extra` says about its source."""
    found = {} if extra is None else json.loads(extra.reveal())
    if _SEEN not in found:
        return None
    members = found[_SEEN]
    return Seen(members["stamp"], members["refresh"], tuple(members["spent"]))


def compared(extra: Secret | None, holding: Holding) -> Secret:
    """The same extra, after a comparison with `holding`."""
    before = seen_in(extra)
    return _with(extra, Seen(holding.stamp(), _print(holding.refresh_token), () if before is None else before.spent))


def spent(extra: Secret | None, refresh_token: Secret | None) -> Secret | None:
    """The same extra, after `refresh_token` was spent."""
    before = seen_in(extra)
    if before is None or refresh_token is None:
        return extra
    return _with(extra, replace(before, spent=(*before.spent, _print(refresh_token))[-_REMEMBERED:]))


def place_path(account: Account) -> str:
    return "" if account.source is None else account.source.path


def _with(extra: Secret | None, seen: Seen) -> Secret:
    members = {} if extra is None else json.loads(extra.reveal())
    return Secret(json.dumps({**members, _SEEN: asdict(seen)}))


def _print(secret: Secret | None) -> str:
    return "" if secret is None else fingerprint(secret.reveal())


def _name(kind: AccountKind | None) -> str:
    return "" if kind is None else kind.value
