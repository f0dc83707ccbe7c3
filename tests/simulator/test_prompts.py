import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.codewhisperer import wire
from cwproxy.simulator.prompts import Prompt, read

SCHEMA = '{"type": "object", "properties": {"a": {"type": "string"}}}'
NAMED = wire.FORCE_NAMED_TOOL.format(name="get_weather")


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ("", Prompt("")),
        (" hello ", Prompt("hello")),
        (f"hello\n\n{wire.FORCE_ANY_TOOL}", Prompt("hello", is_forced=True)),
        (f"{NAMED}\n\nhello", Prompt("hello", is_forced=True, forced_name="get_weather")),
        (f"hello\n{wire.FORBID_TOOLS}", Prompt("hello", is_forbidden=True)),
        (f"hello\n{wire.JSON_ONLY}", Prompt("hello", wants_json=True)),
        (
            "hello\n" + wire.JSON_SCHEMA_ONLY.format(schema=SCHEMA),
            Prompt("hello", wants_json=True, schema={"type": "object", "properties": {"a": {"type": "string"}}}),
        ),
        (
            wire.JSON_SCHEMA_ONLY.format(schema=SCHEMA) + f"\n\n{wire.FORCE_ANY_TOOL}",
            Prompt(
                "",
                is_forced=True,
                wants_json=True,
                schema={"type": "object", "properties": {"a": {"type": "string"}}},
            ),
        ),
        (wire.JSON_SCHEMA_ONLY.format(schema="{nonsense"), Prompt("{nonsense", wants_json=True)),
        (wire.JSON_SCHEMA_ONLY.format(schema='{"a": "\\ud800"}'), Prompt('{"a": "\\ud800"}', wants_json=True)),
        ("STUBSAY one\ntwo ", Prompt("one\ntwo", say="one\ntwo")),
        (f"STUBSAY one\n{wire.FORBID_TOOLS}", Prompt("one", say="one", is_forbidden=True)),
        ("STUBSAY", Prompt("STUBSAY")),
        ("STUBERR 429", Prompt("", fail_status=429)),
        ("STUBERR 200", Prompt("STUBERR 200")),
        ("hello STUBMIDERR", Prompt("hello", breaks=True)),
        ("STUBTHINK hello", Prompt("hello", thinks=True)),
        ("hello STUBTOOLS 3", Prompt("hello", calls=3)),
        ("hello STUBTOOLS 0", Prompt("hello", calls=1)),
        ("STUBTHINK STUBMIDERR STUBSAY hello", Prompt("hello", say="hello", thinks=True, breaks=True)),
    ],
)
def test_words_markers_and_sentences_are_told_apart(content: str, prompt: Prompt) -> None:
    assert read(content) == prompt


@given(st.text())
def test_any_text_is_read(content: str) -> None:
    read(content)
    assert read(content + wire.FORCE_ANY_TOOL).is_forced
