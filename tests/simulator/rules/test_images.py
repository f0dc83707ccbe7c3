import base64
import struct

import pytest
from tests.support.chat_requests import (
    CURRENT,
    PROFILES,
    QUESTION,
    REMOVED,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
    image,
    png,
)

from cwproxy.simulator.models import MODELS
from cwproxy.simulator.rules import Refusal
from cwproxy.simulator.rules.images import dimensions

IMAGES = f"{CURRENT}.images"
DOCUMENT = {"name": "notes", "format": "txt", "source": {"bytes": "aGk="}}
TOO_LARGE = base64.b64encode(base64.b64decode(png()) + bytes(4 * 1024 * 1024)).decode()
TOO_LARGE_MESSAGE = (
    f"messages.6.content.0.image.source.base64: image exceeds 5 MB maximum: {len(TOO_LARGE)} bytes > 5242880 bytes"
)
TOO_WIDE = "At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels"
TOO_MANY = "too many images and documents: 101 + 0 > 100"
TOO_MANY_DOCUMENTS = "too many images and documents: 1 + 100 > 100"
NO_DOCUMENTS = "The selected model does not support document input."
ILLEGAL = (
    "The document name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and "
    "square brackets. The name can't contain more than one consecutive whitespace character."
)
TEXT_ONLY = {"listed": next(model for model in MODELS if not model.images)}
SAME_NAMES = "The names of the documents are not unique."

BREACHES = [
    Breach(62, {IMAGES: [image()] * 10}),
    Breach(62, {f"{CURRENT}.documents": [{**DOCUMENT, "source": {"bytes": "AAAA" * (4 * 1024 * 1024)}}]}),
    Breach(
        63,
        {IMAGES: [image(TOO_LARGE)]},
        message=TOO_LARGE_MESSAGE,
        legacy_message=TOO_LARGE_MESSAGE,
        reason="IMAGE_SIZE_EXCEEDED",
    ),
    Breach(
        64,
        {IMAGES: [image()] * 19 + [image(png(2001, 1))]},
        message=TOO_WIDE,
        legacy_message=TOO_WIDE,
        reason="IMAGE_DIMENSION_EXCEEDED",
    ),
    Breach(65, {IMAGES: [image()] * 100}, message=TOO_MANY, legacy_message=TOO_MANY, reason="IMAGE_COUNT_EXCEEDED"),
    Breach(
        65,
        {f"{CURRENT}.documents": [DOCUMENT] * 100},
        message=TOO_MANY_DOCUMENTS,
        legacy_message=TOO_MANY_DOCUMENTS,
        reason="IMAGE_COUNT_EXCEEDED",
    ),
    Breach(66, {IMAGES: [image("not base64!")]}),
    Breach(66, {IMAGES: [image("é")]}),
    Breach(66, {IMAGES: [image(kind="jpeg")]}),
    Breach(66, {IMAGES: [image(base64.b64encode(b"RIFF\0\0\0\0WAVE").decode(), kind="webp")]}),
    Breach(66, {IMAGES: [image("PHN2Zy8+")]}),
    Breach(
        67,
        {f"{CURRENT}.documents": [DOCUMENT]},
        message=NO_DOCUMENTS,
        legacy_message=NO_DOCUMENTS,
        reason="DOCUMENT_MODEL_NOT_SUPPORTED",
    ),
    Breach(
        102,
        {f"{CURRENT}.documents": [DOCUMENT, DOCUMENT]},
        message=SAME_NAMES,
        legacy_message=SAME_NAMES,
        reason="DOCUMENT_DUPLICATE_NAME",
    ),
    *(
        Breach(
            103, {f"{CURRENT}.documents": [{**DOCUMENT, "name": name}]}, message=ILLEGAL, reason="INVALID_DOCUMENT_NAME"
        )
        for name in ("notes.txt", "a  b", "a_b", "été", "a\n")
    ),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"rule {breach.rule}")
def test_a_breach_is_refused(breach: Breach, profile: Profile) -> None:
    assert_refused(breach, profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_model_for_text_takes_no_picture(profile: Profile) -> None:
    assert_refused(Breach(66, {}, context=TEXT_ONLY), profile)  # the one in the history is enough


def test_a_model_for_text_takes_no_document() -> None:
    changes = {f"{QUESTION}.images": REMOVED, f"{QUESTION}.documents": [DOCUMENT]}
    for profile in PROFILES:
        refusal = Breach(67, changes, context=TEXT_ONLY).judge(profile, frozenset())
        assert isinstance(refusal, Refusal)
        assert (refusal.rule, refusal.message) == (67, NO_DOCUMENTS)
    assert_accepted(changes)


def test_a_legal_name() -> None:
    assert_accepted({f"{CURRENT}.documents": [{**DOCUMENT, "name": "Report-1 (2) [draft]"}]})


def test_a_few_large_pictures_are_taken() -> None:
    assert_accepted({IMAGES: [image(png(8000, 8000))]})


GIF = b"GIF89a" + struct.pack("<HH", 300, 200)
JPEG = b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xc4\0\x02\xff\xc2\0\x11\x08" + struct.pack(">HH", 200, 300)
WEBP = b"RIFF\0\0\0\0WEBP"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (GIF, "gif"),
        (JPEG, "jpeg"),
        (WEBP + b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300, 200), "webp"),
        (WEBP + b"VP8L\0\0\0\0\x2f" + struct.pack("<I", 299 | 199 << 14), "webp"),
        (WEBP + b"VP8X\0\0\0\0\0\0\0\0" + struct.pack("<HBHB", 299, 0, 199, 0), "webp"),
    ],
)
def test_formats_and_their_dimensions(data: bytes, kind: str) -> None:
    assert_accepted({IMAGES: [image(base64.b64encode(data).decode(), kind=kind)]})
    assert dimensions(data) == (300, 200)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", JPEG[:-1], b"\xff\xd8\xff\xe0\0\0"])
def test_a_header_cut_short_tells_nothing(data: bytes) -> None:
    assert dimensions(data) == (0, 0)
