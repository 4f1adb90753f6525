"""The socket on which a console listens: on this machine alone."""

from __future__ import annotations

import socket

from rules.errors import RequestError

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port, 0 for a free one.

    It listens before its address is printed, so that the address answers at once. Raises
    `RequestError` `usage`, `port-taken`.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OverflowError:
        raise RequestError(
            "usage", f"`--port` can't be `{port}`", fix="a port is a number up to 65535"
        ) from None
    except OSError:
        raise RequestError(
            "port-taken", f"port {port} is in use", fix="name another one with `--port`"
        ) from None
    return listener
