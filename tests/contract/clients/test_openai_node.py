"""The OpenAI SDK for JavaScript."""

import re
from pathlib import Path

import pytest
from tests.contract.clients.suites import PATIENCE, run
from tests.support.node import install
from tests.support.program import ROOT
from tests.support.stack import KEY, Stack

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "openai_node"


@pytest.mark.usefixtures("node_project")
def test_openai_node(stack: Stack) -> None:
    project = install(SUITE / "package.json")
    command = ["node", "--test", "--test-reporter=tap", str(SUITE / "cases.mjs")]
    output = run(command, stack, {"NODE_PROJECT": str(project)})
    assert "# pass 8\n" in output, output
    assert "# skipped 0\n" in output, output


@pytest.mark.usefixtures("node_project")
def test_responses(stack: Stack) -> None:
    project = install(SUITE / "package.json")
    command = ["node", "--test", "--test-reporter=tap", str(SUITE / "responses.mjs")]
    output = run(command, stack, {"NODE_PROJECT": str(project)})
    assert "# pass 31\n" in output, output
    assert "# skipped 0\n" in output, output


@pytest.mark.usefixtures("node_project")
def test_readmes_javascript(stack_q: Stack, tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```js\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    script = tmp_path / "readme.mjs"
    script.write_text(snippet.replace("http://127.0.0.1:3000", stack_q.base_url).replace('"unused"', f'"{KEY}"'))
    (tmp_path / "node_modules").symlink_to(install(SUITE / "package.json") / "node_modules")
    assert "Hello" in run(["node", str(script)], stack_q)
