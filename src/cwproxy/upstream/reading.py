"""The bytes of one answer to batches of events: decoder, parser, assembler and filters in a row. Pure.

What one read completes is one batch, except that the first words go out alone: whatever else the first read brought
would only make the client wait for them.
"""

from collections.abc import Iterator

from cwproxy.codewhisperer import events, tokens
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.errors import CwproxyError
from cwproxy.eventstream import Decoder
from cwproxy.filters import Filters
from cwproxy.reply import Finished, ReplyEvent, StopReason, Usage


class Reading:
    """`feed` each read, then `finish`. No batch is empty.

    over: the filters have ended the answer; the last batch has told so, and the backend can be left.
    """

    def __init__(self, assembler: Assembler, filters: Filters | None = None) -> None:
        self._decoder = Decoder()
        self.assembler = assembler
        self._filters = filters
        self._begun = filters is not None
        self.over = False

    def feed(self, data: bytes) -> Iterator[list[ReplyEvent]]:
        """Raises what the three of them raise, after what was good has been given out."""
        feed, parse = self.assembler.feed, events.parse
        frames = self._decoder.feed(data)
        batch: list[ReplyEvent] = []
        try:
            if not self._begun:
                for frame in frames:
                    batch.extend(feed(parse(frame)))
                    if batch:
                        self._begun = True
                        yield batch
                        batch = []
                        break
            for frame in frames:
                batch.extend(feed(parse(frame)))
        except CwproxyError:
            yield from self._given_out(batch)
            if self.over:
                return  # what broke comes after the end
            raise
        yield from self._given_out(batch)

    @property
    def whole(self) -> bool:
        """Whether nothing is wanting although the stream broke here."""
        return self.assembler.over or (self.assembler.whole and not self._decoder.amid)

    def finish(self) -> list[ReplyEvent]:
        """The end of the answer. Raises when it is none: a cut frame, an open tool call, nothing said. A frame that is
        cut behind the end says nothing that is missed.
        """
        if not self.assembler.over:
            self._decoder.close()
        last = list(self.assembler.finish())
        if self._filters is None:
            return last
        last = self._filters.feed(last)
        return last if self._filters.ended is None else [*last, *self._early_end(self._filters, self._filters.ended)]

    def _given_out(self, batch: list[ReplyEvent]) -> Iterator[list[ReplyEvent]]:
        if self._filters is not None:
            batch = self._filters.feed(batch)
            if self._filters.ended is not None:
                self.over = True
                batch += self._early_end(self._filters, self._filters.ended)
        if batch:
            yield batch

    def _early_end(self, filters: Filters, reason: StopReason) -> list[ReplyEvent]:
        """The backend is left before it could count anything."""
        thinking = tokens.estimate(filters.thought)
        said = tokens.estimate(filters.said)
        usage = Usage(self.assembler.input_tokens, said + thinking, "estimate", reasoning_tokens=thinking)
        return [usage, Finished(reason, filters.stop_sequence)]
