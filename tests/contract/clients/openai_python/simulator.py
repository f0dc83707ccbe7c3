"""The simulator's control plane, for cases that need a scripted answer or a fault."""

import os
from collections.abc import Mapping
from contextlib import closing
from types import TracebackType
from typing import Final, Self

import httpx

TRIES: Final = 3
"""Calls that the proxy makes for one request, as long as nothing of an answer has come."""

TRIES_WHEN_EMPTY: Final = 2
"""The same for answers that say nothing: each of them is billed."""


class Simulator:
    """Leaving the context checks that everything that was scripted has been used."""

    def __enter__(self) -> Self:
        self._http = httpx.Client(base_url=f"{os.environ['SIMULATOR_URL']}/__control", timeout=10, trust_env=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with closing(self._http):
            status = self._http.get("/status").raise_for_status().json()
        assert (status["turns"], status["faults"]) == (0, 0), "the proxy made fewer calls than expected"

    def fault(self, fault: Mapping[str, object], *, tries: int = 1) -> None:
        """It strikes that many of the chat calls to come."""
        self._post("/faults", {**fault, "count": tries})

    def answer(self, turn: Mapping[str, object], *, tries: int = 1) -> None:
        """That many of the chat calls to come are answered like this."""
        self._post("/turns", {"turns": [turn] * tries})

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        self._http.post(path, json=body).raise_for_status()
