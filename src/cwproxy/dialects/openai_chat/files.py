"""Documents in a request: `file`, `input_file` and Anthropic's `document` parts (compatibility.md 1.2, 2.1, 2.2)."""

from cwproxy.conversation import Document, Text
from cwproxy.dialects.openai_chat.schema import Part, Source
from cwproxy.errors import InvalidRequest
from cwproxy.media import documents, payload

INVALID_FILE = "invalid_file"


def document(part: Part, path: str) -> Document | Text:
    """The document in a part. Raises InvalidRequest for one that is kept elsewhere, and for what cannot be read."""
    match part.source:
        case Source(type="text", data=str() as text):
            return Text(text)
        case Source(data=str() as data, media_type=mime):
            content = payload.from_base64(data, f"{path}.source.data", mime=(mime or "").lower())
            return documents.document(content, part.title or "", f"{path}.source.data")
        case None:
            return _file(part, path)
        case _:
            raise _elsewhere(f"{path}.source")


def _file(part: Part, path: str) -> Document:
    """Nested under `file` in Chat Completions, flat in the Responses API."""
    nested = part.file
    holder, where = (part, path) if nested is None else (nested, f"{path}.file")
    if holder.file_data is None:
        if holder.file_id is not None:
            raise _elsewhere(f"{where}.file_id")
        if part.file_url is not None:
            raise _elsewhere(f"{path}.file_url")
        raise InvalidRequest(
            f"`{where}.file_data` is missing; give it as data:application/pdf;base64,...",
            param=f"{where}.file_data",
            code="missing_required_parameter",
        )
    param = f"{where}.file_data"
    data = holder.file_data
    read = payload.from_data_url(data, param, code=INVALID_FILE) if payload.is_data_url(data) else None
    return documents.document(read or payload.from_base64(data, param), holder.filename or "", param)


def _elsewhere(param: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{param}` names a file that is kept elsewhere, and cwproxy keeps and fetches none; "
        "send the file itself in `file_data` as data:application/pdf;base64,...",
        param=param,
        code="unsupported_file",
    )
