"""Event-stream frames for tests: one table of cases, hypothesis strategies, and a way to make frames that are wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

from hypothesis import strategies as st

from cwproxy.eventstream import Frame, HeaderValue, Int8, Int16, Int32, Int64, Timestamp, Uuid


@dataclass(frozen=True)
class Case:
    """A frame and its bytes. `octets` is written out by hand, column by column as in protocol.md 3.1:

    total length, headers length, prelude CRC; then each header as length of name, name, type, value; payload; CRC.
    """

    name: str
    headers: Mapping[str, HeaderValue]
    payload: bytes
    octets: bytes

    @property
    def frame(self) -> Frame:
        return Frame(self.headers, self.payload)

    @property
    def block(self) -> bytes:
        return self.octets[12 : len(self.octets) - 4 - len(self.payload)]


# The first three CRCs and their bytes are the ones that AWS's own implementations of the format test against.
CASES = [
    Case(
        "nothing at all",
        {},
        b"",
        b"\x00\x00\x00\x10" b"\x00\x00\x00\x00" b"\x05\xc2\x48\xeb" b"\x7d\x98\xc8\xff",
    ),
    Case(
        "payload without headers",
        {},
        b"{'foo':'bar'}",
        b"\x00\x00\x00\x1d" b"\x00\x00\x00\x00" b"\xfd\x52\x8c\x5a" b"{'foo':'bar'}" b"\xc3\x65\x39\x36",
    ),
    Case(
        "one string",
        {"content-type": "application/json"},
        b"{'foo':'bar'}",
        b"\x00\x00\x00\x3d" b"\x00\x00\x00\x20" b"\x07\xfd\x83\x96"
        b"\x0c" b"content-type" b"\x07" b"\x00\x10" b"application/json"
        b"{'foo':'bar'}" b"\x8d\x9c\x08\xb1",
    ),
    Case(
        "what the service sends",
        {":message-type": "event", ":event-type": "assistantResponseEvent", ":content-type": "application/json"},
        b'{"content":"Hi"}',
        b"\x00\x00\x00\x7c"  # 124 bytes: 12 of prelude, 92 of headers, 16 of payload, 4 of CRC
        b"\x00\x00\x00\x5c"  # 92 bytes of headers: 22 + 37 + 33
        b"\x3b\xdd\xcf\x78"  # CRC-32 of the eight bytes above
        b"\x0d" b":message-type"  # a name of 13 bytes
        b"\x07" b"\x00\x05" b"event"  # type 7, a string of 5 bytes
        b"\x0b" b":event-type"
        b"\x07" b"\x00\x16" b"assistantResponseEvent"
        b"\x0d" b":content-type"
        b"\x07" b"\x00\x10" b"application/json"
        b'{"content":"Hi"}'
        b"\x09\xf6\x6f\x51",  # CRC-32 of the 120 bytes above
    ),
    Case(
        "type 0, true",
        {"t": True},
        b"",
        b"\x00\x00\x00\x13" b"\x00\x00\x00\x03" b"\xdb\x6b\x63\x81" b"\x01t" b"\x00" b"\x28\xcb\x99\x28",
    ),
    Case(
        "type 1, false",
        {"f": False},
        b"",
        b"\x00\x00\x00\x13" b"\x00\x00\x00\x03" b"\xdb\x6b\x63\x81" b"\x01f" b"\x01" b"\x27\x38\xd9\x6d",
    ),
    Case(
        "type 2, one byte",
        {"a": Int8(-1)},
        b"",
        b"\x00\x00\x00\x14" b"\x00\x00\x00\x04" b"\xf7\x2f\x2a\x32" b"\x01a" b"\x02" b"\xff" b"\x9a\xf9\x04\xf8",
    ),
    Case(
        "type 3, two bytes",
        {"b": Int16(-2)},
        b"",
        b"\x00\x00\x00\x15" b"\x00\x00\x00\x05" b"\xbd\x48\x33\x14" b"\x01b" b"\x03" b"\xff\xfe" b"\xe8\x60\xe3\x20",
    ),
    Case(
        "type 4, four bytes",
        {"c": Int32(40972)},
        b"",
        b"\x00\x00\x00\x17" b"\x00\x00\x00\x07" b"\x29\x86\x01\x58"
        b"\x01c" b"\x04" b"\x00\x00\xa0\x0c" b"\x48\x1a\xf2\x6d",
    ),
    Case(
        "type 5, eight bytes",
        {"d": Int64(42424242)},
        b"",
        b"\x00\x00\x00\x1b" b"\x00\x00\x00\x0b" b"\xe5\xc0\xa0\x72"
        b"\x01d" b"\x05" b"\x00\x00\x00\x00\x02\x87\x57\xb2" b"\x11\xad\xbf\xd5",
    ),
    Case(
        "type 6, bytes",
        {"e": b"I'm a little teapot!"},
        b"",
        b"\x00\x00\x00\x29" b"\x00\x00\x00\x19" b"\xcd\x98\x3a\xdc"
        b"\x01e" b"\x06" b"\x00\x14" b"I'm a little teapot!" b"\xbf\xff\x84\x5b",
    ),
    Case(
        "type 6, no bytes",
        {"e": b""},
        b"",
        b"\x00\x00\x00\x15" b"\x00\x00\x00\x05" b"\xbd\x48\x33\x14" b"\x01e" b"\x06" b"\x00\x00" b"\xba\x5d\x3b\x1b",
    ),
    Case(
        "type 7, beyond ASCII",
        {"ü": "é€😀"},
        "ß".encode(),
        b"\x00\x00\x00\x21" b"\x00\x00\x00\x0f" b"\x09\x3c\xc4\x4c"
        b"\x02\xc3\xbc" b"\x07" b"\x00\x09" b"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
        b"\xc3\x9f" b"\xb3\x50\x68\x88",
    ),
    Case(
        "type 8, a time",
        {"g": Timestamp(8675309)},
        b"",
        b"\x00\x00\x00\x1b" b"\x00\x00\x00\x0b" b"\xe5\xc0\xa0\x72"
        b"\x01g" b"\x08" b"\x00\x00\x00\x00\x00\x84\x5f\xed" b"\x90\x97\x53\x3e",
    ),
    Case(
        "type 9, a UUID",
        {"h": Uuid(bytes(range(1, 17)))},
        b"",
        b"\x00\x00\x00\x23" b"\x00\x00\x00\x13" b"\x67\xfd\xcb\x63"
        b"\x01h" b"\x09" b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10" b"\xe6\xa0\x77\x03",
    ),
    Case(
        "two headers",
        {"a": True, "b": False},
        b"x",
        b"\x00\x00\x00\x17" b"\x00\x00\x00\x06" b"\x5e\x81\x31\xce"
        b"\x01a" b"\x00" b"\x01b" b"\x01" b"x" b"\x8a\x77\xd8\xc2",
    ),
]  # fmt: skip

BROKEN_BLOCKS = [
    ("unknown type", b"\x01a\x0a", "'a' of the unknown type 10"),
    ("the same name twice", b"\x01a\x00\x01a\x01", "'a' twice"),
    ("name past the block", b"\x05abc", "a name would end at byte 6"),
    ("no type", b"\x01a", "the type of 'a' would end at byte 3"),
    ("integer past the block", b"\x01a\x04\x00\x00", "the value of 'a' would end at byte 7"),
    ("length past the block", b"\x01a\x07\x00", "the value of 'a' would end at byte 5"),
    ("string past the block", b"\x01a\x07\x00\x05four", "the value of 'a' would end at byte 10"),
    ("bytes past the block", b"\x01a\x06\xff\xff1", "the value of 'a' would end at byte 65540"),
    ("UUID past the block", b"\x01a\x09" + bytes(15), "the value of 'a' would end at byte 19"),
    ("name that is not UTF-8", b"\x01\xff\x00", "a name is not UTF-8"),
    ("string that is not UTF-8", b"\x01a\x07\x00\x01\xff", "the value of 'a' is not UTF-8"),
]
"""(what is wrong, headers block, what the error says)"""


def prelude(total: int, headers_length: int) -> bytes:
    """A prelude with the right CRC, however absurd its lengths."""
    lengths = total.to_bytes(4, "big") + headers_length.to_bytes(4, "big")
    return lengths + crc32(lengths).to_bytes(4, "big")


def seal(block: bytes, payload: bytes = b"") -> bytes:
    """A frame with right lengths and CRCs around any headers block, sound or not."""
    checked = prelude(16 + len(block) + len(payload), len(block)) + block + payload
    return checked + crc32(checked).to_bytes(4, "big")


def split(octets: bytes, size: int) -> Iterator[bytes]:
    """Pieces of `size` bytes, the last one perhaps shorter."""
    return (octets[at : at + size] for at in range(0, len(octets), size))


def _signed(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


header_values: st.SearchStrategy[HeaderValue] = st.one_of(
    st.booleans(),
    st.builds(Int8, _signed(8)),
    st.builds(Int16, _signed(16)),
    st.builds(Int32, _signed(32)),
    st.builds(Int64, _signed(64)),
    st.binary(max_size=300),
    st.text(max_size=300),
    st.builds(Timestamp, _signed(64)),
    st.builds(Uuid, st.binary(min_size=16, max_size=16)),
)
header_maps = st.dictionaries(st.text(max_size=60), header_values, max_size=8)
frames = st.builds(Frame, header_maps, st.binary(max_size=300))
