"""What the API asks: an answer, the models, whether there is an account."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from types import MappingProxyType

import msgspec

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.recording import Recorder, Unrecorded
from cwproxy.auth.clock import Clock
from cwproxy.codewhisperer.catalog import Catalog, Model
from cwproxy.conversation import Conversation
from cwproxy.errors import CwproxyError
from cwproxy.reply import Found, ReplyEvent
from cwproxy.service import searching
from cwproxy.service.attempts import Attempts
from cwproxy.service.catalogs import Catalogs
from cwproxy.service.crowds import Crowds
from cwproxy.service.means import Means
from cwproxy.service.options import Options
from cwproxy.upstream import Upstream


class Readiness(msgspec.Struct, frozen=True):
    """Whether a request would find an account. detail: a sentence for the operator. counts: one for anybody, without
    labels, users, files and hosts.
    """

    ready: bool
    detail: str
    counts: str


class Service:
    """What all requests of the process have in common. Used in one event loop; `aclose` ends what runs beside them."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        upstream: Upstream,
        options: Options,
        recorder: Recorder | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """chance: uniform in [0, 1)."""
        clock = clock or Clock()
        self._accounts = accounts
        self._crowds = Crowds()
        self._options = options
        self._catalogs = Catalogs(accounts, upstream, options.aliases, clock=clock)
        self._means = Means(
            accounts, upstream, self._catalogs, options, clock, recorder=recorder or Unrecorded(), chance=chance
        )

    async def aclose(self) -> None:
        await self._catalogs.aclose()

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many events of the backend had no place in an answer, by kind; it goes on being counted."""
        return MappingProxyType(self._means.leftovers.counts)

    async def models(self) -> Catalog:
        """What the accounts may use, all together. Raises BackendError, LoginRequired and StoreError."""
        return await self._catalogs.all()

    async def search(self, conversation: Conversation, query: str, *, caller: Caller) -> tuple[Found, ...] | None:
        """What is found on the web, None when no account can look there. Raises what `answer` and its calls raise."""
        return await searching.found(self._means, conversation, query, caller)

    async def readiness(self) -> Readiness:
        try:
            state = await self._accounts.state()
        except CwproxyError as error:
            return Readiness(False, error.message, "the accounts are not known: the log of cwproxy says why")
        return Readiness(state.ready, state.detail, state.counts)

    def deadline(self) -> float:
        """Of a request that comes now, for all the answers that it takes; in seconds of the service's own clock."""
        return self._means.clock.monotonic() + self._options.request_seconds

    @asynccontextmanager
    async def answer(
        self, conversation: Conversation, *, caller: Caller, streamed: bool = True, until: float | None = None
    ) -> AsyncIterator["Answer"]:
        """The answer to `conversation`. Entering raises what can be known beforehand (InvalidRequest,
        ModelNotFound, LoginRequired, BackendError, Overloaded); the call itself is made by the first iteration.
        The name of `caller` separates the conversations of different API keys. streamed: whether the client takes
        the answer as it comes; else it comes out when it is whole, and one that breaks off is asked for anew, once.
        until: the request's `deadline`; without it, this answer is a request of its own.
        """
        until = self.deadline() if until is None else until
        self._crowds.look(conversation, caller)
        if self._options.pictures is not None:
            conversation = await self._options.pictures.prepared(conversation)
        attempts = Attempts(self._means, conversation, caller, streamed=streamed, until=until)
        await attempts.begin()
        try:
            async with aclosing(attempts.batches()) as batches:
                yield Answer(attempts, batches)
        finally:
            attempts.leave()


class Answer:
    """One answer being given: iterate it once, for lists of events, one list per read of the backend."""

    def __init__(self, attempts: Attempts, batches: AsyncGenerator[list[ReplyEvent], None]) -> None:
        self._attempts = attempts
        self._batches = batches

    @property
    def model(self) -> Model:
        return self._attempts.model

    @property
    def conversation_id(self) -> str:
        return self._attempts.conversation_id

    @property
    def takes_effort(self) -> bool:
        """The model has been told how much to think. It may turn false until the first list."""
        return self._attempts.takes_effort

    def __aiter__(self) -> AsyncIterator[list[ReplyEvent]]:
        return self._batches
