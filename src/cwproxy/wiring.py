"""Settings to objects: the one module that names every concrete class of the I/O shell."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec

from cwproxy.accounts.bookkeeping import Bookkeeper
from cwproxy.accounts.declarations import Declaration, aliases, declarations
from cwproxy.accounts.declaring import apply
from cwproxy.accounts.keyring import KeyRing
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.oversight import Oversight
from cwproxy.accounts.pool import Policy, Strategy
from cwproxy.accounts.quotas import Quotas
from cwproxy.accounts.recording import Recorder, Unrecorded
from cwproxy.accounts.reports import Reports
from cwproxy.accounts.selection import Routing, Selector
from cwproxy.accounts.sources.accord import Accord
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.auth.services import LoginServices
from cwproxy.codewhisperer.catalog import UsageLimits, parse_usage
from cwproxy.codewhisperer.surfaces import Surface, usage_call
from cwproxy.diagnosis.dumps import Dumps
from cwproxy.errors import BackendUnavailable, LoginRequired, SettingsError
from cwproxy.media import scaling
from cwproxy.service import Options, Service
from cwproxy.settings import Settings, config_file, needs_keys, require_keys_when_open, store_place, variable_names
from cwproxy.store import Database, Store
from cwproxy.store import open_database as open_place
from cwproxy.store.cooldowns import CoolDowns
from cwproxy.store.keys import Keys
from cwproxy.store.ledger import Ledger
from cwproxy.store.responses import Responses
from cwproxy.store.threads import in_store
from cwproxy.upstream import Upstream
from cwproxy.upstream.fetching import Fetcher
from cwproxy.upstream.pictures import Pictures
from cwproxy.upstream.workspace import Workspace

if TYPE_CHECKING:
    from fastapi import FastAPI

    from cwproxy.api.admin import Operations


log = logging.getLogger("cwproxy.accounts")


@asynccontextmanager
async def open_database(settings: Settings, directory: Path | None = None) -> AsyncIterator[Database]:
    """What must survive, where the settings say, unless it is to be in `directory`. Raises StoreError."""
    database = await asyncio.to_thread(open_place, directory or store_place(settings))
    try:
        yield database
    finally:
        await asyncio.to_thread(database.close)


@asynccontextmanager
async def open_store(settings: Settings, directory: Path | None = None) -> AsyncIterator[Store]:
    """The accounts and tokens in that database. Raises StoreError."""
    async with open_database(settings, directory) as database:
        yield Store(database)


@asynccontextmanager
async def open_accounts(
    settings: Settings, directory: Path | None = None, *, forget: bool = False
) -> AsyncIterator[Store]:
    """The same, with the accounts that the settings declare, but for those whose login cannot be read: of these there
    is a warning. forget: without those that were declared and are so no longer. Raises SettingsError for one that
    cannot be.
    """
    async with open_store(settings, directory) as store:
        for sentence in await bring_declared(settings, store, forget=forget):
            log.warning("%s", sentence)
        yield store


async def bring_declared(settings: Settings, store: Store, *, forget: bool = False) -> list[str]:
    """Let the store have the declared accounts; the sentences for those that are left out. forget: see `apply`."""
    declared = declared_accounts(settings)
    return await asyncio.to_thread(lambda: apply(store, declared, now=time.time(), forget=forget))


@asynccontextmanager
async def open_upstream(settings: Settings) -> AsyncIterator[Upstream]:
    """The one client of the process. Raises SettingsError for a proxy or a CA bundle that cannot be used."""
    try:
        upstream = Upstream(
            proxy=settings.upstream_proxy, ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None
        )
    except OSError as error:
        why = error.strerror or str(error)
        raise SettingsError(f"ca_bundle: {settings.ca_bundle} cannot be used ({why}).") from error
    except (ValueError, httpx.InvalidURL):
        # Not chained: the text may hold the proxy's password.
        raise SettingsError("upstream_proxy: it has to be an http or https URL.") from None
    try:
        yield upstream
    finally:
        await upstream.aclose()


@asynccontextmanager
async def open_service(
    settings: Settings, directory: Path | None = None, *, recorded: bool = False
) -> AsyncIterator[Service]:
    """Everything that answers requests, for the accounts in `directory` (by default, where the settings say).

    recorded: attempts go into the usage ledger.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_accounts(settings, directory))
        recorder: Recorder = Unrecorded()
        if recorded:
            recorder = books = Bookkeeper(Ledger(store.database), retention_days=settings.usage_days, wall=time.time)
            stack.push_async_callback(books.aclose)
        parts = await stack.enter_async_context(_open_parts(settings, store, recorder))
        yield parts.service


