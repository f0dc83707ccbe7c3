"""One HTTP request as the simulator sees it: read whole, path split into region and the rest, headers by lower name."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

_REGION_SEGMENT = re.compile(r"^/([a-z]{2}(?:-[a-z]+)+-\d)(/.*)?$")


@dataclass(frozen=True, slots=True)
class Request:
    """region: from the optional first path segment, None when the caller did not say; path: what follows it.

    raw_path and query_string are as received, for the signature; headers of one name are joined with a comma.
    """

    method: str
    path: str
    raw_path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    region: str | None
    peer: str
    port: int
    """The peer's port: two requests with the same one came over the same connection."""

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def base_url(self) -> str:
        return f"http://{self.headers.get('host', 'localhost')}"


def split_region(path: str) -> tuple[str | None, str]:
    """`/eu-central-1/token` -> (`eu-central-1`, `/token`); a path without a region -> (None, path)."""
    match = _REGION_SEGMENT.match(path)
    return (match[1], match[2] or "/") if match else (None, path)


def join_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """ASGI's header list by lower-case name."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers
