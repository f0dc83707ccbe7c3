"""`cwproxy chat`: one prompt, streamed to the terminal without a server in between."""

import sys

from cwproxy.accounts.callers import TERMINAL
from cwproxy.conversation import Conversation, SystemTurn, Text, Turn, UserTurn
from cwproxy.reply import Finished, ReasoningDelta, StopReason, TextDelta, Usage
from cwproxy.settings import Settings
from cwproxy.wiring import open_service


async def chat(settings: Settings, prompt: str, *, model: str, system: str | None) -> None:
    """Answer text goes to standard output as it comes; a line about tokens, to standard error."""
    text = sys.stdin.read() if prompt == "-" else prompt
    instructions: tuple[Turn, ...] = (SystemTurn(system),) if system else ()
    conversation = Conversation(model=model, turns=(*instructions, UserTurn((Text(text),))))
    async with open_service(settings) as service, service.answer(conversation, caller=TERMINAL) as answer:
        async for batch in answer:
            for event in batch:
                match event:
                    case TextDelta(text=piece):
                        sys.stdout.write(piece)
                        sys.stdout.flush()
                    case ReasoningDelta(text=piece):
                        sys.stderr.write(piece)
                        sys.stderr.flush()
                    case Usage():
                        usage = event
                    case Finished(reason=reason):
                        sys.stdout.write("\n")
                        sys.stderr.write(_epilogue(answer.model.id, usage, reason))
                    case _:
                        pass


def _epilogue(model: str, usage: Usage, reason: StopReason) -> str:
    cut = "" if reason in (StopReason.END_TURN, StopReason.TOOL_USE) else f", stopped by {reason.value}"
    return f"[{model}: {usage.input_tokens} + {usage.output_tokens} tokens, counted by {usage.source}{cut}]\n"
