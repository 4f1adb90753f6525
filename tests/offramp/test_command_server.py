"""Commands of several accounts at one agency's folder, with real processes and real accounts."""

from __future__ import annotations

import json
import os
import pwd
import random
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from offramp.agency import operations
from offramp.command_server import messages
from offramp.command_server.client import run_at_server
from offramp.command_server.guard import guard_paths
from rules.errors import RequestError
from tests.support.accounts import (
    ANA,
    BEN,
    EVE,
    AtTerminal,
    Command,
    Outcome,
    become,
    needs_accounts,
    run_as,
)
from tests.support.running_agencies import Running, serve_joined
from tests.support.staff import founder_of
from tests.support.terminals import INTERRUPT

PEOPLE = {"Ana Ruiz": ANA, "Ben Ortiz": BEN}
SOCKET = "commands.socket"
DAYS = [f"2024-11-{day:02}" for day in range(1, 29)]

pytestmark = needs_accounts


class Office:
    """The police's folder with its gateway, and what the accounts of the machine do there."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.folder = running.folder / "police"
        self.start()

    def start(self) -> None:
        words = ["serve", str(self.folder), "--passphrase-file", str(self.running.passphrase)]
        command = [sys.executable, "-m", "offramp", "agency", *words]
        self.log = self.running.folder / "serve.log"
        with self.log.open("ab") as log:
            self.gateway = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait_for_server()

    def wait_for_server(self, but: int | None = None) -> None:
        """Wait until a command server listens, another one than a process."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError), connect(self.folder) as connection:
                if server_of(connection) != but:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def words(self, command: str, *more: str) -> list[str]:
        return ["agency", command, str(self.folder), *more]

    def run(self, login: str, command: str, *more: str) -> Outcome:
        return run_as(login, self.words(command, *more))

    def refused(self, login: str, command: str, *more: str) -> str:
        """The code of a refusal."""
        ended = self.run(login, command, *more)
        assert ended.code == 2 and "Traceback" not in ended.err, ended
        return ended.err.strip().rpartition("[")[2].rstrip("]")

    def events(self) -> list[Any]:
        with closing(self.running.office("police")) as office:
            return [*office.journal.after(0)]

    def refer(self) -> str:
        """Tell crossroads of a person. Returns the case."""
        to = {"crossroads": {"purpose": "offer_and_hand_off", "basis": "offer_at_scene"}}
        facts = {"encounter.route": "arrest", "encounter.date": "2024-11-01"}
        part = {"category": "encounter", "to": to, "says": {"answer": "accepted"}}
        draft = self.running.folder / "referral.json"
        draft.write_text(json.dumps({"parts": [{**part, "content": {"facts": facts}}]}))
        draft.chmod(0o644)
        ended = self.run(ANA, "send", "referral", str(draft), "--json")
        assert ended.code == 0, ended
        return str(json.loads(ended.out)["case"])


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    # Other accounts must reach the folder, and pytest's own belong to one account alone.
    base = Path(tempfile.mkdtemp(prefix="offramp-"))
    base.chmod(0o711)
    try:
        with serve_joined(base) as running:
            list_people(running)
            found = Office(running)
            try:
                yield found
            finally:
                found.gateway.terminate()
                found.gateway.wait(20)
    finally:
        subprocess.run(["rm", "-r", str(base)], check=True)


def list_people(running: Running) -> None:
    with closing(running.office("police")) as office:
        founder = founder_of("police")
        operations.sign_in(office, by=founder)
        for name, login in PEOPLE.items():
            roles = ("member", "supervisor", "sender")
            operations.add_person(office, founder, name, roles, logins=(login,))


