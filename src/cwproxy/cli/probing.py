"""`cwproxy accounts test`: the cheapest calls that show whether an account works; they cost no credits."""

import asyncio

from cwproxy.accounts.identity import how_to_log_in
from cwproxy.accounts.pool import FailureClass, classify
from cwproxy.accounts.selection import Selected, Selector
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.cli.accounts import held_back, one_account
from cwproxy.codewhisperer.catalog import UsageLimits, parse_models, parse_usage
from cwproxy.codewhisperer.surfaces import Surface, models_call, usage_call
from cwproxy.errors import (
    AccountUnusable,
    BackendUnavailable,
    CredentialRejected,
    CwproxyError,
    InvalidRequest,
    LoginRequired,
    QuotaExhausted,
    StoreError,
    Throttled,
)
from cwproxy.settings import Settings
from cwproxy.store import Account
from cwproxy.upstream import Upstream
from cwproxy.wiring import login_services, open_accounts, open_upstream, routing


async def test_account(settings: Settings, name: str) -> None:
    """Raises CwproxyError with what is wrong and what to do."""
    async with open_accounts(settings) as store, open_upstream(settings) as upstream:
        account = await asyncio.to_thread(one_account, store, name)
        keeper = TokenKeeper(store, login_services(settings))
        try:
            held = await asyncio.to_thread(held_back, store, account)
            selected = Selector(store, keeper, routing(settings)).selected(account)
            print(f"{account.label}: {selected.target.surface.value} in {selected.target.region}")
            await _call(upstream, selected)
        except CwproxyError as error:
            raise CwproxyError(f"{error.message} {advice(error, account)}".strip()) from error
        finally:
            await keeper.aclose()
    if account.disabled:
        held = ["disabled", *held]
    if held:
        print(f"It works, but cwproxy holds it back: {'; '.join(held)}.")
        print(f"`cwproxy accounts enable {account.id[:8]}` ends that.")


async def listed(upstream: Upstream, selected: Selected) -> list[str]:
    """The ids of the models that an account may use, at least of the first page. Raises CwproxyError."""
    page = parse_models(await upstream.fetch(models_call(selected.target), selected.auth))
    return [model.id for model in page.models]


async def _call(upstream: Upstream, selected: Selected) -> None:
    if selected.target.surface is Surface.Q_IAM:
        await _prove(selected)
        print("credentials: found; this surface has no call that costs nothing, so try `cwproxy chat`")
        return
    print(f"models: {', '.join(await listed(upstream, selected)) or 'none'}")
    try:
        usage = parse_usage(await upstream.fetch(usage_call(selected.target), selected.auth))
    except (BackendUnavailable, InvalidRequest, AccountUnusable) as error:
        print(f"allowance: not told ({error.message})")
        return
    print(f"allowance: {_allowance(usage)}")


async def _prove(selected: Selected) -> None:
    """Sign a request that is not sent."""
    import httpx

    call = usage_call(selected.target)
    flow = selected.auth.async_auth_flow(httpx.Request(call.method, call.url, content=call.body))
    await anext(flow)
    await flow.aclose()


def advice(error: CwproxyError, account: Account) -> str:
    """What a person can do about it; nothing where the error says so itself."""
    match error:
        case LoginRequired():
            return ""
        case CredentialRejected() if account.source is not None:
            return "Log in again in the program that the login is shared with."
        case CredentialRejected():
            return how_to_log_in(account)
        case AccountUnusable():
            failure = classify(error)
            suspended = failure is not None and failure.kind is FailureClass.SUSPENDED
            first = "Only AWS can lift this; afterwards" if suspended else "When that is mended,"
            return f"{first} run `cwproxy accounts enable {account.id[:8]}`."
        case QuotaExhausted():
            return "It can be used again when its allowance begins anew."
        case Throttled():
            return "Try again in a minute."
        case InvalidRequest():
            return "Check its profile and region (`cwproxy accounts show`), or try another --surface."
        case StoreError():
            return ""
        case _:
            return "Check the network with `cwproxy doctor`, and try again."


def _allowance(usage: UsageLimits) -> str:
    parts = [
        f"{item.used:g} of {item.limit:g} {item.resource}"
        if item.limit is not None
        else f"{item.used:g} {item.resource}"
        for item in usage.allowances
    ]
    return ", ".join(parts) or usage.plan or "none told"
