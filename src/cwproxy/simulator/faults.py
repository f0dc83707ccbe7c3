"""What can go wrong on purpose (reliability.md 3A-3D): a fault turns an answer into other steps.

A fault is JSON on the control plane: `{"kind": ..., "count": N, ...}`; it strikes the next N calls of its scope.
"""

import gzip
import zlib
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from cwproxy.simulator.delivery import Data, End, Fin, Head, Pause, Raw, Reset, Step
from cwproxy.simulator.frames import error_frame, exception_frame, raw_event_frame
from cwproxy.simulator.script import BadScript, Event
from cwproxy.simulator.spoilt import KINDS as SPOILT_KINDS
from cwproxy.simulator.spoilt import spoilt

Scope = Literal["chat", "oidc", "control-plane"]

_HTML = b"<!doctype html><html><head><title>Sign in to the network</title></head><body>Captive portal</body></html>"
_ANSWER_KINDS = frozenset(
    {
        "hang",
        "rst",
        "close",
        "status",
        "error",
        "html",
        "redirect",
        "garbage",
        "huge-header",
        "slow-headers",
        "gzip-bomb",
    }
)
_STREAM_KINDS = SPOILT_KINDS | frozenset(
    {
        "rst-inside",
        "rst-after",
        "fin-mid-chunk",
        "fin-without-length",
        "bad-chunk",
        "truncated-frame",
        "eof",
        "exception",
        "error-frame",
        "duplicate-frame",
        "gzip",
        "stall",
        "drip",
        "one-byte-writes",
        "one-write",
        "continue",
    }
)
EVENT_KINDS = frozenset({"empty", "open-tool"})
LOGIN_KINDS = frozenset({"lost-answer", "expires-in"})
KINDS = _ANSWER_KINDS | _STREAM_KINDS | EVENT_KINDS | LOGIN_KINDS


@dataclass(frozen=True, slots=True)
class Fault:
    """after: whole frames that still go out; seconds: of silence or per write, None for ever.

    status, body, headers: for `status` and `html`; error, message, reason: a modelled exception for `error`,
    `exception` and `error-frame` (there the frame's exception type or code), or an OAuth code in the oidc scope.
    account, model: only calls of this account, for this model are struck; None strikes anybody's, for any.
    value: what an answer with tokens says of their lifetime (`expires-in`), whatever it may be; None leaves it out.
    """

    kind: str
    scope: Scope = "chat"
    count: int = 1
    after: int = 0
    seconds: float | None = None
    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    error: str = "InternalServerException"
    message: str = "Simulated failure."
    reason: str | None = None
    account: str | None = None
    model: str | None = None
    value: object = None

    @property
    def replaces_answer(self) -> bool:
        return self.kind in _ANSWER_KINDS


def parse_fault(document: object) -> Fault:
    """Raises BadScript for an unknown kind, scope or member, or a value of the wrong type."""
    if not isinstance(document, dict):
        raise BadScript("a fault is a JSON object")
    known = {item.name: item for item in fields(Fault)}
    unknown = set(document) - set(known)
    if unknown:
        raise BadScript(f"a fault has no member {sorted(unknown)[0]!r}")
    if document.get("kind") not in KINDS:
        raise BadScript(f"a fault's kind is one of {', '.join(sorted(KINDS))}")
    _check_scope(document)
    _check_status(document)
    for name, kinds in (
        ("account", str),
        ("model", str),
        ("count", int),
        ("after", int),
        ("status", int),
        ("headers", dict),
    ):
        if name in document and not isinstance(document[name], kinds):
            raise BadScript(f"a fault's {name} is of type {kinds.__name__}")
    return Fault(**document)


def _check_scope(document: dict[str, object]) -> None:
    scope, kind = document.get("scope", "chat"), document["kind"]
    if scope not in get_args(Scope):
        raise BadScript(f"a fault's scope is one of {', '.join(get_args(Scope))}")
    if scope != "chat" and kind in _STREAM_KINDS | EVENT_KINDS:
        raise BadScript(f"{document['kind']} is a fault of the chat scope")
    if kind in LOGIN_KINDS and scope != "oidc":
        raise BadScript(f"{document['kind']} is a fault of the oidc scope")
    if "model" in document and scope != "chat":
        raise BadScript("only a chat call is for a model")
    if scope == "oidc" and "account" in document:
        raise BadScript("a call to the login service belongs to no account")


def _check_status(document: dict[str, object]) -> None:
    """HTTP has three digits, and `status` alone writes those past 599, which the server does not know."""
    status, last = document.get("status", 500), 999 if document["kind"] == "status" else 599
    if isinstance(status, int) and not 200 <= status <= last:
        raise BadScript(f"the status of {document['kind']} is within 200 and {last}")


def answer_steps(fault: Fault) -> list[Step]:
    """What a call that is struck by an answer fault gets instead of any answer. `error` is made by the caller."""
    match fault.kind:
        case "hang":
            return [Pause(fault.seconds), Reset()]
        case "rst" | "lost-answer":
            return [Reset()]
        case "close":
            return [Fin()]
        case "gzip-bomb":
            packed = {"content-type": "application/json", "content-encoding": "gzip"}
            return _whole(fault.status, _bomb(), {**packed, **fault.headers})
        case "html":
            return _whole(fault.status, _HTML, {"content-type": "text/html", **fault.headers})
        case "redirect":
            return _whole(302, b"", {"location": "http://127.0.0.1:9/elsewhere", **fault.headers})
        case "garbage":
            return [Raw(b"SMTP ready\r\n\r\n"), Fin()]
        case "huge-header":
            filler = b"x-filler: " + b"a" * 200_000
            return [Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + filler + b"\r\n\r\n"), Fin()]
        case "slow-headers":
            head = b"HTTP/1.1 200 OK\r\nx-filler: " + b"a" * 400
            pause = Pause(0.1 if fault.seconds is None else fault.seconds)
            return [*(step for byte in head for step in (Raw(bytes([byte])), pause)), Fin()]
        case _:
            return _whole(fault.status, fault.body.encode(), fault.headers)


