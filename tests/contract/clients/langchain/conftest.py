"""The suite downloads a picture and a document; here it gets them made on the spot."""

# mypy: disable-error-code="import-not-found"
# The package is in the environment that runs this file, not in the one that checks it.

import struct
import zlib
from types import SimpleNamespace

from langchain_tests.integration_tests import chat_models


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture() -> bytes:
    """A PNG of 2 x 2 grey pixels."""
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    rows = b"\0\x40\x80" * 2
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


DOCUMENT = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"


def _get(url: str, **_: object) -> SimpleNamespace:
    assert url.endswith((".png", ".pdf")), url
    return SimpleNamespace(content=DOCUMENT if url.endswith(".pdf") else picture())


def pytest_configure() -> None:
    chat_models.httpx = SimpleNamespace(get=_get)
