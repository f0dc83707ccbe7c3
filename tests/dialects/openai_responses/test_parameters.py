"""The table of parameters: complete, in force, and the same in the README."""

import subprocess
import sys
from pathlib import Path

import pytest

from cwproxy.dialects.openai_responses.parameters import TABLE, readme
from cwproxy.dialects.openai_responses.schema import Format, Request, Text, ToolChoiceObject
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.parameters import Effects, accepted, effects

README = Path(__file__).parents[3] / "README.md"
BEGIN = "<!-- parameters: python -m cwproxy.dialects.openai_responses.parameters -->"
END = "<!-- end of parameters -->"


def test_every_parameter_is_in_the_table_once() -> None:
    assert sorted(parameter.name for parameter in TABLE) == sorted(Request.__struct_fields__)


def test_every_parameter_has_a_sentence_and_says_what_it_takes() -> None:
    takes = accepted(Request)
    for parameter in TABLE:
        assert parameter.sentence.endswith(".")
        assert takes[parameter.name]


def test_the_readme_has_the_table() -> None:
    written = README.read_text().partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == readme()


def test_it_prints_itself() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "cwproxy.dialects.openai_responses.parameters"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == readme() + "\n"


def test_only_a_choice_that_chooses_is_named() -> None:
    for choice in ("auto", ToolChoiceObject("auto"), ToolChoiceObject("allowed_tools", mode="auto")):
        assert effects(Request(tool_choice=choice), TABLE) == Effects()
    for choice in ("required", ToolChoiceObject("function"), ToolChoiceObject("allowed_tools", mode="required")):
        assert effects(Request(tool_choice=choice), TABLE) == Effects((), ("tool_choice",))


def test_only_a_format_that_is_not_plain_text_is_named() -> None:
    for text in (Text(), Text(Format("text"), "low")):
        assert effects(Request(text=text), TABLE) == Effects()
    assert effects(Request(text=Text(Format("json_object"))), TABLE).emulated == ("text",)


@pytest.mark.parametrize(
    "request_", [Request(background=True), Request(conversation="conv_1"), Request(prompt={})], ids=str
)
def test_what_would_be_another_answer_is_refused(request_: Request) -> None:
    with pytest.raises(InvalidRequest, match="cannot be served"):
        effects(request_, TABLE)


def test_no_background_is_fine() -> None:
    assert effects(Request(background=False, parallel_tool_calls=True), TABLE) == Effects()
    assert effects(Request(parallel_tool_calls=False), TABLE).emulated == ("parallel_tool_calls",)


@pytest.mark.parametrize(("value", "ignored"), [("auto", ("truncation",)), ("disabled", ()), (None, ())])
def test_what_a_client_would_have_cut_is_named(value: str | None, ignored: tuple[str, ...]) -> None:
    assert effects(Request(truncation=value), TABLE).ignored == ignored
