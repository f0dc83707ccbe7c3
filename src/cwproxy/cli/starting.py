"""What a server imports without ever using it, left out of its start: a sixth of the time that it takes."""

import sys
from typing import Final

_UNUSED: Final = (
    "httpx._main",  # its own command line, with Pygments and Rich behind it
    "pydantic.v1",  # FastAPI imports it to refuse its models
    "watchfiles",  # for uvicorn's reloading
)
"""Modules that their importers can do without."""


def import_less() -> None:
    """For a process that does nothing but serve, before its imports."""
    for name in _UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]
    from pydantic import BaseModel

    # FastAPI has models for describing an API. Their validators would be made when they are first used, which is never.
    BaseModel.model_config["defer_build"] = True
