"""What contract tests share: AWS's own JavaScript clients."""

import os
from pathlib import Path

import pytest
from tests.support.node import install, missing_program


@pytest.fixture(scope="session")
def node_project() -> Path:
    """The folder with the installed `node_modules`. Without Node: skipped, or failed where CI says that it runs."""
    reason = missing_program()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return install()
