"""What this transport raises beside httpx's own exceptions, where those would be too coarse."""

import httpx


class Disconnected(httpx.RemoteProtocolError):
    """The connection ended before the first byte of an answer. reused: it had served an earlier call."""

    def __init__(self, message: str, *, reused: bool) -> None:
        super().__init__(message)
        self.reused = reused


class Untrusted(httpx.ConnectError):
    """TLS could not be agreed on: a certificate that is not trusted, or no TLS at all."""
