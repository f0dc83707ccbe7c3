"""LangChain's own tests for chat models, with its OpenAI client."""

from pathlib import Path

import pytest
from tests.contract.clients.suites import PATIENCE, run_pytest
from tests.support.stack import Stack
from tests.support.venvs import interpreter

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "langchain"


def test_chat_model_integration(stack: Stack) -> None:
    output = run_pytest(SUITE, stack, python=interpreter("langchain", SUITE / "requirements.txt"))
    assert "94 passed, 6 skipped" in output, output
