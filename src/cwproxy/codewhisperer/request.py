"""From a `Conversation` to the body that the backend accepts.

Every rule of backend-rules.md A that concerns a body is met here, in `history` and in `tools`; whatever the client
sent is either in the body or has left a visible trace in it. The size of the whole body is not looked at: nobody
knows the limit (A5 58), and trimming is the client's decision.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final, assert_never

import msgspec

from cwproxy.codewhisperer import history, tools, wire
from cwproxy.codewhisperer.caching import Caching, marked
from cwproxy.conversation import (
    Conversation,
    Document,
    Image,
    JsonAnswer,
    RemoteImage,
    SystemTurn,
    Text,
    ToolResult,
    UserTurn,
)
from cwproxy.errors import InvalidRequest

NEUTRAL_ENVIRONMENT: Final = wire.EnvState(operating_system="linux", current_working_directory="/")
"""Says nothing about this machine; some validators demand that something is said (backend-rules.md A4 51)."""

MAX_INSTRUCTION_LENGTH: Final = 150_000
"""Characters of the sentences after the last user text, a JSON schema included."""

_IMAGE_IDENTITY_LENGTH: Final = 1024
_MAX_DIRECTORY_LENGTH: Final = 256
_MAX_GIT_STATUS_LENGTH: Final = 4096
_BETWEEN: Final = "\n\n"


class Prepared(msgspec.Struct, frozen=True):
    """A request, and the client's names of the tools by their names on the wire."""

    state: wire.ConversationState
    tool_names: Mapping[str, str]


def build(
    conversation: Conversation,
    *,
    model_id: str | None,
    conversation_id: str,
    origin: str,
    environment: wire.EnvState = NEUTRAL_ENVIRONMENT,
    git_status: str | None = None,
    caching: Caching | None = None,
    replay: bool = False,
    text_only: bool = False,
) -> Prepared:
    """The request for a conversation. `model_id` None leaves the choice to the service; `caching` is the model's, which
    takes earlier thoughts back with `replay` and neither pictures nor documents with `text_only`.

    Raises InvalidRequest for what no body can say: an unusable tool schema, a forced tool that is not offered, an
    attachment of the last turn that no request may carry.
    """
    system = _system_texts(conversation)
    grouped = history.group(conversation.turns[len(system) :])
    plan = tools.plan(conversation, grouped.called())
    earlier, last = history.arrange(grouped, plan.wire_names or None, replay=replay, text_only=text_only)
    system_text = _BETWEEN.join(text for text in (*system, *plan.descriptions) if text and not text.isspace())
    if system_text:
        earlier[:0] = [history.UserEntry(system_text), history.AssistantEntry(wire.SYSTEM_ACKNOWLEDGEMENT)]
    environment = _shortened(environment)
    current = wire.UserInputMessage(
        content=_with_instructions(last.text, plan.instruction, _json_instruction(conversation.answer)),
        user_input_message_context=wire.UserInputMessageContext(
            git_state=wire.GitState(status=git_status[:_MAX_GIT_STATUS_LENGTH]) if git_status else None,
            env_state=environment,
            tool_results=last.results or None,
            tools=plan.specifications or None,
        ),
        origin=origin,
        images=last.images or None,
        documents=last.documents or None,
        model_id=model_id,
    )
    plain = wire.UserInputMessageContext(env_state=environment)
    past = [_past(entry, origin, plain) for entry in earlier]
    if caching is not None:
        past = marked(past, plan.specifications, caching, has_system=bool(system_text))
    state = wire.ConversationState(
        current_message=wire.ChatMessage(user_input_message=current),
        chat_trigger_type="MANUAL",
        conversation_id=conversation_id,
        history=past or None,
    )
    return Prepared(state, plan.client_names)


def conversation_id(conversation: Conversation, *, namespace: str) -> str:
    """A UUID-shaped name that stays the same while the conversation grows (protocol.md 7 1).

    Made from the client's own name for the conversation, or else from the system text and the first user turn.
    `namespace` keeps the conversations of different callers apart.
    """
    digest = sha256()
    for piece in (namespace, *_identity(conversation)):
        data = piece.encode("utf-8", "replace")
        digest.update(b"%d:%b" % (len(data), data))
    text = digest.hexdigest()
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def _identity(conversation: Conversation) -> Iterator[str]:
    if conversation.name is not None:
        yield from ("name", conversation.name)
        return
    yield from _system_texts(conversation)
    first = next((turn for turn in conversation.turns if isinstance(turn, UserTurn)), UserTurn(()))
    for part in first.parts:
        match part:
            case Text(text=text):
                yield text
            case Image(data=data) | Document(data=data) | RemoteImage(url=data):
                yield data[:_IMAGE_IDENTITY_LENGTH]
            case ToolResult(tool_use_id=tool_use_id):
                yield tool_use_id
            case _:
                assert_never(part)


def _system_texts(conversation: Conversation) -> list[str]:
    texts = []
    for turn in conversation.turns:
        if not isinstance(turn, SystemTurn):
            break
        texts.append(turn.text)
    return texts


def _past(
    entry: history.UserEntry | history.AssistantEntry, origin: str, plain: wire.UserInputMessageContext
) -> wire.ChatMessage:
    """An entry of the history. Tools and model are the current message's alone (backend-rules.md A2 25)."""
    if isinstance(entry, history.AssistantEntry):
        said = wire.AssistantResponseMessage(
            content=entry.text, tool_uses=entry.uses or None, reasoning_content=entry.reasoning
        )
        return wire.ChatMessage(assistant_response_message=said)
    context = plain
    if entry.results:
        context = wire.UserInputMessageContext(env_state=plain.env_state, tool_results=entry.results)
    asked = wire.UserInputMessage(
        content=history.clamp(entry.text, history.MAX_MESSAGE_LENGTH),
        user_input_message_context=context,
        origin=origin,
        images=entry.images or None,
        documents=entry.documents or None,
    )
    return wire.ChatMessage(user_input_message=asked)


def _with_instructions(text: str, *instructions: str | None) -> str:
    instruction = _BETWEEN.join(filter(None, instructions))
    if not instruction:
        return history.clamp(text, history.MAX_MESSAGE_LENGTH)
    room = history.MAX_MESSAGE_LENGTH - len(instruction) - len(_BETWEEN)
    return _BETWEEN.join(filter(None, (history.clamp(text, room), instruction)))


def _json_instruction(answer: JsonAnswer | None) -> str | None:
    if answer is None:
        return None
    if answer.schema is None:
        return wire.JSON_ONLY
    instruction = wire.JSON_SCHEMA_ONLY.format(schema=answer.schema.decode("utf-8", "replace"))
    if len(instruction) > MAX_INSTRUCTION_LENGTH:
        raise InvalidRequest("The schema of the answer is too long for the backend.", param="response_format")
    return instruction


def _shortened(environment: wire.EnvState) -> wire.EnvState:
    directory = environment.current_working_directory
    if directory is None or len(directory) <= _MAX_DIRECTORY_LENGTH:
        return environment
    return msgspec.structs.replace(environment, current_working_directory=directory[:_MAX_DIRECTORY_LENGTH])
