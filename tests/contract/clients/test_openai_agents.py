"""The OpenAI Agents SDK, over Chat Completions and without its tracing."""

from pathlib import Path

import pytest
from tests.contract.clients.suites import PATIENCE, run_pytest
from tests.support.stack import Stack
from tests.support.venvs import interpreter

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "openai_agents"


def test_openai_agents(stack: Stack) -> None:
    output = run_pytest(SUITE, stack, python=interpreter("openai_agents", SUITE / "requirements.txt"))
    assert "23 passed" in output, output
