"""The OpenAI SDK for Python, both majors in use, with its strict validation of every answer."""

from pathlib import Path

import openai
import pytest
from tests.contract.clients.suites import PATIENCE, run_pytest
from tests.support.stack import Stack
from tests.support.venvs import interpreter

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "openai_python"
PASSED = "139 passed"
PASSED_RESPONSES = "98 passed"


def test_openai_3(stack: Stack) -> None:
    assert openai.VERSION.startswith("3.")
    assert PASSED in run_pytest(SUITE, stack)


def test_openai_2(stack: Stack) -> None:
    assert PASSED in run_pytest(SUITE, stack, python=interpreter("openai-2", SUITE / "requirements.txt"))


def test_responses_of_openai_3(stack: Stack) -> None:
    assert PASSED_RESPONSES in run_pytest(SUITE, stack, pattern="responses.py")


def test_responses_of_openai_2(stack: Stack) -> None:
    python = interpreter("openai-2", SUITE / "requirements.txt")
    assert PASSED_RESPONSES in run_pytest(SUITE, stack, python=python, pattern="responses.py")
