"""Documents in a request, in OpenAI's form: base64, bare or as a data URL (compatibility.md 1.2, 2.1)."""

from cwproxy.conversation import Document
from cwproxy.errors import InvalidRequest
from cwproxy.media import documents, payload

INVALID_FILE = "invalid_file"


def document(data: str | None, name: str | None, path: str, *, file_id: str | None, file_url: str | None) -> Document:
    """The document of the part at `path`. Raises InvalidRequest for one that is kept elsewhere or cannot be read."""
    param = f"{path}.file_data"
    if data is None:
        if file_id is not None:
            raise elsewhere(f"{path}.file_id")
        if file_url is not None:
            raise elsewhere(f"{path}.file_url")
        raise InvalidRequest(
            f"`{param}` is missing; give it as data:application/pdf;base64,...",
            param=param,
            code="missing_required_parameter",
        )
    read = payload.from_data_url(data, param, code=INVALID_FILE) if payload.is_data_url(data) else None
    return documents.document(read or payload.from_base64(data, param), name or "", param)


def elsewhere(param: str) -> InvalidRequest:
    """What is said of a file that is only named."""
    return InvalidRequest(
        f"`{param}` names a file that is kept elsewhere, and cwproxy keeps and fetches none; "
        "send the file itself in `file_data` as data:application/pdf;base64,...",
        param=param,
        code="unsupported_file",
    )
