"""Let the store have the accounts that the configuration file declares."""

from collections.abc import Sequence

from msgspec.structs import replace

from cwproxy.accounts.declarations import FILE_KEY, Declaration
from cwproxy.accounts.sources.accord import place_of, taken
from cwproxy.accounts.sources.importing import Wanted, described, source_at
from cwproxy.errors import LoginFailed, SettingsError, SourceError
from cwproxy.store import Account, AccountKind, Store


def apply(store: Store, declared: Sequence[Declaration], *, now: float, forget: bool = False) -> list[str]:
    """Let the store have the accounts that are declared, beside those that are not. forget: and none that was declared
    and is so no longer; not for a command that only looks, whose settings may be another machine's or a mistake.

    The result is a sentence, with the key, for each login that cannot be read and was never seen: it is left out. One
    that was seen works on with what is known of it. Raises SettingsError for what cannot be meant, and StoreError.
    """
    left_out: list[str] = []
    known = {account.id: account for account in store.accounts()}
    sources = {account.source.path: account for account in known.values() if account.source and not account.declared}
    for number, declaration in enumerate(declared):
        imported = sources.get(str(declaration.path.absolute()))
        if imported is not None:
            raise SettingsError(
                f"{declaration.key}.{FILE_KEY}: {declaration.path} is imported already, as account {imported.label!r}; "
                f"run `cwproxy accounts remove {imported.id[:8]}`, or take it out of the file"
            )
        # Accounts are told apart in the order of their making: here, that of the file.
        try:
            _apply(store, declaration, known.get(declaration.account_id), now=now + number / 1000)
        except SourceError as error:
            left_out.append(f"{declaration.key}.{FILE_KEY}: {error.message} This account is left out.")
    wanted = {declaration.account_id for declaration in declared}
    for account in known.values():
        if forget and account.declared and account.id not in wanted:
            store.remove(account.id)
    return left_out


def _apply(store: Store, declaration: Declaration, known: Account | None, *, now: float) -> None:
    try:
        wanted = _wanted(declaration)
        holding = place_of(wanted.source, wanted.kind).read()
        account = described(wanted, holding, now=now)
    except SourceError:
        if known is None:
            raise
        return
    except LoginFailed as error:
        raise SettingsError(f"{declaration.key}: {error.message}") from error
    if known is None:
        store.add(account, taken(None, holding, now=now), holding.registration)
    elif known.kind is not account.kind:
        before = store.token(known.id)
        token = taken(None, holding, now=now)
        store.remove(known.id)
        store.add(
            account, replace(token, generation=1 if before is None else before.generation + 1), holding.registration
        )
    else:
        store.revise(replace(account, profile_arn=account.profile_arn or known.profile_arn))


def _wanted(declaration: Declaration) -> Wanted:
    entry = declaration.wanted
    return Wanted(
        source=source_at(declaration.path),
        label=entry.name or declaration.path.stem,
        kind=None if entry.kind is None else AccountKind(entry.kind),
        region=entry.region,
        profile_arn=entry.profile_arn,
        surface=None if entry.surface is None else entry.surface.value,
        weight=1.0 if entry.weight is None else entry.weight,
        declared=True,
        account_id=declaration.account_id,
    )
