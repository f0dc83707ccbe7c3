"""The models of the accounts: listed when they are needed, believed for some minutes."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from cwproxy.accounts.selection import Selected
from cwproxy.codewhisperer import catalog, surfaces
from cwproxy.codewhisperer.catalog import Catalog, Model
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import BackendError, BackendUnavailable, InvalidRequest, Throttled
from cwproxy.upstream import Upstream

log = logging.getLogger("cwproxy.service")

CATALOG_SECONDS = 300.0
"""How long a model list is believed. It changes with roll-outs, not by the minute."""

LISTING_PAUSE = 15.0
"""Seconds after a failed listing until the next one: a control plane that hangs must not hold up every request."""

MAX_PAGES = 50
"""Of a list of models: it is known to have one."""


class Catalogs:
    """aliases: client's model name -> backend's. clock: monotonic seconds."""

    def __init__(self, upstream: Upstream, aliases: Mapping[str, str], *, clock: Callable[[], float]) -> None:
        self._upstream = upstream
        self._aliases = aliases
        self._clock = clock
        self._catalogs: dict[str, tuple[float, Catalog]] = {}
        self._unlisted: dict[str, tuple[float, BackendUnavailable | Throttled]] = {}
        self._listing = asyncio.Lock()

    async def model(self, account: Selected, name: str) -> Model:
        """When the list is not to be had, the name goes out as it is, and the chat call is the judge."""
        if account.target.surface is Surface.Q_IAM:
            return self._unchecked(name)
        try:
            return (await self.catalog(account)).resolve(name)
        except (BackendUnavailable, Throttled) as error:
            log.warning("the models cannot be listed (%s); %r is passed on unchecked", error.message, name)
            return self._unchecked(name)

    def _unchecked(self, name: str) -> Model:
        return Model(id=self._aliases.get(name, name), name=name)

    async def catalog(self, account: Selected) -> Catalog:
        """What the account may use, at most five minutes old. Raises BackendError and LoginRequired."""
        if account.target.surface is Surface.Q_IAM:
            # Models are listed for bearer tokens only (protocol.md 1.5).
            return Catalog((Model(id=catalog.AUTO, name=catalog.AUTO),), catalog.AUTO, self._aliases)
        cached = self._catalogs.get(account.account_id)
        if cached is not None and self._clock() - cached[0] < CATALOG_SECONDS:
            return cached[1]
        async with self._listing:
            cached = self._catalogs.get(account.account_id)
            if cached is not None and self._clock() - cached[0] < CATALOG_SECONDS:
                return cached[1]
            try:
                fresh = await self._listed_in_time(account)
            except BackendError as error:
                if cached is None:
                    raise
                log.warning("the model list could not be refreshed (%s); the old one is used", error.message)
                return cached[1]
            self._catalogs[account.account_id] = (self._clock(), fresh)
            return fresh

    async def _listed_in_time(self, account: Selected) -> Catalog:
        """A new list, or at once the failure of a moment ago."""
        when, failure = self._unlisted.get(account.account_id, (0.0, None))
        if failure is not None and self._clock() - when < LISTING_PAUSE:
            raise failure.with_traceback(None)
        try:
            return await self._listed(account)
        except InvalidRequest as error:
            # Nothing of it is the client's; whether its own request is valid has to be seen.
            unlisted = BackendUnavailable(f"The backend refused to list its models: {error.message}", retry_safe=False)
            self._unlisted[account.account_id] = (self._clock(), unlisted)
            raise unlisted from error
        except (BackendUnavailable, Throttled) as error:
            self._unlisted[account.account_id] = (self._clock(), error)
            raise

    async def _listed(self, account: Selected) -> Catalog:
        models: list[Model] = []
        default: str | None = None
        token: str | None = None
        for _ in range(MAX_PAGES):
            body = await self._upstream.fetch(surfaces.models_call(account.target, next_token=token), account.auth)
            page = catalog.parse_models(body)
            models.extend(page.models)
            default = default or page.default_id
            token = page.next_token
            if not token:
                break
        return Catalog(tuple(models), default, self._aliases)
