"""What document some bytes are: the nine formats that the backend reads (protocol.md 2.4).

Bytes decide where they have a magic; text has none, so there the file's ending and then the MIME type do.
"""

from typing import Final

from cwproxy.conversation import Document, DocumentFormat
from cwproxy.errors import InvalidRequest
from cwproxy.media.payload import Payload

_ENDINGS: Final[dict[str, DocumentFormat]] = {
    "csv": "csv",
    "doc": "doc",
    "docx": "docx",
    "htm": "html",
    "html": "html",
    "markdown": "md",
    "md": "md",
    "pdf": "pdf",
    "txt": "txt",
    "xls": "xls",
    "xlsx": "xlsx",
}
_TYPES: Final[dict[str, DocumentFormat]] = {
    "application/csv": "csv",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/xhtml+xml": "html",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
    "text/x-markdown": "md",
}
_OFFICE: Final[tuple[DocumentFormat, ...]] = ("doc", "xls")
_TEXTS: Final[tuple[DocumentFormat, ...]] = ("csv", "html", "md", "txt")
_ZIP, _OLE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF-"
_PDF_HEADER_WITHIN: Final = 1024


def document(payload: Payload, name: str, param: str) -> Document:
    """`name` is the file's, or empty. Raises InvalidRequest for anything that is not one of the nine."""
    content = payload.content
    claimed = _claimed(name, payload.mime)
    found: DocumentFormat | None = None
    if _PDF in content[:_PDF_HEADER_WITHIN]:
        found = "pdf"
    elif content.startswith(_ZIP):
        found = _zipped(content)
    elif content.startswith(_OLE):
        found = claimed if claimed in _OFFICE else None
    elif _is_text(content):
        found = claimed if claimed in _TEXTS else _plain(payload.mime, claimed)
    if found is None:
        raise InvalidRequest(
            f"`{param}` is no document that the backend reads ({payload.mime or name[:80] or 'of no known type'}); "
            "send PDF, TXT, MD, CSV, HTML, DOC, DOCX, XLS or XLSX, or put its text into the message.",
            param=param,
            code="unsupported_document",
        )
    return Document(found, name, payload.data)


def _claimed(name: str, mime: str) -> DocumentFormat | None:
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return _ENDINGS.get(ending) or _TYPES.get(mime)


def _zipped(content: bytes) -> DocumentFormat | None:
    """The names of a ZIP's members stand in it uncompressed."""
    if b"word/document" in content:
        return "docx"
    return "xlsx" if b"xl/workbook" in content else None


def _is_text(content: bytes) -> bool:
    if not content or b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plain(mime: str, claimed: DocumentFormat | None) -> DocumentFormat | None:
    """Source code and the like is plain text; text that claims to be a PDF is something broken."""
    return "txt" if claimed is None and mime.startswith("text/") else None
