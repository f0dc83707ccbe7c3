"""llm-comply: every answer against the published schemas of Chat Completions, Open Responses and Anthropic Messages."""

from pathlib import Path

import pytest
from tests.contract.clients.suites import MODEL, PATIENCE, REASONING_MODEL, run
from tests.support.stack import KEY, Stack
from tests.support.venvs import interpreter

pytestmark = [pytest.mark.contract, PATIENCE]

REQUIREMENTS = Path(__file__).parent / "llm_comply" / "requirements.txt"


def test_openai_chat(stack: Stack) -> None:
    program = str(interpreter("llm-comply", REQUIREMENTS).with_name("llm-comply"))
    where = ["--base-url", f"{stack.base_url}/v1", "--api-key", KEY, "--model", REASONING_MODEL]
    output = run([program, *where, "--format", "openai-chat", "--verbose"], stack)
    assert "9/9 passed" in output, output


def test_anthropic(stack: Stack) -> None:
    program = str(interpreter("llm-comply", REQUIREMENTS).with_name("llm-comply"))
    where = ["--base-url", f"{stack.base_url}/v1", "--api-key", KEY, "--model", MODEL]
    output = run([program, *where, "--format", "anthropic", "--verbose"], stack)
    assert "9/9 passed" in output, output


def test_open_responses(stack: Stack) -> None:
    """One warning is expected: nothing is compacted here."""
    program = str(interpreter("llm-comply", REQUIREMENTS).with_name("llm-comply"))
    where = ["--base-url", f"{stack.base_url}/v1", "--api-key", KEY, "--model", REASONING_MODEL]
    output = run([program, *where, "--format", "open-responses", "--verbose"], stack)
    assert "13/13 passed, 1 with warnings" in output, output
