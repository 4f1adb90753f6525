"""Take connections at a Unix socket, and start a process for each: the server has no other task.

INVARIANT: the server has one thread, no database, and no connection to the hub, so a fork carries
none of them over. It reads no message and closes no file of a person, so nobody can make it wait.
"""

from __future__ import annotations

import fcntl
import os
import resource
import selectors
import signal
import socket
import stat
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from offramp.account import NOBODY
from offramp.agency.errors import AgencyError
from offramp.command_server.messages import EndOfConnection, peer_account
from offramp.command_server.session import Service, refuse, run_session
from rules.errors import RequestError

MOST_COMMANDS = 64
MOST_COMMANDS_OF_ONE_ACCOUNT = 8
# Seconds that one command may last: a consent is read aloud and signed in less.
LONGEST_COMMAND = 2 * 3600
# Seconds that commands have to end when the server stops.
STOP_WITHIN = 2.5
# Seconds that a new server waits for the last one to end.
TAKE_OVER_WITHIN = 5.0
_BACKLOG = 64


class Server:
    """A command server: its socket, and the commands that run. Close it with `stop`.

    `lifeline` ends when the gateway that started the server ends. Raises `AgencyError` `in-use`,
    `no-room`, `open-to-others`.
    """

    def __init__(self, path: Path, service: Service, lifeline: int) -> None:
        self._path = path
        self._service = service
        self._lifeline = lifeline
        self._running: dict[int, tuple[int, float]] = {}  # account and start of each process
        self._signals, signals_in = socket.socketpair()
        for end in (self._signals, signals_in):
            end.setblocking(False)
        self._signals_in = signals_in
        self._is_stopping = False
        # A command's process reads one end, and only the server has the other.
        self._alive, self._alive_in = os.pipe()
        self._lock = _lock(path)
        self._listener = _listen(path)

    def run(self) -> None:
        """Serve until the gateway ends or a signal arrives, then end every command."""
        signal.set_wakeup_fd(self._signals_in.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note_stop)
        with selectors.DefaultSelector() as selector:
            for source in (self._listener, self._signals, self._lifeline):
                selector.register(source, selectors.EVENT_READ)
            while not self._is_stopping:
                ready = {key.fileobj for key, _ in selector.select(1.0)}
                if self._lifeline in ready:
                    break
                if self._signals in ready:
                    self._read_signals()
                self._reap()
                if self._listener in ready:
                    self._accept()
                self._end_overdue()
        self._stop()

    def _note_stop(self, *_: object) -> None:
        self._is_stopping = True

    def _read_signals(self) -> None:
        with suppress(BlockingIOError):
            self._signals.recv(1024)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # the person's process is gone already, or no number for a file is left
            time.sleep(0.01)
            return
        with connection:
            try:
                account = peer_account(connection)
                self._check_room(account)
            except RequestError as refusal:
                refuse(connection, refusal)
            except (OSError, EndOfConnection):
                return
            else:
                self._start(connection, account)

    def _check_room(self, account: int) -> None:
        """Raise `RequestError` `server-busy`, `unknown-account`."""
        if account == NOBODY:
            raise RequestError(
                "unknown-account",
                "your account has no number on this machine",
                fix="run the gateway without `PrivateUsers=`",
            )
        commands = Counter(owner for owner, _ in self._running.values())
        if commands[account] >= MOST_COMMANDS_OF_ONE_ACCOUNT or len(self._running) >= MOST_COMMANDS:
            raise RequestError(
                "server-busy",
                f"`{commands[account]}` commands of your account and `{len(self._running)}` of "
                "all run already",
                fix="wait until one ends",
            )

    def _start(self, connection: socket.socket, account: int) -> None:
        try:
            process = os.fork()
        except OSError:
            return
        if process == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            for own in (self._listener, self._signals, self._signals_in):
                own.close()
            for file in (self._lock, self._alive_in):
                os.close(file)
            run_session(connection, account, self._service, self._alive)
        self._running[process] = account, time.monotonic()

    def _reap(self) -> None:
        """Forget the commands that ended."""
        while self._running:
            try:
                process, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._running.clear()
                return
            if process == 0:
                return
            self._running.pop(process, None)

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for process, (_, start) in self._running.items():
            if now - start > LONGEST_COMMAND:
                _signal(process, signal.SIGTERM if now - start < LONGEST_COMMAND + 5 else 9)

    def _stop(self) -> None:
        """Take no more commands, and end those that run: asked first, then killed."""
        self._listener.close()
        with suppress(OSError):
            self._path.unlink()
        for process in self._running:
            _signal(process, signal.SIGTERM)
        until = time.monotonic() + STOP_WITHIN
        while self._running and time.monotonic() < until:
            time.sleep(0.02)
            self._reap()
        for process in self._running:
            _signal(process, signal.SIGKILL)


def _signal(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _lock(path: Path) -> int:
    """Take the lock of a socket's path, when the last server has let go of it.

    Raises `AgencyError` `in-use`, `no-room`.
    """
    beside = path.with_name(f"{path.name}.lock")
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _no_socket(path, error) from None
    until = time.monotonic() + TAKE_OVER_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise AgencyError(
                    "in-use",
                    f"another command server listens at `{path}`",
                    fix="stop the other `offramp agency serve` of this folder",
                ) from None
            time.sleep(0.05)
        else:
            return lock


def _listen(path: Path) -> socket.socket:
    """Listen at a path, in place of a socket that an ended server left. Raises as `Server`."""
    folder = path.absolute().parent
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        status = folder.stat()
        if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
            raise AgencyError(
                "open-to-others",
                f"others can replace the socket in `{folder}`",
                fix="give the folder to the account of the gateway, and to nobody else to write",
            )
        if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
            raise AgencyError(
                "already-there", f"`{path}` is a file", fix="name another path in `socket`"
            )
        os.chdir(folder)  # the name of a socket is short, and a folder's path can be long
        listener.bind(beside.name)
        os.chdir("/")
        listener.listen(_BACKLOG)
        beside.chmod(0o666)
        beside.rename(path)
    except OSError as error:
        listener.close()
        with suppress(OSError):
            beside.unlink()
        raise _no_socket(path, error) from None
    listener.setblocking(False)
    return listener


def _no_socket(path: Path, error: OSError) -> AgencyError:
    return AgencyError(
        "no-room",
        f"no command server can listen at `{path}`: {error.strerror or error}",
        fix="name another path in the setting `socket`, such as `/run/offramp/agency.socket`",
    )


def limit_server() -> None:
    """Keep the keys in memory out of files: no core dump, and no file for others."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
