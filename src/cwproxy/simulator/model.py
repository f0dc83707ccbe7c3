"""The scripted "model": a deterministic answer to a conversation, as events (compatibility.md 4.2, R1-R5).

It looks at the last turn, the tools on offer and the proxy's sentences, and at nothing else. Payloads are as in
protocol.md 3.2-3.4; framing them is someone else's.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Literal, TypeAlias

from cwproxy.simulator.models import DEFAULT_MODEL
from cwproxy.simulator.prompts import Prompt, read
from cwproxy.simulator.rules.document import characters
from cwproxy.simulator.rules.signature import sign
from cwproxy.simulator.rules.verdict import IMPROPER, Refusal
from cwproxy.simulator.sampling import sample

Event: TypeAlias = tuple[str, dict[str, Any]]
"""An event's type and its payload."""

Style: TypeAlias = Literal["2026", "older", "none"]

_SHELLS = (
    *("Bash", "bash", "exec_command", "shell", "shell_command", "local_shell", "run_shell_command"),
    *("execute_command", "run_command", "run_terminal_cmd", "terminal"),
)
_WORD = re.compile(r"\s*\S+\s*|\s+")
_WORDS_PER_EVENT = 2
_EVENT_CHARACTERS = 4_000
"""Below the 10 240 characters that an assistantResponseEvent may carry (protocol.md 3.2)."""

_FRAGMENT_CHARACTERS = 11
_QUOTED_CHARACTERS = 60
_NO_TEXT = frozenset({"images", "documents"})

_FAILURES: dict[int, tuple[str, str, str | None]] = {
    400: ("ValidationException", IMPROPER, None),
    401: ("UnrecognizedClientException", "The security token included in the request is invalid.", None),
    402: ("ServiceQuotaExceededException", "You have reached the limit.", "MONTHLY_REQUEST_COUNT"),
    403: ("AccessDeniedException", "User is not authorized to make this call.", None),
    404: ("ResourceNotFoundException", "The requested resource was not found.", None),
    409: ("ConflictException", "The request conflicts with another one.", None),
    413: ("ValidationException", "Request entity too large", None),
    429: (
        "ThrottlingException",
        "Too many requests, please wait before trying again.",
        "USER_REQUEST_RATE_EXCEEDED",
    ),
    500: (
        "InternalServerException",
        "Encountered unexpectedly high load when processing the request, please try again.",
        "MODEL_TEMPORARILY_UNAVAILABLE",
    ),
    503: ("ServiceUnavailableException", "The service is unavailable, please try again shortly.", None),
}


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """One answer: its content, tool and reasoning events in order, without leader and trailer.

    `fail` refuses the request before any event. `fail_after` is the number of events after which the stream breaks
    with an exception frame. Both token counts are above zero (R5).
    """

    events: list[Event]
    fail: Refusal | None
    fail_after: int | None
    input_tokens: int
    output_tokens: int


