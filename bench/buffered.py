"""What an answer of 1 MB costs, streamed and in buffered mode: `python -m bench.buffered`.

From the backend's bytes to the client's, without sockets: decoder, assembler, filters, renderer. Buffered mode's own
share is the difference, and the wait is what the client still waits for after the backend's last byte. Times are CPU
time, the least of several rounds in which the modes take turns. Before that: how many of the corpus are read rightly.
"""

import json
import time
from collections.abc import Iterable, Iterator

from tests.support.spoken_corpus import GENUINE, LOOK_ALIKES, OFFER, number_of_calls, text_of

from cwproxy.codewhisperer import tokens
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.dialects.openai_chat.render import Renderer
from cwproxy.eventstream import encode
from cwproxy.filters import Buffering, Demands, Filters, Offer, Offered, conformance
from cwproxy.filters.spoken_calls import SpokenCalls
from cwproxy.upstream.reading import Reading

SIZE = 1_000_000
ROUNDS = 7
FRAMES = (40, 400, 4_000)
"""Characters of each event: a few tokens, and what the backend sends when it is in a hurry."""

READ = 16_384
MUST = 100.0
"""Milliseconds."""

CALL = '[Called write_file with args: {"path": "a.py", "content": "%s"}]\n'
SCHEMA = b'{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path"]}'


def answers() -> dict[str, str]:
    """Texts of about 1 MB."""
    prose = "The quick brown fox jumps over the lazy dog, and the [dog] thinks of it what it likes.\n"
    code = "```python\nprint('[Called write_file with args: {}]')  # Tool call: write_file({})\n```\n"
    half = '[Called write_file with args: {"path": \n' + prose * 4
    return {
        "prose": prose * (SIZE // len(prose)),
        "code and halves": (code + half) * (SIZE // len(code + half)),
        "50 shown": (prose * 225 + CALL % "x = 1\\n") * 50,
        "50 calls": prose + (CALL % ("x = 1\\n" * (SIZE // 350))) * 50,
        "one call": prose + CALL % ("x = 1\\n" * (SIZE // 7)),
    }


def frames(text: str, size: int) -> list[bytes]:
    """The bytes of the backend's answer, as they are read."""
    headers = {":message-type": "event", ":event-type": "assistantResponseEvent", ":content-type": "application/json"}
    events = [
        encode(headers, json.dumps({"content": text[at : at + size]}).encode()) for at in range(0, len(text), size)
    ]
    events.append(encode({**headers, ":event-type": "meteringEvent"}, b'{"usage":1,"unit":"credit"}'))
    body = b"".join(events)
    return [body[at : at + READ] for at in range(0, len(body), READ)]


def timed(reads: list[bytes], mode: Buffering) -> tuple[float, float, bytes]:
    """Milliseconds of all and of what comes after the last read, and what the client got."""
    offer = Offer({"write_file": Offered("write_file", SCHEMA)}, "bench")
    filters = None if mode == "off" else Filters(Demands(spoken=offer, whole=mode == "full"), tokens.weigh)
    reading = Reading(Assembler({}, input_tokens=1, window=None), filters)
    renderer = Renderer(id="chatcmpl-1", created=1, model="auto")
    out: list[bytes] = []
    began = last = time.process_time()
    for data in reads:
        last = time.process_time()
        out += [renderer.feed(batch) for batch in reading.feed(data)]
    out.append(renderer.feed(reading.finish()))
    end = time.process_time()
    return (end - began) * 1e3, (end - last) * 1e3, b"".join(out)


def rows() -> Iterator[tuple[str, int, dict[str, tuple[float, float]]]]:
    """Answer, characters of an event, and the two times of each mode."""
    modes: tuple[Buffering, ...] = ("off", "calls", "full")
    for name, text in answers().items():
        for size in FRAMES:
            reads = frames(text, size)
            seen: dict[str, list[tuple[float, float]]] = {mode: [] for mode in modes}
            for _ in range(ROUNDS):
                for mode in modes:
                    seen[mode].append(timed(reads, mode)[:2])
            yield name, size, {mode: _least(times) for mode, times in seen.items()}


def _least(times: list[tuple[float, float]]) -> tuple[float, float]:
    return min(all_of for all_of, _ in times), min(wait for _, wait in times)


def found(pieces: Iterable[str]) -> int:
    """Calls in an answer of the corpus."""
    spoken = SpokenCalls(OFFER.notation, OFFER.call)
    for piece in pieces:
        spoken.feed(piece)
    spoken.flush()
    return len(spoken.take())


def accuracy() -> str:
    """Of both forms: a text at once, and one character at a time."""
    right = sum(found([text]) == found(text) == number_of_calls(each) for each in GENUINE for text in [text_of(each)])
    misread = sum(found([each]) > 0 or found(each) > 0 for each in LOOK_ALIKES)
    return (
        f"genuine answers read rightly: {right} of {len(GENUINE)}; look-alikes misread: {misread} of {len(LOOK_ALIKES)}"
    )


def main() -> None:
    conformance.load()
    print(accuracy())
    print("milliseconds for 1 MB         streamed     calls      full   full's wait   full / streamed")
    worst = wait = 0.0
    for name, size, times in rows():
        (off, _), (calls, _), (full, after) = times["off"], times["calls"], times["full"]
        print(f"{name:16} by {size:5}  {off:11.1f} {calls:9.1f} {full:9.1f} {after:13.1f} {full / off:17.2f}")
        worst, wait = max(worst, full), max(wait, after)
    verdict = "ok" if worst < MUST else "over"
    print(f"a buffered answer takes at most {worst:.1f} ms, {wait:.1f} ms of it after the last byte")
    print(f"must be less than {MUST:.0f} ms: {verdict}")


if __name__ == "__main__":
    main()
