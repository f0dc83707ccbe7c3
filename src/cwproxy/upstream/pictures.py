"""Pictures of a conversation, made ready before it is converted: links are followed, large pictures made smaller.

Both happen only where the settings allow it; without them a link is refused by the converter. Conversations are sent
again with every turn, so what was fetched or scaled is kept for a while.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from cwproxy.conversation import Conversation, Image, RemoteImage, ResultPart, ToolResult, Turn, UserPart, UserTurn
from cwproxy.errors import InvalidRequest
from cwproxy.media import payload, scaling
from cwproxy.media.pictures import picture
from cwproxy.upstream.fetching import Fetcher

MAX_LINKS: Final = 20
"""Different links that are followed for one request."""

AT_ONCE: Final = 4
KEPT_LENGTH: Final = 32 * 1024 * 1024
"""Characters of base64 that are kept for the next turn, of all conversations together."""


class Pictures:
    """fetcher: None leaves links as they are. downscale: scale down what the backend might refuse for its size."""

    def __init__(self, fetcher: Fetcher | None = None, *, downscale: bool = False) -> None:
        self._fetcher = fetcher
        self._downscale = downscale
        self._kept = _Kept()
        self._scaling = asyncio.Semaphore(1)

    async def prepared(self, conversation: Conversation) -> Conversation:
        """The conversation to convert. Raises InvalidRequest for a picture that cannot be had or read."""
        fetched = await self._fetched(conversation) if self._fetcher else {}
        shrunk = await self._shrunk(conversation, fetched) if self._downscale else {}
        if not fetched and not shrunk:
            return conversation

        def ready(old: ResultPart) -> ResultPart:
            found = fetched.get(old.url, old) if isinstance(old, RemoteImage) else old
            return shrunk.get(found.data, found) if isinstance(found, Image) else found

        def part(old: UserPart) -> UserPart:
            if isinstance(old, ToolResult):
                return replace(old, content=tuple(ready(inner) for inner in old.content))
            return ready(old)

        def turn(old: Turn) -> Turn:
            return UserTurn(tuple(part(each) for each in old.parts)) if isinstance(old, UserTurn) else old

        return replace(conversation, turns=tuple(turn(old) for old in conversation.turns))

    async def _fetched(self, conversation: Conversation) -> dict[str, Image]:
        links = {part.url: part for part in _shown(conversation) if isinstance(part, RemoteImage)}
        if len(links) > MAX_LINKS:
            raise InvalidRequest(
                f"The conversation has {len(links)} links to pictures; at most {MAX_LINKS} are followed. "
                "Send the pictures themselves.",
                param="messages",
                code="too_many_images",
            )
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(link: RemoteImage) -> Image:
            async with gate:
                return await self._one(link)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {url: group.create_task(one(link)) for url, link in links.items()}
        except* InvalidRequest as several:
            raise several.exceptions[0] from None
        return {url: task.result() for url, task in tasks.items()}

    async def _one(self, link: RemoteImage) -> Image:
        kept = self._kept.get(link.url)
        if kept is not None:
            return kept
        assert self._fetcher is not None  # noqa: S101 - for the type; the caller has looked
        content = await self._fetcher.fetch(link.url, link.place)
        return self._kept.keep(link.url, picture(payload.of(content), link.place))

    async def _shrunk(self, conversation: Conversation, fetched: dict[str, Image]) -> dict[str, Image]:
        """By the data of the picture as it was."""
        given = [part for part in _shown(conversation) if isinstance(part, Image)]
        found: dict[str, Image] = {}
        for image in (*given, *fetched.values()):
            if scaling.fits(image) or image.data in found:
                continue
            async with self._scaling:  # one at a time: each may take hundreds of megabytes for a moment
                name = await asyncio.to_thread(_fingerprint, image)
                kept = self._kept.get(name)
                found[image.data] = kept or self._kept.keep(name, await asyncio.to_thread(scaling.shrunk, image))
        return found


class _Kept:
    """The pictures used last, up to `KEPT_LENGTH`."""

    def __init__(self) -> None:
        self._images: OrderedDict[str, Image] = OrderedDict()
        self._length = 0

    def get(self, name: str) -> Image | None:
        image = self._images.get(name)
        if image is not None:
            self._images.move_to_end(name)
        return image

    def keep(self, name: str, image: Image) -> Image:
        before = self._images.get(name)
        self._length += len(image.data) - (len(before.data) if before else 0)
        self._images[name] = image
        while self._length > KEPT_LENGTH:
            _, oldest = self._images.popitem(last=False)
            self._length -= len(oldest.data)
        return image


def _fingerprint(image: Image) -> str:
    return sha256(image.data.encode()).hexdigest()


def _shown(conversation: Conversation) -> Iterator[UserPart]:
    for turn in conversation.turns:
        if isinstance(turn, UserTurn):
            for part in turn.parts:
                yield from part.content if isinstance(part, ToolResult) else (part,)
