"""What the API needs of the service, so that it can be tested without accounts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cwproxy.conversation import Conversation
from cwproxy.reply import ReplyEvent


class Model(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def max_input_tokens(self) -> int | None: ...


class Catalog(Protocol):
    @property
    def models(self) -> Sequence[Model]: ...
    def resolve(self, client_name: str, /) -> Model:
        """Raises ModelNotFound."""


class Readiness(Protocol):
    @property
    def ready(self) -> bool: ...
    @property
    def detail(self) -> str: ...


class Answer(Protocol):
    """Iterated once: one list of events per read of the backend, never empty. Iterating raises BackendError."""

    def __aiter__(self) -> AsyncIterator[list[ReplyEvent]]: ...


class Service(Protocol):
    async def models(self) -> Catalog: ...
    async def readiness(self) -> Readiness: ...
    def answer(self, conversation: Conversation, *, caller: str) -> AbstractAsyncContextManager[Answer]:
        """Entering raises what can be known beforehand; leaving closes the backend's connection."""
