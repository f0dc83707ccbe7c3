"""The Anthropic SDK for Python, with its strict validation of every answer."""

from pathlib import Path

import pytest
from tests.contract.clients.suites import PATIENCE, run_pytest
from tests.support.stack import Stack

pytestmark = [pytest.mark.contract, PATIENCE]

SUITE = Path(__file__).parent / "anthropic_python"


def test_anthropic(stack: Stack) -> None:
    output = run_pytest(SUITE, stack)
    assert "54 passed" in output, output
