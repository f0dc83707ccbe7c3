"""The simulator's control plane, for cases that need a scripted answer or a fault."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import httpx

TRIES: Final = 10
"""More than the proxy makes for one request."""


class Simulator:
    """Leaving the context takes back what was scripted and not used."""

    def __enter__(self) -> Self:
        self._http = httpx.Client(base_url=f"{os.environ['SIMULATOR_URL']}/__control", timeout=10, trust_env=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.clear()
        finally:
            self._http.close()

    def clear(self) -> None:
        """Forget the faults and turns that have not been used."""
        for what in ("faults", "turns"):
            self._http.delete(f"/{what}").raise_for_status()

    def break_every_try(self, fault: Mapping[str, object]) -> None:
        """The fault strikes the chat calls to come, as often as the proxy may repeat one."""
        self._post("/faults", {**fault, "count": TRIES})

    def answer(self, turn: Mapping[str, object]) -> None:
        """The next chat call is answered like this."""
        self._post("/turns", turn)

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        self._http.post(path, json=body).raise_for_status()
