"""What is kept of an answer, so that a later request can go on from it, and how it is shown again.

A record holds its own input and output and the id of the response before it; a conversation is a chain of records.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cwproxy.dialects.openai_responses.items import item
from cwproxy.dialects.openai_responses.parse import ENCRYPTED, Past, ResponsesRequest
from cwproxy.dialects.openai_responses.schema import NULL
from cwproxy.dialects.openai_responses.shape import ID_PREFIX
from cwproxy.errors import InvalidRequest

_Members = dict[str, msgspec.Raw]

_PREFIXES = {
    "message": "msg_",
    "agent_message": "amsg_",
    "function_call": "fc_",
    "custom_tool_call": "ctc_",
    "reasoning": "rs_",
}

_WITH_STATUS = frozenset(
    {"message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"}
)

DEFAULT_PAGE, LARGEST_PAGE = 20, 100


class _Output(msgspec.Struct):
    id: str
    output: tuple[msgspec.Raw, ...] = ()


class _Identity(msgspec.Struct):
    id: str | None = None


class Record(msgspec.Struct):
    """`response` is the object that the client was given; `input` has an id for every item."""

    response: msgspec.Raw
    input: tuple[msgspec.Raw, ...] = ()
    previous: str | None = None


class Step(NamedTuple):
    """What was said in one step of a conversation, apart from the record that it was in. previous: the step before."""

    items: tuple[msgspec.Raw, ...]
    previous: str | None

    @property
    def size(self) -> int:
        return sum(len(bytes(item)) for item in self.items)

    def named(self, ids: Collection[str]) -> dict[str, bytes]:
        """Those of the items."""
        return {id: raw for id, raw in _by_id(self.items).items() if id in ids}


def record(asked: ResponsesRequest, response: bytes) -> tuple[str, bytes]:
    """The id of the response, and what is to be kept of it."""
    id = msgspec.json.decode(response, type=_Output).id
    given = tuple(_with_id(raw, id, index) for index, raw in enumerate(asked.input))
    return id, msgspec.json.encode(Record(msgspec.Raw(response), given, asked.previous))


def recall(body: bytes) -> Record:
    return msgspec.json.decode(body, type=Record)


def step(body: bytes) -> Step:
    found = recall(body)
    output = msgspec.json.decode(found.response, type=_Output).output
    return Step(tuple(item.copy() for item in (*found.input, *output)), found.previous)


def past(chain: Sequence[Step], others: Mapping[str, bytes]) -> Past:
    """chain: the responses that a request follows, the latest first. others: items by their ids."""
    chained = tuple(item for step in reversed(chain) for item in step.items)
    return Past(chained, {**_by_id(chained), **others})


def not_kept(response: bytes) -> bytes:
    """The response, saying so."""
    members = msgspec.json.decode(response, type=_Members)
    return msgspec.json.encode({**members, "store": False})


def shown(kept: Record, include: Sequence[str]) -> bytes:
    """The response again; thoughts that can be sent back only for who wants them included."""
    if ENCRYPTED in include:
        return bytes(kept.response)
    members = msgspec.json.decode(kept.response, type=_Members)
    output = [_without_thoughts(raw) for raw in msgspec.json.decode(kept.response, type=_Output).output]
    return msgspec.json.encode({**members, "output": output})


def page(items: Sequence[msgspec.Raw], *, limit: int, newest_first: bool, after: str | None) -> bytes:
    """A list of items as the API shows it. Raises InvalidRequest for an `after` that is none of them."""
    named = [(msgspec.json.decode(raw, type=_Identity).id, _without_thoughts(raw)) for raw in items]
    if newest_first:
        named.reverse()
    start = 0
    if after is not None:
        ids = [id for id, _ in named]
        if after not in ids:
            raise InvalidRequest(f"`after` is {after[:80]!r}, which is none of the items.", param="after")
        start = ids.index(after) + 1
    found = named[start : start + limit]
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [raw for _, raw in found],
            "first_id": found[0][0] if found else None,
            "last_id": found[-1][0] if found else None,
            "has_more": start + limit < len(named),
        }
    )


def _by_id(items: Iterable[msgspec.Raw]) -> dict[str, bytes]:
    named = ((msgspec.json.decode(raw, type=_Identity).id, bytes(raw)) for raw in items)
    return {id: raw for id, raw in named if id is not None}


def _with_id(raw: bytes, response_id: str, index: int) -> msgspec.Raw:
    """The item as the API would show it: messages with a list of parts, every item with an id."""
    kind = item("input", raw).kind
    members = msgspec.json.decode(raw, type=_Members)
    if not bytes(members.get("id", NULL)).startswith(b'"'):
        prefix = _PREFIXES.get(kind, "item_")
        members["id"] = _text(f"{prefix}{response_id.removeprefix(ID_PREFIX)}i{index:03x}")
    if kind == "message":
        members |= {"type": _text("message"), "content": _parts(members)}
    if kind in _WITH_STATUS:
        members.setdefault("status", _text("completed"))
    return msgspec.Raw(msgspec.json.encode(members))


def _parts(members: _Members) -> msgspec.Raw:
    """What a part holds is not looked at: it may be what this could not read."""
    said = msgspec.json.decode(members["role"]) == "assistant"
    content = msgspec.json.decode(members.get("content", NULL), type=str | list[msgspec.Raw] | None)
    listed = [msgspec.Raw(msgspec.json.encode(content))] if isinstance(content, str) else content or []
    return msgspec.Raw(msgspec.json.encode([_part(part, said=said) for part in listed]))


def _part(part: msgspec.Raw, *, said: bool) -> object:
    if not bytes(part).startswith(b'"'):
        return part
    if said:
        return {"type": "output_text", "text": part, "annotations": []}
    return {"type": "input_text", "text": part}


def _without_thoughts(raw: msgspec.Raw) -> msgspec.Raw:
    members = msgspec.json.decode(raw, type=_Members)
    if "encrypted_content" not in members:
        return raw
    del members["encrypted_content"]
    return msgspec.Raw(msgspec.json.encode(members))


def _text(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))


def deleted(id: str) -> bytes:
    return msgspec.json.encode({"id": id, "object": "response", "deleted": True})
