"""A backend for tests of pauses, in which no machine is too slow: time passes only while nothing can be done, and then
at once.

    @pytest.fixture
    def anyio_backend() -> Backend:
        return BACKEND

Not for tests with sockets, other processes, or threads of their own: nobody waits for what those do.
"""

from typing import Final, TypeAlias

from bench.virtual import VirtualLoop

Backend: TypeAlias = tuple[str, dict[str, object]]

BACKEND: Final[Backend] = ("asyncio", {"loop_factory": VirtualLoop})
