"""The turns of a conversation, brought into the order that the backend demands.

Its laws (backend-rules.md A1 1-9, A2 16-24): user and assistant alternate, the user begins and ends, no entry is
empty, every call has its result in the very next user entry and every result its call, ids are unique, arguments are
objects. What does not fit is never dropped: a result without a call becomes text, a call without a result gets one
that says so, and a picture that may not travel leaves a sentence in its place.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias, assert_never

import msgspec

from cwproxy.codewhisperer import jsontext, wire
from cwproxy.codewhisperer.attachments import Attachments, not_fetched
from cwproxy.conversation import (
    AssistantPart,
    AssistantTurn,
    Document,
    Image,
    Reasoning,
    RedactedReasoning,
    RemoteImage,
    SystemTurn,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    UserPart,
    UserTurn,
)

MAX_MESSAGE_LENGTH: Final = 600_000
MAX_RESULT_LENGTH: Final = 800_000
CLAMPED_LENGTH: Final = 400_000
"""Characters. What is longer than the service's limit is cut to what AWS's client sends (backend-rules.md A1 12)."""

MAX_ARGUMENTS_DEPTH: Final = 100
"""Levels of JSON in a tool call's arguments. The service's limit is not known; no real call comes near this one."""

_BETWEEN: Final = "\n\n"
_LEGAL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MAX_ID_LENGTH: Final = 64
_NO_ARGUMENTS = msgspec.Raw(b"{}")


class UserGroup(msgspec.Struct, frozen=True):
    """Neighbouring user and system turns, as one."""

    parts: list[UserPart]


class AssistantGroup(msgspec.Struct, frozen=True):
    """Neighbouring assistant turns, as one."""

    parts: list[AssistantPart]


Group: TypeAlias = UserGroup | AssistantGroup


class Grouped(msgspec.Struct, frozen=True):
    """Groups that alternate, the user's first; `last` is the user's too."""

    earlier: list[Group]
    last: UserGroup

    def called(self) -> Iterable[str]:
        """The client's names of the tools that were called."""
        for each in self.earlier:
            if isinstance(each, AssistantGroup):
                yield from (part.name for part in each.parts if isinstance(part, ToolUse))


class UserEntry(msgspec.Struct):
    """What a user message will hold. `text` may be empty only beside results."""

    text: str
    images: list[wire.ImageBlock] = msgspec.field(default_factory=list)
    documents: list[wire.DocumentBlock] = msgspec.field(default_factory=list)
    results: list[wire.ToolResult] = msgspec.field(default_factory=list)


class AssistantEntry(msgspec.Struct):
    """What an assistant message will hold. `text` is never empty."""

    text: str
    uses: list[wire.ToolUse] = msgspec.field(default_factory=list)
    reasoning: wire.ReasoningContent | None = None


Entry: TypeAlias = UserEntry | AssistantEntry


def group(turns: Iterable[Turn]) -> Grouped:
    """The turns without blank text, in groups; an empty one for a user turn that says nothing, and at either end where
    the client has none there.
    """
    groups: list[Group] = []
    for turn in turns:
        match turn:
            case UserTurn(parts=parts):
                _add_user(groups, parts)
                if groups and isinstance(groups[-1], AssistantGroup):
                    # It said nothing, but was sent as the last message once; what was sent must not change.
                    groups.append(UserGroup([]))
            case AssistantTurn(parts=parts):
                _add_assistant(groups, parts)
            case SystemTurn(text=text):
                _add_user(groups, (Text(text),))
            case _:
                assert_never(turn)
    if groups and isinstance(groups[0], AssistantGroup):
        groups.insert(0, UserGroup([]))
    if groups and isinstance(groups[-1], UserGroup):
        return Grouped(groups[:-1], groups[-1])
    return Grouped(groups, UserGroup([]))


def _add_user(groups: list[Group], parts: Iterable[UserPart]) -> None:
    said = [part for part in parts if not (isinstance(part, Text) and _is_blank(part.text))]
    if said and groups and isinstance(groups[-1], UserGroup):
        groups[-1].parts.extend(said)
    elif said:
        groups.append(UserGroup(said))


def _add_assistant(groups: list[Group], parts: Iterable[AssistantPart]) -> None:
    said = [part for part in parts if not (isinstance(part, Text) and _is_blank(part.text))]
    if all(isinstance(part, Reasoning | RedactedReasoning) for part in said):
        return  # a thought alone is no entry
    if groups and isinstance(groups[-1], AssistantGroup):
        groups[-1].parts.extend(said)
    else:
        groups.append(AssistantGroup(said))


