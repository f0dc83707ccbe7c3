"""Make an account of another program's login, shared with it or copied from it."""

from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from cwproxy.accounts.sources.accord import PROGRAMS, place_of, taken
from cwproxy.accounts.sources.holding import Holding
from cwproxy.auth.device import BUILDER_ID_REGION
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import LoginFailed, SourceError
from cwproxy.store import Account, AccountKind, Source, SourceKind, Store

SQLITE_HEADER = b"SQLite format 3\0"

SHARING = (
    "{Program} goes on using this login, and both renew it. Its refresh token changes with every renewal: each reads "
    "the file again before it renews and writes back what it got. Should both renew in the same moment, the service "
    "can end the login for both; then log in again in {program}, and cwproxy sees it. "
    "A login of cwproxy's own (`cwproxy accounts add`) has no such risk."
)
COPYING = (
    "This is a copy: whichever program renews it first, the other one is logged out about an hour later. "
    "Use it only when {program} does not run any more."
)
READ_ONLY = (
    "{path} cannot be written to ({obstacle}), so cwproxy only reads it: it never renews the login, and works as long "
    "as {program} does."
)


class Wanted(msgspec.Struct, frozen=True):
    """What to import. kind, region, profile_arn: where the source does not say them. account_id: for a new account.

    declared: it stands in the configuration file. surface: the value of a surface, instead of the kind's default.
    """

    source: Source
    share: bool = True
    label: str | None = None
    kind: AccountKind | None = None
    region: str | None = None
    profile_arn: str | None = None
    surface: str | None = None
    weight: float = 1.0
    declared: bool = False
    account_id: str | None = None


def source_at(path: Path) -> Source:
    """By what the file is and, of the two CLIs, by the directory's name. Raises SourceError if it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    absolute = str(path.absolute())
    if start != SQLITE_HEADER:
        return Source(SourceKind.KIRO_IDE, absolute)
    return Source(SourceKind.KIRO_CLI if "kiro" in path.parent.name.lower() else SourceKind.Q_CLI, absolute)


def put(store: Store, wanted: Wanted, *, now: float) -> tuple[Account, bool]:
    """The account in the store, and whether it is new. The same file makes one account only; the same tokens, too.

    Raises SourceError, LoginFailed where the source does not say enough, and StoreError.
    """
    place = place_of(wanted.source, wanted.kind)
    holding = place.read()
    for account in store.accounts():
        if _is_same(store, account, wanted, holding):
            return account, False
    account = described(wanted, holding, now=now)
    token = taken(None, holding, now=now)
    store.add(account, token if wanted.share else replace(token, extra=None), holding.registration)
    return account, True


def described(wanted: Wanted, holding: Holding, *, now: float) -> Account:
    """Raises LoginFailed where neither the source nor the wish says what has to be known, and for a surface that
    takes no tokens.
    """
    path = wanted.source.path
    if wanted.surface == Surface.Q_IAM.value:
        raise LoginFailed("The surface q-iam takes AWS credentials (`cwproxy login iam`), and no tokens.")
    kind = holding.kind or wanted.kind
    if kind is None:
        raise LoginFailed(
            f"{path} does not say how its login was made. Say it with --kind: social, builder-id or identity-center."
        )
    region = holding.region or wanted.region or _region(kind, holding)
    if region is None:
        raise LoginFailed(f"{path} does not say in which region its login was made. Say it with --region.")
    return Account(
        id=wanted.account_id or uuid4().hex,
        kind=kind,
        label=wanted.label or wanted.source.kind.value,
        sso_region=region,
        created_at=now,
        start_url=holding.start_url,
        profile_arn=wanted.profile_arn or holding.profile_arn,
        surface=wanted.surface,
        source=wanted.source if wanted.share else None,
        weight=wanted.weight,
        declared=wanted.declared,
    )


def notice(source: Source, kind: AccountKind, *, share: bool) -> str:
    """What the person has to know about it, in sentences."""
    program = PROGRAMS[source.kind]
    if not share:
        return COPYING.format(program=program)
    obstacle = place_of(source, kind).obstacle()
    if obstacle is not None:
        return READ_ONLY.format(program=program, path=source.path, obstacle=obstacle)
    return SHARING.format(program=program, Program=program[0].upper() + program[1:])


def _region(kind: AccountKind, holding: Holding) -> str | None:
    """Builder ID has one region, and Kiro's own login service is there, too (protocol.md 5.1, 5.6)."""
    match kind:
        case AccountKind.IDENTITY_CENTER:
            return (holding.registration.region or None) if holding.registration is not None else None
        case _:
            return BUILDER_ID_REGION


def _is_same(store: Store, account: Account, wanted: Wanted, holding: Holding) -> bool:
    if account.source is not None:
        return account.source.path == wanted.source.path
    stored = store.token(account.id)
    return stored is not None and holding.refresh_token is not None and stored.refresh_token == holding.refresh_token
