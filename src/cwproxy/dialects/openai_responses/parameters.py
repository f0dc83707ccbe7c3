"""Every parameter of the Responses API, and what becomes of it (compatibility.md 2.1, 3.2).

Types and ranges are those of `schema.Request`. `python -m cwproxy.dialects.openai_responses.parameters` prints the
table as the Markdown of the README.
"""

import sys
from typing import Final

from cwproxy.dialects.openai_responses.schema import Request, Text, ToolChoiceObject
from cwproxy.inbound.parameters import Kind, Parameter, markdown


def _chooses(value: object) -> bool:
    if isinstance(value, ToolChoiceObject):
        mode = value.mode if value.type == "allowed_tools" else value.type
        return (mode or "auto") != "auto"
    return value != "auto"


def _wants_json(value: object) -> bool:
    return isinstance(value, Text) and value.format is not None and value.format.type != "text"


def _is_false(value: object) -> bool:
    return value is False


def _truncates(value: object) -> bool:
    return value != "disabled"


_KNOB: Final = "The backend has no such setting."
_ADMINISTRATIVE: Final = "Accepted; there is nothing here that it could change."

TABLE: Final[tuple[Parameter, ...]] = (
    Parameter("model", Kind.HONOURED, "One of `/v1/models`, in any usual spelling."),
    Parameter(
        "input",
        Kind.HONOURED,
        "Text or items. Items that only OpenAI's servers can have made are left out and named in `x-cwproxy-ignored`.",
    ),
    Parameter("instructions", Kind.HONOURED, "Not carried over by `previous_response_id`."),
    Parameter("stream", Kind.HONOURED, "Every read of the backend is one write to the client."),
    Parameter("stream_options", Kind.IGNORED, "Obfuscation is not added.", told=False),
    Parameter(
        "tools",
        Kind.HONOURED,
        "Functions and namespaces of them; `custom` tools are shown to the model as functions of one string and "
        "unwrapped; tools that run at OpenAI (`web_search`, ...) are left out and named in `x-cwproxy-ignored`.",
    ),
    Parameter(
        "tool_choice",
        Kind.EMULATED,
        "Only the tools that may be called are sent, with an instruction; if no call comes, the model is asked once "
        "more, and then `x-cwproxy-tool-choice: unmet` says so. A choice of what runs at OpenAI is left out and named.",
        _chooses,
    ),
    Parameter("parallel_tool_calls", Kind.EMULATED, "With `false`, the answer ends after the first call.", _is_false),
    Parameter("max_output_tokens", Kind.EMULATED, "By estimate; a tool call that has begun is finished."),
    Parameter(
        "text",
        Kind.EMULATED,
        "For `format`, an instruction is added, and whatever surrounds the JSON is taken away. Without streaming the "
        "answer is validated, and repaired once; what is still wrong has `x-cwproxy-json: invalid`. `verbosity` has no "
        "effect.",
        _wants_json,
    ),
    Parameter(
        "reasoning",
        Kind.HONOURED,
        "`effort` where the model takes it (surface `kiro`); named as ignored elsewhere. Thoughts are shown when "
        "`summary` asks for them.",
    ),
    Parameter("include", Kind.HONOURED, "`reasoning.encrypted_content`; there is nothing else to include."),
    Parameter(
        "store",
        Kind.HONOURED,
        "Answers are kept unless it is `false`, and only for the API key that asked; one that could not be kept says "
        "`false`.",
    ),
    Parameter("previous_response_id", Kind.HONOURED, "Of an answer that is kept."),
    Parameter("conversation", Kind.REFUSED, "No conversations are kept; use `previous_response_id`."),
    Parameter("prompt", Kind.REFUSED, "No prompts are kept; send `instructions` and `input`."),
    Parameter("background", Kind.REFUSED, "Answers are made while the client waits; leave it out.", bool),
    Parameter("temperature", Kind.IGNORED, _KNOB),
    Parameter("top_p", Kind.IGNORED, _KNOB),
    Parameter("frequency_penalty", Kind.IGNORED, _KNOB),
    Parameter("presence_penalty", Kind.IGNORED, _KNOB),
    Parameter("top_logprobs", Kind.IGNORED, "The backend tells none.", bool),
    Parameter("truncation", Kind.IGNORED, "Nothing is taken out of a conversation that is too long.", _truncates),
    Parameter("max_tool_calls", Kind.IGNORED, "It bounds the tools that run at OpenAI.", told=False),
    Parameter("context_management", Kind.IGNORED, "Nothing is taken out of the conversation.", told=False),
    Parameter("metadata", Kind.HONOURED, "Repeated in the answer."),
    Parameter("user", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("safety_identifier", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("service_tier", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("prompt_cache_key", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("prompt_cache_options", Kind.IGNORED, "Cache points are set by cwproxy itself.", told=False),
    Parameter("prompt_cache_retention", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("client_metadata", Kind.IGNORED, _ADMINISTRATIVE, told=False),
)


def readme() -> str:
    """The table of the endpoint."""
    return markdown(Request, TABLE)


if __name__ == "__main__":
    sys.stdout.write(readme() + "\n")
