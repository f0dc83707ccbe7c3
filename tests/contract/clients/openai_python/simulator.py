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
    """Leaving the context checks that everything that was scripted has been used, but for what need not be."""

    def __enter__(self) -> Self:
        self._perhaps = 0
        self._http = httpx.Client(base_url=f"{os.environ['SIMULATOR_URL']}/__control", timeout=60, trust_env=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with closing(self._http):
            status = self._http.get("/status").raise_for_status().json()
            self._post("/calm", {})
        assert not status["turns"], "the proxy made fewer calls than expected"
        assert status["faults"] <= self._perhaps, "the proxy made fewer calls than expected"

    def fault(self, fault: Mapping[str, object], *, tries: int = 1, perhaps: int = 0) -> None:
        """It strikes that many of the chat calls to come, and more if there are more.

        perhaps: calls that the proxy may make besides: where a connection that it had kept turns out to be dead.
        """
        self._perhaps += perhaps
        self._post("/faults", {**fault, "count": tries + perhaps})

    def answer(self, turn: Mapping[str, object], *, tries: int = 1) -> None:
        """That many of the chat calls to come are answered like this."""
        self._post("/turns", {"turns": [turn] * tries})

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        self._http.post(path, json=body).raise_for_status()
