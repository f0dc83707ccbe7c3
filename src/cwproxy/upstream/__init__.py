"""The way out: one streamed or plain call to the backend."""

from cwproxy.upstream.client import Login, Timeouts, Upstream

__all__ = ["Login", "Timeouts", "Upstream"]
