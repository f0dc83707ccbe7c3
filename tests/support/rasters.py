"""Whole pictures of a given size, without a library that draws."""

import struct
import zlib


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    """Grey, a few dozen bytes whatever its size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(width)) * height)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3)


def jpeg(width: int, height: int) -> bytes:
    """The headers: a segment to skip, a table of the same range of markers, fill bytes, the start of the frame."""
    skipped = b"\xff\xe0\x00\x10JFIF\x00" + bytes(9)
    table = b"\xff\xc4\x00\x05\x00\x01\x02"
    frame = b"\xff\xff\xff\xc2\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + skipped + table + frame


def webp(kind: bytes, width: int, height: int) -> bytes:
    """kind: `VP8 `, `VP8L` or `VP8X`."""
    match kind:
        case b"VP8 ":
            body = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width | 1 << 14, height)
        case b"VP8L":
            body = b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14)
        case _:
            body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x24\x00\x00\x00WEBP" + kind + struct.pack("<I", len(body)) + body
