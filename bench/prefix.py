"""How much of a request the next turn of the same conversation repeats: `python -m bench.prefix`.

Prompt caches keep a prefix, so what counts is the order in which the model reads: tools, history, current message (the
JSON has the current message first). Cache points are marks and no text, and are left out.
"""

import json
import os
import random
import statistics

import msgspec

from cwproxy.codewhisperer.caching import Caching
from cwproxy.codewhisperer.request import build, conversation_id
from cwproxy.codewhisperer.wire import ChatMessage, ConversationState
from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    SystemTurn,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
    UserTurn,
)

TURNS = 30
TOOLS = 20
CACHING = Caching(minimum_tokens=1024, maximum_points=4)
"""As the models list it (protocol.md 1.5)."""


def requests(turns: int = TURNS) -> list[ConversationState]:
    """What an agent's conversation sends, turn after turn: a question, then one call and its result after another."""
    source = random.Random(1)
    schema = json.dumps({"type": "object", "properties": {"path": {"type": "string"}}, "additionalProperties": False})
    offered = tuple(Tool(f"mcp__files__tool.{n}", _text(source, 60), schema.encode()) for n in range(TOOLS))
    said: list[Turn] = [SystemTurn(_text(source, 800)), UserTurn((Text(_text(source, 80)),))]
    sent = []
    for number in range(turns):
        conversation = Conversation("auto", tuple(said), offered)
        name = conversation_id(conversation, namespace="bench")
        prepared = build(conversation, model_id=None, conversation_id=name, origin="KIRO_CLI", caching=CACHING)
        sent.append(prepared.state)
        call = ToolUse(f"call_{number % 7}", offered[number % TOOLS].name, json.dumps({"path": f"src/{number}.py"}))
        said.append(AssistantTurn((Text(_text(source, 20)), call)))
        said.append(UserTurn((ToolResult(call.id, (Text(_text(source, 200)),)),)))
    return sent


def as_read(state: ConversationState) -> bytes:
    """The request in the order in which a model reads it."""
    current = state.current_message.user_input_message
    assert current is not None
    context = current.user_input_message_context
    assert context is not None
    plain = msgspec.structs.replace(
        current, model_id=None, user_input_message_context=msgspec.structs.replace(context, tools=None, git_state=None)
    )
    messages = [*(state.history or ()), ChatMessage(user_input_message=plain)]
    return msgspec.json.encode(context.tools) + b"".join(msgspec.json.encode(_unmarked(each)) for each in messages)


def repeated(sent: list[ConversationState]) -> list[float]:
    """For each request but the last, the share of it that the next one begins with."""
    texts = [as_read(state) for state in sent]
    return [
        len(os.path.commonprefix([before, after])) / len(before)
        for before, after in zip(texts[:-1], texts[1:], strict=True)
    ]


def points(state: ConversationState) -> list[int]:
    """The entries of the history that have a cache point."""
    return [
        index
        for index, entry in enumerate(state.history or ())
        if (message := entry.user_input_message or entry.assistant_response_message) and message.cache_point
    ]


def _text(source: random.Random, words: int) -> str:
    return " ".join(source.choices(("the", "path", "of", "a", "file", "is", "read:", "{x: 1}", "return"), k=words))


def _unmarked(message: ChatMessage) -> ChatMessage:
    asked, said = message.user_input_message, message.assistant_response_message
    return ChatMessage(
        user_input_message=asked and msgspec.structs.replace(asked, cache_point=None),
        assistant_response_message=said and msgspec.structs.replace(said, cache_point=None),
    )


def main() -> None:
    sent = requests()
    shares = repeated(sent)
    sizes = [len(as_read(state)) for state in sent]
    names = {state.conversation_id for state in sent}
    marked = [points(state) for state in sent]
    found = sum(bool(set(before[-1:]) & set(after)) for before, after in zip(marked[:-1], marked[1:], strict=True))
    print(f"{TURNS} turns, {TOOLS} tools, {sizes[0]:,} to {sizes[-1]:,} bytes, {len(names)} conversation id")
    print(f"repeated by the next turn: least {min(shares):.1%}, median {statistics.median(shares):.1%}")
    print(f"of the last request, its predecessor had {sizes[-2] / sizes[-1]:.1%}")
    print(f"last point of a turn is a point of the next: {found} of {len(sent) - 1}; points in the last: {marked[-1]}")


if __name__ == "__main__":
    main()
