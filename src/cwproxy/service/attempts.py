"""The calls that are made for one answer, and what follows each. Attempts are repeated here and nowhere else, and only
while nothing of an answer has been handed out (reliability.md 1.8); of one that the client takes as a whole, that is
until its end.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID, uuid4

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.leasing import QUEUE_SECONDS, Turn
from cwproxy.accounts.pool import Failed, Failure, Left, Served, Want, classify
from cwproxy.codewhisperer import catalog, surfaces, tokens
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.codewhisperer.catalog import Model
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.conversation import Conversation
from cwproxy.errors import (
    BackendError,
    BackendUnavailable,
    ContextLengthExceeded,
    CwproxyError,
    InvalidRequest,
    LoginAwaited,
    ModelNotFound,
    StreamTruncated,
)
from cwproxy.filters import Filters
from cwproxy.reply import Finished, ReplyEvent, Usage
from cwproxy.service import deadline, retry
from cwproxy.service.means import Means
from cwproxy.service.preparation import Prepared, conversation_id, fits, prepared, renamed, without_thoughts
from cwproxy.service.trailers import Trailers
from cwproxy.store.ledger import Ending, Record
from cwproxy.upstream.reading import Reading

log = logging.getLogger("cwproxy.service")

_FOREIGN_THOUGHT = "thinking_signature_invalid"
"""The code of a refusal to take back what another model, or another service, thought (backend-rules.md A4 49)."""

_RENAMING = frozenset({"invalid_conversation_id", "conversation_limit_exceeded"})
"""Codes of refusals that another name for the conversation may avoid."""


class Attempts:
    """One request on its way to an answer: `begin`, then iterate `batches` once, and `leave` in any case."""

    def __init__(
        self, means: Means, conversation: Conversation, caller: Caller, *, streamed: bool, until: float
    ) -> None:
        self._means = means
        self._conversation = conversation
        self._caller = caller
        self._streamed = streamed
        self._turn: Turn
        self._asked: Prepared
        self._end = until
        self._sticky: str | None = None
        self._dead: frozenset[str] = frozenset()
        self._tired: frozenset[str] = frozenset()
        self._calls = self._calls_here = self._worked = self._moves = self._taken = 0
        self._doubted = False
        self._suspects: list[tuple[Turn, Failure]] = []
        self._waited = 0.0
        self._renamed = self._replayed = self._told_before = self._begun_anew = False
        self._fields: bytes | None = None
        self._invocation = ""
        self._model: Model
        self.model: Model

    @property
    def conversation_id(self) -> str:
        return self._asked.state.conversation_id

    @property
    def takes_effort(self) -> bool:
        """The model has been told how much to think, or does not think, as it is to. It may turn false until the first
        batch.
        """
        return self._fields is not None or (self._conversation.effort == "none" and self._model.effort is None)

    async def begin(self) -> None:
        """Find an account and make the request for it. Raises what can be known beforehand."""
        means = self._means
        asked = self._conversation
        if means.clock.monotonic() >= self._end:
            raise deadline.passed()
        self._model = self.model = await means.catalogs.model(asked.model, any_version=asked.any_version)
        self._caller.check(asked.model, self.model.id)
        if means.accounts.sticky:
            self._sticky = await conversation_id(self._conversation, self._caller)
        self._turn = await means.accounts.lease(self._want())
        try:
            await self._aim(None)
        except BaseException:
            self._turn.settle(Left())
            raise
        self._fields = self._effort()

    def leave(self) -> None:
        """Nobody waits for an answer any more."""
        self._turn.settle(Left())
        for turn, _ in self._suspects:
            turn.settle(Left())

    def batches(self) -> AsyncGenerator[list[ReplyEvent], None]:
        """The answer, as lists of events. Raises what `begin` and the calls raise."""
        return self._spoken() if self._streamed else self._whole()

    async def _whole(self) -> AsyncGenerator[list[ReplyEvent], None]:
        """Held until it is known that there is nothing to repeat."""
        held: list[list[ReplyEvent]] = []
        call = 0
        async with aclosing(self._spoken()) as batches:
            async for batch in batches:
                if call != self._calls:
                    held.clear()
                    call = self._calls
                held.append(batch)
        for batch in held:
            yield batch

    async def _spoken(self) -> AsyncGenerator[list[ReplyEvent], None]:
        """As it comes; where the client takes the answer as a whole, it may begin anew with another call."""
        clock = self._means.clock.monotonic
        while True:
            trailers = self._means.trailers[self._turn.selected.account_id]
            assembler = self._assembler(trailers)
            reading = Reading(assembler, Filters(self._asked.demands, tokens.weigh) if self._asked.demands else None)
            opened, first = False, None
            batch: list[ReplyEvent] = []
            began = self._start()
            try:
                call = await asyncio.to_thread(self._call) if self._asked.huge else self._call()
                async with (
                    self._means.upstream.stream(call, self._turn.selected.hurried(self._elsewhere)) as reads,
                    aclosing(deadline.batches(reads, reading, clock, self._end)) as batches,
                ):
                    opened = True
                    async for batch in batches:
                        if first is None:
                            first = clock()
                            self._heard()
                        trailers.seen |= assembler.saw_trailer  # before the yield: nobody has to come back after it
                        yield batch
                self._ended(began, first, batch)
                return
            except CwproxyError as error:
                if type(error) is StreamTruncated:
                    trailers.missing += 1
                failure = classify(error, began=opened)
                self._failed(error, failure, began, first)
                if first is None and self._at_once(error):
                    continue
                self._blame(error, failure)
                if first is not None and not self._may_begin_anew(error):
                    raise
                await self._move_on(error)
            except BaseException:
                self._ended(began, first, batch)
                raise
            finally:
                if assembler.ignored:
                    self._means.leftovers.take(assembler.ignored)

    def _assembler(self, trailers: Trailers) -> Assembler:
        return Assembler(
            self._asked.tool_names,
            input_tokens=self._asked.input_tokens,
            window=self._model.max_input_tokens,
            expects_trailer=trailers.expected,
        )

    def _call(self) -> surfaces.Call:
        return surfaces.chat_call(
            self._turn.selected.target,
            self._asked.state,
            invocation_id=self._invocation,
            attempt=self._calls_here,
            model_fields=self._fields,
            piecewise=self._asked.huge,
        )

    def _want(self, tried: frozenset[str] = frozenset()) -> Want:
        return Want(None if self.model.id == catalog.AUTO else self.model.id, self._sticky, tried)

    def _start(self) -> float:
        self._calls += 1
        self._calls_here += 1
        return self._means.clock.monotonic()

    def _heard(self) -> None:
        """The first events: what the request was sent without is not wanted by this account."""
        self._turn.heard()
        for turn, failure in self._suspects:
            turn.settle(Failed(failure))
        if self._told_before:
            self._means.effortless.add((self._turn.selected.account_id, self._model.id))

    def _effort(self) -> bytes | None:
        account, effort = self._turn.selected, self._conversation.effort
        if effort is None or account.target.surface is not Surface.KIRO:
            return None
        if self._model.effort is None or (account.account_id, self._model.id) in self._means.effortless:
            return None
        return self._model.effort.fields(effort, thinks=self._conversation.thinks)

    async def _aim(self, before: tuple[Turn, Model] | None) -> None:
        """Make the request for the account whose turn it is. before: the one that it was made for, and its model."""
        means, account = self._means, self._turn.selected
        if before is not None and before[0].selected.account_id == account.account_id:
            return
        self._model = means.catalogs.of(account, self.model)
        # It names a call and guards nothing, and the system's randomness would take longer.
        self._invocation, self._calls_here = str(UUID(int=random.getrandbits(128), version=4)), 0
        if before is not None and fits(before[0].selected, before[1], account, self._model):
            return
        asked = await prepared(self._conversation, self._model, self._caller, account, means.options)
        if asked.state.conversation_id in means.strange:
            asked = without_thoughts(asked) or asked
        self._asked = renamed(asked, str(uuid4())) if self._renamed else asked

    def _at_once(self, error: CwproxyError) -> bool:
        """Whether the same account can be called again for nothing, because not the call was at fault but how it was
        made. The request has been changed accordingly.
        """
        if isinstance(error, BackendUnavailable) and error.replayable and not self._replayed:
            self._replayed = True
            return True
        if not isinstance(error, InvalidRequest):
            return False
        if error.code in _RENAMING and not self._renamed and self._conversation.name is None:
            self._renamed = True
            self._asked = renamed(self._asked, str(uuid4()))
            return True
        if error.code == _FOREIGN_THOUGHT and (plain := without_thoughts(self._asked)) is not None:
            self._means.remember_strange(self._asked.state.conversation_id)
            self._asked = plain
            return True
        if self._fields is not None and not isinstance(error, ContextLengthExceeded | ModelNotFound):
            # Enterprise accounts may not send such fields, and nothing tells them apart (backend-rules.md A4 46).
            self._fields, self._told_before = None, True
            return True
        return False

    def _may_begin_anew(self, error: CwproxyError) -> bool:
        """After the first words: where nobody has them yet, and once, because they are paid for."""
        if self._streamed or self._begun_anew or not retry.broke_off(error):
            return False
        self._begun_anew = True
        return True

    def _blame(self, error: CwproxyError, failure: Failure | None) -> None:
        """Settle the turn. Where it may be the request that is refused everywhere, one account is blamed at once, the
        others when somebody has served it: no single request can have all of them written off.
        """
        doubtful = failure is not None and retry.doubtful(error)
        if failure is None:
            self._turn.settle(Left())
        elif doubtful and self._doubted:
            self._suspects.append((self._turn, failure))
        else:
            self._turn.settle(Failed(failure))
        self._doubted |= doubtful

    def _failed(self, error: CwproxyError, failure: Failure | None, began: float, first: float | None) -> None:
        """Its record. To leave an account whose login is being renewed is no failure of it."""
        if isinstance(error, LoginAwaited):
            self._record("left", began, first)
        else:
            self._record("failed", began, first, failure_class="request" if failure is None else failure.kind.value)

    def _ended(self, began: float, first: float | None, batch: list[ReplyEvent]) -> None:
        """The answer came to its end, or its reader went away; many go when they have seen the end."""
        whole = bool(batch) and type(batch[-1]) is Finished
        if whole:
            self._turn.settle(Served(self._means.clock.monotonic() - began))
            self._means.accounts.budget.put_back(self._taken)
        else:
            self._turn.settle(Left())
        usage = next((event for event in reversed(batch) if type(event) is Usage), None)
        self._record("served" if whole else "left", began, first, usage=usage)

    def _record(
        self,
        outcome: Ending,
        began: float,
        first: float | None,
        *,
        usage: Usage | None = None,
        failure_class: str | None = None,
    ) -> None:
        clock = self._means.clock
        record = Record(
            at=clock.now(),
            account_id=self._turn.selected.account_id,
            model=self._model.id,
            outcome=outcome,
            seconds=clock.monotonic() - began,
            key_id=self._caller.key_id,
            failure_class=failure_class,
            first_seconds=None if first is None else first - began,
            input_tokens=None if usage is None else usage.input_tokens,
            output_tokens=None if usage is None else usage.output_tokens,
            cached_tokens=None if usage is None else usage.cache_read_tokens,
            credits=None if usage is None else usage.credits,
            attempt=self._calls,
            streamed=self._streamed,
        )
        self._means.recorder.record(record)

    async def _move_on(self, error: CwproxyError) -> None:
        """Get the turn for the next call. Raises `error`, or what says more, when there is to be none."""
        means = self._means
        course = retry.course(error, self._situation(), random=means.chance())
        if course is None or not means.accounts.budget.take(course.tokens):
            raise error
        self._taken += course.tokens
        before = self._turn, self._model
        self._note(course, before[0].selected.account_id)
        asked_at = means.clock.monotonic()
        self._turn = await self._next(error, course)
        self._waited += means.clock.monotonic() - asked_at
        same = self._turn.selected.account_id == before[0].selected.account_id
        log.info(
            "call %d ended (%s, %s); next on %s account after %.2f s",
            self._calls,
            type(error).__name__,
            error.reason if isinstance(error, BackendError) else None,
            "the same" if same else "another",
            means.clock.monotonic() - asked_at,
        )
        self._replayed = False
        await self._aim(before)
        if not same:
            self._told_before = False
            self._fields = None if self._fields is None else self._effort()

    def _situation(self) -> retry.Situation:
        left = self._end - self._means.clock.monotonic()
        return retry.Situation(self._worked + 1, self._waited, left, self._moves)

    def _elsewhere(self) -> bool:
        """Whether another account could answer now, while this one's login is being renewed."""
        return retry.may_move(self._situation()) and self._means.accounts.is_free(self._want_ready())

    def _want_ready(self) -> Want:
        """Not this account, and none whose login would have to be waited for, too. One that was left for that may have
        been renewed meanwhile.
        """
        return self._means.accounts.ready(self._want(self._dead | {self._turn.selected.account_id}))

    def _note(self, course: retry.Course, account_id: str) -> None:
        if course.dead:
            self._moves += 1
        else:
            self._worked += 1
        if course.here is None:
            self._dead |= {account_id}
        else:
            self._tired |= {account_id}

    async def _next(self, error: CwproxyError, course: retry.Course) -> Turn:
        """Another account if one is free, else whichever is in time."""
        accounts, sleep = self._means.accounts, self._means.clock.sleep
        awaited = isinstance(error, LoginAwaited)
        other = accounts.other(self._want_ready() if awaited else self._want(self._dead | self._tired))
        if isinstance(other, Turn):
            try:
                await sleep(course.there)
            except BaseException:
                other.settle(Left())
                raise
            return other
        await sleep(course.here or 0.0)
        left = self._end - self._means.clock.monotonic() - retry.LAST_CALL
        try:
            return await accounts.lease(self._want(self._dead), within=max(0.0, min(QUEUE_SECONDS, left)))
        except CwproxyError as none:
            raise retry.telling(error, none) from error