class Server(msgspec.Struct, frozen=True):
    """The HTTP application of `cwproxy serve`, and the service behind it. warnings: sentences for its operator."""

    service: Service
    application: "FastAPI"
    warnings: Sequence[str] = ()


@asynccontextmanager
async def open_server(settings: Settings, directory: Path | None = None) -> AsyncIterator[Server]:
    """The same, with keys, books and an HTTP application. Raises StoreError, and SettingsError where others than this
    machine are let in and there is no key.
    """
    from cwproxy.api.admin import Operations
    from cwproxy.api.sweeping import Sweeper

    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_accounts(settings, directory, forget=True))
        books = Bookkeeper(Ledger(store.database), retention_days=settings.usage_days, wall=time.time)
        stack.push_async_callback(books.aclose)
        parts = await stack.enter_async_context(_open_parts(settings, store, books))
        ring = KeyRing(
            [key.get_secret_value() for key in settings.api_keys],
            Keys(store.database),
            demanding=needs_keys(settings),
            spending=books,
            capacity=parts.accounts.pool.capacity,
        )
        stack.push_async_callback(ring.aclose)
        await ring.start()
        await books.start(spending=ring.spends)
        require_keys_when_open(settings, stored=ring.has_clients)
        quotas = Quotas(parts.limits, books.statistics.attempts, told=parts.learn_quota, wall=time.time)
        stack.push_async_callback(quotas.aclose)
        quotas.watch(lambda: parts.awake(books))
        reports = Reports(partial(open_place, directory or store_place(settings)))
        stack.push_async_callback(reports.aclose)
        oversight = Oversight(store, parts.accounts, books, quotas, wall=time.time)
        operations = Operations(books, reports, oversight, time.time(), time.time, parts.service.left_out)
        kept = responses(settings, store.database)
        sweeper = Sweeper(kept.sweep)
        stack.push_async_callback(sweeper.aclose)
        sweeper.start()
        yield Server(
            parts.service,
            create_application(
                settings,
                parts.service,
                ring=ring,
                operations=operations,
                kept=kept if settings.response_days else None,
            ),
            await asyncio.to_thread(Accord(store, now=time.time).warnings),
        )


class _Parts(msgspec.Struct, frozen=True):
    """What answers requests, and what it is made of."""

    store: Store
    upstream: Upstream
    selector: Selector
    accounts: Accounts
    service: Service

    async def limits(self, account_id: str) -> UsageLimits:
        """Ask the backend how much of its allowance an account has left. Raises BackendError, LoginRequired and
        StoreError.
        """
        account = await in_store(self.store.account, account_id)
        if account is None:
            raise LoginRequired("The account is gone.")
        selected = self.selector.selected(account)
        if selected.target.surface is Surface.Q_IAM:
            raise BackendUnavailable("The service tells no allowance for AWS credentials.", retry_safe=False)
        return parse_usage(await self.upstream.fetch(usage_call(selected.target), selected.auth))

    def learn_quota(self, account_id: str, limits: UsageLimits) -> None:
        self.accounts.learn_quota(account_id, limits.fraction_left(), limits.resets_at)

    def awake(self, books: Bookkeeper) -> list[str]:
        """The accounts that have been used by this process and are not out of quota."""
        used = [account_id for (account_id,) in books.statistics.accounts if account_id is not None]
        return [account_id for account_id in used if not self.accounts.resting(account_id)]


