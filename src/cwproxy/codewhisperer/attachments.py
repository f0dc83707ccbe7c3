"""Which pictures and documents of a conversation travel, and what stands in the place of the others.

The service counts over the whole request, history included (backend-rules.md A5 63-65): 5 MiB of base64 for each
image, 100 images and documents together, and no side above 2000 pixels once there are more than 20 images. What the
client has just sent and breaks a rule is refused, with the rule in the message; what breaks it only because the
conversation has grown is left out, the oldest first, because otherwise the conversation could never go on. So it is
with pictures and documents for a model that lists only text (A5 66, 67).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from cwproxy.codewhisperer import wire
from cwproxy.conversation import Document, Image, RemoteImage, Text, ToolResult, UserPart
from cwproxy.errors import InvalidRequest

MAX_IMAGE_LENGTH: Final = 5 * 1024 * 1024
"""Characters of base64 (backend-rules.md A5 63)."""

MAX_ATTACHMENTS: Final = 100
"""Images and documents in a request (backend-rules.md A5 65)."""

FEW_IMAGES: Final = 20
MAX_SIDE: Final = 2_000
"""Pixels that a side may have when there are more than `FEW_IMAGES` (backend-rules.md A5 64)."""

MAX_NAME_LENGTH: Final = 200

_ILLEGAL_IN_NAMES = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_BLANKS = re.compile(r" {2,}")


class Attachments:
    """One request's. Groups are told apart by their position; -1 is the last, which the client has just sent.

    Raises InvalidRequest when what the last group brings can never be sent.
    """

    def __init__(self, groups: Sequence[Sequence[UserPart]], *, text_only: bool = False) -> None:
        self._text_only = text_only
        self._names: set[str] = set()
        self._skipped = _skipped([list(_attached(parts)) for parts in groups])

    def picture(self, image: Image, position: int) -> wire.ImageBlock | None:
        """The picture as it travels, or None when it must stay behind. Call it once for each, in any order."""
        if len(image.data) > MAX_IMAGE_LENGTH:
            if position == -1:
                raise InvalidRequest(
                    f"An image has {len(image.data)} bytes of base64; the backend takes at most {MAX_IMAGE_LENGTH} "
                    "(5 MiB) of each. Send a smaller one, or set `downscale_images` in cwproxy's configuration.",
                    param="messages",
                    code="image_too_large",
                )
            return None
        if self._is_unread(position, "images") or self._is_skipped(position, 0):
            return None
        return wire.ImageBlock(format=image.format, source=wire.ImageSource(bytes=image.data))

    def document(self, document: Document, position: int) -> wire.DocumentBlock | None:
        """The same for a document, under a name that is legal and nobody else's in this request."""
        if self._is_unread(position, "documents") or self._is_skipped(position, 1):
            return None
        source = wire.ImageSource(bytes=document.data)
        return wire.DocumentBlock(name=self._name(document.name), format=document.format, source=source)

    def _is_unread(self, position: int, kind: str) -> bool:
        if self._text_only and position == -1:
            raise InvalidRequest(
                f"The model takes text only, and no {kind}. Choose one that takes images (see `cwproxy models`).",
                param="messages",
                code="model_takes_text_only",
            )
        return self._text_only

    def _is_skipped(self, position: int, kind: int) -> bool:
        left = self._skipped[position]
        left[kind] -= 1
        return left[kind] >= 0

    def _name(self, client_name: str) -> str:
        """Letters, digits, single blanks, hyphens and brackets; the ending goes (protocol.md 4.2: two reasons)."""
        stem = _ENDING.sub("", re.split(r"[/\\]", client_name)[-1])
        base = _BLANKS.sub(" ", _ILLEGAL_IN_NAMES.sub("-", stem)).strip(" -")[:MAX_NAME_LENGTH] or "document"
        name, count = base, 1
        while name.lower() in self._names:
            count += 1
            suffix = f" ({count})"
            name = base[: MAX_NAME_LENGTH - len(suffix)] + suffix
        self._names.add(name.lower())
        return name


def not_fetched(remote: RemoteImage) -> InvalidRequest:
    """What is said of a picture that is still elsewhere when the request is made."""
    return InvalidRequest(
        f"`{remote.place}` is not a data: URL. Remote pictures are not fetched; "
        "send the picture itself as data:image/png;base64,... (whoever runs cwproxy can allow it: `fetch_images`).",
        param=remote.place,
        code="invalid_image_url",
    )


def _attached(parts: Iterable[UserPart]) -> Iterable[Image | Document]:
    """What counts: a picture beyond the limit of its own never travels."""
    for part in parts:
        if isinstance(part, Text):
            continue
        for inner in part.content if isinstance(part, ToolResult) else (part,):
            if isinstance(inner, Document) or (isinstance(inner, Image) and len(inner.data) <= MAX_IMAGE_LENGTH):
                yield inner


def _skipped(groups: Sequence[Sequence[Image | Document]]) -> list[list[int]]:
    """For each group how many pictures and documents stay behind; the newest are the last to."""
    total = images = 0
    wide = False
    skipped: list[list[int]] = []
    for attached in reversed(groups):
        pictures = [item for item in attached if isinstance(item, Image)]
        also_wide = wide or any(_is_wide(picture) for picture in pictures)
        room = MAX_ATTACHMENTS - total
        kept = max(0, min(len(pictures), room, FEW_IMAGES - images if also_wide else room))
        documents = len(attached) - len(pictures)
        kept_documents = min(documents, room - kept)
        if not skipped and kept + kept_documents < len(attached):
            raise _too_many(pictures, documents)
        wide = wide or (also_wide and kept > 0)
        images += kept
        total += kept + kept_documents
        skipped.append([len(pictures) - kept, documents - kept_documents])
    return skipped[::-1]


def _is_wide(picture: Image) -> bool:
    return max(picture.pixels) > MAX_SIDE


def _too_many(pictures: Sequence[Image], documents: int) -> InvalidRequest:
    count = len(pictures) + documents
    if count > MAX_ATTACHMENTS:
        rule = (
            f"The last turn has {count} images and documents; the backend takes at most {MAX_ATTACHMENTS} "
            "in a request. Send fewer."
        )
    else:
        width, height = max((picture.pixels for picture in pictures), key=max)
        rule = (
            f"The last turn has {len(pictures)} images, one of them of {width} x {height} pixels; with more than "
            f"{FEW_IMAGES} images in a request the backend takes no side above {MAX_SIDE} pixels. "
            "Send fewer or smaller ones, or set `downscale_images` in cwproxy's configuration."
        )
    return InvalidRequest(rule, param="messages", code="too_many_images")
