"""One command for one person, in a process of its own, on the person's own terminal.

INVARIANT: who the person is comes from the kernel. The message states the words of the command and
gives three open files, and no path, no environment, and no name.
"""

from __future__ import annotations

import argparse
import codecs
import os
import queue
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from offramp.account import serve_account
from offramp.adoption import LARGEST
from offramp.agency.commands import COMMANDS
from offramp.agency.folder.keys import Stretch
from offramp.cli import main
from offramp.command_server.guard import guard_paths
from offramp.command_server.messages import (
    EndOfConnection,
    close_files,
    memory_file,
    read_refusal,
    receive,
    refusal_json,
    send,
)
from offramp.user_files import use_files
from rules.errors import Refusal, RequestError
from rules.frozen import frozen

# Seconds until the first message must be there.
GREETING_WITHIN = 3.0
# Seconds that an ended command has to close its folder.
END_WITHIN = 2.0
# Seconds of processor time of one command.
PROCESSOR_SECONDS = 600
MOST_WORDS = 1_000
_INTERRUPTED = 130


@frozen
class Service:
    """What each command is given: the folder, its unlocked keys, and a demonstration's clock."""

    folder: Path
    unlocked: Stretch
    clock: str | None


class _RunItYourself(Exception):
    """The command isn't one for this folder's server."""


def run_session(connection: socket.socket, account: int, service: Service, alive: int) -> NoReturn:
    """Run one command for an account, and end this process. `alive` ends with the server.

    Call it in a process of its own with one thread.
    """
    code = 2
    try:
        _limit()
        code = _run(connection, account, service, alive)
    except (EndOfConnection, TimeoutError, KeyboardInterrupt):
        pass
    except BaseException:
        sys.excepthook(*sys.exc_info())
        _flush()
    finally:
        os._exit(code)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _run(connection: socket.socket, account: int, service: Service, alive: int) -> int:
    connection.settimeout(GREETING_WITHIN)
    greeting, files = receive(connection)
    connection.settimeout(None)
    arguments, place = greeting.get("words"), greeting.get("folder")
    if (
        not isinstance(arguments, list)
        or not all(isinstance(argument, str) for argument in arguments)
        or not isinstance(place, int)
        or not 0 < place < len(arguments) <= MOST_WORDS
        or len(files) != 3
    ):
        close_files(files)
        raise EndOfConnection
    _use_terminal(files, greeting.get("encodings"))
    channel = _Channel(connection, alive)
    use_files(channel)
    serve_account(account)
    guard_paths(service.folder, [*arguments[:place], *arguments[place + 1 :]])
    channel.start()
    try:
        code = main(
            arguments,
            prepare=lambda options: _prepare(options, arguments[place], service, account),
        )
    except SystemExit as help_shown:
        code = int(help_shown.code or 0)
    except _RunItYourself:
        send(connection, {"run_it_yourself": True})
        return 0
    _flush()
    send(connection, {"exit": code})
    return code


def _use_terminal(files: Sequence[int], encodings: Any) -> None:
    """Make the person's three files this process's standard input, output, and error."""
    names = encodings if isinstance(encodings, list) and len(encodings) == 3 else ["utf-8"] * 3
    for number, file in enumerate(files):
        os.dup2(file, number)
    close_files([file for file in files if file > 2])
    # They stay open for the life of the process.
    sys.stdin = open(0, encoding=_encoding(names[0]), closefd=False)  # noqa: SIM115  # see above
    sys.stdout, sys.stderr = _writer(1, names[1]), _writer(2, names[2])


def _writer(number: int, name: Any) -> IO[str]:
    is_terminal = os.isatty(number)
    return open(
        number,
        "w",
        encoding=_encoding(name),
        errors="backslashreplace",
        buffering=1 if is_terminal else -1,
        closefd=False,
    )


def _encoding(name: Any) -> str:
    """Return the encoding of a person's terminal. An unknown one is UTF-8."""
    try:
        known = codecs.lookup(name).name if isinstance(name, str) and len(name) < 40 else ""
    except (LookupError, ValueError):
        return "utf-8"
    return known if known in _ENCODINGS else "utf-8"


