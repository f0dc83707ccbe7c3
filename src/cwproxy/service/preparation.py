"""A conversation in the language of the account that is to answer it."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.selection import Selected
from cwproxy.codewhisperer import catalog, request, surfaces, tokens
from cwproxy.codewhisperer.catalog import Model
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.codewhisperer.weight import weight
from cwproxy.codewhisperer.wire import ChatMessage, ConversationState
from cwproxy.conversation import Conversation
from cwproxy.filters import Buffering, Demands, Kind, Offer, Offered, conformance
from cwproxy.service.options import Options

BIG_CONVERSATION = 512 * 1024
"""Characters above which the conversion runs in a thread, so that other streams do not stand still."""

HUGE_CONVERSATION = 2 * 1024 * 1024
"""Characters above which even the estimate of its tokens, and writing it as JSON, takes too long for the loop."""


class Prepared(msgspec.Struct, frozen=True):
    """What is sent, with what is needed to read the answer. huge: writing it down takes too long for the loop."""

    state: ConversationState
    tool_names: Mapping[str, str]
    input_tokens: int | Callable[[], int]
    demands: Demands
    huge: bool = False


async def prepared(
    conversation: Conversation, model: Model, caller: Caller, account: Selected, options: Options
) -> Prepared:
    """Raises InvalidRequest. The name of `caller` separates the conversations of different API keys."""
    workspace = options.workspace
    status = await workspace.git_status()
    buffering = caller.buffered or options.buffering(conversation.model, model.id)
    if buffering != "off" and conversation.tools:
        await asyncio.to_thread(conformance.load)

    def build() -> Prepared:
        built = request.build(
            conversation,
            model_id=None if model.id == catalog.AUTO else model.id,
            conversation_id=request.conversation_id(conversation, namespace=caller.name),
            origin=surfaces.origin(account.target.surface),
            environment=workspace.environment(),
            git_status=status,
            caching=model.caching,
            replay=takes_thoughts(account, model),
            text_only=not model.accepts_images,
        )
        # Mostly the backend counts; an estimate that would take long is made here, outside the loop.
        estimate = partial(tokens.estimate_conversation, conversation)
        return Prepared(
            built.state,
            built.tool_names,
            estimate() if huge else estimate,
            demands(conversation, options, buffering, built.tool_names),
            huge,
        )

    size = weight(conversation)
    huge = size > HUGE_CONVERSATION
    return await asyncio.to_thread(build) if size > BIG_CONVERSATION else build()


async def conversation_id(conversation: Conversation, caller: Caller) -> str:
    """What `prepared` calls the conversation."""
    if weight(conversation) > BIG_CONVERSATION:
        return await asyncio.to_thread(request.conversation_id, conversation, namespace=caller.name)
    return request.conversation_id(conversation, namespace=caller.name)


def renamed(asked: Prepared, conversation_id: str) -> Prepared:
    """The same under another name for the conversation."""
    return replace(asked, state=msgspec.structs.replace(asked.state, conversation_id=conversation_id))


def takes_thoughts(account: Selected, model: Model) -> bool:
    """Whether the model takes back what it thought earlier (protocol.md 6.3)."""
    return account.target.surface is Surface.KIRO and model.effort is not None


def without_thoughts(asked: Prepared) -> Prepared | None:
    """The same without earlier reasoning, None when there is none in it."""
    history = asked.state.history or ()
    plain = [_plain(message) for message in history]
    if all(message is before for message, before in zip(plain, history, strict=True)):
        return None
    return replace(asked, state=msgspec.structs.replace(asked.state, history=plain))


def _plain(message: ChatMessage) -> ChatMessage:
    said = message.assistant_response_message
    if said is None or said.reasoning_content is None:
        return message
    return ChatMessage(assistant_response_message=msgspec.structs.replace(said, reasoning_content=None))


def fits(account: Selected, model: Model, other: Selected, other_model: Model) -> bool:
    """Whether what was prepared for one account can be sent to the other."""
    same_model = model is other_model or _traits(model) == _traits(other_model)
    same_model = same_model and takes_thoughts(account, model) is takes_thoughts(other, other_model)
    return same_model and surfaces.origin(account.target.surface) == surfaces.origin(other.target.surface)


def _traits(model: Model) -> tuple[object, ...]:
    """What of a model the body depends on."""
    return model.id, model.caching, model.accepts_images


def demands(
    conversation: Conversation, options: Options, buffering: Buffering, tool_names: Mapping[str, str]
) -> Demands:
    """What the client asked for that the backend does not do by itself. tool_names: the client's, by the backend's."""
    return Demands(
        conversation.stop,
        conversation.max_tokens,
        None if conversation.answer is None else _kind(conversation.answer.schema),
        thinking_tags=options.parse_thinking_tags,
        one_call=not conversation.parallel,
        spoken=None if buffering == "off" else _offer(conversation, tool_names),
        whole=buffering == "full",
    )


class _Root(msgspec.Struct):
    """What a schema says of a document's outermost value."""

    type: object = None
    properties: object = None


def _kind(schema: bytes | None) -> Kind:
    if schema is None:
        return "object"
    try:
        root = msgspec.json.decode(schema, type=_Root)
    except msgspec.DecodeError:
        return "any"
    match root.type:
        case "object":
            return "object"
        case "array":
            return "array"
        case None if isinstance(root.properties, dict):
            return "object"
        case _:
            return "any"


def _offer(conversation: Conversation, tool_names: Mapping[str, str]) -> Offer | None:
    """The tools that may be called, by their names here and there; those of the history alone may not."""
    tools = {tool.name: Offered(tool.name, tool.schema) for tool in reversed(conversation.tools)}
    declared = {name: tools[name] for name in tool_names.values() if name in tools}
    if not declared:
        return None
    return Offer(
        {wire_name: tools[name] for wire_name, name in tool_names.items() if name in tools} | declared, uuid4().hex
    )
