"""How long the hub waits for whoever is connected, and what it does with them when it stops.

Uvicorn waits for ever for a request's head. So many who send half of one would be as many as it serves at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN = 20.0


class Patient(H11Protocol):
    """A connection that is closed where no whole head came for `HEAD_WITHIN` to twice as many seconds."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own has it
        super().connection_made(transport)
        self._look_again()

    def _look_again(self) -> None:
        self.loop.call_later(HEAD_WITHIN, self._look, self.cycle)

    def _look(self, before: object) -> None:
        if self.transport.is_closing():
            return
        # The same request as then, or still none, and nothing more than a piece of another one.
        if self.cycle is before and self.conn.their_state is h11.IDLE:
            self.transport.close()
        else:
            self._look_again()


def server_of(config: uvicorn.Config, stopping: Callable[[], None]) -> uvicorn.Server:
    """A server that says so before it waits for those whom it still answers."""

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            stopping()

    return Server(config)
