"""The models of the accounts: listed when they are needed, believed for some minutes.

Each account has its own list; what clients are shown is all of them together. Lists are fetched beside the requests,
and a request waits for them only for a short time, so that a control plane that hangs holds up nobody for long: where
nothing is known by then, the name of the model goes out as it is.
"""

import asyncio
import contextvars
import logging
from collections.abc import Mapping, Sequence

from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.selection import Selected
from cwproxy.auth.clock import Clock
from cwproxy.codewhisperer import catalog, surfaces
from cwproxy.codewhisperer.catalog import Catalog, Model
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import BackendUnavailable, CwproxyError, InvalidRequest, ModelNotFound
from cwproxy.upstream import Upstream

log = logging.getLogger("cwproxy.service")

CATALOG_SECONDS = 300.0
"""How long a model list is believed. It changes with roll-outs, not by the minute. After that it is listed anew."""

OLD_SECONDS = 600.0
"""From when on requests wait for the new list; a younger one is used until that is there."""

LISTING_PAUSE = 15.0
"""Seconds after a failed listing until the next one."""

LISTING_PATIENCE = 2.0
"""How long a request waits for lists, in seconds, when there are some to go by."""

FIRST_PATIENCE = 5.0
"""The same when there are none."""

MAX_PAGES = 50
"""Of a list of models: it is known to have one."""


