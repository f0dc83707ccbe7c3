"""The table of parameters: complete, in force, and the same in the README."""

import subprocess
import sys
from pathlib import Path

from cwproxy.dialects.anthropic_messages.parameters import TABLE, readme
from cwproxy.dialects.anthropic_messages.schema import Request, ToolChoiceObject
from cwproxy.inbound.parameters import Effects, accepted, effects

README = Path(__file__).parents[3] / "README.md"
BEGIN = "<!-- parameters: python -m cwproxy.dialects.anthropic_messages.parameters -->"
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
    command = [sys.executable, "-W", "ignore", "-m", "cwproxy.dialects.anthropic_messages.parameters"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == readme() + "\n"


def test_only_a_choice_that_chooses_is_named() -> None:
    for choice in ("auto", ToolChoiceObject("auto"), ToolChoiceObject("auto", disable_parallel_tool_use=False)):
        assert effects(Request(tool_choice=choice), TABLE) == Effects()
    for choice in ("any", ToolChoiceObject("none"), ToolChoiceObject("auto", disable_parallel_tool_use=True)):
        assert effects(Request(tool_choice=choice), TABLE) == Effects((), ("tool_choice",))
