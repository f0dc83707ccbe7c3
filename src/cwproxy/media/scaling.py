"""Make a picture small enough for the backend. Needs Pillow, which comes with the extra `images`.

The same bytes always give the same bytes, so that a conversation that is sent again stays what it was. Takes up to a
second of processor time: run it in a thread.
"""

import importlib
import io
from typing import TYPE_CHECKING, Final

from cwproxy.conversation import Image
from cwproxy.errors import InvalidRequest, SettingsError
from cwproxy.media import payload

if TYPE_CHECKING:
    from PIL.Image import Image as Raster

MAX_LENGTH: Final = 5 * 1024 * 1024
MAX_SIDE: Final = 2_000
"""Bytes of base64 and pixels that are never refused, however many pictures there are (backend-rules.md A5 63, 64)."""

MAX_PIXELS: Final = 100_000_000
"""Of a picture that is unpacked at all: a few bytes may unpack to gigabytes."""

_QUALITY: Final = 85
_STEP: Final = 0.75


def require() -> None:
    """Raises SettingsError when Pillow is not installed."""
    try:
        importlib.import_module("PIL")
    except ImportError as error:
        raise SettingsError(
            "downscale_images: needs Pillow, which is not installed: `pipx inject cwproxy pillow`, or "
            "`pip install pillow` where cwproxy was installed with pip; or unset it."
        ) from error


def fits(image: Image) -> bool:
    return len(image.data) <= MAX_LENGTH and max(image.pixels) <= MAX_SIDE


def shrunk(image: Image) -> Image:
    """The picture with both sides and its size within the limits; of an animation, the first frame.

    Raises InvalidRequest for a picture that is damaged or larger than can be unpacked.
    """
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    if image.pixels[0] * image.pixels[1] > MAX_PIXELS:
        raise _unreadable(f"of {image.pixels[0]} x {image.pixels[1]} pixels is too large to be scaled down")
    try:
        with pillow.open(io.BytesIO(payload.from_base64(image.data, "messages").content)) as opened:
            opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
            raster = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, pillow.DecompressionBombError) as error:
        raise _unreadable("cannot be scaled down: it is damaged") from error
    side = MAX_SIDE
    while True:
        raster.thumbnail((side, side))
        found = _encoded(raster)
        if fits(found):
            return found
        side = int(max(raster.size) * _STEP)


def _encoded(raster: "Raster") -> Image:
    """JPEG, or PNG where something shows through."""
    written = io.BytesIO()
    if raster.mode == "RGBA":
        raster.save(written, "PNG", optimize=True)
        return Image("png", payload.of(written.getvalue()).data, raster.size)
    raster.save(written, "JPEG", quality=_QUALITY)
    return Image("jpeg", payload.of(written.getvalue()).data, raster.size)


def _unreadable(why: str) -> InvalidRequest:
    return InvalidRequest(f"An image {why}. Send a smaller one.", param="messages", code="invalid_image")
