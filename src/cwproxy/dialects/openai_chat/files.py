"""Documents in a request: `file`, `input_file` and Anthropic's `document` parts (compatibility.md 1.2, 2.1, 2.2)."""

from cwproxy.conversation import Document, Text
from cwproxy.dialects.openai_chat.schema import Part
from cwproxy.inbound import files
from cwproxy.inbound.parts import Source
from cwproxy.media import documents, payload


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
            raise files.elsewhere(f"{path}.source")


def _file(part: Part, path: str) -> Document:
    """Nested under `file` in Chat Completions, flat in the Responses API."""
    if part.file is not None:
        file = part.file
        return files.document(file.file_data, file.filename, f"{path}.file", file_id=file.file_id, file_url=None)
    return files.document(part.file_data, part.filename, path, file_id=part.file_id, file_url=part.file_url)
