"""Codex itself, as its users run it: a shell command, patches, a second turn, and streams that break off
(compatibility.md 2.1, backend-rules.md E 5 to 7).
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contract.clients.faults import AMID, TEXT
from tests.contract.clients.suites import MODEL, PATIENCE
from tests.support.node import install
from tests.support.program import until
from tests.support.simulator import Received, SimulatorClient
from tests.support.stack import KEY, Stack

pytestmark = [pytest.mark.contract, PATIENCE, pytest.mark.usefixtures("node_project")]

SUITE = Path(__file__).parent / "codex"
SECONDS = 150
CHAT = "GenerateAssistantResponse"
PATCHING_MODEL = "gpt-5.5"
"""For this name, Codex offers `apply_patch` as a custom tool with a grammar."""

SCRIPTING_MODEL = "gpt-5.6-terra"
"""For this one, all tools are in namespaces, and commands are run by a script, which is a custom tool."""

PATCH = "*** Begin Patch\n*** Add File: {name}\n+Grüße, 世界\n*** End Patch\n"

CONFIG = """
model = "{model}"
model_provider = "cwproxy"
model_reasoning_summary = "auto"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[features]
plugins = false

[analytics]
enabled = false

[model_providers.cwproxy]
name = "cwproxy"
base_url = "{url}/v1"
env_key = "CODEX_TEST_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = {retries}
supports_websockets = false
"""


@dataclass(frozen=True)
class Said:
    """What one run printed: its events, and its log."""

    status: int
    events: list[dict[str, Any]]
    log: str

    def items(self, kind: str) -> list[dict[str, Any]]:
        items = [event["item"] for event in self.events if event["type"] == "item.completed"]
        return [item for item in items if item["type"] == kind]

    @property
    def text(self) -> str:
        return str(self.items("agent_message")[-1]["text"])


class Codex:
    """A home of its own, from which nothing but the proxy is called."""

    def __init__(self, stack: Stack, directory: Path, model: str = MODEL, *, stream_retries: int = 1) -> None:
        self._program = install(SUITE / "package.json") / "node_modules" / ".bin" / "codex"
        self._stack = stack
        self._home = directory / "home"
        self._home.mkdir()
        self.folder = directory / "project"
        self.folder.mkdir()
        (self._home / "config.toml").write_text(CONFIG.format(model=model, url=stack.base_url, retries=stream_retries))
        self._logged = len(self._log())

    def __call__(self, prompt: str, *more: str) -> Said:
        done = subprocess.run(
            [str(self._program), "exec", *more, "--json", "--skip-git-repo-check", prompt],
            env={
                **self._stack.environment(),
                "HOME": str(self._home),
                "CODEX_HOME": str(self._home),
                "CODEX_TEST_KEY": KEY,
                "RUST_LOG": "warn",
            },
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Said(done.returncode, events, done.stderr)

    def works(self, prompt: str, *more: str) -> Said:
        """The same, to a good end and without trying anything twice."""
        said = self(prompt, *more)
        assert said.status == 0, f"{said}\n{self._stack.tail()}"
        assert said.events[-1]["type"] == "turn.completed"
        assert said.events[-1]["usage"]["output_tokens"] > 0
        assert "retry" not in said.log.lower()
        assert "reconnecting" not in json.dumps(said.events).lower()
        return said

    def was_answered(self, times: int) -> None:
        """So many requests for responses were, and each with success. The last line of the log may come after Codex
        has ended.
        """
        until(lambda: len(self._statuses()) >= times)
        assert self._statuses() == [200] * times

    def _statuses(self) -> list[int]:
        lines = [json.loads(line.partition("cwproxy.access ")[2]) for line in self._log()[self._logged :]]
        return [line["status"] for line in lines if line["path"] == "/v1/responses"]

    def _log(self) -> list[str]:
        lines = self._stack.log("cwproxy").read_text().splitlines()
        return [line for line in lines if "cwproxy.access " in line]


@pytest.fixture(scope="module")
def aliased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    config = f'[aliases]\n"{PATCHING_MODEL}" = "{MODEL}"\n'
    with Stack("kiro", tmp_path_factory.mktemp("stack_codex"), config=config) as stack:
        yield stack


def test_a_session(stack: Stack, tmp_path: Path) -> None:
    codex = Codex(stack, tmp_path)
    worked = codex.works("STUBTHINK Run a command.")
    (command,) = worked.items("command_execution")
    assert (command["exit_code"], command["aggregated_output"]) == (0, "stub-tool-ok\n")
    assert "stub-tool-ok" in worked.text
    thread = worked.events[0]["thread_id"]
    again = codex.works("STUBSAY And again.", "resume", thread)
    assert again.text.startswith("And again.")
    assert again.events[0]["thread_id"] == thread
    codex.was_answered(3)


def test_a_patch_through_a_custom_tool(aliased: Stack, tmp_path: Path) -> None:
    simulator = SimulatorClient(aliased.simulator_url)
    patch = PATCH.format(name="custom.txt")
    simulator.turns({"say": "I patch.", "call": {"name": "apply_patch", "input": {"input": patch}}})
    simulator.turns({"say": "Done."})
    codex = Codex(aliased, tmp_path, PATCHING_MODEL)
    said = codex.works("Add a file.")
    assert (codex.folder / "custom.txt").read_text() == "Grüße, 世界\n"
    assert [item["status"] for item in said.items("file_change")] == ["completed"]
    codex.was_answered(2)


def test_a_patch_through_a_function(aliased: Stack, tmp_path: Path) -> None:
    """This version of Codex has no function of that name; it takes the patch out of a command."""
    simulator = SimulatorClient(aliased.simulator_url)
    command = f"apply_patch <<'EOF'\n{PATCH.format(name='function.txt')}EOF\n"
    simulator.turns({"say": "I patch.", "call": {"name": "exec_command", "input": {"cmd": command}}})
    simulator.turns({"say": "Done."})
    codex = Codex(aliased, tmp_path)
    codex.works("Add a file.")
    assert (codex.folder / "function.txt").read_text() == "Grüße, 世界\n"
    codex.was_answered(2)


def test_tools_in_namespaces(aliased: Stack, tmp_path: Path) -> None:
    simulator = SimulatorClient(aliased.simulator_url)
    script = 'const r = await tools.exec_command({cmd: "echo from-a-script"}); text(r.output);'
    simulator.turns({"call": {"name": "functions__exec", "input": {"input": script}}})
    simulator.turns({"say": "Done."})
    codex = Codex(aliased, tmp_path, SCRIPTING_MODEL)
    said = codex.works("Run a command.")
    (command,) = said.items("command_execution")
    assert command["aggregated_output"] == "from-a-script\n"
    codex.was_answered(2)


def test_agents_tell_each_other_their_task_and_their_answer(aliased: Stack, tmp_path: Path) -> None:
    """After the spawning both ask at once; a script keeps the parent until Codex has recorded the child's answer."""
    simulator = SimulatorClient(aliased.simulator_url)
    task = {"task_name": "count_it", "fork_turns": "none", "message": "Please count the files."}
    simulator.turns(_command("echo $CODEX_THREAD_ID > parent"))
    simulator.turns({"call": {"name": "collaboration__spawn_agent", "input": task}})
    codex = Codex(aliased, tmp_path, SCRIPTING_MODEL)
    unanswered = f"! grep -rqs '42[ ]files' {tmp_path}/home/sessions"  # a pattern that is not its own match there
    simulator.turns(*[_repeated(f"sleep 1; [ $CODEX_THREAD_ID = $(cat parent) ] && {unanswered} && echo wait")] * 2)
    simulator.turns({"say": "There are 42 files."}, {"say": "Done."})
    before = len(simulator.received(CHAT))
    codex.works("Have the files counted.")
    *_, parent = asked = [_asked(received) for received in simulator.received(CHAT)[before:]]
    assert any("Message Type: NEW_TASK" in text and "Please count the files." in text for text in asked)
    assert "Message Type: FINAL_ANSWER" in parent and "There are 42 files." in parent


