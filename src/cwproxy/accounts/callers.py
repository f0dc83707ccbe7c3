"""Who asks: the API key that a request came with, as the rooms below the API know it."""

from typing import Final

import msgspec

from cwproxy.errors import ModelNotFound
from cwproxy.filters import Buffering

_MAX_NAME_SHOWN: Final = 100


class Caller(msgspec.Struct, frozen=True):
    """name: separates conversations, statistics and sessions of one caller from another's, and stands in the log.
    key_id: None where no keys are asked for.
    models: the models (as the backend or the client names them) that may be used; None for all.
    buffered: how it wants its answers; None for as the settings have it.
    """

    name: str
    key_id: str | None = None
    models: frozenset[str] | None = None
    buffered: Buffering | None = None

    def may_use(self, *names: str) -> bool:
        """Whether a model known by any of `names` is allowed."""
        return self.models is None or not self.models.isdisjoint(names)

    def check(self, asked: str, model_id: str) -> None:
        """asked: the client's name of the model. Raises ModelNotFound when it is not allowed."""
        if not self.may_use(asked, model_id):
            allowed = ", ".join(sorted(self.models or ())) or "none"
            raise ModelNotFound(f"This API key may not use the model {asked[:_MAX_NAME_SHOWN]!r}, only: {allowed}.")


LOCAL: Final = Caller("local")
"""Everybody, when no keys are configured."""

TERMINAL: Final = Caller("terminal", "terminal")
"""The person at the command line."""
