"""The Anthropic SDK for JavaScript."""

from pathlib import Path

import pytest
from tests.contract.clients.suites import PATIENCE, run
from tests.support.node import install
from tests.support.stack import Stack

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "anthropic_node"


@pytest.mark.usefixtures("node_project")
def test_anthropic_node(stack: Stack) -> None:
    project = install(SUITE / "package.json")
    command = ["node", "--test", "--test-reporter=tap", str(SUITE / "cases.mjs")]
    output = run(command, stack, {"NODE_PROJECT": str(project)})
    assert "# pass 9\n" in output, output
    assert "# skipped 0\n" in output, output