def reply(state: dict[str, Any], *, window_tokens: int) -> ModelTurn:
    """Answer a `conversationState` that the rules have accepted."""
    message = state["currentMessage"]["userInputMessage"]
    prompt = read(message["content"])
    input_tokens = min(max(1, characters(state, skip=_NO_TEXT) // 4), window_tokens)
    if prompt.fail_status is not None:
        return ModelTurn([], _failure(prompt.fail_status), None, input_tokens, 1)
    events = [
        *(_reasoning(prompt.text, message.get("modelId") or DEFAULT_MODEL.id) if prompt.thinks else ()),
        *_answer(state, message, prompt),
    ]
    return ModelTurn(
        events=events,
        fail=None,
        fail_after=max(1, len(events) // 2) if prompt.breaks else None,
        input_tokens=input_tokens,
        output_tokens=max(1, sum(map(_size, events)) // 4),
    )


def leader(style: Style, conversation_id: str, utterance_id: str) -> list[Event]:
    """What stands before the content: older hosts name the conversation and the utterance (protocol.md 3.3)."""
    if style != "older":
        return []
    return [("messageMetadataEvent", {"conversationId": conversation_id, "utteranceId": utterance_id})]


def trailer(style: Style, turn: ModelTurn, *, window_tokens: int, with_token_usage: bool = False) -> list[Event]:
    """What stands after the content: three events on 2026's hosts, nothing elsewhere (protocol.md 3.3).

    `stopReason` is END_TURN even with tool calls, as was seen in a third of the tool turns.
    """
    if style != "2026":
        return []
    total = turn.input_tokens + turn.output_tokens
    metadata: dict[str, Any] = {"stopReason": "END_TURN"}
    if with_token_usage:
        metadata["tokenUsage"] = {
            "uncachedInputTokens": turn.input_tokens,
            "outputTokens": turn.output_tokens,
            "totalTokens": total,
        }
    percentage = min(100.0, round(100 * total / window_tokens, 6))
    credit = {"unit": "credit", "unitPlural": "credits", "usage": round(0.01 + total / 1_000_000, 6)}
    return [
        ("metadataEvent", metadata),
        ("contextUsageEvent", {"contextUsagePercentage": percentage}),
        ("meteringEvent", credit),
    ]


def _size(event: Event) -> int:
    """What the model wrote, in characters."""
    payload = event[1]
    return sum(len(payload.get(member, "")) for member in ("content", "text", "input"))


def _failure(status: int) -> Refusal:
    fallback = _FAILURES[500] if status >= 500 else _FAILURES[400]
    error, text, reason = _FAILURES.get(status, fallback)
    return Refusal(status, error, text, reason, 0, f"the prompt asked for {status}")


def _answer(state: dict[str, Any], message: dict[str, Any], prompt: Prompt) -> list[Event]:
    context = message.get("userInputMessageContext") or {}
    results = context.get("toolResults") or []
    tools = [tool["toolSpecification"] for tool in context.get("tools") or []]
    if prompt.say is not None:
        return _text(prompt.say, message)
    if tools and not prompt.is_forbidden and (prompt.is_forced or not results):
        return _calls(state, tools, prompt)
    if prompt.wants_json:
        return _text(_json_answer(prompt), message)
    return _text(_after_tools(results) if results else _friendly(prompt, message), message)


def _friendly(prompt: Prompt, message: dict[str, Any]) -> str:
    counts = ((len(message.get(f"{kind}s") or []), kind) for kind in ("image", "document"))
    files = " and ".join(f"{count} {kind}{'s' if count > 1 else ''}" for count, kind in counts if count)
    seen = f" I also received {files}." if files else ""
    return f'Hello! You wrote: "{_start(prompt.text)}".{seen} This answer comes from the simulated model.'


def _after_tools(results: list[dict[str, Any]]) -> str:
    said = []
    for result in results:
        verb = "failed with" if result.get("status") == "error" else "answered"
        parts = [item["text"] if item.get("text") is not None else _dumps(item["json"]) for item in result["content"]]
        said.append(f"The tool {verb}: {' '.join(parts)[:2_000]}")
    return "\n".join(said) + "\nThat is all I needed, thank you."


def _json_answer(prompt: Prompt) -> str:
    if prompt.schema is not None:
        return _dumps(sample(prompt.schema, prompt.text))
    return _dumps({"setup": f"Someone asked: {_start(prompt.text)}", "punchline": "And a simulator answered."})


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _start(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS].rstrip() + "…"


def _pieces(text: str) -> list[str]:
    """The text cut at word boundaries, a few words each; only a word longer than an event may be is cut itself."""
    words = iter(_WORD.findall(text))
    pieces: list[str] = []
    while piece := "".join(islice(words, _WORDS_PER_EVENT)):
        pieces.extend(piece[at : at + _EVENT_CHARACTERS] for at in range(0, len(piece), _EVENT_CHARACTERS))
    return pieces


def _text(text: str, message: dict[str, Any]) -> list[Event]:
    model = {} if message.get("modelId") is None else {"modelId": message["modelId"]}
    return [("assistantResponseEvent", {"content": piece, **model}) for piece in _pieces(text)]


def _reasoning(prompt: str, model_id: str) -> list[Event]:
    """Text, then the signature, both in pieces (backend-rules.md B14)."""
    text = f'The user wrote "{_start(prompt)}". I should answer in one or two sentences.'
    signature = sign(text, model_id)
    half = len(signature) // 2
    return [
        *(("reasoningContentEvent", {"text": piece}) for piece in _pieces(text)),
        ("reasoningContentEvent", {"signature": signature[:half]}),
        ("reasoningContentEvent", {"signature": signature[half:]}),
    ]


def _calls(state: dict[str, Any], tools: list[dict[str, Any]], prompt: Prompt) -> list[Event]:
    """One call after the other; more than one go round the tools on offer."""
    first = _chosen(tools, prompt)
    events: list[Event] = []
    for number in range(prompt.calls):
        tool = tools[(first + number) % len(tools)]
        seed = _dumps([state.get("conversationId"), len(state.get("history") or []), prompt.text, number])
        digest = hashlib.sha256(seed.encode("utf-8")).digest()
        named = {
            "toolUseId": "tooluse_" + base64.urlsafe_b64encode(digest).decode("ascii")[:22],
            "name": tool["name"],
        }
        events.append(("toolUseEvent", named))
        events.extend(("toolUseEvent", {**named, "input": part}) for part in _fragments(_arguments(tool, prompt)))
        events.append(("toolUseEvent", {**named, "stop": True}))
    return events


def _chosen(tools: list[dict[str, Any]], prompt: Prompt) -> int:
    """R1: the forced tool, else a shell, else the first."""
    names = [tool["name"] for tool in tools]
    wanted = (prompt.forced_name, *_SHELLS)
    return next((names.index(name) for name in wanted if name in names), 0)


def _arguments(tool: dict[str, Any], prompt: Prompt) -> str:
    """JSON text with everything outside ASCII escaped, so that there are escapes to cut. No arguments are no text."""
    arguments = sample(tool["inputSchema"]["json"], prompt.text)
    return json.dumps(arguments, separators=(",", ":")) if arguments else ""


def _fragments(text: str) -> list[str]:
    r"""Cut every few characters, and inside every escape: after its backslash, and within the digits of a \u."""
    cuts = set(range(0, len(text), _FRAGMENT_CHARACTERS)) | {len(text)}
    for escape in re.finditer(r"\\(u?)", text):
        cuts.update((escape.start() + 1, escape.end() + 2 * len(escape[1])))
    return [text[start:end] for start, end in pairwise(sorted(cuts))]
