"""`agency.db`: an agency's events in order. The rest of its state follows by replay.

An event is on the disk before anything follows from it, so a record is stored before its first byte
is sent. Each row carries its own digest. Destroyed texts are taken out of their event in place, and
replay accepts the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from exchange.standards import i_json
from exchange.standards.sqlite import fault_of
from offramp.agency.errors import AgencyError
from rules.frozen import frozen

FORMAT = 3
ENTRY_BYTES = 32
# How long a command waits for another's transaction, in milliseconds. None waits for a network.
PATIENCE = 20_000


@frozen
class Event:
    """An event: its number, its kind, its time by this machine (seconds since 1970), its body."""

    at: int
    kind: str
    time: int
    body: dict[str, Any]


class Journal:
    """One agency's events.

    Raises `AgencyError` `no-room`, `in-use`, `not-a-journal`, `damaged`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _sound():
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=PATIENCE / 1000, check_same_thread=False
            )
            path.chmod(0o600)
            self._db.execute(f"PRAGMA busy_timeout = {PATIENCE}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.execute("PRAGMA trusted_schema = OFF")
            self._begin()

    def _begin(self) -> None:
        with self.together():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._db.execute(
                    "CREATE TABLE event(at INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
                    "time INTEGER NOT NULL, body BLOB NOT NULL, digest BLOB NOT NULL) STRICT"
                )
                # Values of which only the newest is needed, such as the last tree that was seen.
                self._db.execute(
                    "CREATE TABLE newest(name TEXT PRIMARY KEY, body BLOB NOT NULL, "
                    "digest BLOB NOT NULL) STRICT"
                )
            if version in (0, 1):
                # The log's blinded leaves, end to end: a restored hub needs them again.
                self._db.execute(
                    "CREATE TABLE seen(start INTEGER PRIMARY KEY, entries BLOB, "
                    "digest BLOB NOT NULL) STRICT"
                )
            if version in (0, 1, 2):
                # Who looked at what: a chain of its own (`offramp.agency.folder.looks`).
                self._db.execute(
                    "CREATE TABLE look(at INTEGER PRIMARY KEY, body BLOB NOT NULL, "
                    "link BLOB NOT NULL) STRICT"
                )
                self._db.execute(f"PRAGMA user_version = {FORMAT}")
            elif version != FORMAT:
                raise AgencyError(
                    "not-a-journal",
                    f"`{self.path}` has format `{version}`, and this program reads `{FORMAT}`",
                    fix="update it",
                )

    def close(self) -> None:
        """Close the database."""
        with _sound():
            self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run one transaction, while no other program writes."""
        with _sound():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            with _sound():
                self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                with _sound():
                    self._db.execute("ROLLBACK")
            raise

    def state(self) -> tuple[int, int]:
        """Return two numbers that differ after any change: by another program, and by this one."""
        with _sound():
            (by_others,) = self._db.execute("PRAGMA data_version").fetchone()
        return int(by_others), self._db.total_changes

    def append(self, kind: str, time: int, body: dict[str, Any]) -> Event:
        """Append an event, within `together`."""
        text = i_json.write(body)
        at = self.size() + 1
        with _sound():
            self._db.execute(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?)",
                (at, kind, time, text, _digest(at, kind, time, text)),
            )
        return Event(at, kind, time, body)

    def size(self) -> int:
        """Return the number of the newest event, 0 where there is none."""
        with _sound():
            (last,) = self._db.execute("SELECT coalesce(max(at), 0) FROM event").fetchone()
        return int(last)

    def replace(self, event: Event, body: dict[str, Any]) -> None:
        """Replace an event's body after a destruction in it, within `together`."""
        text = i_json.write(body)
        with _sound():
            self._db.execute(
                "UPDATE event SET body = ?, digest = ? WHERE at = ?",
                (text, _digest(event.at, event.kind, event.time, text), event.at),
            )

    def after(self, at: int) -> Iterator[Event]:
        """Yield the events after number `at`, in order."""
        return self._events("at > ?", at)

    def _events(self, where: str, value: object) -> Iterator[Event]:
        with _sound():
            rows = self._db.execute(
                f"SELECT at, kind, time, body, digest FROM event WHERE {where} ORDER BY at",
                (value,),
            ).fetchall()
        for number, kind, time, text, digest in rows:
            if _digest(number, kind, time, text) != digest:
                raise _damaged(f"event `{number}`")
            yield Event(number, kind, time, i_json.read_object(text))

    def digest_of(self, at: int) -> bytes | None:
        """Return the digest of event `at`, None where there is none."""
        with _sound():
            row = self._db.execute("SELECT digest FROM event WHERE at = ?", (at,)).fetchone()
        return None if row is None else bytes(row[0])

    def of_kind(self, kind: str) -> Iterator[Event]:
        """Yield the events of one kind, in order."""
        return self._events("kind = ?", kind)

    def put(self, name: str, body: dict[str, Any]) -> None:
        """Store the newest value of a name, within `together`."""
        text = i_json.write(body)
        with _sound():
            self._db.execute(
                "INSERT OR REPLACE INTO newest VALUES (?, ?, ?)",
                (name, text, _digest(0, name, 0, text)),
            )

    def get(self, name: str) -> dict[str, Any] | None:
        """Return the newest value of a name, None where there is none."""
        with _sound():
            row = self._db.execute(
                "SELECT body, digest FROM newest WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            return None
        if _digest(0, name, 0, row[0]) != row[1]:
            raise _damaged(f"`{name}`")
        return dict(i_json.read_object(row[0]))

    def see(self, start: int, entries: bytes) -> None:
        """Store the log's blinded leaves from an index on, end to end, within `together`."""
        with _sound():
            row = start, entries, _digest(start, "seen", 0, entries)
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", row)

    def seen(self, start: int) -> bytes:
        """Return the stored leaves from an index on, end to end."""
        leaves = bytearray()
        with _sound():
            rows = self._db.execute(
                "SELECT start, entries, digest FROM seen ORDER BY start"
            ).fetchall()
        for at, entries, digest in rows:
            if _digest(at, "seen", 0, entries) != digest:
                raise _damaged(f"what was seen from leaf `{at}` on")
            leaves += entries[max(0, start - at) * ENTRY_BYTES :]
        return bytes(leaves)

    def add_look(self, at: int, text: bytes, link: bytes) -> None:
        """Append a look with its link to the chain, within `together`."""
        with _sound():
            self._db.execute("INSERT INTO look VALUES (?, ?, ?)", (at, text, link))

    def last_look(self) -> tuple[int, bytes] | None:
        """Return the number and the link of the newest look, None where there is none."""
        with _sound():
            row = self._db.execute("SELECT at, link FROM look ORDER BY at DESC LIMIT 1").fetchone()
        return None if row is None else (int(row[0]), bytes(row[1]))

    def looks(
        self, needle: bytes = b"", newest: int | None = None
    ) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield number, text, and link of looks, the oldest first.

        With `needle`, only those whose text contains it, and with `newest`, only so many of the
        last ones.
        """
        with _sound():
            rows = self._db.execute(
                "SELECT at, body, link FROM (SELECT at, body, link FROM look "
                "WHERE ?1 = x'' OR instr(body, ?1) ORDER BY at DESC LIMIT ?2) ORDER BY at",
                (needle, -1 if newest is None else newest),
            ).fetchall()
        for at, text, link in rows:
            yield int(at), bytes(text), bytes(link)

    def write_back(self) -> bool:
        """Empty the write-ahead log into the database, so that no destroyed text stays in it.

        Returns False if another program that reads kept it from being emptied.
        """
        with _sound():
            (is_busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy

    def copy(self) -> bytes:
        """Return a whole copy of the database as of now, without the marks of a move and a place.

        INVARIANT: the copy is in memory only. A file would keep contents past their last day.
        """
        with _sound(), closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
            self._db.backup(copy)
            copy.execute("DELETE FROM newest WHERE name IN ('moved', 'place')")
            return copy.serialize()

    def digests(self) -> dict[int, bytes]:
        """Return the digest of every event, by its place."""
        with _sound():
            rows = self._db.execute("SELECT at, digest FROM event").fetchall()
        return {int(at): bytes(digest) for at, digest in rows}


def _digest(at: int, kind: str, time: int, text: bytes) -> bytes:
    return sha256(f"{at}\0{kind}\0{time}\0".encode() + text).digest()


def _damaged(item: str) -> AgencyError:
    return AgencyError(
        "damaged",
        f"{item} of the journal isn't what was written",
        fix="restore the last backup, then pull",
    )


@contextmanager
def _sound() -> Iterator[None]:
    """Raise SQLite's errors as `AgencyError`."""
    try:
        yield
    except sqlite3.Error as error:
        why = fault_of(error)
        if why == "disk":
            raise AgencyError(
                "no-room", f"the disk refuses: {error}", fix="make room, then try again"
            ) from None
        if why == "busy":
            raise AgencyError(
                "in-use", "another program holds the journal", fix="wait for it"
            ) from None
        raise AgencyError(
            "damaged", f"the journal can't be read: {error}", fix="restore the last backup"
        ) from None
