"""`cwproxy chat`: one prompt, streamed to the terminal without a server in between."""

import sys
from typing import TextIO

from cwproxy.accounts.callers import TERMINAL
from cwproxy.conversation import Conversation, SystemTurn, Text, Turn, UserTurn
from cwproxy.errors import SettingsError
from cwproxy.reply import Finished, ReasoningDelta, StopReason, TextDelta, Usage
from cwproxy.service import Service
from cwproxy.settings import Settings
from cwproxy.wiring import open_service


async def chat(settings: Settings, prompt: str, *, model: str, system: str | None) -> None:
    """Answer text goes to standard output as it comes; a line about tokens, to standard error. The attempt is counted.
    Raises SettingsError for a prompt without a word, and CwproxyError.
    """
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise SettingsError("There is nothing to say: the prompt is empty.")
    instructions: tuple[Turn, ...] = (SystemTurn(system),) if system else ()
    conversation = Conversation(model=model, turns=(*instructions, UserTurn((Text(text),))))
    async with open_service(settings, recorded=True) as service:
        await _say(service, conversation)


async def _say(service: Service, conversation: Conversation) -> None:
    begun = False  # a line that only the newline at the end of the answer ends
    try:
        async with service.answer(conversation, caller=TERMINAL) as answer:
            async for batch in answer:
                for event in batch:
                    match event:
                        case TextDelta(text=piece):
                            begun = True
                            _write(sys.stdout, piece)
                        case ReasoningDelta(text=piece):
                            begun = True
                            _write(sys.stderr, piece)
                        case Usage():
                            usage = event
                        case Finished(reason=reason):
                            begun = False
                            _write(sys.stdout, "\n")
                            _write(sys.stderr, _epilogue(answer.model.id, usage, reason))
                        case _:
                            pass
    finally:
        if begun:
            _write(sys.stdout, "\n")


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _epilogue(model: str, usage: Usage, reason: StopReason) -> str:
    cut = "" if reason in (StopReason.END_TURN, StopReason.TOOL_USE) else f", stopped by {reason.value}"
    return f"[{model}: {usage.input_tokens} + {usage.output_tokens} tokens, counted by {usage.source}{cut}]\n"