_ENCODINGS = ("utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            return


def _prepare(options: argparse.Namespace, folder: str, service: Service, account: int) -> None:
    """Have a command work in the served folder with its unlocked keys.

    The owner of the folder runs what only the owner may run in a process of its own, with the
    passphrase: it makes folders, or a file with all keys. Raises `RequestError` `owner-only`.
    """
    name = getattr(options, "agency_command", None)
    if name is None or options.dir != folder:
        raise _RunItYourself
    command = COMMANDS[name]
    if command.owner_only is not None and account == os.geteuid():
        raise _RunItYourself
    if command.owner_only is not None:
        raise RequestError(
            "owner-only",
            f"`{name}` is for the account that owns the folder: {command.owner_only}",
            fix="ask the person who runs `offramp agency serve`",
        )
    for option in ("passphrase_file", "clock"):
        if getattr(options, option, None) is not None:
            raise RequestError(
                "owner-only",
                f"`--{option.replace('_', '-')}` is for the account that owns the folder",
                fix="leave it out: the command server has the keys and the time",
            )
    options.dir, options.clock = str(service.folder), service.clock
    options.unlocked = service.unlocked


class _Channel:
    """The connection to the person's process: it opens files, and its end ends the command.

    A thread reads it, because an interrupt can arrive while the command waits for an answer at the
    terminal. It implements `offramp.user_files.UserFiles`.
    """

    def __init__(self, connection: socket.socket, alive: int) -> None:
        self._connection = connection
        self._alive = alive
        self._answers: queue.SimpleQueue[tuple[dict[str, Any], list[int]]] = queue.SimpleQueue()

    def start(self) -> None:
        """Read the connection from now on, and watch if the server lives."""
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                message, files = receive(self._connection)
            except EndOfConnection:
                _end()
                return
            if message.get("interrupt") is True:
                close_files(files)
                _interrupt()
            else:
                self._answers.put((message, files))

    def _watch(self) -> None:
        os.read(self._alive, 1)  # it returns when the last writer, the server, is gone
        _end()

    # The person's files

    def open_named(self, name: str) -> IO[bytes]:
        """Have the person's process open a file to read. Raises `OSError`."""
        files = self._ask({"open": name})
        if len(files) != 1:
            close_files(files)
            raise OSError(5, "Input/output error", name)
        return os.fdopen(files[0], "rb")

    def collect_pack(self, name: str) -> bytes:
        """Have the person's process collect a pack's files. Raises `OSError`, `RequestError`."""
        files = self._ask({"pack": name})
        if len(files) != 1:
            close_files(files)
            raise OSError(5, "Input/output error", name)
        with os.fdopen(files[0], "rb") as file:
            file.seek(0)
            return file.read(LARGEST + 1)

    def check_output(self, name: str, *, force: bool) -> None:
        """Have the person's process check a path for a new file. Raises `RequestError`."""
        close_files(self._ask({"check": name, "force": force}))

    def prepare_folder(self, name: str, files: Sequence[str], *, force: bool) -> None:
        """Have the person's process make a folder. Raises `RequestError`."""
        close_files(self._ask({"folder": name, "files": list(files), "force": force}))

    def write_output(self, name: str, data: bytes, *, force: bool) -> None:
        """Have the person's process write a file. Raises `RequestError`."""
        with memory_file(data) as content:
            close_files(self._ask({"write": name, "force": force}, [content]))

    def _ask(self, message: dict[str, Any], files: Sequence[int] = ()) -> list[int]:
        """Ask the person's process, and return the files of its answer.

        Raises `OSError`, `RequestError` as it answers.
        """
        send(self._connection, message, files)
        answer, received = self._answers.get()
        if "answer" in answer:
            return received
        close_files(received)
        if "refusal" in answer:
            raise read_refusal(answer["refusal"])
        number = answer.get("errno")
        number = number if isinstance(number, int) else 5
        raise OSError(number, os.strerror(number), next(iter(message.values())))


def _interrupt() -> None:
    """Interrupt the main thread, also where it waits for the terminal."""
    main_thread = threading.main_thread().ident
    assert main_thread is not None, "it runs"
    signal.pthread_kill(main_thread, signal.SIGINT)


def _end() -> None:
    """Interrupt the command. If it doesn't end, end the process: what is recorded stays whole."""
    _interrupt()
    time.sleep(END_WITHIN)
    os._exit(_INTERRUPTED)


def refuse(connection: socket.socket, refusal: Refusal) -> None:
    """Tell a person's process why no command runs, and don't wait for it."""
    connection.setblocking(False)
    with suppress(EndOfConnection):
        send(connection, {"refusal": refusal_json(refusal)})
