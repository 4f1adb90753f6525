"""A person's side of a command server: find it, pass the command on, and open the person's files.

INVARIANT: the server receives no file that the person's own words don't name, and nothing is
overwritten without the person's `--force`. So a false server gains nothing that was not offered.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from offramp.command_server.messages import (
    EndOfConnection,
    close_files,
    memory_file,
    peer_account,
    read_refusal,
    receive,
    refusal_json,
    send,
)
from offramp.command_socket import IS_POSSIBLE, NAME
from offramp.output_file import check_output, prepare_folder, write_output
from offramp.user_files import open_named
from rules.errors import PackError, Refusal, RequestError
from rules.frozen import frozen

# Seconds until a server must take a connection.
PATIENCE = 5.0
_QUESTIONS = ("open", "pack", "check", "folder", "write")
_OWN_WORDS = ("--passphrase-file", "--clock")
_STANDARD = (0, 1, 2)


@frozen
class _Target:
    """A socket, the place of the word that names it, and the account that owns what it names."""

    path: Path
    argument: int
    owner: int


def run_at_server(arguments: Sequence[str]) -> int | None:
    """Run an agency's command at its command server, and return the exit code.

    None if no server answers for the folder, or if its owner names the passphrase. Then the
    command runs in this process. Raises `RequestError` `server-gone`, and what the server refuses
    with.
    """
    target = _find(arguments) if IS_POSSIBLE else None
    if target is None or (target.owner == os.geteuid() and _names_passphrase(arguments)):
        return None
    connection = _connect(target)
    if connection is None:
        return None
    with closing(connection):
        try:
            return _converse(connection, arguments, target)
        except EndOfConnection:
            raise RequestError(
                "server-gone",
                "the command server ended before it answered",
                fix="see what was recorded with `offramp agency status`, then try again",
            ) from None


def _find(arguments: Sequence[str]) -> _Target | None:
    place = _place_of_folder(arguments)
    if place is None:
        return None
    named = Path(arguments[place])
    for path in (named / NAME, named):
        with suppress(OSError, ValueError):
            if stat.S_ISSOCK(path.stat().st_mode):
                return _Target(path, place, named.stat().st_uid)
    return None


def _place_of_folder(arguments: Sequence[str]) -> int | None:
    """Return the place of the word that names the agency's folder, None if help is asked for.

    INVARIANT: no other word is taken for it. A socket there would get the person's terminal.
    """
    place = 2 if arguments[0] == "agency" else 1
    if arguments[0] != "adopt" and len(arguments) > place and not arguments[place].startswith("-"):
        return place
    if any(argument in ("-h", "--help") for argument in arguments):
        return None
    # Options come first, and only the parser can tell their values from the folder. It is slow.
    from offramp.parsers import parser_of

    folder = parser_of(arguments[0]).parse_args(list(arguments)).dir
    return arguments.index(folder) if folder in arguments else None


def _names_passphrase(arguments: Sequence[str]) -> bool:
    return any(argument.partition("=")[0] in _OWN_WORDS for argument in arguments)


def _connect(target: _Target) -> socket.socket | None:
    """Connect to the server. None if nobody listens, or not the account that owns the folder."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(PATIENCE)
    try:
        # The name of a socket is short, and a folder's path can be long.
        folder = os.open(target.path.absolute().parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            connection.connect(f"/proc/self/fd/{folder}/{target.path.name}")
        finally:
            os.close(folder)
        if peer_account(connection) == target.owner:
            connection.settimeout(None)
            return connection
    except OSError:
        pass
    connection.close()
    return None


def _converse(connection: socket.socket, arguments: Sequence[str], target: _Target) -> int | None:
    own_words = [argument for place, argument in enumerate(arguments) if place != target.argument]
    sys.stdout.flush()
    with _standard_files() as files:
        greeting = {
            "words": list(arguments),
            "folder": target.argument,
            "encodings": [
                getattr(stream, "encoding", None) or "utf-8"
                for stream in (sys.stdin, sys.stdout, sys.stderr)
            ],
        }
        # A server that has no room ends the connection, and its refusal waits there.
        with suppress(EndOfConnection):
            send(connection, greeting, files)
    with _interrupts_passed_on(connection):
        while True:
            message, received = receive(connection)
            try:
                if "exit" in message:
                    return int(message["exit"])
                if message.get("run_it_yourself") is True:
                    return None
                if "refusal" in message:
                    raise read_refusal(message["refusal"])
                answer, opened = _answer(message, received, own_words)
            finally:
                close_files(received)
            send(connection, answer, opened)
            close_files(opened)


@contextmanager
def _standard_files() -> Iterator[list[int]]:
    """Yield standard input, output, and error. What is closed is replaced by nothing.

    A terminal is no input of a command in the background, which must not read from it.
    """
    empty = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield [number if _is_usable(number) else empty for number in _STANDARD]
    finally:
        os.close(empty)


def _is_usable(number: int) -> bool:
    try:
        os.fstat(number)
        return number != 0 or not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


@contextmanager
def _interrupts_passed_on(connection: socket.socket) -> Iterator[None]:
    """Pass the first interrupt on to the command. The second one ends this process's part.

    The terminal can't stop a command that runs at the server, so Ctrl-Z has no effect.
    """
    interrupts: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        interrupts.append(number)
        if len(interrupts) > 1:
            raise KeyboardInterrupt
        with suppress(EndOfConnection):
            send(connection, {"interrupt": True})

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, pass_on),
        signal.SIGTSTP: signal.signal(signal.SIGTSTP, signal.SIG_IGN),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# The person's files