def _command(line: str) -> dict[str, Any]:
    script = f"text((await tools.exec_command({{cmd: {json.dumps(line)}}})).output);"
    return {"call": {"name": "functions__exec", "input": {"input": script}}}


def _repeated(line: str) -> dict[str, Any]:
    """As long as the command says anything, and twice more."""
    script = (
        '// @exec: {"yield_time_ms": 120000}\n'
        f"const said = async () => (await tools.exec_command({{cmd: {json.dumps(line)}}})).output.trim();\n"
        "while (await said()) ;\nawait said(); await said(); text('done');"
    )
    return {"call": {"name": "functions__exec", "input": {"input": script}}}


def _asked(received: Received) -> str:
    """What the model was told last."""
    return str(received.json["conversationState"]["currentMessage"]["userInputMessage"]["content"])


@pytest.mark.parametrize("fault", AMID.values(), ids=AMID)
def test_a_stream_that_breaks_off_is_told_with_the_real_sentence(
    aliased: Stack, tmp_path: Path, fault: Mapping[str, Any]
) -> None:
    simulator = SimulatorClient(aliased.simulator_url)
    codex = Codex(aliased, tmp_path, stream_retries=0)

    def strike() -> None:
        simulator.turns({"say": TEXT, "pieces": 8})
        simulator.fault(**fault)

    strike()
    sentence = _sentence(aliased)
    strike()
    said = codex("Count.")
    assert said.status != 0, said
    assert said.events[-1]["type"] == "turn.failed"
    assert sentence in said.events[-1]["error"]["message"]
    _recover(aliased)


