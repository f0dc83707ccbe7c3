"""What a search of the web found: the answer of InvokeMCP, JSON in a text in JSON (protocol.md 7 4)."""

from typing import Final

import msgspec

from cwproxy.errors import BackendUnavailable
from cwproxy.reply import Found

MAX_FOUND: Final = 10
"""Pages that are looked at; the service finds about that many."""


class _Page(msgspec.Struct, rename="camel"):
    title: str | None = None
    url: str | None = None
    snippet: str | None = None
    published_date: object = None


class _Pages(msgspec.Struct):
    results: list[_Page] | None = None


class _Item(msgspec.Struct):
    text: str | None = None


class _Result(msgspec.Struct):
    content: list[_Item] = []


class _Answer(msgspec.Struct):
    result: _Result | None = None


def parse(body: bytes) -> tuple[Found, ...]:
    """The pages that have an address. Raises BackendUnavailable when the answer is an error, or cannot be read."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
        text = next((item.text for item in answer.result.content if item.text), None) if answer.result else None
        pages = msgspec.json.decode(text or "", type=_Pages).results or []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackendUnavailable("The backend's search of the web failed.", retry_safe=False) from error
    return tuple(_found(page) for page in pages[:MAX_FOUND] if page.url)


def _found(page: _Page) -> Found:
    date = page.published_date
    return Found(
        page.title or page.url or "", page.url or "", page.snippet or "", date if isinstance(date, str) else None
    )
