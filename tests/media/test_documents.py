import pytest

from cwproxy.conversation import Document, DocumentFormat
from cwproxy.errors import InvalidRequest
from cwproxy.media import payload
from cwproxy.media.documents import document

DOCX = b"PK\x03\x04" + bytes(26) + b"word/document.xml"
XLSX = b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64)


@pytest.mark.parametrize(
    ("content", "name", "mime", "expected"),
    [
        (b"%PDF-1.7\n", "", "", "pdf"),
        (b"\n\n%PDF-1.4\n", "a.txt", "text/plain", "pdf"),
        (DOCX, "a.zip", "application/zip", "docx"),
        (XLSX, "", "", "xlsx"),
        (OLE, "a.doc", "", "doc"),
        (OLE, "", "application/vnd.ms-excel", "xls"),
        (b"a,b\n1,2\n", "a.CSV", "application/vnd.ms-excel", "csv"),
        (b"<p>hi</p>", "page.htm", "", "html"),
        (b"# hi", "", "text/markdown", "md"),
        ("grün".encode(), "notes.txt", "", "txt"),
        (b"print(1)", "a.py", "text/x-python", "txt"),
    ],
)
def test_the_nine_formats_are_told(content: bytes, name: str, mime: str, expected: DocumentFormat) -> None:
    made = payload.of(content, mime=mime)
    assert document(made, name, "p") == Document(expected, name, made.data)


@pytest.mark.parametrize(
    ("content", "name", "mime"),
    [
        (b"", "a.txt", "text/plain"),
        (b"PK\x03\x04" + bytes(30), "a.docx", ""),
        (OLE, "a.ppt", "application/vnd.ms-powerpoint"),
        (OLE, "a.pdf", ""),
        (b"plain words", "a.pdf", "application/pdf"),
        (b"{}", "a.json", "application/json"),
        (b"a\0b", "a.txt", ""),
        (b"\xff\xfeh\x01", "a.txt", "text/plain"),
        (b"\x89PNG\r\n\x1a\n", "", "image/png"),
    ],
)
def test_other_types_are_refused_with_what_to_do(content: bytes, name: str, mime: str) -> None:
    with pytest.raises(InvalidRequest, match="send PDF, TXT, MD, CSV") as caught:
        document(payload.of(content, mime=mime), name, "messages[0].content[0].file.file_data")
    assert (caught.value.param, caught.value.code) == ("messages[0].content[0].file.file_data", "unsupported_document")