class Catalogs:
    """aliases: client's model name -> backend's. Used in one event loop; `aclose` ends the listings."""

    def __init__(self, accounts: Accounts, upstream: Upstream, aliases: Mapping[str, str], *, clock: Clock) -> None:
        self._accounts = accounts
        self._upstream = upstream
        self._aliases = aliases
        self._clock = clock
        self._lists: dict[str, tuple[float, Catalog]] = {}
        self._failures: dict[str, tuple[float, CwproxyError]] = {}
        self._slow: set[str] = set()
        self._listings: dict[str, asyncio.Task[None]] = {}
        self._begun: dict[str, float] = {}
        self._united: tuple[tuple[Catalog, ...], Catalog] = ((), Catalog((), None, aliases))
        self._iam = Catalog((Model(id=catalog.AUTO, name=catalog.AUTO),), catalog.AUTO, aliases)
        self._settled: tuple[tuple[Selected, ...], float] = ((), 0.0)

    async def aclose(self) -> None:
        tasks = tuple(self._listings.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def all(self) -> Catalog:
        """What the accounts may use, all together, at most some minutes old. Raises BackendError, LoginRequired and
        StoreError when no list can be had.
        """
        accounts = await self._accounts.usable()
        await self._refresh(accounts)
        known = self._known(accounts)
        if known:
            return self._union(known)
        failures = [self._failures[it.account_id][1] for it in accounts if it.account_id in self._failures]
        if failures:
            raise failures[0].with_traceback(None)
        raise BackendUnavailable("The models have not been listed yet.")

    async def model(self, name: str, *, any_version: bool = False) -> Model:
        """The model that a client means. Where lists are not to be had, the name goes out as it is, and the chat call
        is the judge. Raises ModelNotFound, LoginRequired and StoreError.
        """
        accounts = await self._accounts.usable()
        if accounts is self._settled[0] and self._clock.monotonic() < self._settled[1]:
            return self._united[1].resolve(name, any_version=any_version)
        await self._refresh(accounts)
        known = self._known(accounts)
        try:
            if known:
                return self._union(known).resolve(name, any_version=any_version)
        except ModelNotFound:
            if len(known) == len(accounts) and not any(it.target.surface is Surface.Q_IAM for it in accounts):
                raise
        if not known or any(it.account_id in self._failures for it in accounts):
            log.warning("the models cannot be listed; %r is passed on unchecked", name)
        return Model(id=self._aliases.get(name, name), name=name)

    def of(self, account: Selected, model: Model) -> Model:
        """What `account` itself says of `model`."""
        listed = self._list_of(account)
        if listed is None or listed is self._united[1]:
            return model
        own = next((each for each in listed.models if each.id == model.id), None)
        if own is None and model.id == catalog.AUTO and listed.default_id is not None:
            own = next((each for each in listed.models if each.id == listed.default_id), None)
        return own or model

    def _known(self, accounts: Sequence[Selected]) -> tuple[Catalog, ...]:
        return tuple(listed for account in accounts if (listed := self._list_of(account)) is not None)

    def _list_of(self, account: Selected) -> Catalog | None:
        if account.target.surface is Surface.Q_IAM:
            return self._iam
        found = self._lists.get(account.account_id)
        return None if found is None else found[1]

    def _union(self, known: tuple[Catalog, ...]) -> Catalog:
        if self._united[0] != known:
            models: dict[str, Model] = {}
            for listed in known:
                for model in listed.models:
                    models.setdefault(model.id, model)
            default = next((listed.default_id for listed in known if listed.default_id), None)
            union = known[0] if len(known) == 1 else Catalog(tuple(models.values()), default, self._aliases)
            self._united = known, union
        return self._united[1]

    async def _refresh(self, accounts: tuple[Selected, ...]) -> None:
        """Afterwards, where every account is listed, nothing has to be looked at until the first list is too old."""
        now = self._clock.monotonic()
        due = [account for account in accounts if self._is_due(account, now)]
        listings = {self._listing(account) for account in due}
        listings -= {self._listings[it.account_id] for it in due if self._needs_no_wait(it, now)}
        while listings and not self._known(accounts) and (left := self._left(accounts, FIRST_PATIENCE)) > 0:
            _, listings = await asyncio.wait(listings, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        left = self._left(accounts, LISTING_PATIENCE)
        if listings and left > 0:
            await asyncio.wait(listings, timeout=left)
        listed = [self._lists[it.account_id][0] for it in accounts if it.account_id in self._lists]
        if len(listed) == len(accounts):
            self._union(self._known(accounts))
            self._settled = accounts, min(listed) + CATALOG_SECONDS

    def _needs_no_wait(self, account: Selected, now: float) -> bool:
        """Whether the running listing is not worth a request's time."""
        listed = self._lists.get(account.account_id)
        return account.account_id in self._slow or (listed is not None and now - listed[0] < OLD_SECONDS)

    def _left(self, accounts: tuple[Selected, ...], patience: float) -> float:
        """Seconds that the latest of the running listings may still be waited for, by all requests together: what hangs
        does not hold up each of them anew.
        """
        latest = max((self._begun[it.account_id] for it in accounts if it.account_id in self._listings), default=0.0)
        return latest + patience - self._clock.monotonic()

    def _is_due(self, account: Selected, now: float) -> bool:
        if account.target.surface is Surface.Q_IAM:
            return False  # models are listed for bearer tokens only (protocol.md 1.5)
        listed = self._lists.get(account.account_id)
        if listed is not None and now - listed[0] < CATALOG_SECONDS:
            return False
        failed = self._failures.get(account.account_id)
        if failed is not None and now - failed[0] < LISTING_PAUSE:
            return False
        return not self._accounts.resting(account.account_id)

    def _listing(self, account: Selected) -> "asyncio.Task[None]":
        task = self._listings.get(account.account_id)
        if task is None:
            self._begun[account.account_id] = self._clock.monotonic()
            task = self._listings[account.account_id] = asyncio.create_task(  # noqa: TID251 - held here
                self._list(account), context=contextvars.Context()
            )
        return task

    async def _list(self, account: Selected) -> None:
        try:
            fresh = await self._listed(account)
        except InvalidRequest as error:
            # Nothing of it is the client's; whether its own request is valid has to be seen.
            refusal = BackendUnavailable(f"The backend refused to list its models: {error.message}", retry_safe=False)
            self._failed(account, refusal)
        except CwproxyError as error:
            self._failed(account, error)
        else:
            self._failures.pop(account.account_id, None)
            self._slow.discard(account.account_id)
            self._lists[account.account_id] = self._clock.monotonic(), fresh
            self._accounts.learn_models(account.account_id, frozenset(model.id for model in fresh.models))
        finally:
            del self._listings[account.account_id]

    def _failed(self, account: Selected, error: CwproxyError) -> None:
        """Nobody waits again for what took long to fail: it is tried beside the requests until it is there."""
        now = self._clock.monotonic()
        self._failures[account.account_id] = now, error
        if now - self._begun[account.account_id] > LISTING_PATIENCE:
            self._slow.add(account.account_id)
        if account.account_id in self._lists:
            log.warning("a list of models could not be refreshed (%s); the old one is used", error.message)

    async def _listed(self, account: Selected) -> Catalog:
        models: list[Model] = []
        default: str | None = None
        token: str | None = None
        for _ in range(MAX_PAGES):
            body = await self._upstream.fetch(surfaces.models_call(account.target, next_token=token), account.auth)
            page = catalog.parse_models(body)
            models.extend(model for model in page.models if self._accounts.may_serve(account.account_id, model.id))
            default = default or page.default_id
            token = page.next_token
            if not token:
                break
        return Catalog(tuple(models), default, self._aliases)
