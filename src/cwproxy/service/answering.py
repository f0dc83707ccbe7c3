"""One request, start to end: the only place where conversations, accounts and the backend meet.

Attempts are repeated here and nowhere else, and only while nothing of an answer has been handed out.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Literal
from uuid import uuid4

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.selection import Selected
from cwproxy.codewhisperer import catalog, request, surfaces, tokens
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.codewhisperer.catalog import Catalog, Model
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.codewhisperer.weight import weight
from cwproxy.codewhisperer.wire import ConversationState
from cwproxy.conversation import Conversation
from cwproxy.errors import (
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    ContextLengthExceeded,
    CwproxyError,
    InvalidRequest,
    StreamTruncated,
    Throttled,
)
from cwproxy.filters import Demands, Filters
from cwproxy.reply import ReplyEvent
from cwproxy.upstream import Upstream
from cwproxy.upstream.pictures import Pictures
from cwproxy.upstream.reading import Reading
from cwproxy.upstream.retry import Situation, delay
from cwproxy.upstream.workspace import Workspace

log = logging.getLogger("cwproxy.service")

CATALOG_SECONDS = 300.0
"""How long a model list is believed. It changes with roll-outs, not by the minute."""

LISTING_PAUSE = 15.0
"""Seconds after a failed listing until the next one: a control plane that hangs must not hold up every request."""

MAX_PAGES = 50
"""Of a list of models: it is known to have one."""

REQUEST_SECONDS = 590.0
"""Deadline of a whole request: just under the 600 s of the OpenAI SDKs (reliability.md 1.8)."""

LAST_SECONDS = 200.0
"""Before the deadline, in which each read has a timer; before that the upstream's own limit of silence is enough."""

TRAILERLESS = 2
"""Streams without a trailer, and none with one, after which an account counts as one that sends none."""

BIG_CONVERSATION = 512 * 1024
"""Characters above which the conversion runs in a thread, so that other streams do not stand still."""

HUGE_CONVERSATION = 2 * 1024 * 1024
"""Characters above which even the estimate of its tokens takes too long for the loop."""