def _bomb() -> bytes:
    """64 MiB of JSON in about 64 KiB of gzip."""
    packer = zlib.compressobj(wbits=31)
    blanks = b" " * (1024 * 1024)
    return b"".join([packer.compress(b'{"message":"'), *(packer.compress(blanks) for _ in range(64)), packer.flush()])


def _whole(status: int, body: bytes, headers: dict[str, str]) -> list[Step]:
    members = [*headers.items(), ("content-length", str(len(body)))]
    if status > 599:
        lines = "".join(f"{name}: {value}\r\n" for name, value in members)
        return [Raw(f"HTTP/1.1 {status} \r\n{lines}\r\n".encode() + body), Fin()]
    return [Head(status, members), Data(body), End()]


def change_events(fault: Fault, events: list[Event]) -> list[Event]:
    """`empty` says nothing; `open-tool` stops inside the first tool call, or inside one that it adds."""
    if fault.kind == "empty":
        return []
    if fault.kind != "open-tool":
        return events
    for index, (event_type, payload) in enumerate(events):
        if event_type == "toolUseEvent" and payload.get("stop"):
            return events[:index]
    ids = {"toolUseId": "tooluse_cut_off", "name": "write_file"}
    return [*events, ("toolUseEvent", dict(ids)), ("toolUseEvent", {**ids, "input": '{"path": "/tmp/'})]


def stream_steps(fault: Fault, head: Head, frames: list[bytes], pace: float) -> list[Step]:
    """The stream as the fault wants it. Frames past the fault are never sent unless it is one that clients survive."""
    kept = frames[: fault.after]
    rest = frames[fault.after :]
    start: list[Step] = [head, *paced(kept, pace)]
    following = rest[0] if rest else raw_event_frame("assistantResponseEvent", b'{"content":"never seen whole"}')
    match fault.kind:
        case "rst-after":
            return [*start, Pause(0.02), Reset()]
        case "rst-inside":
            return [*start, Data(following[: len(following) // 2]), Pause(0.02), Reset()]
        case "fin-mid-chunk":
            return [*start, Raw(b"ffff\r\n" + following[:9]), Fin()]
        case "fin-without-length":
            plain = "".join(f"{name}: {value}\r\n" for name, value in head.headers)
            return [Raw(f"HTTP/1.1 200 OK\r\n{plain}\r\n".encode() + b"".join(kept) + following[:20]), Fin()]
        case "bad-chunk":
            return [*start, Raw(b"not-hexadecimal\r\n"), Fin()]
        case "truncated-frame":
            return [*start, Data(following[: len(following) // 2]), End()]
        case "eof":
            return [*start, End()]
        case "stall":
            return [*start, Pause(fault.seconds), *paced(rest, pace), End()]
        case "gzip":
            squeezed = gzip.compress(b"".join(frames))
            return [
                Head(head.status, [*head.headers, ("content-encoding", "gzip")]),
                Data(squeezed, len(frames)),
                End(),
            ]
        case _:
            return _survivable(fault, head, frames, pace)


def _survivable(fault: Fault, head: Head, frames: list[bytes], pace: float) -> list[Step]:
    kept, rest = frames[: fault.after], frames[fault.after :]
    match fault.kind:
        case "one-byte-writes":
            writes: list[Step] = [Data(bytes([byte])) for byte in b"".join(frames)]
            return [head, *writes, Data(b"", len(frames)), End()]
        case "one-write":
            return [head, Data(b"".join(frames), len(frames)), End()]
        case "drip":
            pause = Pause(0.5 if fault.seconds is None else fault.seconds)
            return [head, *(step for frame in frames for step in (pause, Data(frame, 1))), End()]
        case "continue":
            return [Raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 3), head, *paced(frames, pace), End()]
        case "duplicate-frame":
            return [head, *paced([*kept, *rest[:1], *rest], pace), End()]
        case "exception" | "error-frame":
            return [head, *paced([*kept, _odd_frame(fault, rest)], pace), End()]
        case _:
            return [head, *paced([*kept, _odd_frame(fault, rest), *rest], pace), End()]


def _odd_frame(fault: Fault, rest: list[bytes]) -> bytes:
    """The frame that the fault puts in front of the others."""
    match fault.kind:
        case "exception":
            return exception_frame(fault.error, fault.message, fault.reason)
        case "error-frame":
            return error_frame(fault.error, fault.message)
        case _:
            return spoilt(
                fault.kind, rest[0] if rest else raw_event_frame("assistantResponseEvent", b'{"content":"spoilt"}')
            )


def paced(frames: list[bytes], pace: float) -> list[Step]:
    """One write per frame, `pace` seconds before each."""
    if pace <= 0:
        return [Data(frame, 1) for frame in frames]
    return [step for frame in frames for step in (Pause(pace), Data(frame, 1))]
