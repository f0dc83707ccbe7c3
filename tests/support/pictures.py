"""The beginnings of real pictures: enough for anything that looks at magic bytes, in base64."""

import base64
from typing import Final

PNG: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17)).decode()
JPEG: Final = base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(9)).decode()
GIF: Final = base64.b64encode(b"GIF89a" + bytes(12)).decode()
WEBP: Final = base64.b64encode(b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(8)).decode()
SVG: Final = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
PDF: Final = base64.b64encode(b"%PDF-1.7\n" + bytes(9)).decode()


def data_url(data: str, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{data}"
