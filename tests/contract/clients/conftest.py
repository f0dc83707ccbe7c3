"""Other people's clients against the whole program."""

from collections.abc import Iterator

import pytest
from tests.support.stack import Stack

collect_ignore = ["langchain", "openai_python"]
"""These folders' files belong to other environments; the tests beside them run them there."""


@pytest.fixture(scope="session")
def stack_q(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Builder ID on the q surface: the simulator's `legacy-q` profile."""
    with Stack("q", tmp_path_factory.mktemp("stack_q")) as stack:
        yield stack


@pytest.fixture(scope="session")
def stack_kiro(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Identity Center on the kiro surface: the simulator's `kiro-runtime` profile."""
    with Stack("kiro", tmp_path_factory.mktemp("stack_kiro")) as stack:
        yield stack


@pytest.fixture(params=["q", "kiro"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each of the two in turn."""
    found = request.getfixturevalue(f"stack_{request.param}")
    assert isinstance(found, Stack)
    return found
