"""Several choices in one stream: each has its own chunks, and they end it together (compatibility.md 3.2, `n`)."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from cwproxy.dialects.openai_chat.shape import total
from cwproxy.reply import ReplyEvent, Usage


class Voice(Protocol):
    """The renderer of one choice that is not alone."""

    usage: Usage | None
    finished: bool

    def feed(self, events: Iterable[ReplyEvent], /) -> bytes: ...
    def closing(self, usage: Usage | None, /) -> bytes: ...


class Chorus:
    """`feed` it every batch of every choice; after `finished` nothing may follow.

    prompts: which prompt each choice answers, for the usage: a prompt counts once.
    """

    def __init__(self, voices: Sequence[Voice], prompts: Sequence[int]) -> None:
        self._voices = voices
        self._prompts = prompts
        self.usage: Usage | None = None
        self.finished = False

    def feed(self, index: int, events: Iterable[ReplyEvent]) -> bytes:
        """The chunks of a batch of one choice; with the last choice's end comes that of the stream."""
        data = self._voices[index].feed(events)
        if not all(voice.finished for voice in self._voices):
            return data
        self.finished = True
        self.usage = total([voice.usage or Usage(0, 0, "estimate") for voice in self._voices], self._prompts)
        return data + self._voices[0].closing(self.usage)
