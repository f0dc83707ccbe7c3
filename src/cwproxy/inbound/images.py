"""Pictures in a request: data URLs, base64, and links that somebody else has to follow (compatibility.md 3.2)."""

from cwproxy.conversation import Image, RemoteImage
from cwproxy.errors import InvalidRequest
from cwproxy.media import payload, pictures

INVALID_URL = "invalid_image_url"


def from_url(url: str, param: str) -> Image | RemoteImage:
    """The picture in a `data:` URL, or where it is. Raises InvalidRequest for any other kind of URL."""
    if payload.is_data_url(url):
        return pictures.picture(payload.from_data_url(url, param, code=INVALID_URL), param)
    if url[:8].lower() == "https://" or url[:7].lower() == "http://":
        return RemoteImage(url, param)
    raise InvalidRequest(
        f"`{param}` is not a data: URL; send the picture itself as data:image/png;base64,...",
        param=param,
        code=INVALID_URL,
    )


def from_base64(text: str, param: str) -> Image:
    """The picture in base64 text, which may be wrapped, unpadded or of the URL-safe alphabet."""
    return pictures.picture(payload.from_base64(text, param), param)