def _answer(
    message: dict[str, Any], received: list[int], arguments: Sequence[str]
) -> tuple[dict[str, Any], list[int]]:
    """Return the answer to what the server asks for, with the file that it may have.

    Raises `EndOfConnection` for what is no such question.
    """
    question = next((name for name in _QUESTIONS if name in message), "")
    name, force = message.get(question), message.get("force") is True and "--force" in arguments
    if not isinstance(name, str):
        raise EndOfConnection
    try:
        if not _is_named(Path(name), arguments, new=question in ("check", "write")):
            raise PermissionError(13, "Permission denied")
        if question == "open":
            with open_named(name) as file:
                return {"answer": None}, [os.dup(file.fileno())]
        if question == "pack":
            from offramp.adoption import collect_pack  # slow to load, and seldom needed

            with memory_file(collect_pack(name).write()) as content:
                return {"answer": None}, [os.dup(content)]
        if question == "check":
            check_output(name, force=force)
        elif question == "folder":
            prepare_folder(name, _plain_names(message.get("files")), force=force)
        else:
            write_output(name, _content(received), force=force)
    except PackError as error:
        # A message states no place beside the sentence.
        sentence = f"{error.at}: {error.message}"
        return {"refusal": refusal_json(RequestError(error.code, sentence, fix=error.fix))}, []
    except Refusal as refusal:
        return {"refusal": refusal_json(refusal)}, []
    except (OSError, ValueError) as error:
        return {"errno": getattr(error, "errno", None) or 22}, []
    return {"answer": None}, []


def _plain_names(names: object) -> tuple[str, ...]:
    """Return the names of files in a folder. Raises `EndOfConnection` for what is none."""
    if not isinstance(names, list):
        raise EndOfConnection
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise EndOfConnection
    return tuple(names)


def _is_named(path: Path, arguments: Sequence[str], *, new: bool) -> bool:
    """Report whether the person's words name a path. A new file may be in a folder they name."""
    paths = [
        Path(text)
        for argument in arguments
        for text in (argument, argument.partition("=")[2])
        if text
    ]
    return path in paths or (new and path.parent in paths and path.name != "..")


def _content(received: list[int]) -> bytes:
    if len(received) != 1:
        raise EndOfConnection
    with os.fdopen(os.dup(received[0]), "rb") as file:
        file.seek(0)
        return file.read()
