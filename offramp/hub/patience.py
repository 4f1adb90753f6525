"""Limit how long the hub waits for the head of a request, and end waits when it stops.

Uvicorn itself waits forever for a request's head. Half-sent heads could use up every connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN = 20.0


class PatientProtocol(H11Protocol):
    """A connection that closes if no whole head arrives within one to two `HEAD_WITHIN`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        super().connection_made(transport)
        self._check_later()

    def _check_later(self) -> None:
        self.loop.call_later(HEAD_WITHIN, self._check, self.cycle)

    def _check(self, earlier_cycle: object) -> None:
        if self.transport.is_closing():
            return
        # The same request as before, or still none, and no more than a part of another one.
        if self.cycle is earlier_cycle and self.conn.their_state is h11.IDLE:
            self.transport.close()
        else:
            self._check_later()


def create_server(config: uvicorn.Config, on_stop: Callable[[], None]) -> uvicorn.Server:
    """Return a server that calls `on_stop` before it waits for open requests."""

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            on_stop()

    return Server(config)
