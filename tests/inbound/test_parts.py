"""Every member of a part may be null, and those that nobody knows may be anything."""

import msgspec
import pytest

from cwproxy.dialects.openai_chat.schema import Part as ChatPart
from cwproxy.dialects.openai_responses.schema import Part as ResponsesPart
from cwproxy.inbound.parts import AnyPart, ImageUrl, Source

KINDS = (AnyPart, ChatPart, ResponsesPart)


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_may_be_null(kind: type[AnyPart]) -> None:
    for name in kind.__struct_fields__:
        part = msgspec.json.decode(b'{"%b":null}' % name.encode(), type=kind)
        assert part == (kind(input=msgspec.Raw(b"null")) if name == "input" else kind())


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_and_documents_come_in_either_form(kind: type[AnyPart]) -> None:
    text = b'{"image_url":{"url":"u","detail":7},"source":{"type":"base64","data":"d","x":[1]}}'
    assert msgspec.json.decode(text, type=kind) == kind(image_url=ImageUrl("u"), source=Source("base64", "d"))
    assert msgspec.json.decode(b'{"image_url":"u","source":"s"}', type=kind) == kind(image_url="u", source="s")


def test_what_one_dialect_reads_the_other_skips() -> None:
    """A member of the wrong type would else be refused by an API that has no such member."""
    assert msgspec.json.decode(b'{"file":5,"encrypted_content":"x"}', type=ResponsesPart).encrypted_content == "x"
    chat = msgspec.json.decode(b'{"encrypted_content":5,"file":{"file_id":"x"}}', type=ChatPart)
    assert chat.file is not None
    assert chat.file.file_id == "x"


@pytest.mark.parametrize("kind", [ChatPart, ResponsesPart])
def test_parts_nest(kind: type[ChatPart] | type[ResponsesPart]) -> None:
    assert msgspec.json.decode(b'{"content":[{"text":"x","content":null}]}', type=kind).content == [kind(text="x")]