def connect(folder: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    handle = os.open(folder, os.O_PATH)
    try:
        connection.connect(f"/proc/self/fd/{handle}/{SOCKET}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(handle)
    return connection


def server_of(connection: socket.socket) -> int:
    """The process that listens, as the kernel states it."""
    return int.from_bytes(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder
    )


def children_of(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children")
    with suppress(FileNotFoundError):
        return [int(child) for child in listed.read_text().split()]
    return []


def wait_until(is_so: Any, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it didn't happen"
        time.sleep(0.02)


# Who it is


def test_the_kernel_states_who_acts_and_no_word_changes_it(office: Office) -> None:
    case = office.refer()
    assert office.refused(EVE, "status") == "unlisted-person"
    for words in (["--json", str(office.folder)], [str(office.folder), "--json"]):
        shown = run_as(BEN, ["agency", "status", *words])
        assert shown.code == 0 and json.loads(shown.out)["agency"] == "police"
    named = office.run(ANA, "correct", case, "encounter.date=2024-11-03", "--by", "Ben Ortiz")
    assert named.code == 2 and "[login-differs]" in named.err
    made = office.run(
        ANA, "correct", case, "encounter.date=2024-11-04", "--by", "Ana Ruiz", "--yes"
    )
    assert made.code == 0, made
    notes = [event.body for event in office.events() if event.kind == "noted"]
    assert notes[-1]["corrected_by"] == "Ana Ruiz"


def test_the_folder_can_be_passed_and_not_read(office: Office) -> None:
    assert stat.S_IMODE(office.folder.stat().st_mode) == 0o711

    def look() -> None:
        for path in (office.folder, *office.folder.iterdir()):
            if path.name == SOCKET:
                continue
            assert path == office.folder or not path.stat().st_mode & 0o077, path

    look()
    assert in_account(ANA, lambda: [*office.folder.iterdir()]) == "PermissionError"
    assert in_account(ANA, lambda: (office.folder / "agency.db").read_bytes()) == "PermissionError"


def in_account(login: str, do: Any) -> str:
    """Run a function as an account. Returns the name of the exception, or an empty text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(login)
            do()
        except BaseException as error:
            os.write(write, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as stream:
        return stream.read()


def test_what_only_the_folders_owner_may_do_is_refused(office: Office, tmp_path: Path) -> None:
    for command, *words in (
        ("backup", "/tmp/all"), ("move", "/tmp/all"), ("serve",), ("serve", "--once"),
        ("status", "--passphrase-file", "/etc/passwd"), ("status", "--clock", "/etc/passwd"),
        ("init", "--id", "police"), ("restore", "/tmp/all"),
    ):  # fmt: skip
        assert office.refused(ANA, command, *words) == "owner-only", command
    # The person's own process reads the folder of a pack, with the person's rights.
    assert office.refused(ANA, "adopt", "/etc") == "no-file"
    private = tmp_path / "private"
    private.mkdir(0o700)
    assert office.refused(ANA, "adopt", str(private)) in ("no-file", "unknown-pack")


# Files


def test_a_file_is_opened_with_the_rights_of_the_person_alone(office: Office) -> None:
    case = office.refer()
    home = office.running.folder / "ana"
    home.mkdir(0o700)
    os.chown(home, pwd.getpwnam(ANA).pw_uid, -1)
    mine, theirs = home / "facts.json", office.running.folder / "secret.json"
    for path, owner in ((mine, ANA), (theirs, "root")):
        path.write_text('{"encounter": {"date": "2024-11-09"}}')
        path.chmod(0o600)
        os.chown(path, pwd.getpwnam(owner).pw_uid, -1)
    corrects = ("correct", case, "--yes", "--by", "Ana Ruiz", "--file")
    assert office.run(ANA, *corrects, str(mine)).code == 0
    # The service could read each of these.
    for path in (theirs, office.folder / "agency.db", office.folder / "agency.toml", home / "no"):
        refused = office.run(ANA, *corrects, str(path))
        assert refused.code == 2 and "2024" not in refused.err, refused
    ben = office.run(BEN, "correct", case, "--yes", "--by", "Ben Ortiz", "--file", str(mine))
    assert "permission denied" in ben.err and ben.code == 2
    # A relative path is the person's, and so is a path with a link in it.
    (home / "link").symlink_to(theirs)
    words = office.words("correct", case, "encounter.date=2024-11-10", "--file")
    assert "[no-file]" in run_as(ANA, [*words, "link", "--yes"], folder=str(home)).err
    mine.write_text('{"encounter": {"date": "2024-11-12"}}')
    dry = run_as(ANA, [*words, "facts.json", "--dry-run"], folder=str(home))
    assert dry.code == 0, dry


def test_a_file_is_written_with_the_rights_of_the_person_alone(office: Office) -> None:
    case = office.refer()
    home = office.running.folder / "ana-out"
    home.mkdir(0o700)
    os.chown(home, pwd.getpwnam(ANA).pw_uid, -1)
    draft = home / "again.json"
    recall = ("recall", case, "duplicate", "--yes", "--draft")
    for place in ("/etc/again.json", str(office.folder / "again.json")):
        refused = office.run(ANA, *recall, place, "--by", "Ana Ruiz")
        assert refused.code == 2 and "[no-output]" in refused.err, refused
    made = office.run(ANA, *recall, str(draft), "--by", "Ana Ruiz")
    assert made.code == 0, made
    assert json.loads(draft.read_text())["parts"]
    assert draft.stat().st_uid == pwd.getpwnam(ANA).pw_uid
    assert stat.S_IMODE(draft.stat().st_mode) == 0o600


def test_a_path_in_a_persons_words_is_never_opened_by_the_server(tmp_path: Path) -> None:
    """The second guard, for a command that opens a path without asking the person's process."""
    secret, own = tmp_path / "secret", tmp_path / "folder"
    own.mkdir()
    for path in (secret, own / "journal"):
        path.write_text("x")
    words = ["agency", "send", str(secret), f"--file={own / 'journal'}", "../etc/shadow"]

    def guarded(do: Any) -> str:
        def in_child() -> None:
            guard_paths(own, words)
            do()

        return in_account("root", in_child)

    assert guarded(secret.read_text) == "PermissionError"
    assert guarded((own / "journal").read_text) == "PermissionError"
    assert guarded(lambda: (own / ".." / "folder" / "journal").read_text()) == "PermissionError"
    assert guarded(lambda: Path("/root/anything").read_text()) == "PermissionError"
    assert guarded(lambda: [*Path("/root").iterdir()]) == "PermissionError"
    assert guarded(lambda: (own / "other").write_text("fine")) == ""
    assert guarded(lambda: __import__("wave")) == ""


class FalseServer:
    """A server that asks for what it wants."""

    def __init__(self, folder: Path, *asks: dict[str, Any]) -> None:
        self.answers: list[tuple[dict[str, Any], str]] = []
        self.greeting: dict[str, Any] = {}
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(folder / SOCKET))
        listener.listen(1)

        def serve() -> None:
            with listener, listener.accept()[0] as connection:
                self.greeting, files = messages.receive(connection)
                messages.close_files(files)
                for ask in asks:
                    content = [os.memfd_create("x")] if "write" in ask else []
                    messages.send(connection, ask, content)
                    answer, files = messages.receive(connection)
                    text = os.pread(files[0], 99, 0).decode() if files else ""
                    self.answers.append((answer, text))
                messages.send(connection, {"exit": 0})

        self.thread = Thread(target=serve)
        self.thread.start()


def test_a_false_server_gets_no_file_that_the_words_dont_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "in the environment")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("named", "unnamed", "taken"):
            (folder / file).write_text(file)
        out = folder / "out"
        out.mkdir()
        server = FalseServer(
            folder,
            {"open": str(folder / "named")},
            {"open": str(folder / "unnamed")},
            {"open": "/etc/passwd"},
            {"write": str(folder / "unnamed"), "force": True},
            {"write": str(folder / "taken"), "force": True},
            {"write": str(out / "new"), "force": False},
            {"write": str(out / "deeper" / "new"), "force": False},
            {"folder": str(out), "files": ["page.html"], "force": True},
            {"folder": str(folder), "files": ["page.html"], "force": True},
        )
        (out / "police-1.json").write_text('{"type":"exhibit"}')
        words = ["agency", "note", name, f"--file={folder / 'named'}", str(folder / "taken")]
        assert run_at_server([*words, str(out)]) == 0
        server.thread.join()
        opened, refused, refused_too, unwritten, taken, written, deeper, *folders = server.answers
        assert [answer for answer, _ in folders] == [{"answer": None}, {"errno": 13}]
        assert opened == ({"answer": None}, "named") and written == ({"answer": None}, "")
        for answer, text in (refused, refused_too, unwritten, deeper):
            assert answer == {"errno": 13} and text == ""
        assert taken[0]["refusal"]["code"] == "file-taken"
        # Without `--force` in the words, nothing is removed.
        assert sorted(path.name for path in out.iterdir()) == ["new", "police-1.json"]
        assert (folder / "taken").read_text() == "taken"
    assert set(server.greeting) == {"words", "folder", "encodings"}
    assert "in the environment" not in json.dumps(server.greeting)


def test_a_server_of_another_account_than_the_folders_is_not_used() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        ready, is_ready = os.pipe()
        server = os.fork()
        if server == 0:
            become(EVE)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(f"{name}/{SOCKET}")
            listener.listen(1)
            os.write(is_ready, b"x")
            with suppress(OSError):
                listener.accept()
                time.sleep(60)
            os._exit(0)
        os.read(ready, 1)
        try:
            assert run_at_server(["agency", "status", name]) is None
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


# Terminals, interrupts, and ends


def test_a_command_asks_at_the_persons_own_terminal(office: Office) -> None:
    case = office.refer()
    terminal = AtTerminal(ANA, office.words("correct", case, "encounter.date=2024-11-05"))
    assert terminal.wait_for_prompt() and "Send it?" in terminal.text, "her login has her name"
    terminal.type("perhaps")
    assert terminal.wait_for_prompt()
    terminal.type("yes")
    assert terminal.end() == 0, terminal.text
    assert "corrected at `" in terminal.text


def test_an_interrupt_or_a_kill_keeps_nothing_and_ends_the_command(office: Office) -> None:
    case = office.refer()
    words = office.words("correct", case, "encounter.date=2024-11-06", "--by", "Ana Ruiz")
    with connect(office.folder) as connection:
        server = server_of(connection)
    wait_until(lambda: not children_of(server))
    before = [event.at for event in office.events() if event.kind in ("noted", "composed")]
    terminal = AtTerminal(ANA, words)
    assert terminal.wait_for_prompt() and len(children_of(server)) == 1
    terminal.type(INTERRUPT)
    assert terminal.end() == 130 and "nothing was kept or sent" in terminal.text
    terminal = AtTerminal(ANA, words)
    assert terminal.wait_for_prompt()
    terminal.kill()
    wait_until(lambda: not children_of(server), 5)
    assert before == [e.at for e in office.events() if e.kind in ("noted", "composed")]


def kept_and_told(office: Office, case: str) -> tuple[list[str], int]:
    """The days that corrections of a case kept, in order, and the number of their records."""
    with closing(office.running.office("police")) as opened:
        working_set = opened.replay()
        notes = [e.body for e in working_set.noted if e.body["case"] == case]
        outbox = working_set.outbox.values()
        told = [record for record in outbox if record.kind == "correction" and record.case == case]
    return [note["facts"]["encounter.date"] for note in notes], len(told)


def test_commands_that_are_killed_are_done_whole_or_not_at_all(office: Office) -> None:
    case, chance = office.refer(), random.Random(5)
    with connect(office.folder) as connection:
        server = server_of(connection)
    tried = DAYS[10:18]
    for number, day in enumerate(tried):
        wait_until(lambda: not children_of(server), 10)
        words = ("correct", case, f"encounter.date={day}", "--by", "Ana Ruiz", "--yes")
        command = Command(ANA, office.words(*words))
        time.sleep(chance.random() * 0.25)
        for process in (command.pid,) if number % 2 else children_of(server):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        command.end()
    wait_until(lambda: not children_of(server), 10)
    days, told = kept_and_told(office, case)
    assert days == [day for day in tried if day in days] and told == len(days)


def test_a_killed_server_is_started_again_and_its_commands_end(office: Office) -> None:
    case = office.refer()
    words = office.words("correct", case, "encounter.date=2024-11-07", "--by", "Ana Ruiz")
    terminal = AtTerminal(ANA, words)
    assert terminal.wait_for_prompt()
    other = ("encounter.date=2024-11-06", "--by", "Ben Ortiz", "--yes")
    command = Command(BEN, office.words("correct", case, *other))
    with connect(office.folder) as connection:
        server = server_of(connection)
    commands = children_of(server)
    os.kill(server, signal.SIGKILL)
    assert terminal.end() in (2, 130)
    assert command.end().code in (0, 2, 130)
    for process in commands:
        wait_until(lambda process=process: not Path(f"/proc/{process}").exists(), 5)
    days, told = kept_and_told(office, case)
    assert len(days) == told <= 1
    office.wait_for_server(but=server)
    assert office.run(BEN, "status").code == 0


def test_a_killed_gateway_leaves_no_server_and_the_next_one_takes_over(office: Office) -> None:
    case = office.refer()
    words = office.words("correct", case, "encounter.date=2024-11-07", "--by", "Ana Ruiz", "--yes")
    with connect(office.folder) as connection:
        server = server_of(connection)
    command = Command(ANA, words)
    time.sleep(random.Random(7).random() * 0.2)
    office.gateway.kill()
    office.gateway.wait()
    assert command.end().code in (0, 2, 130)
    wait_until(lambda: not Path(f"/proc/{server}").exists(), 5)
    days, told = kept_and_told(office, case)
    assert len(days) == told <= 1
    assert not (office.folder / SOCKET).exists()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stale:
        stale.bind(str(office.folder / SOCKET))
    assert office.refused(ANA, "status") == "owner-only"  # nobody answers at it
    office.start()
    assert office.run(ANA, "status").code == 0


# A hostile account


def test_one_account_cant_keep_another_one_out(office: Office) -> None:
    def hoard() -> list[socket.socket]:
        return [connect(office.folder) for _ in range(30)]

    ready, is_ready = os.pipe()
    hostile = os.fork()
    if hostile == 0:
        become(EVE)
        held = hoard()
        os.write(is_ready, b"x")
        held[0].send(b"{" * 100)
        held[1].send(b"\xff" * 60_000)
        with suppress(OSError):
            held[2].send(b"x" * 200_000)
        zero = os.open("/dev/zero", os.O_RDONLY)
        with suppress(OSError):
            socket.send_fds(held[3], [b"{}"], [zero] * 200)
        messages.send(held[4], {"words": ["agency"], "folder": 5, "encodings": 7}, [zero] * 3)
        messages.send(held[5], {"words": ["x"] * 9, "folder": 1, "encodings": [[], {}, 0]})
        with suppress(messages.EndOfConnection):
            messages.send(held[6], {"exit": 0})
        time.sleep(60)
        os._exit(0)
    try:
        os.read(ready, 1)
        assert office.run(ANA, "status").code == 0
        assert office.refused(EVE, "status") in ("server-busy", "unlisted-person")
        with connect(office.folder) as connection:
            server = server_of(connection)
        wait_until(lambda: not children_of(server), 15)  # silence ends
        assert office.refused(EVE, "status") == "unlisted-person"
    finally:
        os.kill(hostile, signal.SIGKILL)
        os.waitpid(hostile, 0)
    assert office.run(ANA, "status").code == 0


def test_commands_of_one_account_are_limited(office: Office) -> None:
    case = office.refer()
    words = office.words("correct", case, "encounter.date=2024-11-20", "--by", "Ana Ruiz")
    terminals = [AtTerminal(ANA, words) for _ in range(8)]
    try:
        assert all(terminal.wait_for_prompt() for terminal in terminals)
        assert office.refused(ANA, "status") == "server-busy"
        assert office.run(BEN, "status").code == 0
    finally:
        for terminal in terminals:
            terminal.kill()


def test_a_command_that_is_too_long_is_refused_in_the_persons_process(office: Office) -> None:
    assert office.refused(ANA, "status", "x" * 70_000) == "too-large"
    with pytest.raises(RequestError):
        messages.send(socket.socketpair()[0], {"words": ["x" * 70_000]})


# Two people on one case


def history(office: Office, case: str, made: Sequence[dict[str, Any]]) -> None:
    """Check that the corrections of a case are one line of changes, each on the one before.

    Each correction states what its person was shown as the old value.
    """
    notes = [e.body for e in office.events() if e.kind == "noted" and e.body["case"] == case]
    days = [note["facts"]["encounter.date"] for note in notes]
    shown = {
        correction["details"]["encounter.date"]: correction["holders"][0]["before"]
        for correction in made
    }
    assert sorted(days) == sorted(shown), "each that was reported is kept, and no other"
    before = "2024-11-01"
    for day in days:
        assert shown[day] == before, "the person saw the value that was changed"
        before = day
    office.running.settle()
    with closing(office.running.office("police")) as opened:
        outbox = opened.working_set().outbox.values()
        told = [record for record in outbox if record.kind == "correction" and record.case == case]
    assert len(told) == len(days) and all(record.receipt is not None for record in told)


def test_two_people_correct_one_case_at_once(office: Office) -> None:
    case = office.refer()
    made: list[dict[str, Any]] = []
    told_again = 0
    waiting = {ANA: list(DAYS[2:7]), BEN: list(DAYS[7:12])}
    names = {login: name for name, login in PEOPLE.items()}
    while any(waiting.values()):
        started = {
            login: Command(
                login,
                office.words(
                    "correct", case, f"encounter.date={days[0]}", "--by", names[login], "--yes",
                    "--json",
                ),
            )
            for login, days in waiting.items()
            if days
        }  # fmt: skip
        for login, command in started.items():
            ended = command.end()
            if ended.code == 0:
                made.append(json.loads(ended.out))
                waiting[login].pop(0)
            else:
                assert json.loads(ended.out)["error"]["code"] == "case-changed", ended
                told_again += 1
    assert len(made) == 10
    history(office, case, made)


@pytest.mark.parametrize(("first", "second"), [(ANA, BEN), (BEN, ANA)])
def test_the_second_of_two_people_is_told_that_the_case_changed(
    office: Office, first: str, second: str
) -> None:
    case = office.refer()
    names = {login: name for name, login in PEOPLE.items()}
    words = ("correct", case, "encounter.date=2024-11-21", "--by", names[second])
    reading = AtTerminal(second, office.words(*words))
    assert reading.wait_for_prompt() and "2024-11-01" in reading.text
    changed = office.run(
        first, "correct", case, "encounter.date=2024-11-22", "--by", names[first], "--yes"
    )
    assert changed.code == 0, changed
    reading.type("yes")
    assert reading.wait_for_prompt(), reading.text
    again = reading.text.partition("changed since you read it")[2]
    assert "2024-11-22" in again and "2024-11-01" not in again
    reading.type("yes")
    assert reading.end() == 0, reading.text
    notes = [e.body for e in office.events() if e.kind == "noted" and e.body["case"] == case]
    assert [(n["corrected_by"], n["facts"]["encounter.date"]) for n in notes] == [
        (names[first], "2024-11-22"),
        (names[second], "2024-11-21"),
    ]


# The last test: nothing is started again


def test_a_gateway_stops_within_five_seconds_beside_open_commands(office: Office) -> None:
    case = office.refer()
    words = office.words("correct", case, "encounter.date=2024-11-08", "--by", "Ana Ruiz")
    terminal = AtTerminal(ANA, words)
    assert terminal.wait_for_prompt()
    began = time.monotonic()
    office.gateway.terminate()
    assert office.gateway.wait(20) == 0 and time.monotonic() - began < 5
    assert terminal.end() in (2, 130)
    assert not (office.folder / SOCKET).exists()