def arrange(
    grouped: Grouped, wire_names: Mapping[str, str] | None, *, replay: bool = False, text_only: bool = False
) -> tuple[list[Entry], UserEntry]:
    """An entry for each group, and the one for the last. Without `wire_names` the tool history becomes text, without
    `replay` the model's earlier reasoning stays behind, with `text_only` its earlier pictures and documents.

    Raises InvalidRequest for pictures and documents of the last group that cannot be sent.
    """
    return _Arranger(grouped, wire_names, replay=replay, text_only=text_only).entries()


def clamp(text: str, limit: int) -> str:
    """The text, or its beginning and end around a sentence about what is missing."""
    if len(text) <= limit:
        return text
    half = CLAMPED_LENGTH // 2
    return text[:half] + wire.CLAMPED_TEXT.format(count=len(text) - 2 * half) + text[-half:]


class _Arranger:
    """One conversation, from its first group to its last."""

    def __init__(
        self, grouped: Grouped, wire_names: Mapping[str, str] | None, *, replay: bool, text_only: bool
    ) -> None:
        self._grouped = grouped
        self._replay = replay
        self._wire_names = wire_names
        self._ids: set[str] = set()
        self._id_counts: dict[str, int] = {}
        self._called: dict[str, str] = {}
        asking = [group for group in grouped.earlier if isinstance(group, UserGroup)]
        self._attachments = Attachments([group.parts for group in (*asking, grouped.last)], text_only=text_only)
        self._position = 0

    def entries(self) -> tuple[list[Entry], UserEntry]:
        entries: list[Entry] = []
        asked: list[tuple[ToolUse, str]] = []
        for each in self._grouped.earlier:
            if isinstance(each, AssistantGroup):
                entry, asked = self._assistant(each)
                entries.append(entry)
            else:
                entries.append(self._user(each, asked))
                self._position += 1
        self._position = -1
        return entries, self._user(self._grouped.last, asked)

    def _assistant(self, group: AssistantGroup) -> tuple[AssistantEntry, list[tuple[ToolUse, str]]]:
        texts: list[str] = []
        asked: list[tuple[ToolUse, str]] = []
        uses: list[wire.ToolUse] = []
        for part in group.parts:
            if isinstance(part, Text):
                texts.append(part.text)
                continue
            if not isinstance(part, ToolUse):
                continue
            self._called[part.id] = part.name
            if self._wire_names is None:
                texts.append(wire.TOOL_USE_AS_TEXT.format(name=part.name, arguments=part.arguments or "{}"))
                continue
            wire_id = self._unused_id(part.id)
            asked.append((part, wire_id))
            name = self._wire_names[part.name]
            uses.append(wire.ToolUse(tool_use_id=wire_id, name=name, input=_arguments(part.arguments)))
        reasoning = _reasoning(group) if self._replay else None
        return AssistantEntry(_BETWEEN.join(texts) or wire.NEUTRAL_ASSISTANT_TEXT, uses, reasoning), asked

    def _user(self, group: UserGroup, asked: list[tuple[ToolUse, str]]) -> UserEntry:
        entry = UserEntry("")
        texts: list[str] = []
        answers, settled = _pair([use for use, _ in asked], [p for p in group.parts if isinstance(p, ToolResult)])
        for part in group.parts:
            match part:
                case Text(text=text):
                    texts.append(text)
                case ToolResult():
                    if id(part) not in settled:
                        texts.append(self._result_as_text(part, entry))
                case Image() | RemoteImage() | Document():
                    texts += self._attach(part, entry)
                case _:
                    assert_never(part)
        for (_, wire_id), answer in zip(asked, answers, strict=True):
            entry.results.append(self._result(wire_id, answer, entry))
        entry.text = _BETWEEN.join(texts)
        if not (texts or entry.results):
            entry.text = _pointer(entry) or wire.NEUTRAL_USER_TEXT
        return entry

    def _result(self, wire_id: str, answer: ToolResult | None, entry: UserEntry) -> wire.ToolResult:
        if answer is None:
            missing = wire.ToolResultContent(text=wire.MISSING_TOOL_RESULT)
            return wire.ToolResult(tool_use_id=wire_id, content=[missing], status="error")
        texts = self._result_texts(answer, entry)
        if sum(map(len, texts)) > MAX_RESULT_LENGTH:
            texts = [clamp(_BETWEEN.join(texts), MAX_RESULT_LENGTH)]
        return wire.ToolResult(
            tool_use_id=wire_id,
            content=[wire.ToolResultContent(text=text) for text in texts],
            status="error" if answer.failed else "success",
        )

    def _result_as_text(self, answer: ToolResult, entry: UserEntry) -> str:
        sentence = wire.TOOL_FAILURE_AS_TEXT if answer.failed else wire.TOOL_RESULT_AS_TEXT
        text = _BETWEEN.join(self._result_texts(answer, entry))
        return sentence.format(name=self._called.get(answer.tool_use_id, answer.tool_use_id), text=text)

    def _result_texts(self, answer: ToolResult, entry: UserEntry) -> list[str]:
        """At least one text; pictures and documents go to the message, because a result cannot hold them (A2 24)."""
        texts: list[str] = []
        before = len(entry.images), len(entry.documents)
        for part in answer.content:
            if not isinstance(part, Text):
                texts += self._attach(part, entry)
            elif not _is_blank(part.text):
                texts.append(part.text)
        lifted = UserEntry("", entry.images[before[0] :], entry.documents[before[1] :])
        return texts or [_pointer(lifted) or wire.EMPTY_TOOL_RESULT]

    def _attach(self, part: Image | RemoteImage | Document, entry: UserEntry) -> list[str]:
        """Adds the picture or document to the message; else what stands in its place."""
        match part:
            case Image():
                image = self._attachments.picture(part, self._position)
                if image is None:
                    return [wire.OMITTED_IMAGE]
                entry.images.append(image)
            case Document():
                document = self._attachments.document(part, self._position)
                if document is None:
                    return [wire.OMITTED_DOCUMENT.format(name=part.name)]
                entry.documents.append(document)
            case RemoteImage():
                raise not_fetched(part)
            case _:
                assert_never(part)
        return []

    def _unused_id(self, client_id: str) -> str:
        """The client's id where it is legal and new. Clients reuse ids from turn to turn (backend-rules.md A2 19)."""
        base = client_id
        if not _LEGAL_ID.fullmatch(client_id):
            base = f"tooluse_{sha256(client_id.encode('utf-8', 'replace')).hexdigest()[:32]}"
        chosen, count = base, self._id_counts.get(base, 1)
        while chosen in self._ids:
            count += 1
            suffix = f"_{count}"
            chosen = base[: _MAX_ID_LENGTH - len(suffix)] + suffix
        self._ids.add(chosen)
        self._id_counts[base] = count
        return chosen


