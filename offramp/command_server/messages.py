"""Messages between a person's process and a command server: JSON objects and open files.

Each message is one packet of a Unix socket (`SOCK_SEQPACKET`), so none is cut or joined. The first
one is the person's: the words of a command and the person's standard input, output, and error.
Afterwards the server asks for files that the words name, and at last states the exit code. The
person's process answers, and passes an interrupt on.

| from | message | files |
| --- | --- | --- |
| person | `{"words", "folder", "encodings"}` | standard input, output, error |
| person | `{"interrupt": true}` | |
| person | `{"answer": null}` or `{"errno"}` or `{"refusal"}` | the opened file |
| server | `{"open": NAME}` | |
| server | `{"pack": NAME}`, for the files of a pack in a folder | |
| server | `{"check": NAME, "force"}` | |
| server | `{"folder": NAME, "files", "force"}`, for the folder of these files | |
| server | `{"write": NAME, "force"}` | the content |
| server | `{"run_it_yourself": true}` | |
| server | `{"refusal": {"code", "message", "fix"}}` | |
| server | `{"exit": CODE}` | |
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rules.errors import Refusal, RequestError
from rules.input.json_text import parse_json

# Bytes of one message. The words of a command are far shorter.
LONGEST = 64 * 1024
MOST_FILES = 3


class EndOfConnection(Exception):
    """The other side is gone, or sent what is no message."""


def send(connection: socket.socket, message: dict[str, Any], files: Sequence[int] = ()) -> None:
    """Send a message with open files. Raises `EndOfConnection`; `RequestError` `too-large`."""
    data = json.dumps(message).encode()
    if len(data) > LONGEST:
        raise RequestError(
            "too-large",
            f"the command has over {LONGEST:,} bytes",
            fix="put the answers in a file, and name it with `--answers`",
        )
    try:
        socket.send_fds(connection, [data], list(files))
    except OSError:
        raise EndOfConnection from None


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the next message and its open files, which the caller closes.

    Raises `EndOfConnection`, `TimeoutError`.
    """
    size = array.array("i").itemsize
    room = LONGEST + 1, socket.CMSG_LEN(size * MOST_FILES), socket.MSG_CMSG_CLOEXEC
    try:
        try:
            data, extra, flags, _ = connection.recvmsg(*room)
        except ConnectionResetError:  # the last message is behind this error
            data, extra, flags, _ = connection.recvmsg(*room)
    except TimeoutError:
        raise
    except OSError:
        raise EndOfConnection from None
    files = array.array("i")
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(content[: len(content) - len(content) % size])
    try:
        if not data or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise EndOfConnection
        message = parse_json(data.decode(), "the message")
        if not isinstance(message, dict):
            raise EndOfConnection
    except (EndOfConnection, Refusal, UnicodeDecodeError):
        close_files(files)
        raise EndOfConnection from None
    return message, list(files)


@contextmanager
def memory_file(data: bytes) -> Iterator[int]:
    """Yield a file in memory with some bytes. It is closed afterwards."""
    content = os.memfd_create("content", os.MFD_CLOEXEC)
    with os.fdopen(content, "wb") as file:
        file.write(data)
        file.flush()
        yield content


def close_files(files: Sequence[int]) -> None:
    """Close open files."""
    for file in files:
        with suppress(OSError):
            os.close(file)


def peer_account(connection: socket.socket) -> int:
    """Return the id of the account of the process on the other side, as the kernel states it."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 3 * 4)
    return array.array("I", data)[1]


def refusal_json(refusal: Refusal) -> dict[str, str]:
    """Return a refusal as a message states it."""
    return {"code": refusal.code, "message": refusal.message, "fix": refusal.fix}


def read_refusal(value: Any) -> RequestError:
    """Read the refusal of a message. Raises `EndOfConnection`."""
    texts = [value.get(name) if isinstance(value, dict) else None for name in _REFUSAL]
    if not all(isinstance(text, str) for text in texts):
        raise EndOfConnection
    code, message, fix = (str(text) for text in texts)
    return RequestError(code, message, fix=fix)


_REFUSAL = ("code", "message", "fix")
