"""The way out: one streamed or plain call to the backend."""

from cwproxy.upstream.client import Timeouts, Upstream

__all__ = ["Timeouts", "Upstream"]
