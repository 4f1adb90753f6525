"""Limit what one connection can cost the hub before and after its requests are answered.

Uvicorn itself waits forever for a request's head, takes a head of any length, goes on reading a
body after its refusal, and waits forever for a client that doesn't read. Each of these could use
up every connection or the memory.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exchange.standards import i_json

HEAD_WITHIN = 20.0
LARGEST_HEAD = 64 * 1024
# How long a connection stays after its request was refused before its body was whole, so that the
# client can read the refusal, and how much of the body is taken and dropped meanwhile.
LINGER = 3.0
MOST_DROPPED = 512 * 1024
# A client that reads nothing for so long is cut off.
READ_WITHIN = 20.0
# The most connections from one address.
MOST_CONNECTIONS = 256


class Connections:
    """The open connections of one server by address, and how many were refused.

    INVARIANT: a server has its own. Otherwise strangers could use up those of the operator's
    monitoring, which come from the same address as those of a proxy.
    """

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._by_address: Counter[str] = Counter()
        self.refused = 0

    @property
    def count(self) -> int:
        """The number of open connections."""
        return sum(self._by_address.copy().values())

    def add(self, address: str) -> bool:
        """Count a connection, and return whether the address may have one more."""
        self._by_address[address] += 1
        is_within = self._by_address[address] <= self._most
        self.refused += not is_within
        return is_within

    def remove(self, address: str) -> None:
        """Count a connection no longer."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class PatientProtocol(HttpToolsProtocol):
    """A connection that closes when its client sends no whole head, or doesn't read."""

    # Those of the server, set by `protocol_over`.
    open_connections: ClassVar[Connections]
    _address: str | None = None
    _in_head = True
    _head_bytes = 0
    _dropped_bytes = 0
    _is_malformed = False
    # The bytes that wait to be read, at the last look. None while the client keeps up.
    _unread: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        if not self.open_connections.add(self._address):
            transport.abort()
            return
        self._check_head_later()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._address is not None:
            self.open_connections.remove(self._address)
            self._address = None

    # The head of a request

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request with a refusal of the API's shape, and close later.

        Nothing more is read. A client that tries again at once needs another connection.
        """
        body = i_json.write(
            {
                "error": {
                    "code": "bad-request",
                    "message": "this is no request that the hub can read",
                    "fix": "send HTTP/1.1 with a path and a query as the target",
                }
            }
        )
        head = (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._is_malformed = True
        self.transport.pause_reading()
        self.loop.call_later(LINGER, self.transport.close)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > LARGEST_HEAD and not self._is_malformed:
            self.send_400_response("the head of the request is too long")

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if b"#" in self.url or not self.url.startswith(b"/"):
            # INVARIANT: a signature covers the whole target. The parser would drop what follows a
            # `#`. It takes any exception for a malformed request.
            raise ValueError("the request's target is no path with a query")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        # The next head begins, or the connection is idle.
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def _check_head_later(self) -> None:
        self.loop.call_later(HEAD_WITHIN, self._check_head, self.cycle)

    def _check_head(self, earlier_cycle: object) -> None:
        if self.transport.is_closing():
            return
        # The same request as before, or still none, and no more than a part of another one.
        is_answered = self.cycle is None or self.cycle.response_complete
        if self.cycle is earlier_cycle and is_answered and self._in_head:
            self.transport.close()
        else:
            self._check_head_later()

    # The rest of a refused body

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.cycle is not None and self.cycle.response_complete:
            self._dropped_bytes += len(body)
            if self._dropped_bytes > MOST_DROPPED and not self.transport.is_closing():
                # What nobody reads stays in the client's own buffers until the connection closes.
                self.transport.pause_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle is not None and self.cycle.more_body and not self.transport.is_closing():
            self.loop.call_later(LINGER, self._end_refused, self.cycle)

    def _end_refused(self, cycle: object) -> None:
        if self.cycle is cycle and self.cycle.more_body:
            self.transport.close()

    # An answer that isn't read

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.transport.get_write_buffer_size()
        self.loop.call_later(READ_WITHIN, self._check_read)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread = None

    def _check_read(self) -> None:
        if self._unread is None:
            return
        unread = self.transport.get_write_buffer_size()
        if unread >= self._unread:
            self.transport.abort()
        else:
            self._unread = unread
            self.loop.call_later(READ_WITHIN, self._check_read)


def protocol_over(connections: Connections) -> type[PatientProtocol]:
    """Return the protocol of a server that counts its connections here."""
    return type("PatientProtocol", (PatientProtocol,), {"open_connections": connections})


def create_server(config: uvicorn.Config, on_stop: Callable[[], None]) -> uvicorn.Server:
    """Return a server that calls `on_stop` before it waits for open requests."""

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            on_stop()

    return Server(config)
