"""A request's turns, and the rules about their text and order (backend-rules.md A1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from cwproxy.simulator.rules.document import serialised
from cwproxy.simulator.rules.verdict import Refusal, RuleContext, improper


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a body whose shape has been checked; `index` counts from the start of the history.

    What only the other kind of turn has is an unknown member here, of any shape, and ignored (protocol.md 2.9).
    """

    index: int
    path: str
    is_user: bool
    message: dict[str, Any]

    @property
    def content(self) -> str:
        text: str = self.message["content"]
        return text

    @property
    def images(self) -> list[dict[str, Any]]:
        return self._own("images", user=True) or []

    @property
    def documents(self) -> list[dict[str, Any]]:
        return self._own("documents", user=True) or []

    @property
    def tool_uses(self) -> list[dict[str, Any]]:
        return self._own("toolUses", user=False) or []

    @property
    def context(self) -> dict[str, Any]:
        return self._own("userInputMessageContext", user=True) or {}

    @property
    def reasoning(self) -> dict[str, Any]:
        return self._own("reasoningContent", user=False) or {}

    @property
    def tool_results(self) -> list[dict[str, Any]]:
        return self.context.get("toolResults") or []

    def _own(self, name: str, *, user: bool) -> Any:
        return self.message.get(name) if self.is_user == user else None


@dataclass(frozen=True)
class Request:
    """A body whose shape has been checked, and its size in bytes."""

    body: dict[str, Any]
    size: int

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.body["conversationState"]
        return state

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The history and, last, the current message."""
        history = self.state.get("history") or []
        entries = [(f"history[{index}]", entry) for index, entry in enumerate(history)]
        entries.append(("currentMessage", self.state["currentMessage"]))
        return tuple(_turn(index, path, entry) for index, (path, entry) in enumerate(entries))

    @property
    def current(self) -> Turn:
        return self.turns[-1]

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The specifications of the tools on offer."""
        return [tool["toolSpecification"] for tool in self.current.context.get("tools") or []]

    @property
    def model_id(self) -> str | None:
        return self.current.message.get("modelId")


def _turn(index: int, path: str, entry: dict[str, Any]) -> Turn:
    user = entry.get("userInputMessage")
    if user is not None:
        return Turn(index, f"conversationState.{path}.userInputMessage", True, user)
    return Turn(index, f"conversationState.{path}.assistantResponseMessage", False, entry["assistantResponseMessage"])


def order(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 6, 7, 8, 9 and 11."""
    first = request.turns[0]
    if 11 in context.opt_rules and len(request.turns) - 1 > 10_000:
        yield improper(context, 11, f"conversationState.history has {len(request.turns) - 1} entries")
    if not first.is_user:
        yield improper(context, 8, f"{first.path} opens the history")
    for former, latter in pairwise(request.turns):
        if former.is_user == latter.is_user:
            rule = 6 if latter.is_user else 7
            yield improper(context, rule, f"{former.path} is followed by {latter.path}")
    if len(request.turns) > 1 and first.tool_results:
        yield improper(context, 9, f"{first.path} carries tool results")


def texts(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 1, 2, 4, 5, 12 (of a whole tool result) and 23."""
    for turn in request.turns:
        yield from _user_text(turn, context) if turn.is_user else _assistant_text(turn, context)


def _user_text(turn: Turn, context: RuleContext) -> Iterator[Refusal]:
    if not turn.content and not turn.tool_results:
        rule = 2 if turn.images else 1
        yield improper(context, rule, f"{turn.path}.content is empty and there are no tool results")
    for result in turn.tool_results:
        size = sum(map(_size, result["content"]))
        if size > 800_000:
            yield improper(context, 12, f"{turn.path}: the result of {result['toolUseId']} has {size} characters")


def _size(item: dict[str, Any]) -> int:
    """Characters of a member of a result's content."""
    text: str | None = item.get("text")
    return len(text if text is not None else serialised(item["json"]))


def _assistant_text(turn: Turn, context: RuleContext) -> Iterator[Refusal]:
    if not turn.content and not turn.tool_uses:
        yield improper(context, 4, f"{turn.path} has neither text nor tool uses")
    if 5 in context.opt_rules and not turn.content:
        refusal = improper(context, 5, f"{turn.path} has tool uses and no text")
        yield Refusal(422, refusal.error, refusal.message, refusal.reason, refusal.rule, refusal.detail)
    if 23 in context.opt_rules and turn.message.get("toolUses") == []:
        yield improper(context, 23, f"{turn.path}.toolUses is an empty list")
