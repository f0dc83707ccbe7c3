"""The examples and the README, as they are written."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import typer.core
import typer.main
from tests.end_to_end.conftest import KEY, Running
from tests.support.program import ROOT, Done, clean_environment, finished

from cwproxy.cli.app import app
from cwproxy.settings import Settings

pytestmark = pytest.mark.end_to_end

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def run(programs: Running, *program: str, cwd: Path | None = None) -> Done:
    more = {"CWPROXY_URL": programs.url, "CWPROXY_API_KEY": KEY}
    return finished(list(program), clean_environment(programs.home, more), cwd=cwd)


def test_basic_usage(programs: Running) -> None:
    done = run(programs, sys.executable, str(ROOT / "examples" / "basic_usage.py"))
    assert (done.code, done.err) == (0, "")
    lines = dict(line.split(": ", 1) for line in done.out.splitlines())
    assert "claude-sonnet-4.5" in lines["models"]
    assert "Say hello in five words." in lines["answer"]
    assert lines["stream"] == lines["answer"]
    assert int(lines["tokens"]) > 0


def test_tool_calling(programs: Running) -> None:
    done = run(programs, sys.executable, str(ROOT / "examples" / "tool_calling.py"))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("tool: multiply({'a': 6, 'b': 7}) = 42\nanswer: ")
    assert "42" in done.out.splitlines()[1]


def test_openai_client(programs: Running) -> None:
    done = run(programs, sys.executable, str(ROOT / "examples" / "openai_client.py"))
    assert (done.code, done.err) == (0, "")
    assert "stream: " in done.out
    assert re.search(r"^usage: \d+ \+ \d+ tokens$", done.out, re.MULTILINE)
    assert 'tool call: get_weather({"city":"Lisbon"})' in done.out.replace('": "', '":"')
    assert re.search(r"^picture: .*image", done.out, re.MULTILINE | re.IGNORECASE)


def test_responses_client(programs: Running) -> None:
    done = run(programs, sys.executable, str(ROOT / "examples" / "responses_client.py"))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("stream: ")
    assert "\nstatus: completed\nfirst: " in done.out
    assert re.search(r"^second: .*louder", done.out, re.MULTILINE)
    assert "\ntool: multiply({'a': 6, 'b': 7}) = 42\nanswer: " in done.out
    assert "42" in done.out.rpartition("answer: ")[2]


def test_anthropic_client(programs: Running) -> None:
    done = run(programs, sys.executable, str(ROOT / "examples" / "anthropic_client.py"))
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^stream: .*\nusage: \d+ \+ \d+ tokens$", done.out, re.MULTILINE)
    assert "tool call: get_weather({'city': 'Lisbon'})\nanswer: The tool answered: Sunny" in done.out
    assert re.search(r"^picture: .*image", done.out, re.MULTILINE | re.IGNORECASE)


@needs_curl
def test_curl(programs: Running) -> None:
    done = run(programs, "sh", str(ROOT / "examples" / "curl.sh"))
    assert (done.code, done.err) == (0, "")
    assert '"object":"list"' in done.out
    assert '"finish_reason":"stop"' in done.out
    assert done.out.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize(
    "name", ["anthropic_client.py", "basic_usage.py", "openai_client.py", "responses_client.py", "tool_calling.py"]
)
def test_examples_fail_aloud_with_a_wrong_key(programs: Running, name: str) -> None:
    more = {"CWPROXY_URL": programs.url, "CWPROXY_API_KEY": "wrong"}
    done = finished([sys.executable, str(ROOT / "examples" / name)], clean_environment(programs.home, more))
    assert done.code == 1
    assert "401" in done.err


@needs_curl
def test_curl_fails_aloud_with_a_wrong_key(programs: Running) -> None:
    more = {"CWPROXY_URL": programs.url, "CWPROXY_API_KEY": "wrong"}
    done = finished(["sh", str(ROOT / "examples" / "curl.sh")], clean_environment(programs.home, more))
    assert done.code != 0
    assert "401" in done.err


def readme(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def pointed(text: str, programs: Running) -> str:
    """README's address and key, replaced by the test's."""
    assert "http://127.0.0.1:3000" in text
    return text.replace("http://127.0.0.1:3000", programs.url).replace('"unused"', f'"{KEY}"')


def test_readmes_python(programs: Running) -> None:
    (snippet,) = readme("python")
    done = run(programs, sys.executable, "-c", pointed(snippet, programs))
    assert (done.code, done.err) == (0, "")
    assert "Hello" in done.out


@needs_curl
def test_readmes_curl(programs: Running) -> None:
    (line,) = re.findall(r"^curl .*?\n(?! )", "\n".join(readme("console")), re.MULTILINE | re.DOTALL)
    done = run(programs, "sh", "-c", pointed(line, programs).rstrip() + f" -sS -H 'Authorization: Bearer {KEY}'")
    assert done.code == 0
    assert '"role":"assistant"' in done.out


def command_group() -> set[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return set(group.commands)


def test_readmes_commands_and_settings_exist() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "DEPLOYMENT.md").read_text()
    commands = command_group()
    assert set(re.findall(r"`cwproxy ([a-z]+)", text)) <= commands
    assert set(re.findall(r"^cwproxy ([a-z]+)", "\n".join(readme("console")), re.MULTILINE)) <= commands
    named = {name.lower() for name in re.findall(r"CWPROXY_([A-Z_]+[A-Z])", text)} - {"home"}
    assert named <= set(Settings.model_fields)
    table = text[text.index("| setting | default | |") : text.index("`CWPROXY_HOME` puts")]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(Settings.model_fields)
