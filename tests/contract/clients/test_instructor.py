"""Instructor over the OpenAI SDK."""

from pathlib import Path

import pytest
from tests.contract.clients.suites import PATIENCE, run_pytest
from tests.support.stack import Stack
from tests.support.venvs import interpreter

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "instructor"


def test_instructor(stack: Stack) -> None:
    output = run_pytest(SUITE, stack, python=interpreter("instructor", SUITE / "requirements.txt"))
    assert "7 passed" in output, output
