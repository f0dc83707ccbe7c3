"""`stop` over every room: whatever the model's pieces, the reads and the stop strings, the client gets exactly the text
before the leftmost stop.
"""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.codewhisperer import tokens
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.dialects.openai_chat import parse
from cwproxy.eventstream import encode
from cwproxy.filters import Demands, Filters
from cwproxy.upstream.reading import Reading

pytestmark = pytest.mark.end_to_end

_ALPHABET = "abE\n ü漢😀"
_SMALL = st.text("ab", max_size=60)
_TEXTS = _SMALL | st.text(_ALPHABET, max_size=60)
_STOPS = st.lists(st.text("ab", min_size=1, max_size=4) | st.text(_ALPHABET, min_size=1, max_size=3), max_size=4)
_CUTS = st.lists(st.integers(0, 10_000), max_size=12)


def _frame(kind: str, payload: object) -> bytes:
    return encode({":message-type": "event", ":event-type": kind}, json.dumps(payload).encode())


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def _shown(reads: list[bytes], stops: list[str]) -> tuple[str, str, bool]:
    """What a client adds up from the stream, the finish reason, and whether the backend was left."""
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True, "stop": stops}
    request = parse(json.dumps(asked).encode())
    demands = Demands(stop=request.conversations[0].stop)
    filters = Filters(demands, tokens.weigh) if demands else None
    reading = Reading(Assembler({}, input_tokens=1, window=None), filters)
    renderer = request.renderer(id="i", created=1)
    data = b""
    for read in reads:
        data += b"".join(renderer.feed(batch) for batch in reading.feed(read))
        if reading.over:
            break
    else:
        data += renderer.feed(reading.finish())
    assert renderer.finished
    choices = [json.loads(event[6:])["choices"][0] for event in data.split(b"\n\n")[:-2]]
    pieces = [choice["delta"]["content"] for choice in choices[1:] if "content" in choice["delta"]]
    assert all(pieces), "an empty delta"
    return "".join(pieces), choices[-1]["finish_reason"], reading.over


@given(text=_TEXTS, pieces=_CUTS, stops=_STOPS, cuts=_CUTS)
def test_the_text_ends_at_the_leftmost_stop(text: str, pieces: list[int], stops: list[str], cuts: list[int]) -> None:
    places = sorted({0, len(text), *(piece % (len(text) + 1) for piece in pieces)})
    frames = [_frame("assistantResponseEvent", {"content": text[start:end]}) for start, end in pairwise(places)]
    # A call makes it an answer even when there is no text.
    call = {"toolUseId": "t", "name": "f", "input": "{}", "stop": True}
    stream = b"".join([*frames, _frame("toolUseEvent", call), _frame("meteringEvent", {"usage": 1})])
    found = [text.find(stop) for stop in stops if stop in text]
    expected = text[: min(found)] if found else text
    said, reason, over = _shown(_cut(stream, cuts), stops)
    assert said == expected
    assert over == bool(found)
    assert reason == ("stop" if found else "tool_calls")
