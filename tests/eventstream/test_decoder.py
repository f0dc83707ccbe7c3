"""Bytes become the same frames in any split, and anything wrong is an error that says what and where."""

import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.frames import BROKEN_BLOCKS, CASES, Case, frames, prelude, seal, split

from cwproxy.errors import FrameError
from cwproxy.eventstream import Decoder, Frame, encode
from cwproxy.eventstream.frame import MAX_FRAME_LENGTH, MAX_HEADERS_LENGTH

SMALL = encode({"a": "b"}, b"cd")
GOOD = CASES[3]


def decode(pieces: Iterable[bytes]) -> list[Frame]:
    decoder = Decoder()
    decoded = [frame for piece in pieces for frame in decoder.feed(piece)]
    decoder.close()
    return decoded


def decode_until_error(pieces: Iterable[bytes]) -> tuple[list[Frame], str]:
    """The frames ahead of the fault, and its sentence. Fails the test when there is no fault."""
    decoder = Decoder()
    decoded: list[Frame] = []
    with pytest.raises(FrameError) as caught:
        for piece in pieces:
            decoded.extend(decoder.feed(piece))
        decoder.close()
    return decoded, caught.value.message


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
class TestTable:
    def test_whole(self, case: Case) -> None:
        assert decode([case.octets]) == [case.frame]

    def test_byte_by_byte(self, case: Case) -> None:
        assert decode(split(case.octets, 1)) == [case.frame]

    def test_with_another_frame_behind_it(self, case: Case) -> None:
        assert decode([case.octets + GOOD.octets]) == [case.frame, GOOD.frame]

    def test_with_a_piece_of_a_frame_behind_it(self, case: Case) -> None:
        decoder = Decoder()
        assert list(decoder.feed(case.octets + GOOD.octets[:20])) == [case.frame]
        assert list(decoder.feed(GOOD.octets[20:])) == [GOOD.frame]
        decoder.close()

    def test_cut_anywhere(self, case: Case) -> None:
        for length in range(1, len(case.octets)):
            for size in (length, 1):
                decoded, sentence = decode_until_error(split(case.octets[:length], size))
                assert decoded == []
                assert f"the stream ended after {length} of its" in sentence


def test_no_bytes_are_no_frames() -> None:
    assert decode([]) == []
    assert decode([b"", b""]) == []


@given(st.lists(frames, max_size=6), st.lists(st.integers(1, 400), max_size=40))
def test_any_split_gives_the_same_frames(sent: list[Frame], sizes: list[int]) -> None:
    octets = b"".join(encode(frame.headers, frame.payload) for frame in sent)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(octets[at : at + size])
        at += size
    assert decode([*pieces, octets[at:]]) == sent


def test_any_flipped_bit_of_a_small_frame_is_an_error() -> None:
    for bit in range(len(SMALL) * 8):
        damaged = bytearray(SMALL)
        damaged[bit // 8] ^= 1 << bit % 8
        for size in (len(SMALL), 1):
            decoded, _ = decode_until_error(split(bytes(damaged), size))
            assert decoded == []


@given(st.data())
def test_any_flipped_bit_is_an_error(data: st.DataObject) -> None:
    frame = data.draw(frames)
    octets = encode(frame.headers, frame.payload)
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    damaged = bytearray(octets)
    damaged[bit // 8] ^= 1 << bit % 8
    # The same frame comes first, so that the decoder knows the head when the damaged one arrives.
    decoded, _ = decode_until_error([octets + damaged + octets])
    assert decoded == [frame]


@given(st.data())
def test_any_cut_is_an_error(data: st.DataObject) -> None:
    frame = data.draw(frames)
    octets = encode(frame.headers, frame.payload)
    decoded, sentence = decode_until_error([octets + octets[: data.draw(st.integers(1, len(octets) - 1))]])
    assert decoded == [frame]
    assert f"The frame at byte {len(octets)} of the stream was cut" in sentence


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (prelude(0, 0), "declares 0 bytes in all; with its headers it has at least 16"),
        (prelude(15, 0), "declares 15 bytes in all; with its headers it has at least 16"),
        (prelude(16, 1), "declares 16 bytes in all; with its headers it has at least 17"),
        (prelude(100, 85), "declares 100 bytes in all; with its headers it has at least 101"),
        (prelude(MAX_FRAME_LENGTH + 1, 0), f"declares {MAX_FRAME_LENGTH + 1} bytes in all; {MAX_FRAME_LENGTH} is"),
        (prelude(2**32 - 1, 0), "declares 4294967295 bytes in all"),
        (prelude(2**20, MAX_HEADERS_LENGTH + 1), f"declares {MAX_HEADERS_LENGTH + 1} bytes of headers"),
        (prelude(20, 2**32 - 1), "declares 4294967295 bytes of headers"),
        (prelude(16, 0)[:8] + bytes(4), "has a prelude with the CRC 0x00000000, but its bytes give 0x05c248eb"),
        (b"HTTP/1.1 400 Bad Request", "has a prelude with the CRC"),
    ],
)
def test_a_prelude_that_cannot_be_is_refused_at_once(octets: bytes, sentence: str) -> None:
    for tail in (b"", bytes(300)):
        with pytest.raises(FrameError, match=f"^The frame at byte 0 of the stream {sentence}"):
            list(Decoder().feed(octets + tail))
    decoder = Decoder()
    assert list(decoder.feed(octets[:11])) == []
    with pytest.raises(FrameError, match=sentence):
        list(decoder.feed(octets[11:12]))


