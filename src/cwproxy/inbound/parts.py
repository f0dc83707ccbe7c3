"""The members of content parts that more than one dialect reads, as msgspec structs; every other member is skipped.

Clients mix the APIs' forms (compatibility.md 2.3), so one struct has the members of all of them, and every one may be
null. A dialect adds what it alone reads, and what nests.
"""

import msgspec


class ImageUrl(msgspec.Struct, gc=False):
    """Where a picture is, as Chat Completions has it; elsewhere the URL itself is expected."""

    url: str


class Source(msgspec.Struct, gc=False):
    """Where an Anthropic-shaped picture or document is."""

    type: str | None = None
    data: str | None = None
    url: str | None = None
    media_type: str | None = None


class AnyPart(msgspec.Struct):
    """A content part of any API. Which members count depends on `type`, or on which are there. The input of a tool use
    stays JSON text, empty when the member is missing.
    """

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    image_url: str | ImageUrl | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    title: str | None = None
    source: str | Source | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()
    tool_use_id: str | None = None
    is_error: bool | None = None