@pytest.mark.parametrize("kind", ["rst-after", "truncated-frame", "eof", "exception", "open-tool"])
@pytest.mark.parametrize("tool", ["exec_command", "apply_patch"])
def test_a_call_that_breaks_off_is_not_made(aliased: Stack, tmp_path: Path, tool: str, kind: str) -> None:
    """A function and a custom tool."""
    simulator = SimulatorClient(aliased.simulator_url)
    codex = Codex(aliased, tmp_path, PATCHING_MODEL, stream_retries=0)
    given = {"cmd": "touch made.txt"} if tool == "exec_command" else {"input": PATCH.format(name="made.txt")}

    def strike() -> None:
        simulator.turns({"call": {"name": tool, "input": given}, "pieces": 8})
        simulator.fault(kind, after=4)

    strike()
    sentence = _sentence(aliased)
    strike()
    said = codex("Make a file.")
    assert said.status != 0, said
    assert sentence in said.events[-1]["error"]["message"]
    assert not said.items("command_execution") and not said.items("file_change")
    assert list(codex.folder.iterdir()) == []
    _recover(aliased)


def _sentence(stack: Stack) -> str:
    """What the proxy itself says in the stream."""
    body = {"model": MODEL, "input": "Count.", "stream": True}
    headers = {"authorization": f"Bearer {KEY}"}
    answer = httpx.post(f"{stack.base_url}/v1/responses", json=body, headers=headers, trust_env=False, timeout=SECONDS)
    error, failed = (json.loads(event.partition("data: ")[2]) for event in answer.text.split("\n\n")[-3:-1])
    assert error["message"] == failed["response"]["error"]["message"]
    return str(error["message"])


def _recover(stack: Stack) -> None:
    """What a case has made the proxy think of its one account does not outlast the case."""
    headers = {"authorization": f"Bearer {stack.admin_key}"}
    with httpx.Client(base_url=f"{stack.base_url}/admin", headers=headers, trust_env=False, timeout=SECONDS) as admin:
        for account in admin.get("/accounts").raise_for_status().json()["accounts"]:
            admin.post(f"/accounts/{account['id']}/recover").raise_for_status()
