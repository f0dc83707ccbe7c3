"""What the API asks: an answer, the models, whether there is an account."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.selection import Selected
from cwproxy.codewhisperer.catalog import Catalog, Model
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.conversation import Conversation
from cwproxy.errors import ContextLengthExceeded, CwproxyError, InvalidRequest
from cwproxy.reply import ReplyEvent
from cwproxy.service.attempts import Attempts
from cwproxy.service.catalogs import Catalogs
from cwproxy.service.options import Options
from cwproxy.service.preparation import Prepared, prepared
from cwproxy.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a request would find an account; `detail` is a sentence for people."""

    ready: bool
    detail: str


class Service:
    """`select` gives the account that the next call is made with; it raises LoginRequired when there is none."""

    def __init__(
        self,
        *,
        select: Callable[[], Awaitable[Selected]],
        upstream: Upstream,
        options: Options,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._select = select
        self._options = options
        self._catalogs = Catalogs(upstream, options.aliases, clock=clock)
        self._attempts = Attempts(upstream, request_seconds=options.request_seconds, clock=clock)
        self._effortless: set[tuple[str, str]] = set()

    async def models(self) -> Catalog:
        """What the account may use, at most five minutes old. Raises BackendError and LoginRequired."""
        return await self._catalogs.catalog(await self._select())

    async def readiness(self) -> Readiness:
        try:
            await self._select()
        except CwproxyError as error:
            return Readiness(False, error.message)
        return Readiness(True, "an account is logged in")

    @asynccontextmanager
    async def answer(
        self, conversation: Conversation, *, caller: Caller, streamed: bool = False
    ) -> AsyncIterator["Answer"]:
        """The answer to `conversation`. Entering raises what can be known beforehand (InvalidRequest,
        ModelNotFound, LoginRequired, BackendError); the call itself is made by the first iteration.
        The name of `caller` separates the conversations of different API keys. streamed: whether the client asked for
        a stream, for the record.
        """
        if self._options.pictures is not None:
            conversation = await self._options.pictures.prepared(conversation)
        account = await self._select()
        model = await self._catalogs.model(account, conversation.model)
        asked = await prepared(conversation, model, caller, account, self._options)
        answer = Answer(model, asked.state.conversation_id)
        fields = self._effort_fields(conversation, model, account)
        if fields is None:
            answer.batches = self._attempts.batches(asked, model, account)
        else:
            answer.takes_effort = True
            answer.batches = self._with_effort(asked, answer, account, fields)
        async with aclosing(answer.batches):
            yield answer

    def _effort_fields(self, conversation: Conversation, model: Model, account: Selected) -> bytes | None:
        refused = (account.account_id, model.id) in self._effortless
        if refused or conversation.effort is None or account.target.surface is not Surface.KIRO:
            return None
        return model.effort.fields(conversation.effort) if model.effort is not None else None

    async def _with_effort(
        self, asked: Prepared, answer: "Answer", account: Selected, fields: bytes
    ) -> AsyncGenerator[list[ReplyEvent], None]:
        """Enterprise accounts may not send such fields, and nothing tells them apart (backend-rules.md A4 46)."""
        said = False
        try:
            async with aclosing(self._attempts.batches(asked, answer.model, account, fields)) as batches:
                async for batch in batches:
                    said = True
                    yield batch
            return
        except InvalidRequest as error:
            if said or isinstance(error, ContextLengthExceeded):
                raise
        answer.takes_effort = False
        async with aclosing(self._attempts.batches(asked, answer.model, account)) as batches:
            async for batch in batches:
                self._effortless.add((account.account_id, answer.model.id))
                yield batch


class Answer:
    """One answer being given: iterate it once, for lists of events, one list per read of the backend.

    takes_effort: the model has been told how much to think. It may turn false until the first list.
    """

    batches: AsyncGenerator[list[ReplyEvent], None]

    def __init__(self, model: Model, conversation_id: str) -> None:
        self.model = model
        self.conversation_id = conversation_id
        self.takes_effort = False

    def __aiter__(self) -> AsyncIterator[list[ReplyEvent]]:
        return self.batches
