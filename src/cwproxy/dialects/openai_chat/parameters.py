"""Every parameter of Chat Completions, and what becomes of it (compatibility.md 1.1, 3.2).

This table decides what is refused and what the response headers name; types and ranges are those of `schema.Request`.
`python -m cwproxy.dialects.openai_chat.parameters` prints it as the Markdown table of the README.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from cwproxy.dialects.openai_chat.schema import Request, ResponseFormat, ToolChoiceObject
from cwproxy.inbound import parameters
from cwproxy.inbound.parameters import Effects, Kind, Parameter, markdown


def _chooses(value: object) -> bool:
    if isinstance(value, ToolChoiceObject):
        mode = (value.allowed_tools.mode if value.allowed_tools else value.mode) or "auto"
        return value.type != "auto" if value.type != "allowed_tools" else mode != "auto"
    return value != "auto"


def _wants_json(value: object) -> bool:
    return not (isinstance(value, ResponseFormat) and value.type == "text")


def _wants_audio(value: object) -> bool:
    return isinstance(value, list) and "audio" in value


def _several(value: object) -> bool:
    return value != 1


def _stops(value: object) -> bool:
    """An empty string stops nothing."""
    return any(value) if isinstance(value, list) else bool(value)


def _is_false(value: object) -> bool:
    return value is False


_KNOB: Final = "The backend has no such setting."
_ADMINISTRATIVE: Final = "Accepted; there is nothing here that it could change."
_WEB: Final = "Accepted; the model answers without searching."


def _sampling(*names: str) -> Iterator[Parameter]:
    return (Parameter(name, Kind.IGNORED, _KNOB) for name in names)


def _administrative(*names: str) -> Iterator[Parameter]:
    return (Parameter(name, Kind.IGNORED, _ADMINISTRATIVE, told=False) for name in names)


TABLE: Final[tuple[Parameter, ...]] = (
    Parameter("model", Kind.HONOURED, "One of `/v1/models`, in any usual spelling."),
    Parameter("messages", Kind.HONOURED, "All roles and content parts except audio."),
    Parameter("input", Kind.HONOURED, "Taken for `messages` when those are missing, as some clients send it."),
    Parameter("instructions", Kind.HONOURED, "The system message that belongs to `input`."),
    Parameter("stream", Kind.HONOURED, "Every read of the backend is one write to the client."),
    Parameter("stream_options", Kind.HONOURED, "`include_usage`; obfuscation is not added."),
    Parameter(
        "tools",
        Kind.HONOURED,
        "Functions; `custom` tools are shown to the model as functions of one string and unwrapped; tools that run at "
        "OpenAI (`web_search`, ...) are left out and named in `x-cwproxy-ignored`.",
    ),
    Parameter(
        "tool_choice",
        Kind.EMULATED,
        "Only the tools that may be called are sent, with an instruction; if no call comes, the model is asked once "
        "more, and then `x-cwproxy-tool-choice: unmet` says so.",
        _chooses,
    ),
    Parameter("parallel_tool_calls", Kind.EMULATED, "With `false`, the answer ends after the first call.", _is_false),
    Parameter("functions", Kind.HONOURED, "As `tools`; the answer has `function_call`."),
    Parameter("function_call", Kind.EMULATED, "As `tool_choice`.", _chooses),
    Parameter(
        "response_format",
        Kind.EMULATED,
        "An instruction is added, and whatever surrounds the JSON is taken away. Without streaming the answer is "
        "validated, and repaired once; what is still wrong has `x-cwproxy-json: invalid`.",
        _wants_json,
    ),
    Parameter("n", Kind.EMULATED, "That many calls of the backend; at most `max_choices`.", _several),
    Parameter("stop", Kind.EMULATED, "The text ends before the first of them, and the backend is left.", _stops),
    Parameter("max_completion_tokens", Kind.EMULATED, "By estimate; a tool call that has begun is finished."),
    Parameter("max_tokens", Kind.EMULATED, "The same; `max_completion_tokens` wins."),
    Parameter(
        "reasoning_effort", Kind.HONOURED, "Where the model takes it (surface `kiro`); named as ignored elsewhere."
    ),
    *_sampling(
        *("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "logit_bias"),
    ),
    Parameter("logprobs", Kind.IGNORED, "The backend tells none; `logprobs` is null.", bool),
    Parameter("top_logprobs", Kind.IGNORED, "The same."),
    Parameter("modalities", Kind.REFUSED, "`text` is fine; `audio` is refused.", _wants_audio),
    Parameter("audio", Kind.REFUSED, "The model makes no audio."),
    Parameter("prediction", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("verbosity", Kind.IGNORED, _KNOB, told=False),
    Parameter("web_search_options", Kind.IGNORED, _WEB, told=False),
    *_administrative(
        *("moderation", "store", "metadata", "user", "safety_identifier", "service_tier"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    ),
)


def effects(request: msgspec.Struct, table: Sequence[Parameter] = TABLE) -> Effects:
    """What becomes of the parameters that the request has. Raises InvalidRequest for one that is refused."""
    found = parameters.effects(request, table)
    if "max_completion_tokens" in found.emulated and "max_tokens" in found.emulated:
        left = tuple(name for name in found.emulated if name != "max_tokens")
        return Effects((*found.ignored, "max_tokens"), left)
    return found


def readme() -> str:
    """The tables of both endpoints."""
    from cwproxy.dialects.openai_chat.prompts import OWN, PromptRequest

    return (
        f"{markdown(Request, TABLE)}\n\n"
        "Of `/v1/completions`, where everything else is as above:\n\n"
        f"{markdown(PromptRequest, OWN)}"
    )


if __name__ == "__main__":
    sys.stdout.write(readme() + "\n")
