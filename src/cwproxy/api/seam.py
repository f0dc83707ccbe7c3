"""What the API needs of the service, so that it can be tested without accounts, and of the requests of a dialect."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from cwproxy.accounts.callers import Caller
from cwproxy.conversation import Conversation
from cwproxy.inbound.failures import Failure
from cwproxy.reply import Found, Reply, ReplyEvent, Usage


class Model(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def max_input_tokens(self) -> int | None: ...


class Catalog(Protocol):
    def named(self) -> Iterable[tuple[str, Model]]:
        """Every model, by each of the names that are shown."""

    def resolve(self, client_name: str, /) -> Model:
        """Raises ModelNotFound."""


class Readiness(Protocol):
    @property
    def ready(self) -> bool: ...
    @property
    def counts(self) -> str: ...


class Answer(Protocol):
    """Iterated once: one list of events per read of the backend, never empty. Iterating raises BackendError.

    model: the one that answers. takes_effort: it has been told how much to think, which may turn false until the first
    list.
    """

    @property
    def model(self) -> Model: ...
    @property
    def takes_effort(self) -> bool: ...
    def __aiter__(self) -> AsyncIterator[list[ReplyEvent]]: ...


class Service(Protocol):
    async def models(self) -> Catalog: ...
    async def readiness(self) -> Readiness: ...
    async def search(self, conversation: Conversation, query: str, /, *, caller: Caller) -> tuple[Found, ...] | None:
        """None where nobody can search the web. `caller` must be one who may ask the conversation's model."""

    def deadline(self) -> float:
        """Of a request that comes now, for all the answers that it takes."""

    def answer(
        self, conversation: Conversation, *, caller: Caller, streamed: bool = True, until: float | None = None
    ) -> AbstractAsyncContextManager[Answer]:
        """Entering raises what can be known beforehand; leaving closes the backend's connection. streamed: whether the
        client takes the answer as it comes; else nothing of it comes out before its end. until: the deadline; None is
        one of its own.
        """


class Stream(Protocol):
    """Turns the events of a single choice into bytes."""

    @property
    def usage(self) -> Usage | None: ...
    @property
    def finished(self) -> bool: ...
    def feed(self, events: Iterable[ReplyEvent], /) -> bytes: ...


@runtime_checkable
class NumberedStream(Stream, Protocol):
    """One whose end belongs to what came before: its failure, too, and what was said as a whole."""

    @property
    def whole(self) -> bytes:
        """The body that a client that wants no stream would have got, when it has finished."""
        ...

    def failed(self, failure: Failure, /) -> bytes: ...


class Streams(Protocol):
    """The same for several choices, by their index."""

    @property
    def usage(self) -> Usage | None: ...
    @property
    def finished(self) -> bool: ...
    def feed(self, index: int, events: Iterable[ReplyEvent], /) -> bytes: ...


class Asked(Protocol):
    """A request of a dialect: one conversation for each choice, and how to show the answers."""

    @property
    def conversations(self) -> tuple[Conversation, ...]: ...
    @property
    def model(self) -> str: ...
    @property
    def stream(self) -> bool: ...
    @property
    def ignored(self) -> tuple[str, ...]: ...
    @property
    def emulated(self) -> tuple[str, ...]: ...
    @property
    def id_prefix(self) -> str: ...
    @property
    def effort_name(self) -> str:
        """The client's name of the parameter that the effort came from."""

    def called(self, name: str, /) -> "Asked": ...
    def renderer(self, *, id: str, created: int) -> Stream: ...
    def chorus(self, *, id: str, created: int) -> Streams: ...
    def complete(self, replies: Sequence[Reply], *, id: str, created: int) -> bytes: ...
    def usage(self, replies: Sequence[Reply]) -> Usage: ...
