"""Throws bytes at the decoder; run by test_fuzz.py, or by hand for as long as one likes.

    python tests/eventstream/fuzz_decoder.py [-runs=N] [-seed=N] [corpus folder]

Anything but FrameError ends the program with a status other than 0, and so does a split that changes the result.
"""

import sys
from collections.abc import Iterable
from zlib import crc32

import atheris

with atheris.instrument_imports(include=["cwproxy.eventstream"]):
    from cwproxy.errors import FrameError
    from cwproxy.eventstream import Decoder, Frame, encode


def decode(pieces: Iterable[bytes]) -> tuple[list[Frame], str]:
    """The frames, and how it ended."""
    decoder = Decoder()
    decoded: list[Frame] = []
    try:
        for piece in pieces:
            decoded.extend(decoder.feed(piece))
        decoder.close()
    except FrameError as error:
        return decoded, error.message
    return decoded, "whole"


def seal(block: bytes, payload: bytes) -> bytes:
    """Lengths and CRCs that fit, without which random bytes would never get past the prelude."""
    lengths = (16 + len(block) + len(payload)).to_bytes(4, "big") + len(block).to_bytes(4, "big")
    checked = lengths + crc32(lengths).to_bytes(4, "big") + block + payload
    return checked + crc32(checked).to_bytes(4, "big")


def make_stream(source: atheris.FuzzedDataProvider) -> bytes:
    stream = b""
    for _ in range(source.ConsumeIntInRange(0, 4)):
        match source.ConsumeIntInRange(0, 2):
            case 0:
                stream += source.ConsumeBytes(source.ConsumeIntInRange(0, 64))
            case 1:
                block = source.ConsumeBytes(source.ConsumeIntInRange(0, 64))
                stream += seal(block, source.ConsumeBytes(source.ConsumeIntInRange(0, 16)))
            case _:
                most = source.PickValueInList([20, 200_000, 2**32 - 1])
                lengths = b"".join(source.ConsumeIntInRange(0, most).to_bytes(4, "big") for _ in range(2))
                stream += lengths + crc32(lengths).to_bytes(4, "big") + source.ConsumeBytes(8)
    return stream


def try_one(octets: bytes) -> None:
    source = atheris.FuzzedDataProvider(octets)
    stream = make_stream(source)
    pieces, at = [], 0
    while at < len(stream):
        size = source.ConsumeIntInRange(1, 40)
        pieces.append(stream[at : at + size])
        at += size
    decoded, end = decode(pieces)
    if (decoded, end) != decode([stream]):
        raise AssertionError("another split, another result")
    if end == "whole" and b"".join(encode(frame.headers, frame.payload) for frame in decoded) != stream:
        raise AssertionError("a stream that decodes is not what encodes to it")


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
