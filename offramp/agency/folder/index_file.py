"""`agency.index`: what was worked out of each case, so that the next program needn't do it again.

A SQLite file with a sealed row for each case and subject. It is no second truth: a row counts only
where this very code made it of the case as the journal has it now. Anything else is worked out
again, and no fault of the file is an error. It is overwritten before anything is destroyed.
See docs/decisions/0050-kept-index.md.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange.errors import ExchangeError
from exchange.standards import i_json
from exchange.standards.keys import PrivateKey
from exchange.standards.sqlite import fault_of
from offramp.agency.errors import AgencyError
from offramp.agency.folder.case_memory import CaseMemory, Remembered
from offramp.agency.folder.code_version import code_version
from offramp.agency.folder.keys import overwritten

# The new values that are worth a write.
ENOUGH = 20
NONCE_BYTES, KEY_BYTES = 12, 32
# How long a write waits for another program, in seconds. Then the values stay unwritten.
PATIENCE = 1
_LABEL = b"offramp/1/index"
_OPENING = (
    "PRAGMA trusted_schema = OFF",
    # Not synced: a torn row doesn't open.
    "PRAGMA synchronous = OFF",
    "CREATE TABLE IF NOT EXISTS remembered(name BLOB PRIMARY KEY, sealed BLOB NOT NULL) "
    "STRICT, WITHOUT ROWID",
)


class IndexFile:
    """One agency's index file.

    `salt` is in the journal, and is renewed at each destruction, so that no older copy opens.
    """

    def __init__(self, path: Path, signing: PrivateKey, salt: bytes) -> None:
        self.path = path
        secret = signing.scalar.private_numbers().private_value.to_bytes(KEY_BYTES, "big")
        keys = HKDF(SHA256(), 2 * KEY_BYTES, salt, _LABEL).derive(secret)
        self._aead, self._names = AESGCM(keys[:KEY_BYTES]), keys[KEY_BYTES:]

    def read_into(self, memory: CaseMemory, digests: Mapping[int, bytes]) -> None:
        """Add every row that fits the journal to a memory.

        `digests` are those of the journal's events by number.
        """

        def read(database: sqlite3.Connection) -> None:
            rows = database.execute("SELECT name, sealed FROM remembered").fetchall()
            for name, sealed in rows:
                with suppress(InvalidTag, ExchangeError, ValueError, TypeError, KeyError):
                    row = self._opened(name, sealed)
                    stamp = row["stamp"]
                    if digests.get(stamp, b"").hex() == row["digest"]:
                        value = Remembered(stamp, row["since"], row["until"], row["value"], True)
                        memory.add(row["subject"], row["case"], value)

        self._with_database(read)

    def write(self, memory: CaseMemory, digests: Mapping[int, bytes]) -> None:
        """Write the values that the file lacks. Ignores a full disk and a busy file."""
        rows = [
            self._sealed(subject, handle, remembered, digests[remembered.stamp])
            for subject, handle, remembered in memory.written()
            if remembered.stamp in digests
        ]

        def write(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO remembered VALUES (?, ?)", rows)
            database.execute("COMMIT")
            memory.unsaved.clear()

        self._with_database(write)

    def forget(self) -> None:
        """Overwrite and delete the file, so that no destroyed text stays in it.

        Raises `AgencyError` `no-room`.
        """
        for path in (self.path.with_name(f"{self.path.name}-journal"), self.path):
            try:
                overwritten(path)
            except OSError as error:
                message = f"`{path}` can't be overwritten: {error.strerror}"
                raise AgencyError("no-room", message, fix="delete it, then try again") from None

    def _sealed(
        self, subject: str, handle: str, remembered: Remembered, digest: bytes
    ) -> tuple[bytes, bytes]:
        name = self._name(subject, handle)
        row = {
            "subject": subject,
            "case": handle,
            "stamp": remembered.stamp,
            "digest": digest.hex(),
            "since": remembered.since,
            "until": remembered.until,
            "value": remembered.value,
        }
        nonce = secrets.token_bytes(NONCE_BYTES)
        return name, nonce + self._aead.encrypt(nonce, i_json.write(row), _bound_to(name))

    def _opened(self, name: bytes, sealed: bytes) -> dict[str, Any]:
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return i_json.read_object(self._aead.decrypt(nonce, text, _bound_to(name)))

    def _name(self, subject: str, handle: str) -> bytes:
        """Return a row's name, which shows neither its case nor its subject."""
        code = HMAC(self._names, SHA256())
        code.update(f"{subject}\0{handle}".encode())
        return code.finalize()

    def _with_database(self, act: Callable[[sqlite3.Connection], None]) -> None:
        """Do something with the file, and ignore its faults. A damaged file is deleted."""
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            os.close(os.open(self.path, flags, 0o600))
            if not self.path.is_file():  # a pipe would be waited for
                return
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=PATIENCE)
        except (OSError, sqlite3.Error):
            return
        with closing(connection) as database:
            try:
                for statement in _OPENING:
                    database.execute(statement)
                act(database)
            except sqlite3.Error as error:
                if fault_of(error) not in ("busy", "disk"):
                    with suppress(OSError):
                        self.path.unlink()


def _bound_to(name: bytes) -> bytes:
    return _LABEL + b"\0" + code_version() + b"\0" + name