@asynccontextmanager
async def _open_parts(settings: Settings, store: Store, recorder: Recorder) -> AsyncIterator[_Parts]:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(open_upstream(settings))
        keeper = TokenKeeper(store, login_services(settings))
        stack.push_async_callback(keeper.aclose)
        selector = Selector(store, keeper, routing(settings))
        policy = Policy(strategy=Strategy(settings.strategy), in_flight=settings.max_requests_per_account)
        accounts = Accounts(
            store,
            CoolDowns(store.database),
            selector,
            policy=policy,
            accounts=keeper.accounts,
            limits={declared.account_id: declared.limits for declared in declared_accounts(settings)},
        )
        stack.push_async_callback(accounts.aclose)
        service = Service(
            accounts=accounts,
            upstream=upstream,
            options=Options(
                aliases=aliases(settings.providers, settings.aliases),
                workspace=workspace(settings),
                pictures=pictures(settings),
                parse_thinking_tags=settings.parse_thinking_tags,
                buffered=settings.buffered,
                buffered_by_model={
                    name: model.buffered for name, model in settings.models.items() if model.buffered is not None
                },
            ),
            recorder=recorder,
        )
        stack.push_async_callback(service.aclose)
        yield _Parts(store, upstream, selector, accounts, service)


def create_application(
    settings: Settings,
    service: Service,
    *,
    ring: KeyRing | None = None,
    operations: "Operations | None" = None,
    kept: Responses | None = None,
) -> "FastAPI":
    """The HTTP application. ring: of all keys; without it, those of the settings. kept: answers that are kept."""
    from cwproxy.api import AccessPolicy, Limits, create_app

    access = AccessPolicy.of(
        keys=[key.get_secret_value() for key in settings.api_keys],
        ring=ring,
        host=settings.host,
        names=settings.allowed_hosts,
        origins=settings.cors_origins,
    )
    dumps = Dumps(settings.dump_failures.expanduser()) if settings.dump_failures else None
    return create_app(
        service,
        access,
        limits=Limits(
            requests=settings.max_requests,
            body_bytes=settings.max_body_mib * 1024 * 1024,
            choices=settings.max_choices,
        ),
        dumps=dumps,
        strict=settings.strict,
        cors_origins=settings.cors_origins,
        operations=operations,
        kept=kept,
    )


def responses(settings: Settings, database: Database) -> Responses:
    """Where answers are kept for who continues them; with `response_days = 0`, only those of earlier."""
    most = settings.response_megabytes * 1024 * 1024
    return Responses(database, keep=settings.response_days * 86_400, most_bytes=most)


def login_services(settings: Settings) -> LoginServices:
    """Where people log in, and tokens are renewed."""
    return LoginServices(
        endpoint=settings.endpoint,
        proxy=settings.upstream_proxy,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )


def declared_accounts(settings: Settings) -> list[Declaration]:
    """Raises SettingsError for one that is there twice."""
    return declarations(settings.providers, config_file().parent)


def routing(settings: Settings) -> Routing:
    """What the settings say of every account's calls."""
    return Routing(
        endpoint=settings.endpoint,
        surface=settings.surface,
        profile_arn=settings.profile_arn,
        opt_out=not settings.share_content,
    )


def pictures(settings: Settings) -> Pictures | None:
    """What may be done to a request's pictures. Raises SettingsError when that needs what is not installed."""
    if settings.downscale_images:
        scaling.require()
    if not (settings.fetch_images or settings.downscale_images):
        return None
    return Pictures(Fetcher() if settings.fetch_images else None, downscale=settings.downscale_images)


def workspace(settings: Settings) -> Workspace:
    """What is told of this machine: nothing, unless the user wants it."""
    if not settings.share_environment:
        return Workspace()
    return Workspace(directory=Path.cwd(), variable_names=variable_names())
