"""The table of parameters: complete, in force, and the same in the README."""

import subprocess
import sys
from pathlib import Path

import pytest

from cwproxy.dialects.openai_chat.parameters import TABLE, effects, readme
from cwproxy.dialects.openai_chat.prompts import PromptRequest
from cwproxy.dialects.openai_chat.schema import (
    AllowedTools,
    Named,
    Request,
    ResponseFormat,
    ToolChoiceObject,
)
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.parameters import Effects, Kind, accepted

README = Path(__file__).parents[3] / "README.md"
BEGIN, END = "<!-- parameters: python -m cwproxy.dialects.openai_chat.parameters -->", "<!-- end of parameters -->"


def test_every_parameter_is_in_the_table_once() -> None:
    assert sorted(parameter.name for parameter in TABLE) == sorted(Request.__struct_fields__)


def test_every_parameter_has_a_sentence_and_says_what_it_takes() -> None:
    takes = accepted(Request)
    for parameter in TABLE:
        assert parameter.sentence.endswith(".")
        assert takes[parameter.name]
    assert takes["temperature"] == "number from 0 to 2"
    assert takes["max_tokens"] == "integer from 1"
    assert takes["stop"] == "string or list of up to 4"
    assert takes["verbosity"] == "`low`, `medium`, `high`"
    assert takes["modalities"] == "list of `text`, `audio`"
    assert takes["tools"] == "list"
    assert accepted(PromptRequest)["prompt"] == "string or list"


def test_the_readme_has_the_table() -> None:
    written = README.read_text().partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == readme()


def test_it_prints_itself() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "cwproxy.dialects.openai_chat.parameters"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == readme() + "\n"


@pytest.mark.parametrize(
    ("request_of", "expected"),
    [
        (Request(), Effects()),
        (Request(temperature=1, seed=2, user="u", store=True), Effects(("temperature", "seed"))),
        (Request(logprobs=False, n=1, stop="", parallel_tool_calls=True, modalities=["text"]), Effects()),
        (Request(stop=["", ""]), Effects()),
        (Request(logprobs=True, top_logprobs=0), Effects(("logprobs", "top_logprobs"))),
        (Request(n=2, stop=["a"], parallel_tool_calls=False), Effects((), ("parallel_tool_calls", "n", "stop"))),
        (Request(max_tokens=1), Effects((), ("max_tokens",))),
        (Request(max_tokens=1, max_completion_tokens=2), Effects(("max_tokens",), ("max_completion_tokens",))),
        (Request(tool_choice="auto", function_call="auto"), Effects()),
        (Request(tool_choice="none", function_call=Named("f")), Effects((), ("tool_choice", "function_call"))),
        (Request(tool_choice=ToolChoiceObject(type="auto")), Effects()),
        (Request(tool_choice=ToolChoiceObject(type="function")), Effects((), ("tool_choice",))),
        (Request(tool_choice=ToolChoiceObject(type="allowed_tools")), Effects()),
        (
            Request(tool_choice=ToolChoiceObject(type="allowed_tools", allowed_tools=AllowedTools("required"))),
            Effects((), ("tool_choice",)),
        ),
        (Request(response_format=ResponseFormat("text")), Effects()),
        (Request(response_format=ResponseFormat("json_object")), Effects((), ("response_format",))),
        (Request(reasoning_effort="low"), Effects()),
    ],
)
def test_effects(request_of: Request, expected: Effects) -> None:
    assert effects(request_of) == expected


@pytest.mark.parametrize("request_of", [Request(audio={}), Request(modalities=["audio", "text"])])
def test_what_is_refused(request_of: Request) -> None:
    with pytest.raises(InvalidRequest) as caught:
        effects(request_of)
    assert caught.value.code == "unsupported_value"
    refused = {parameter.name for parameter in TABLE if parameter.kind is Kind.REFUSED}
    assert caught.value.param in refused