@dataclass(frozen=True, slots=True)
class Options:
    """aliases: client's model name -> backend's. parse_thinking_tags: text in `<thinking>` at the start of an answer is
    reasoning.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    workspace: Workspace = Workspace()
    pictures: Pictures | None = None
    request_seconds: float = REQUEST_SECONDS
    parse_thinking_tags: bool = False


@dataclass(slots=True)
class _Trailers:
    """What has been seen of an account's streams: some never send the events that mark a complete answer
    (backend-rules.md B8), and only of those is an answer without them taken for whole.
    """

    seen: bool = False
    missing: int = 0

    @property
    def expected(self) -> bool:
        return self.seen or self.missing < TRAILERLESS


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a request would find an account; `detail` is a sentence for people."""

    ready: bool
    detail: str


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A conversation in the backend's language, with what is needed to read the answer."""

    state: ConversationState
    tool_names: Mapping[str, str]
    input_tokens: int | Callable[[], int]
    demands: Demands


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
        self._upstream = upstream
        self._options = options
        self._clock = clock
        self._catalogs: dict[str, tuple[float, Catalog]] = {}
        self._unlisted: dict[str, tuple[float, BackendUnavailable | Throttled]] = {}
        self._listing = asyncio.Lock()
        self._trailers: defaultdict[str, _Trailers] = defaultdict(_Trailers)
        self._effortless: set[tuple[str, str]] = set()

    async def models(self) -> Catalog:
        """What the account may use, at most five minutes old. Raises BackendError and LoginRequired."""
        return await self._catalog(await self._select())

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
        model = await self._model(account, conversation.model)
        prepared = await self._prepared(conversation, model, caller, account)
        answer = Answer(model, prepared.state.conversation_id)
        fields = self._effort_fields(conversation, model, account)
        if fields is None:
            answer.batches = self._attempts(prepared, model, account)
        else:
            answer.takes_effort = True
            answer.batches = self._with_effort(prepared, answer, account, fields)
        async with aclosing(answer.batches):
            yield answer

    def _effort_fields(self, conversation: Conversation, model: Model, account: Selected) -> bytes | None:
        refused = (account.account_id, model.id) in self._effortless
        if refused or conversation.effort is None or account.target.surface is not Surface.KIRO:
            return None
        return model.effort.fields(conversation.effort) if model.effort is not None else None

    async def _with_effort(
        self, prepared: _Prepared, answer: "Answer", account: Selected, fields: bytes
    ) -> AsyncGenerator[list[ReplyEvent], None]:
        """Enterprise accounts may not send such fields, and nothing tells them apart (backend-rules.md A4 46)."""
        said = False
        try:
            async with aclosing(self._attempts(prepared, answer.model, account, fields)) as batches:
                async for batch in batches:
                    said = True
                    yield batch
            return
        except InvalidRequest as error:
            if said or isinstance(error, ContextLengthExceeded):
                raise
        answer.takes_effort = False
        async with aclosing(self._attempts(prepared, answer.model, account)) as batches:
            async for batch in batches:
                self._effortless.add((account.account_id, answer.model.id))
                yield batch

    async def _prepared(self, conversation: Conversation, model: Model, caller: Caller, account: Selected) -> _Prepared:
        workspace = self._options.workspace
        status = await workspace.git_status()

        def build() -> _Prepared:
            prepared = request.build(
                conversation,
                model_id=None if model.id == catalog.AUTO else model.id,
                conversation_id=request.conversation_id(conversation, namespace=caller.name),
                origin=surfaces.origin(account.target.surface),
                environment=workspace.environment(),
                git_status=status,
                caching=model.caching,
            )
            # Mostly the backend counts; an estimate that would take long is made here, outside the loop.
            estimate = partial(tokens.estimate_conversation, conversation)
            return _Prepared(
                prepared.state,
                prepared.tool_names,
                estimate() if size > HUGE_CONVERSATION else estimate,
                self._demands(conversation),
            )

        size = weight(conversation)
        return await asyncio.to_thread(build) if size > BIG_CONVERSATION else build()

    def _demands(self, conversation: Conversation) -> Demands:
        answer = conversation.answer
        kind: Literal["object", "any"] | None = None
        if answer is not None:
            kind = "object" if answer.schema is None else "any"
        return Demands(
            conversation.stop,
            conversation.max_tokens,
            kind,
            thinking_tags=self._options.parse_thinking_tags,
            one_call=not conversation.parallel,
        )

    async def _attempts(
        self, prepared: _Prepared, model: Model, account: Selected, fields: bytes | None = None
    ) -> AsyncGenerator[list[ReplyEvent], None]:
        started = self._clock()
        deadline = started + self._options.request_seconds
        invocation = str(uuid4())
        trailers = self._trailers[account.account_id]
        attempt = 0
        while True:
            attempt += 1
            said = False
            assembler = Assembler(
                prepared.tool_names,
                input_tokens=prepared.input_tokens,
                window=model.max_input_tokens,
                expects_trailer=trailers.expected,
            )
            filters = Filters(prepared.demands, tokens.weigh) if prepared.demands else None
            call = surfaces.chat_call(
                account.target, prepared.state, invocation_id=invocation, attempt=attempt, model_fields=fields
            )
            try:
                async with (
                    self._upstream.stream(call, account.auth) as reads,
                    aclosing(_batches(reads, Reading(assembler, filters), self._clock, deadline)) as batches,
                ):
                    async for batch in batches:
                        said = True
                        trailers.seen |= assembler.saw_trailer  # before the yield: nobody has to come back after it
                        yield batch
                return
            except BackendError as error:
                if type(error) is StreamTruncated:
                    trailers.missing += 1
                now = self._clock()
                situation = Situation(attempt, now - started, deadline - now)
                wait = None if said else delay(error, situation, random=random.random())  # noqa: S311 - jitter
                if wait is None:
                    raise
                log.info(
                    "attempt %d failed (%s, %s); next in %.2f s", attempt, type(error).__name__, error.reason, wait
                )
            await asyncio.sleep(wait)

    async def _model(self, account: Selected, name: str) -> Model:
        """When the list is not to be had, the name goes out as it is, and the chat call is the judge."""
        if account.target.surface is Surface.Q_IAM:
            return self._unchecked(name)
        try:
            return (await self._catalog(account)).resolve(name)
        except (BackendUnavailable, Throttled) as error:
            log.warning("the models cannot be listed (%s); %r is passed on unchecked", error.message, name)
            return self._unchecked(name)

    def _unchecked(self, name: str) -> Model:
        return Model(id=self._options.aliases.get(name, name), name=name)

    async def _catalog(self, account: Selected) -> Catalog:
        if account.target.surface is Surface.Q_IAM:
            # Models are listed for bearer tokens only (protocol.md 1.5).
            return Catalog((Model(id=catalog.AUTO, name=catalog.AUTO),), catalog.AUTO, self._options.aliases)
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
        return Catalog(tuple(models), default, self._options.aliases)


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


async def _batches(
    reads: AsyncIterator[bytes], reading: Reading, clock: Callable[[], float], deadline: float
) -> AsyncGenerator[list[ReplyEvent], None]:
    while True:
        left = deadline - clock()
        data = await (anext(reads, None) if left > LAST_SECONDS else _next(reads, left))
        if data is None:
            break
        for batch in reading.feed(data):
            yield batch
        if reading.over:
            return
    yield reading.finish()


async def _next(reads: AsyncIterator[bytes], left: float) -> bytes | None:
    try:
        async with asyncio.timeout(left):
            if left > 0:
                return await anext(reads, None)
    except TimeoutError:
        pass
    raise BackendTimeout("The answer took longer than a whole request may.", reason="deadline")
