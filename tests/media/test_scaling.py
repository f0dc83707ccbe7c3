import io
import random
import sys
from collections.abc import Iterator

import pytest
from PIL import Image as pillow
from tests.support.rasters import png

from cwproxy.conversation import Image
from cwproxy.errors import InvalidRequest, SettingsError
from cwproxy.media import payload, scaling
from cwproxy.media.pictures import picture
from cwproxy.media.scaling import MAX_LENGTH, fits, require, shrunk


def image(content: bytes) -> Image:
    return picture(payload.of(content), "p")


def noise(mode: str, width: int, height: int, format: str) -> Image:
    data = random.Random(1).randbytes(width * height * len(mode))
    written = io.BytesIO()
    pillow.frombytes(mode, (width, height), data).save(written, format)
    return image(written.getvalue())


def test_a_wide_picture_gets_sides_within_the_limit() -> None:
    wide = image(png(4000, 1000))
    assert not fits(wide)
    small = shrunk(wide)
    assert (small.format, small.pixels) == ("jpeg", (2000, 500))
    assert fits(small) and picture(payload.from_base64(small.data, "p"), "p") == small


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert shrunk(image(png(3000, 10))) == shrunk(image(png(3000, 10)))


def test_what_shows_through_stays_so_and_weight_is_lost_until_it_fits() -> None:
    heavy = noise("RGBA", 1500, 1500, "PNG")
    assert len(heavy.data) > MAX_LENGTH and not fits(heavy)
    small = shrunk(heavy)
    assert small.format == "png" and fits(small) and 500 < small.pixels[0] < 1500


def test_an_animation_becomes_its_first_frame() -> None:
    written = io.BytesIO()
    frames = [pillow.new("RGB", (2500, 4), color) for color in ("red", "blue")]
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:])
    small = shrunk(image(written.getvalue()))
    assert small.pixels == (2000, 3)


@pytest.mark.parametrize(
    "content",
    [png(3000, 3000)[:60], b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(90), png(2, 2)[:16] + b"\x00\x00\xff\xff" * 2],
    ids=["cut", "hollow", "absurd"],
)
def test_a_damaged_or_absurd_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Send a smaller one") as caught:
        shrunk(image(content))
    assert caught.value.code == "invalid_image"


@pytest.fixture
def without_pillow() -> Iterator[None]:
    """The import system as it is where Pillow is not installed."""

    class Blind:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            if name == "PIL":
                raise ModuleNotFoundError(name)

    hidden = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "PIL"}
    for name in hidden:
        del sys.modules[name]
    sys.meta_path.insert(0, Blind)
    yield
    sys.meta_path.remove(Blind)
    sys.modules.update(hidden)


def test_pillow_is_asked_for_by_name() -> None:
    require()


@pytest.mark.usefixtures("without_pillow")
def test_without_pillow_the_setting_is_refused_with_the_way_out() -> None:
    with pytest.raises(SettingsError, match="pipx inject cwproxy pillow"):
        scaling.require()
