"""Settings to objects: the one module that names every concrete class of the I/O shell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.selection import Routing, Selector
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.auth.services import LoginServices
from cwproxy.diagnosis.dumps import Dumps
from cwproxy.errors import SettingsError
from cwproxy.media import scaling
from cwproxy.service import Options, Service
from cwproxy.settings import Settings, store_place, variable_names
from cwproxy.store import Database, Store
from cwproxy.store import open_database as open_place
from cwproxy.store.cooldowns import CoolDowns
from cwproxy.upstream import Upstream
from cwproxy.upstream.fetching import Fetcher
from cwproxy.upstream.pictures import Pictures
from cwproxy.upstream.workspace import Workspace

if TYPE_CHECKING:
    from fastapi import FastAPI


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
async def open_service(settings: Settings, directory: Path | None = None) -> AsyncIterator[Service]:
    """Everything that answers requests, for the accounts in `directory` (by default, where the settings say)."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, directory))
        upstream = await stack.enter_async_context(open_upstream(settings))
        keeper = TokenKeeper(store, login_services(settings))
        stack.push_async_callback(keeper.aclose)
        accounts = Accounts(
            store,
            CoolDowns(store.database),
            Selector(store, keeper, routing(settings)),
            accounts=keeper.accounts,
        )
        stack.push_async_callback(accounts.aclose)
        service = Service(
            accounts=accounts,
            upstream=upstream,
            options=Options(
                aliases=settings.aliases,
                workspace=workspace(settings),
                pictures=pictures(settings),
                parse_thinking_tags=settings.parse_thinking_tags,
            ),
        )
        stack.push_async_callback(service.aclose)
        yield service


def create_application(settings: Settings, service: Service) -> "FastAPI":
    """The HTTP application of `cwproxy serve`."""
    from cwproxy.api import AccessPolicy, Limits, create_app

    access = AccessPolicy.of(
        keys=[key.get_secret_value() for key in settings.api_keys],
        host=settings.host,
        names=settings.allowed_hosts,
        origins=settings.cors_origins,
    )
    dumps = Dumps(settings.dump_failures.expanduser()) if settings.dump_failures else None
    return create_app(
        service,
        access,
        limits=Limits(requests=settings.max_requests, choices=settings.max_choices),
        dumps=dumps,
        strict=settings.strict,
        cors_origins=settings.cors_origins,
    )


def login_services(settings: Settings) -> LoginServices:
    """Where people log in, and tokens are renewed."""
    return LoginServices(
        endpoint=settings.endpoint,
        proxy=settings.upstream_proxy,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )


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
