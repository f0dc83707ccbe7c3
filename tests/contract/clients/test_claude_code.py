"""Claude Code itself, as its users run it: text, a Bash call and its result, a second turn (compatibility.md 2.2)."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.contract.clients.claude_code.mcp_server import NAME, SERVER
from tests.contract.clients.suites import PATIENCE
from tests.support.node import install
from tests.support.simulator import SimulatorClient
from tests.support.stack import KEY, Stack

pytestmark = [pytest.mark.contract, PATIENCE, pytest.mark.usefixtures("node_project")]

SUITE = Path(__file__).parent / "claude_code"
SECONDS = 150
TOOL = f"mcp__{SERVER}__{NAME}"
MODELS = ["claude-sonnet-4-5", "claude-haiku-4-5-20251001", "claude-opus-4-8", "claude-opus-5-5[1m]"]
"""The first two are ones that the simulated account has; of the others it has another version."""


@dataclass(frozen=True)
class Said:
    """What one run printed: the lines of `stream-json`."""

    lines: list[dict[str, Any]]

    @property
    def result(self) -> dict[str, Any]:
        return self.lines[-1]

    def blocks(self, role: str, kind: str) -> list[dict[str, Any]]:
        messages = [line["message"] for line in self.lines if line["type"] == role]
        contents = [message["content"] for message in messages if isinstance(message["content"], list)]
        return [block for content in contents for block in content if block["type"] == kind]


class ClaudeCode:
    """A home of its own, from which nothing but the proxy is called."""

    def __init__(self, stack: Stack, directory: Path, model: str) -> None:
        (program,) = install(SUITE / "package.json").glob("node_modules/@anthropic-ai/claude-code-*/claude")
        self._program = program
        self._stack = stack
        self._directory = directory
        self._model = model
        self._logged = len(self._log())

    def __call__(self, prompt: str, *arguments: str) -> Said:
        done = subprocess.run(
            [str(self._program), "-p", prompt, "--output-format", "stream-json", "--verbose", *arguments],
            env=self._environment(),
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{self._stack.tail()}"
        assert done.returncode == 0, said
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert (lines[-1]["type"], lines[-1]["subtype"], lines[-1]["is_error"]) == ("result", "success", False), said
        return Said(lines)

    def statuses(self) -> set[int]:
        """Of its requests for messages."""
        lines = [json.loads(line.partition("cwproxy.access ")[2]) for line in self._log()[self._logged :]]
        return {line["status"] for line in lines if line["path"].startswith("/v1/messages")}

    def _log(self) -> list[str]:
        lines = self._stack.log("cwproxy").read_text().splitlines()
        return [line for line in lines if "cwproxy.access " in line]

    def _environment(self) -> dict[str, str]:
        return {
            **self._stack.environment(),
            "HOME": str(self._directory),
            "CLAUDE_CONFIG_DIR": str(self._directory / ".claude"),
            "ANTHROPIC_BASE_URL": self._stack.base_url,
            "ANTHROPIC_AUTH_TOKEN": KEY,
            "ANTHROPIC_MODEL": self._model,
            "ANTHROPIC_SMALL_FAST_MODEL": "claude-3-5-haiku-20241022",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
        }


@pytest.mark.parametrize("model", MODELS)
def test_a_session(stack: Stack, tmp_path: Path, model: str) -> None:
    claude = ClaudeCode(stack, tmp_path, model)
    # For some models a system message follows the prompt, and the scripted model repeats that, too.
    assert claude("STUBSAY Grüße, 世界").result["result"].startswith("Grüße, 世界")
    worked = claude("STUBTHINK Run a command.", "--allowedTools", "Bash")
    (call,) = worked.blocks("assistant", "tool_use")
    assert (call["name"], call["input"]) == ("Bash", {"command": "echo stub-tool-ok"})
    (result,) = worked.blocks("user", "tool_result")
    assert (result["tool_use_id"], result["content"]) == (call["id"], "stub-tool-ok")
    assert "stub-tool-ok" in worked.result["result"]
    assert worked.result["usage"]["output_tokens"] > 0
    again = claude("STUBSAY And again.", "--continue")
    assert again.result["result"].startswith("And again.")
    assert again.result["session_id"] == worked.result["session_id"]
    assert claude.statuses() == {200}


def test_a_tool_with_a_name_of_90_characters(stack: Stack, tmp_path: Path) -> None:
    assert len(TOOL) == 90
    config = {"mcpServers": {SERVER: {"command": sys.executable, "args": [str(SUITE / "mcp_server.py")]}}}
    claude = ClaudeCode(stack, tmp_path, MODELS[0])
    said = claude(
        "Do 'the thing'.",
        *("--mcp-config", json.dumps(config), "--strict-mcp-config"),
        *("--tools", "", "--allowedTools", TOOL),
    )
    (call,) = said.blocks("assistant", "tool_use")
    assert (call["name"], call["input"]) == (TOOL, {"what": "the thing"})
    assert "did the thing" in said.result["result"]
    assert claude.statuses() == {200}


def test_a_stream_that_breaks_off_is_noticed_and_asked_for_again(stack_q: Stack, tmp_path: Path) -> None:
    simulator = SimulatorClient(stack_q.simulator_url)
    simulator.say("one two three four five six seven eight", pieces=8)
    simulator.fault("rst-after", after=4)
    claude = ClaudeCode(stack_q, tmp_path, MODELS[0])
    assert claude("STUBSAY Whole.").result["result"].startswith("Whole.")
    assert (simulator.status().turns, simulator.status().faults) == (0, 0)


def test_its_web_search(stack_kiro: Stack, tmp_path: Path) -> None:
    claude = ClaudeCode(stack_kiro, tmp_path, MODELS[0])
    said = claude("Search for 'größe', please.", "--tools", "WebSearch", "--allowedTools", "WebSearch")
    (call,) = said.blocks("assistant", "tool_use")
    assert (call["name"], call["input"]) == ("WebSearch", {"query": "größe"})
    assert "https://page1.example/" in said.result["result"]
    assert said.result["modelUsage"][MODELS[0]]["webSearchRequests"] == 1
    assert claude.statuses() == {200}
