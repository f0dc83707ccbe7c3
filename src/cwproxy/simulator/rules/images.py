"""Images and documents of the whole request, history included (backend-rules.md A5 62-67)."""

import base64
import re
import struct
from collections.abc import Iterator
from typing import Any

from cwproxy.simulator.rules.turns import Request
from cwproxy.simulator.rules.verdict import (
    DUPLICATE_DOCUMENT,
    ILLEGAL_DOCUMENT_NAME,
    Refusal,
    RuleContext,
    bedrock,
    improper,
    invalid,
)

_BASE64_BYTES = 5 * 1024 * 1024
_FILE_BYTES = 10 * 1024 * 1024
_LEGAL_NAME = re.compile(r"(?: ?[A-Za-z0-9()\[\]-])+ ?")
_MAGIC = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
}


def images(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 62-67, and our own about the names of documents."""
    yield from _counts(request, context)
    yield from _kinds(request, context)
    yield from _names(request, context)
    everything = [(turn.index, position, image) for turn in request.turns for position, image in enumerate(turn.images)]
    for index, position, image in everything:
        yield from _image(f"messages.{index}.content.{position}", image, context, is_many=len(everything) > 20)


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, or zeros where the header does not tell."""
    try:
        if data.startswith(_MAGIC["png"]):
            return struct.unpack_from(">II", data, 16)
        if data.startswith(_MAGIC["gif"]):
            return struct.unpack_from("<HH", data, 6)
        if data.startswith(_MAGIC["jpeg"]):
            return _jpeg_dimensions(data)
        return _webp_dimensions(data)
    except struct.error:
        return 0, 0


def _counts(request: Request, context: RuleContext) -> Iterator[Refusal]:
    pictures = sum(len(turn.images) for turn in request.turns)
    documents = sum(len(turn.documents) for turn in request.turns)
    if pictures + documents > 100:
        yield invalid(
            context,
            65,
            f"{pictures} images and {documents} documents",
            message=f"too many images and documents: {pictures} + {documents} > 100",
            reason="IMAGE_COUNT_EXCEEDED",
        )
    if 62 in context.opt_rules and pictures > 10:
        yield improper(context, 62, f"{pictures} images")
    if 62 in context.opt_rules:
        for turn in request.turns:
            sizes = [len(document["source"]["bytes"]) * 3 // 4 for document in turn.documents]
            if max(sizes, default=0) > _FILE_BYTES:
                yield improper(context, 62, f"{turn.path}.documents has one of {max(sizes)} bytes")


def _kinds(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """A model that lists only text takes neither; of documents the listing says nothing else."""
    is_text_only = context.listed is not None and not context.listed.images
    for turn in request.turns:
        if is_text_only and turn.images:
            yield improper(context, 66, f"{turn.path}.images for a model that lists only text")
        if turn.documents and (is_text_only or 67 in context.opt_rules):
            yield invalid(
                context,
                67,
                f"{turn.path}.documents",
                message="The selected model does not support document input.",
                reason="DOCUMENT_MODEL_NOT_SUPPORTED",
            )


def _names(request: Request, context: RuleContext) -> Iterator[Refusal]:
    names = [document["name"] for turn in request.turns for document in turn.documents]
    for name in names:
        if _LEGAL_NAME.fullmatch(name) is None:
            yield bedrock(
                context,
                ILLEGAL_DOCUMENT_NAME,
                f"a document's name is {name!r}",
                message="The document name can only contain alphanumeric characters, whitespace characters, hyphens, "
                "parentheses, and square brackets. The name can't contain more than one consecutive whitespace "
                "character.",
                reason="INVALID_DOCUMENT_NAME",
            )
    if len(set(names)) < len(names):
        yield invalid(
            context,
            DUPLICATE_DOCUMENT,
            f"{len(names)} documents have {len(set(names))} names",
            message="The names of the documents are not unique.",
            reason="DOCUMENT_DUPLICATE_NAME",
        )


def _image(place: str, image: dict[str, Any], context: RuleContext, *, is_many: bool) -> Iterator[Refusal]:
    encoded: str = image["source"]["bytes"]
    if len(encoded) > _BASE64_BYTES:
        yield invalid(
            context,
            63,
            f"{place} has {len(encoded)} bytes of base64",
            message=f"{place}.image.source.base64: image exceeds 5 MB maximum: {len(encoded)} bytes > "
            f"{_BASE64_BYTES} bytes",
            reason="IMAGE_SIZE_EXCEEDED",
        )
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        data = b""
    if not data.startswith(_MAGIC[image["format"]]) or (image["format"] == "webp" and data[8:12] != b"WEBP"):
        yield improper(context, 66, f"{place} is not base64 of a {image['format']} image")
    if is_many and max(dimensions(data)) > 2000:
        yield invalid(
            context,
            64,
            f"{place} is {dimensions(data)} pixels, and there are more than 20 images",
            message="At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
            reason="IMAGE_DIMENSION_EXCEEDED",
        )


def _jpeg_dimensions(data: bytes) -> tuple[int, int]:
    """From the first start-of-frame segment. Markers C4, C8 and CC in the same range are other things."""
    offset = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, offset)
        if 0xFFC0 <= marker <= 0xFFCF and marker not in {0xFFC4, 0xFFC8, 0xFFCC}:
            height, width = struct.unpack_from(">HH", data, offset + 5)
            return width, height
        offset += 2 + length


def _webp_dimensions(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, width_high, height, height_high = struct.unpack_from("<HBHB", data, 24)
    return (width | width_high << 16) + 1, (height | height_high << 16) + 1
