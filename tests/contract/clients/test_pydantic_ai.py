"""pydantic-ai with its OpenAI model."""

from pathlib import Path

import pytest
from tests.contract.clients.suites import PATIENCE, run_pytest
from tests.support.stack import Stack
from tests.support.venvs import interpreter

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "pydantic_ai"


def test_pydantic_ai(stack: Stack) -> None:
    output = run_pytest(SUITE, stack, python=interpreter("pydantic_ai", SUITE / "requirements.txt"))
    assert "8 passed" in output, output
