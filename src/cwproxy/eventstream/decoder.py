"""Bytes -> Frame, for the answer of the backend, in whatever pieces the network delivers it.

The contract: `feed` every piece and exhaust what it returns before the next one, then `close`. Any split of the same
bytes gives the same frames. A length is checked before it is believed, and nothing of a frame is handed out before
both its CRCs fit. There is no resynchronisation: after the first fault nothing that follows can be trusted, so a
decoder that failed stays failed.

The cost is linear in the bytes, however they are split: a piece is walked by offset, and a frame that spans pieces is
collected once. Most frames of an answer begin with bytes that it has had before (the same headers, a payload of the
same length), so the decoder remembers such heads with their CRC, and what is left to check is the payload.
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Final, TypeAlias
from zlib import crc32

from cwproxy.errors import FrameError
from cwproxy.eventstream.frame import (
    CRC_LENGTH,
    MAX_FRAME_LENGTH,
    MAX_HEADERS_LENGTH,
    MIN_FRAME_LENGTH,
    PRELUDE_LENGTH,
    Frame,
    HeaderValue,
)
from cwproxy.eventstream.headers import parse_cached

_Head: TypeAlias = tuple[int, Mapping[str, HeaderValue]]
"""CRC-32 of the prelude and the headers block, and what that block says."""

_MAX_HEADS: Final = 64
"""A stream has about five different headers blocks and some thirty common lengths of payload."""

_unpack_lengths = Struct(">II").unpack_from
_unpack_prelude = Struct(">III").unpack_from
_unpack_crc = Struct(">I").unpack_from


class Decoder:
    """One stream. Errors name the position of the frame in it, counted in bytes from 0."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._wanted = PRELUDE_LENGTH
        self._start = 0
        self._heads: dict[bytes, _Head] = {}
        self._failure: str | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Takes the next piece and yields the frames that it completes.

        A fault raises FrameError after the good frames before it. As with every generator, nothing is taken
        before the first step; one that is left early loses nothing, the rest comes with the next piece.
        """
        self._refuse_if_failed()
        if self._pending:
            self._pending += data
            if len(self._pending) < self._wanted:
                return
            data = bytes(self._pending)
            self._pending = bytearray()
        offset, wanted, size, recall = 0, PRELUDE_LENGTH, len(data), self._heads.get
        try:
            while size - offset >= PRELUDE_LENGTH:
                total, headers_length = _unpack_lengths(data, offset)
                end = offset + total
                if end > size or headers_length > MAX_HEADERS_LENGTH:
                    self._check_prelude(data, offset)
                    wanted = total
                    return
                payload_start = offset + PRELUDE_LENGTH + headers_length
                head = data[offset:payload_start]
                crc, headers = recall(head) or self._learn(head, data, offset)
                payload_end = end - CRC_LENGTH
                payload = data[payload_start:payload_end]
                if crc32(payload, crc) != _unpack_crc(data, payload_end)[0]:
                    raise self._bad_message(offset)
                offset = end
                yield Frame(headers, payload)
        finally:
            self._start += offset
            self._wanted = wanted
            if offset < size:
                self._pending += memoryview(data)[offset:]

    @property
    def amid(self) -> bool:
        """Whether a frame has begun and is not complete, or could not be read."""
        return bool(self._pending) or self._failure is not None

    def close(self) -> None:
        """The stream has ended. Raises FrameError when it ended inside a frame, or had failed before."""
        self._refuse_if_failed()
        if self._pending:
            of = str(self._wanted) if self._wanted > PRELUDE_LENGTH else f"at least {MIN_FRAME_LENGTH}"
            raise self._fault(0, f"was cut: the stream ended after {len(self._pending)} of its {of} bytes")

    def _learn(self, head: bytes, data: bytes, offset: int) -> _Head:
        """The first frame with this head. Its CRCs come first: headers of a damaged frame are not worth a complaint."""
        total = self._check_prelude(data, offset)
        payload_end = offset + total - CRC_LENGTH
        if crc32(memoryview(data)[offset:payload_end]) != _unpack_crc(data, payload_end)[0]:
            raise self._bad_message(offset)
        try:
            known = crc32(head), parse_cached(head[PRELUDE_LENGTH:])
        except ValueError as error:
            raise self._fault(offset, str(error)) from error
        if len(self._heads) < _MAX_HEADS:
            self._heads[head] = known
        return known

    def _check_prelude(self, data: bytes, offset: int) -> int:
        """The total length, once it can be believed."""
        total, headers_length, expected = _unpack_prelude(data, offset)
        crc = crc32(data[offset : offset + PRELUDE_LENGTH - CRC_LENGTH])
        least = MIN_FRAME_LENGTH + headers_length
        if crc != expected:
            raise self._fault(offset, f"has a prelude with the CRC {expected:#010x}, but its bytes give {crc:#010x}")
        if headers_length > MAX_HEADERS_LENGTH:
            raise self._fault(offset, f"declares {headers_length} bytes of headers; {MAX_HEADERS_LENGTH} is the most")
        if total < least:
            raise self._fault(offset, f"declares {total} bytes in all; with its headers it has at least {least}")
        if total > MAX_FRAME_LENGTH:
            raise self._fault(offset, f"declares {total} bytes in all; {MAX_FRAME_LENGTH} is the most")
        return int(total)

    def _bad_message(self, offset: int) -> FrameError:
        return self._fault(offset, "has a message CRC that does not fit its bytes")

    def _fault(self, offset: int, clause: str) -> FrameError:
        self._failure = f"The frame at byte {self._start + offset} of the stream {clause}."
        return FrameError(self._failure)

    def _refuse_if_failed(self) -> None:
        if self._failure is not None:
            raise FrameError(self._failure)
