"""Links become pictures, large pictures become smaller ones, and both are done once."""

from collections.abc import Sequence

import httpx
import pytest
from tests.support.rasters import png

from cwproxy.conversation import Conversation, Image, RemoteImage, SystemTurn, Text, ToolResult, UserPart, UserTurn
from cwproxy.errors import InvalidRequest
from cwproxy.media import payload
from cwproxy.media.pictures import picture
from cwproxy.upstream.fetching import Fetcher
from cwproxy.upstream.pictures import MAX_LINKS, Pictures

pytestmark = pytest.mark.anyio


class Web:
    """Hosts pictures by path; `asked` counts what was fetched."""

    def __init__(self, **files: bytes) -> None:
        self._files = files
        self.asked: list[str] = []
        self.fetcher = Fetcher(resolve=self._resolve, transport=httpx.MockTransport(self._handle))

    async def _resolve(self, host: str) -> Sequence[str]:
        return ("93.184.215.14",)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        return httpx.Response(200, content=self._files.get(request.url.path[1:], b"what?"))


def link(name: str) -> RemoteImage:
    return RemoteImage(f"https://example.com/{name}", f"messages[0].{name}")


def shown(*parts: UserPart) -> Conversation:
    return Conversation("m", (SystemTurn("s"), UserTurn(parts)))


def image(content: bytes) -> Image:
    return picture(payload.of(content), "p")


SMALL, LARGE = png(2, 2), png(3000, 1000)


async def test_links_become_pictures_wherever_they_stand() -> None:
    web = Web(a=SMALL, b=LARGE)
    pictures = Pictures(web.fetcher)
    asked = shown(Text("x"), link("a"), ToolResult("t", (Text("y"), link("b"), link("a"))))
    expected = shown(Text("x"), image(SMALL), ToolResult("t", (Text("y"), image(LARGE), image(SMALL))))
    assert await pictures.prepared(asked) == expected
    assert await pictures.prepared(asked) == expected
    assert sorted(web.asked) == ["/a", "/b"]


async def test_what_needs_nothing_is_left_alone() -> None:
    plain = shown(Text("x"), image(SMALL))
    assert await Pictures(Web().fetcher, downscale=True).prepared(plain) is plain
    linked = shown(link("a"))
    assert await Pictures(downscale=True).prepared(linked) is linked


async def test_a_link_to_something_else_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidRequest, match="send PNG") as caught:
        await Pictures(Web(a=SMALL).fetcher).prepared(shown(link("a"), link("page")))
    assert caught.value.param == "messages[0].page"


async def test_a_crowd_of_links_is_refused() -> None:
    web = Web()
    with pytest.raises(InvalidRequest, match="21 links"):
        await Pictures(web.fetcher).prepared(shown(*(link(str(number)) for number in range(MAX_LINKS + 1))))
    assert web.asked == []


async def test_large_pictures_are_made_smaller_once() -> None:
    pictures = Pictures(Web(b=LARGE).fetcher, downscale=True)
    asked = shown(image(LARGE), link("b"), image(SMALL))
    first, second = await pictures.prepared(asked), await pictures.prepared(asked)
    turn = first.turns[1]
    assert isinstance(turn, UserTurn)
    own, linked, small = turn.parts
    assert isinstance(own, Image) and own.pixels == (2000, 667)
    assert linked is own and small == image(SMALL)
    again = second.turns[1]
    assert isinstance(again, UserTurn) and again.parts[0] is own


async def test_only_the_newest_are_kept() -> None:
    content = png(2, 2) + bytes(5 * 1024 * 1024 - 200)
    web = Web(**{str(number): content for number in range(5)})
    pictures = Pictures(web.fetcher)
    for name in ("0", "1", "2", "3", "0", "4", "0", "1"):
        await pictures.prepared(shown(link(name)))
    assert web.asked == ["/0", "/1", "/2", "/3", "/4", "/1"]