def test_a_declared_length_reserves_no_memory() -> None:
    decoder = Decoder()
    tracemalloc.start()
    try:
        assert list(decoder.feed(prelude(MAX_FRAME_LENGTH, 0))) == []
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("block", "sentence"), [case[1:] for case in BROKEN_BLOCKS], ids=[c[0] for c in BROKEN_BLOCKS])
def test_broken_headers_are_refused_after_the_good_frames(block: bytes, sentence: str) -> None:
    octets = GOOD.octets + seal(block, b"payload") + GOOD.octets
    for size in (len(octets), 1):
        decoded, said = decode_until_error(split(octets, size))
        assert decoded == [GOOD.frame]
        assert said.startswith(f"The frame at byte {len(GOOD.octets)} of the stream h")
        assert sentence in said


def test_damage_is_told_from_bad_headers() -> None:
    """A frame whose CRC is wrong is damaged; what its headers then seem to say is not the fault."""
    sound = seal(b"\x01a\x00", b"payload")
    damaged = sound.replace(b"\x01a\x00", b"\x01a\x0a")
    assert decode_until_error([damaged]) == (
        [],
        "The frame at byte 0 of the stream has a message CRC that does not fit its bytes.",
    )


def test_a_payload_with_a_wrong_crc_is_not_delivered() -> None:
    other = encode(GOOD.headers, b'{"content":"Ho"}')
    damaged = other[:-4] + GOOD.octets[-4:]
    decoded, sentence = decode_until_error([GOOD.octets + damaged])
    assert decoded == [GOOD.frame]
    assert sentence == "The frame at byte 124 of the stream has a message CRC that does not fit its bytes."


def test_positions_count_from_the_start_of_the_stream() -> None:
    octets = GOOD.octets * 3 + prelude(7, 0)
    for size in (len(octets), 100, 1):
        _, sentence = decode_until_error(split(octets, size))
        assert sentence.startswith("The frame at byte 372 of the stream")


def test_the_good_frames_of_a_read_come_before_the_error() -> None:
    frames_and_fault = Decoder().feed(GOOD.octets + GOOD.octets + prelude(7, 0))
    assert next(frames_and_fault) == GOOD.frame
    assert next(frames_and_fault) == GOOD.frame
    with pytest.raises(FrameError):
        next(frames_and_fault)


def test_a_failed_decoder_stays_failed() -> None:
    decoder = Decoder()
    with pytest.raises(FrameError) as first:
        list(decoder.feed(prelude(7, 0)))
    with pytest.raises(FrameError) as again:
        list(decoder.feed(GOOD.octets))
    with pytest.raises(FrameError) as closed:
        decoder.close()
    assert first.value.message == again.value.message == closed.value.message


def test_a_cut_prelude_says_so() -> None:
    _, sentence = decode_until_error([GOOD.octets, GOOD.octets[:5]])
    assert sentence == (
        "The frame at byte 124 of the stream was cut: the stream ended after 5 of its at least 16 bytes."
    )


def test_whether_it_is_amid_a_frame() -> None:
    decoder = Decoder()
    for piece, amid in ((b"", False), (GOOD.octets[:5], True), (GOOD.octets[5:], False)):
        list(decoder.feed(piece))
        assert decoder.amid is amid
    with pytest.raises(FrameError):
        list(decoder.feed(GOOD.octets[:-1] + b"\xff"))
    assert decoder.amid


def test_leaving_early_loses_nothing() -> None:
    decoder = Decoder()
    for frame in decoder.feed(GOOD.octets + SMALL + GOOD.octets[:50]):
        assert frame == GOOD.frame
        break
    assert list(decoder.feed(GOOD.octets[50:])) == [Frame({"a": "b"}, b"cd"), GOOD.frame]
    decoder.close()


def test_frames_with_equal_headers_share_them() -> None:
    one, two = decode([encode({"a": "b"}, b"1"), encode({"a": "b"}, b"22")])
    assert one.headers is two.headers
    assert dict(one.headers) == {"a": "b"}


def test_more_kinds_of_frame_than_are_remembered() -> None:
    sent = [Frame({"n": str(number)}, bytes(number)) for number in range(200)] * 2
    assert decode([b"".join(encode(frame.headers, frame.payload) for frame in sent)]) == sent


@pytest.mark.timeout(20)
def test_a_read_full_of_tiny_frames_takes_linear_time() -> None:
    """Copying the rest of the buffer for each frame would move 80 GB."""
    assert len(decode([CASES[0].octets * 100_000])) == 100_000


@pytest.mark.timeout(20)
def test_a_huge_frame_in_small_pieces_takes_linear_time() -> None:
    """Copying what has arrived for each piece would move 300 GB."""
    octets = encode(GOOD.headers, bytes(MAX_FRAME_LENGTH - 16 - len(GOOD.block)))
    (frame,) = decode(split(octets, 1_000))
    assert len(octets) == MAX_FRAME_LENGTH
    assert frame.payload == octets[12 + len(GOOD.block) : -4]