def _pair(uses: Sequence[ToolUse], results: Sequence[ToolResult]) -> tuple[list[ToolResult | None], set[int]]:
    """The result of each call, and the `id()`s of the results that need not appear any more.

    Calls with the same id take their results in order; of surplus results the last one counts (A2 18) and repetitions
    of it go.
    """
    if not uses:
        return [], set()
    if len(uses) == len(results) == 1 and uses[0].id == results[0].tool_use_id:  # nearly always
        return list(results), {id(results[0])}
    waiting: defaultdict[str, deque[ToolResult]] = defaultdict(deque)
    for result in results:
        waiting[result.tool_use_id].append(result)
    to_come = Counter(use.id for use in uses)
    taken: list[ToolResult | None] = []
    for use in uses:
        to_come[use.id] -= 1
        queue = waiting.get(use.id)
        if not queue:
            taken.append(None)
        else:
            taken.append(queue.popleft() if to_come[use.id] else queue.pop())
    settled = set(taken)
    return taken, {id(result) for result in results if result in settled}


def _reasoning(group: AssistantGroup) -> wire.ReasoningContent | None:
    """The thought of an entry. It has room for one, and takes none without a signature (backend-rules.md A4 47, 48)."""
    match [part for part in group.parts if isinstance(part, Reasoning | RedactedReasoning)]:
        case [Reasoning(text=text, signature=signature)] if text and signature:
            return wire.ReasoningContent(reasoning_text=wire.ReasoningText(text=text, signature=signature))
        case [RedactedReasoning(data=data)] if data:
            return wire.ReasoningContent(redacted_content=data)
        case _:
            return None


def _arguments(text: str) -> msgspec.Raw:
    """The arguments as a JSON object; anything else goes into one under `_raw` (A2 22)."""
    if not text or text.isspace():
        return _NO_ARGUMENTS
    try:
        value = jsontext.parse(text, max_depth=MAX_ARGUMENTS_DEPTH)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return msgspec.Raw(msgspec.json.encode(value))
    return msgspec.Raw(msgspec.json.encode({"_raw": jsontext.without_surrogates(text)}))


def _pointer(entry: UserEntry) -> str | None:
    """The text beside attachments that came without any."""
    if entry.documents:
        return wire.DOCUMENT_ONLY_TEXT
    return wire.IMAGE_ONLY_TEXT if entry.images else None


def _is_blank(text: str) -> bool:
    return not text or text.isspace()
