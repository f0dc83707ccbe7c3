"""Every parameter of Anthropic Messages, and what becomes of it (compatibility.md 2.2, 3.2).

Types and ranges are those of `schema.Request`. `python -m cwproxy.dialects.anthropic_messages.parameters` prints the
table as the Markdown of the README.
"""

import sys
from typing import Final

from cwproxy.dialects.anthropic_messages.schema import Request, ToolChoiceObject
from cwproxy.inbound.parameters import Kind, Parameter, markdown


def _chooses(value: object) -> bool:
    if isinstance(value, ToolChoiceObject):
        return value.type != "auto" or value.disable_parallel_tool_use is True
    return value != "auto"


_KNOB: Final = "The backend has no such setting."
_ADMINISTRATIVE: Final = "Accepted; there is nothing here that it could change."

TABLE: Final[tuple[Parameter, ...]] = (
    Parameter(
        "model",
        Kind.HONOURED,
        "One of `/v1/models`, in any usual spelling; of a Claude model that the account does not have, the newest of "
        "its family.",
    ),
    Parameter("messages", Kind.HONOURED, "All roles, `system` too, and all blocks but files that are kept elsewhere."),
    Parameter("max_tokens", Kind.EMULATED, "By estimate; a tool call that has begun is finished."),
    Parameter("system", Kind.HONOURED, "Text or blocks; Claude Code's billing line is left out."),
    Parameter("stream", Kind.HONOURED, "Every read of the backend is one write to the client."),
    Parameter(
        "stop_sequences", Kind.EMULATED, "The text ends before the first of them, and the backend is left.", bool
    ),
    Parameter(
        "tools",
        Kind.HONOURED,
        "Tools that the client runs. Those that run at Anthropic (`code_execution`, ...) are left out and named in "
        "`x-cwproxy-ignored`; a request with `web_search` alone is answered by way of the account's own search, where "
        "it has one (surfaces `kiro` and `codewhisperer`), with one search and of the domains that are allowed; a tool "
        "with `defer_loading` is shown to the model once a `tool_reference` or a `tool_addition` names it.",
    ),
    Parameter(
        "tool_choice",
        Kind.EMULATED,
        "Only the tools that may be called are sent, with an instruction; if no call comes, the model is asked once "
        "more, and then `x-cwproxy-tool-choice: unmet` says so. With `disable_parallel_tool_use` the answer ends after "
        "the first call.",
        _chooses,
    ),
    Parameter(
        "thinking",
        Kind.HONOURED,
        "Where the model takes it (surface `kiro`), with an effort made from `budget_tokens`; named as ignored "
        "elsewhere, but for `disabled` where the model does not think anyway. Thinking is shown only when it was "
        "asked for.",
    ),
    Parameter(
        "output_config",
        Kind.HONOURED,
        "`effort` as `thinking`. `format` is emulated: an instruction is added, and whatever surrounds the JSON is "
        "taken away. Without streaming the answer is validated, and repaired once; what is still wrong has "
        "`x-cwproxy-json: invalid`.",
    ),
    Parameter("output_format", Kind.EMULATED, "The older name of `output_config.format`."),
    Parameter("temperature", Kind.IGNORED, _KNOB),
    Parameter("top_p", Kind.IGNORED, _KNOB),
    Parameter("top_k", Kind.IGNORED, _KNOB),
    Parameter("context_management", Kind.IGNORED, "Accepted; nothing is cleared from the conversation.", told=False),
    Parameter("mcp_servers", Kind.IGNORED, "No server is called from here.", bool),
    Parameter("container", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("metadata", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("service_tier", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("speed", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("inference_geo", Kind.IGNORED, _ADMINISTRATIVE, told=False),
    Parameter("cache_control", Kind.IGNORED, "Cache points are set by cwproxy itself.", told=False),
)


def readme() -> str:
    """The table of the endpoint."""
    return markdown(Request, TABLE)


if __name__ == "__main__":
    sys.stdout.write(readme() + "\n")
