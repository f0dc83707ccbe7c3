"""uvicorn's pure-Python HTTP protocol with our limits; used where httptools is not installed."""

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from cwproxy.api.guard import Guarded
from cwproxy.api.line import ABORT


class GuardedH11(Guarded, H11Protocol):
    """Gives the application `cwproxy.abort` (see `line.ABORT`)."""

    def data_received(self, data: bytes) -> None:
        late = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        for piece in self._guard.pieces(data) if self.conn.their_state is h11.IDLE else (data,):
            in_head = self.conn.their_state is h11.IDLE
            if in_head and not self._guard.takes_head(len(piece)):
                return
            super().data_received(piece)
            if in_head and self.conn.their_state is not h11.IDLE:
                self._guard.has_head()
        if late and self.conn.their_state is not h11.SEND_BODY:
            self._guard.has_head()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._guard.awaits_head()

    def handle_events(self) -> None:
        super().handle_events()
        if self.scope is not None:
            self.scope["extensions"] = {ABORT: {"call": self.transport.abort}}
