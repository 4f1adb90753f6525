"""A hub's store in one SQLite database: the log's leaves, records, sealed texts, and inboxes.

The same store serves a hub in a test and a hub of a city. Only the path differs.

INVARIANT: every row carries the digest of its other columns, so a changed byte is found however
it changed.

INVARIANT: a transaction is all or nothing, also if the disk fills up in the middle of it, and
nothing is answered before it is on the disk.

INVARIANT: a sealed text that may no longer pass is overwritten, and so is the space that it used
(`secure_delete`, and a checkpoint that empties the write-ahead log).
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Any

from exchange.consent.effects import EVERYTHING, Effect
from exchange.errors import StoreError
from exchange.hub.pages import Pages
from exchange.log.leaves import Leaf
from exchange.log.receipts import Receipt
from exchange.models import agency_of
from exchange.records.manifest import SIZES, Entry
from exchange.records.record import Record, restore_record
from exchange.records.sealing import Sealed
from exchange.standards.sqlite import fault_of
from rules.frozen import frozen

# Format 1 had another `text_open`. Up to format 2, texts and items had indices as keys.
FORMAT = 3
# The size in bytes from which the write-ahead log is written back.
LONGEST_LOG = 16 * 1024 * 1024
# The states of a sealed text.
WAITING, HANDED, WITHDRAWN = 0, 1, 2

# The most texts of one record, which is the largest size of a manifest.
MOST_TEXTS = max(SIZES)

# The columns of each table. Every table has a last column for the digest over the others. A commit
# writes each page that it changes, so keys that grow are cheaper than random ones, and a key of a
# table than an index. A text's `place` is the index of its record's leaf times `MOST_TEXTS`, and
# its place in the record.
TABLES: dict[str, str] = {
    "leaf": "at INTEGER PRIMARY KEY, nonce BLOB NOT NULL, body BLOB NOT NULL",
    "record": "at INTEGER PRIMARY KEY, issuer TEXT NOT NULL, jti TEXT NOT NULL, held TEXT, "
    "role TEXT NOT NULL, jws TEXT NOT NULL, labels TEXT NOT NULL, pads BLOB NOT NULL, "
    "time INTEGER NOT NULL, number INTEGER NOT NULL, nonce BLOB NOT NULL, "
    "number_nonce BLOB NOT NULL",
    "text": "place INTEGER PRIMARY KEY, issuer TEXT NOT NULL, jti TEXT NOT NULL, "
    "part TEXT NOT NULL, agency TEXT NOT NULL, held TEXT, key TEXT NOT NULL, "
    "purpose TEXT NOT NULL, basis TEXT NOT NULL, sha256 TEXT NOT NULL, ct BLOB, "
    "state INTEGER NOT NULL, leaf INTEGER",
    "item": "agency TEXT NOT NULL, position INTEGER NOT NULL, issuer TEXT NOT NULL, "
    "jti TEXT NOT NULL, number INTEGER NOT NULL",
    "version": "at INTEGER PRIMARY KEY, signed BLOB NOT NULL",
    "announced": "at INTEGER PRIMARY KEY, jws TEXT NOT NULL",
    "known": "name TEXT PRIMARY KEY, value BLOB NOT NULL",
}
_KEYS = {"item": "PRIMARY KEY (agency, position)"}
SCHEMA = {
    name: f"CREATE TABLE {name}({columns}, digest BLOB NOT NULL"
    + (f", {_KEYS[name]}) STRICT, WITHOUT ROWID" if name in _KEYS else ") STRICT")
    for name, columns in TABLES.items()
}
INDICES = {
    "record_id": "CREATE UNIQUE INDEX record_id ON record(issuer, jti)",
    "record_number": "CREATE INDEX record_number ON record(held, issuer, number)",
    "text_open": f"CREATE INDEX text_open ON text(held, issuer, agency) WHERE state = {WAITING}",
    "item_number": "CREATE INDEX item_number ON item(issuer, agency, number)",
}


@frozen
class SealedText:
    """One sealed part of a record for one agency, with its state and the leaf that set the state.

    `place` is its key in the store. `ct` is None once the text is destroyed.
    """

    place: int
    issuer: str
    jti: str
    entry: Entry
    agency: str
    ct: bytes | None
    state: int
    leaf: int | None


@frozen
class InboxEntry:
    """A record at a position in an agency's inbox, under its number from that issuer."""

    agency: str
    position: int
    issuer: str
    jti: str
    number: int


class Store:
    """One hub's database, in memory if there is no path.

    INVARIANT: a single thread writes. `commit` is the transaction.

    Raises `StoreError`: `no-room` if the disk is full or refuses, `in-use`, `not-a-store`,
    `damaged`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._wal = path.with_name(f"{path.name}-wal") if path else None
        self._depth = 0
        self._destroyed = False
        self._grown: set[str] = set()
        # INVARIANT: only this store writes the database, so the last numbers stay correct until a
        # transaction is undone.
        self._last: dict[tuple[str, ...], int] = {}
        # The rows of this transaction that aren't in the database yet, by table, and the ids of the
        # records among them. INVARIANT: every read but that of a record by its id writes them
        # first (`_read`), and so does the end of a transaction.
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._new_records: set[tuple[str, str]] = set()
        # Whether a commit failed and may have left frames in the write-ahead log.
        self._failed = False
        with _translated_errors():
            self._pages = Pages(path) if path else None
            # Without `close`, SQLite closes the connection by itself, and this runs before it.
            self._finalizer = weakref.finalize(self, self._pages.abandon) if self._pages else None
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            # An answer follows the sync, so everything acknowledged is on the disk.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.execute("PRAGMA trusted_schema = OFF")
            # Only `write_back` writes pages back.
            self._db.execute("PRAGMA wal_autocheckpoint = 0")
            try:
                self._begin()
                if self._pages and (self._pages.moving or self._pages.unwritten):
                    self.write_back()
            except BaseException:
                # Without this, a program that goes on would lock out the next one.
                self._db.close()
                if self._finalizer:
                    self._finalizer()
                raise

    def _begin(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.execute("BEGIN IMMEDIATE")
            for statement in (*SCHEMA.values(), *INDICES.values()):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {FORMAT}")
            self._db.execute("COMMIT")
        elif 0 < version < FORMAT:
            self._db.execute("BEGIN IMMEDIATE")
            self._renew()
            self._db.execute(f"PRAGMA user_version = {FORMAT}")
            self._db.execute("COMMIT")
        elif version != FORMAT:
            raise StoreError(
                "not-a-store",
                f"`{self.path}` has format `{version}`, and this program reads `{FORMAT}`",
                fix="update it",
            )

    def _renew(self) -> None:
        """Move the rows of an earlier format into the tables of this one. Raises `damaged`."""
        for name in _EARLIER_INDICES:
            self._db.execute(f"DROP INDEX {name}")
        places: dict[int, int] = {}
        for table, earlier in _EARLIER.items():
            self._db.execute(f"ALTER TABLE {table} RENAME TO earlier")
            self._db.execute(SCHEMA[table])
            for *values, digest, at in self._db.execute(earlier):
                # A new digest over a changed row would hide the change.
                if at is None or digest != row_digest(table, values):
                    raise StoreError(
                        "damaged",
                        f"a row of `{table}` in `{self.path}` isn't what was written",
                        fix="restore a backup",
                    )
                if table == "record":
                    values = [at, *values[:3], *values[4:]]
                elif table == "text":
                    values = [at * MOST_TEXTS + places.get(at, 0), *values]
                    places[at] = places.get(at, 0) + 1
                self._db.execute(_INSERTS[table], (*values, row_digest(table, values)))
            self._db.execute("DROP TABLE earlier")
        for statement in INDICES.values():
            self._db.execute(statement)

    def close(self) -> None:
        """Empty the write-ahead log and release the database for another program."""
        self.write_back()
        with _translated_errors():
            self._db.close()
        if self._pages and self._finalizer and self._finalizer.detach():
            self._pages.release()

    def write_back(self) -> None:
        """Write the write-ahead log to the database, and empty it.

        No destroyed text stays in it, and no frame of a failed commit. Raises `StoreError`
        `in-use`.
        """
        if self._pages is None:
            self._destroyed = self._failed = False
            return
        with _translated_errors(), self._pages.written_back():
            # A reader such as a backup may prevent it, and then the next commit tries again.
            busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StoreError("in-use", "a reader holds the hub's database", fix="wait for it")
        self._destroyed = self._failed = False

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Run the block as one transaction, or as a savepoint inside another `commit`."""
        if self._failed and not self._depth:
            with suppress(StoreError):
                self.write_back()
        begin, end, back = (
            ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK") if not self._depth else _nested(self._depth)
        )
        with _translated_errors():
            self._write_rows()
            self._db.execute(begin)
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._write_rows()
                self._db.execute(end)
            except BaseException as error:
                self._last.clear()
                # Rows of an outer transaction were written before this one began.
                self._drop_rows()
                self._failed = self._failed or isinstance(error, sqlite3.Error | StoreError)
                # A full disk may have ended it already.
                if self._db.in_transaction:
                    self._db.execute(back)
                    if self._depth > 1:
                        self._db.execute(_nested(self._depth - 1)[1])
                raise
            finally:
                self._depth -= 1
        if not self._depth and (self._destroyed or self._long()):
            with suppress(StoreError):
                self.write_back()

    def _long(self) -> bool:
        if self._wal is None:
            return False
        try:
            return self._wal.stat().st_size > LONGEST_LOG
        except FileNotFoundError:
            return False

    def _put(self, table: str, *values: Any) -> None:
        """Add a row, or replace that of the same key where `TABLES_REPLACED` has the table."""
        if self._failed:
            # A shorter commit over the failed one would leave the failed one's end behind, and the
            # next start would take that for a loss.
            raise StoreError(
                "no-room",
                "the hub's disk refused, and does so still",
                fix="make room, then send again",
            )
        self._rows.setdefault(table, []).append(values)
        if not self._depth:
            self._write_rows()

    def _write_rows(self) -> None:
        """Write the rows of this transaction to the database, table by table."""
        rows, self._rows = self._rows, {}
        self._new_records.clear()
        for table, values in rows.items():
            digested = [(*row, row_digest(table, row)) for row in values]
            self._db.executemany(_INSERTS[table], digested)

    def _drop_rows(self) -> None:
        self._rows.clear()
        self._new_records.clear()

    def _read(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a query over everything that was added so far."""
        self._write_rows()
        return self._db.execute(query, values)

    # The log

    def leaf(self, at: int) -> Leaf:
        """Return the leaf at an index. The index must exist."""
        nonce, body = self._read("SELECT nonce, body FROM leaf WHERE at = ?", (at,)).fetchone()
        return Leaf(at, nonce, body)

    def leaf_count(self) -> int:
        """Count the rows with leaves."""
        (count,) = self._read("SELECT count(*) FROM leaf").fetchone()
        return int(count)

    def leaves(self, start: int = 0, end: int | None = None) -> Iterator[Leaf]:
        """Return the leaves from one index up to, not including, another, in order."""
        rows = self._read(
            "SELECT at, nonce, body FROM leaf WHERE at >= ? AND at < ? ORDER BY at",
            (start, end or 2**62),
        )
        return (Leaf(*row) for row in rows)

    def add_leaf(self, leaf: Leaf) -> None:
        """Add a leaf at its index."""
        self._put("leaf", leaf.index, leaf.nonce, leaf.stored)

    # Members

    def versions(self) -> list[tuple[int, bytes]]:
        """Return every signed directory version with its leaf's index."""
        return self._read("SELECT at, signed FROM version ORDER BY at").fetchall()

    def add_version(self, at: int, signed: bytes) -> None:
        """Add a signed directory version under its leaf's index."""
        self._put("version", at, signed)

    def announced(self) -> list[tuple[int, str]]:
        """Return every announced sealing key with its leaf's index."""
        return self._read("SELECT at, jws FROM announced ORDER BY at").fetchall()

    def add_announced(self, at: int, jws: str) -> None:
        """Add an announced sealing key under its leaf's index."""
        self._put("announced", at, jws)

    # Records

    def record(self, issuer: str, jti: str) -> tuple[Record, Receipt] | None:
        """Return a record as the hub checked it, with its remaining texts, and its receipt."""
        if (issuer, jti) in self._new_records:
            self._write_rows()
        where = "WHERE issuer = ? AND jti = ?"
        row = self._db.execute(f"{_RECORD} {where}", (issuer, jti)).fetchone()
        return self._record(row) if row else None

    def stored_ids(self, ids: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return those of these ids (issuer, jti) under which there is a record."""
        by_issuer: dict[str, list[str]] = {}
        for issuer, jti in ids:
            by_issuer.setdefault(issuer, []).append(jti)
        found: set[tuple[str, str]] = set()
        for issuer, jtis in by_issuer.items():
            marks = ", ".join("?" * len(jtis))
            rows = self._read(
                f"SELECT jti FROM record WHERE issuer = ? AND jti IN ({marks})", (issuer, *jtis)
            )
            found.update((issuer, jti) for (jti,) in rows.fetchall())
        return found

    def in_case(self, case: str | None) -> list[tuple[Record, Receipt]]:
        """Return the records of a case, in order of index."""
        rows = self._read(f"{_RECORD} WHERE held IS ? ORDER BY at", (case,)).fetchall()
        return [self._record(row) for row in rows]

    def records(self) -> Iterator[tuple[Record, Receipt]]:
        """Return every record, in order of index."""
        return (self._record(row) for row in self._read(f"{_RECORD} ORDER BY at").fetchall())

    def _record(self, row: Sequence[Any]) -> tuple[Record, Receipt]:
        at, issuer, jti, _, role, jws, labels, pads, time, number, nonce, number_nonce = row
        texts = self.texts(issuer, jti)
        sealed = tuple(sealed_of(text) for text in texts if text.ct is not None)
        entries = tuple(text.entry for text in texts)
        pad_list = tuple(pads[start : start + 32] for start in range(0, len(pads), 32))
        record = restore_record(jws, json.loads(labels), role, entries, pad_list, sealed)
        return record, Receipt(at, time, number, nonce, number_nonce)

    def add_record(self, record: Record, receipt: Receipt) -> None:
        """Add a record with its texts, all waiting. `add_item` adds it to the inboxes."""
        last = self.last_number(record.issuer, record.case)
        self._last["record", record.issuer, record.case or ""] = max(last, receipt.number)
        self._new_records.add((record.issuer, record.jti))
        self._put(
            "record",
            receipt.index,
            record.issuer,
            record.jti,
            record.case,
            record.role,
            record.jws,
            _list_text(record.disclosures.values()),
            b"".join(record.pads),
            receipt.time,
            receipt.number,
            receipt.nonce,
            receipt.number_nonce,
        )
        # A record that returned after a restore may lack some texts.
        ciphertexts = {(sealed.part, sealed.to): sealed.ct for sealed in record.sealed}
        entries = sorted(record.entries, key=lambda entry: (agency_of(entry.to), entry.part))
        for place, entry in enumerate(entries, receipt.index * MOST_TEXTS):
            self._put(
                "text",
                place,
                record.issuer,
                record.jti,
                entry.part,
                agency_of(entry.to),
                record.case,
                entry.to,
                entry.purpose,
                entry.basis,
                entry.sha256,
                ciphertexts.get((entry.part, entry.to)),
                WAITING,
                None,
            )

    def last_number(self, issuer: str, case: str | None) -> int:
        """Return an issuer's last number in a case, 0 if it has none."""
        known = self._last.get(("record", issuer, case or ""))
        if known is not None:
            return known
        row = self._read(
            "SELECT number FROM record WHERE issuer = ? AND held IS ? ORDER BY number DESC LIMIT 1",
            (issuer, case),
        ).fetchone()
        return row[0] if row else 0

    def count_since(self, time: int, issuer: str) -> int:
        """Count an agency's records since a time, in seconds since 1970 (UTC)."""
        (count,) = self._read(
            "SELECT count(*) FROM record WHERE issuer = ? AND time >= ?", (issuer, time)
        ).fetchone()
        return int(count)

    def kinds_in_case_since(self, time: int, issuer: str, case: str | None) -> list[str]:
        """Return the kinds of an agency's records in a case since a time, in seconds since 1970."""
        rows = self._read(
            f"{_RECORD} WHERE issuer = ? AND held IS ? AND time >= ?", (issuer, case, time)
        )
        return [self._record(row)[0].kind for row in rows.fetchall()]

    # Texts

    def texts(self, issuer: str, jti: str, agency: str | None = None) -> list[SealedText]:
        """Return a record's texts, or those for one agency, in order of agency and part."""
        condition, values = ("", ()) if agency is None else (" AND agency = ?3", (agency,))
        rows = self._read(f"{_TEXT} {_OF_RECORD}{condition} ORDER BY place", (issuer, jti, *values))
        return [_text_of(row) for row in rows.fetchall()]

    def weight(self, issuer: str, jti: str, agency: str) -> int:
        """Estimate the bytes that a record's texts for one agency take in an answer."""
        row = self._read(
            f"SELECT sum(length(ct)) FROM text {_OF_RECORD} AND agency = ?3",
            (issuer, jti, agency),
        ).fetchone()
        return 4096 + (row[0] or 0) * 4 // 3

    def waiting_in(self, case: str | None, effect: Effect = EVERYTHING) -> list[SealedText]:
        """Return the waiting texts of a case that an effect covers."""
        where, values = f"held IS ? AND state = {WAITING}", [case]
        if effect.between is not None:
            where += " AND ((issuer = ? AND agency = ?) OR (issuer = ? AND agency = ?))"
            values += [*effect.between, *reversed(effect.between)]
        if effect.party is not None:
            where += " AND (issuer = ? OR agency = ?)"
            values += [effect.party] * 2
        if effect.basis is not None:
            where += " AND basis = ?"
            values.append(effect.basis)
        if effect.purposes is not None:
            where += f" AND purpose IN ({', '.join('?' * len(effect.purposes))})"
            values += effect.purposes
        rows = self._read(f"{_TEXT} WHERE {where} ORDER BY issuer, jti, agency, part", values)
        return [_text_of(row) for row in rows.fetchall()]

    def cases_waiting(self) -> list[str | None]:
        """Return the cases that have waiting texts."""
        return [
            case
            for (case,) in self._read(
                f"SELECT DISTINCT held FROM text WHERE state = {WAITING}"
            ).fetchall()
        ]

    def settle_text(self, text: SealedText, case: str | None, state: int, leaf: int) -> None:
        """Set a text's state, with the index of the leaf that logs it.

        A withdrawn text loses its bytes.
        """
        ct = None if state == WITHDRAWN else text.ct
        self._destroyed = self._destroyed or ct is None
        entry = text.entry
        self._put(
            "text",
            text.place,
            text.issuer,
            text.jti,
            entry.part,
            text.agency,
            case,
            entry.to,
            entry.purpose,
            entry.basis,
            entry.sha256,
            ct,
            state,
            leaf,
        )

    # Inboxes

    def items(self, agency: str) -> int:
        """Count the items that an agency has had."""
        known = self._last.get(("items", agency))
        if known is not None:
            return known
        (last,) = self._read(
            "SELECT max(position) FROM item WHERE agency = ?", (agency,)
        ).fetchone()
        return last or 0

    def inbox(self, agency: str, after: int, at_most: int) -> list[InboxEntry]:
        """Return an agency's items after its first `after`, at most so many."""
        rows = self._read(
            f"{_ITEM} WHERE agency = ? AND position > ? ORDER BY position LIMIT ?",
            (agency, after, at_most),
        )
        return [InboxEntry(*row) for row in rows.fetchall()]

    def item(self, agency: str, issuer: str, jti: str) -> InboxEntry:
        """Return the item of a record in the inbox of one of its recipients."""
        where = "issuer = ? AND agency = ? AND jti = ? ORDER BY position DESC"
        row = self._read(f"{_ITEM} WHERE {where}", (issuer, agency, jti)).fetchone()
        return InboxEntry(*row)

    def add_item(self, agency: str, issuer: str, jti: str) -> None:
        """Add a record to the end of an agency's inbox, under its next number from the issuer."""
        self._grown.add(agency)
        position, number = self.items(agency) + 1, self.last_item(agency, issuer) + 1
        self._put("item", agency, position, issuer, jti, number)
        self._last["items", agency] = position
        self._last["item", agency, issuer] = number

    def take_grown(self) -> list[str]:
        """Return the agencies whose inboxes grew since the last call, in order."""
        grown = sorted(self._grown)
        self._grown.clear()
        return grown

    def last_item(self, agency: str, issuer: str) -> int:
        """Return the last number that an agency has from an issuer, 0 if it has none."""
        known = self._last.get(("item", agency, issuer))
        if known is not None:
            return known
        (last,) = self._read(
            "SELECT max(number) FROM item WHERE issuer = ? AND agency = ?", (issuer, agency)
        ).fetchone()
        return last or 0

    # Named values

    def value(self, name: str) -> bytes | None:
        """Return a value by its name."""
        row = self._read("SELECT value FROM known WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_value(self, name: str, value: bytes) -> None:
        """Set a value under a name."""
        self._put("known", name, value)

    def value_names(self, prefix: str) -> list[str]:
        """Return the names that start with a prefix, in order."""
        rows = self._read(
            "SELECT name FROM known WHERE substr(name, 1, ?) = ? ORDER BY name",
            (len(prefix), prefix),
        )
        return [name for (name,) in rows.fetchall()]

    def delete_values(self, prefix: str) -> None:
        """Delete every value with a name that starts with a prefix, also from the write-ahead log.

        Sealed texts may be among them.
        """
        self._destroyed = True
        self._read("DELETE FROM known WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))

    # Checking

    def faults(self) -> Iterator[str]:
        """Yield a sentence for each fault of the database's pages, schema, and rows."""
        with _translated_errors():
            for (line,) in self._read("PRAGMA integrity_check").fetchall():
                if line != "ok":
                    yield f"the database says: {line}"
            schema = dict(
                self._read("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
            )
            if schema != SCHEMA | INDICES:
                yield "its tables aren't those of a hub"
                return
            for table in TABLES:
                rows = self._read(f"SELECT * FROM {table}")
                for number, (*values, digest) in enumerate(rows, 1):
                    if digest != row_digest(table, values):
                        yield f"row {number} of `{table}` isn't what was written"


def sealed_of(text: SealedText) -> Sealed:
    """Return a text as it was sealed. It must not be destroyed."""
    assert text.ct is not None, "the text is still there"
    return Sealed(text.entry.part, text.entry.to, text.entry.purpose, text.entry.basis, text.ct)


def row_digest(table: str, values: Sequence[Any]) -> bytes:
    """Return the SHA-256 of a table's name and a row's values, each with its type and length."""
    types = (table, *map(type, values))
    head, are_texts, are_others = _DIGEST_HEADS.get(types) or _add_digest_head(types)
    texts = list(values)
    for place in are_texts:
        texts[place] = values[place].encode("utf-8", "surrogatepass")
    for place in are_others:
        texts[place] = b"" if values[place] is None else b"%d" % values[place]
    return sha256(head % tuple(map(len, texts)) + b"".join(texts)).digest()


# By a table's name and the types of a row: the start of the digest's input, with a place for the
# length of each value, and the places of the values that are texts, and of those that are neither
# texts nor bytes.
_DigestHead = tuple[bytes, tuple[int, ...], tuple[int, ...]]
_DIGEST_HEADS: dict[tuple[Any, ...], _DigestHead] = {}


def _add_digest_head(types: tuple[Any, ...]) -> _DigestHead:
    table, *columns = types
    kinds = {str: "s", bytes: "b", NoneType: "n"}
    head = f"{table}:{','.join(kinds.get(column, 'i') + '%d' for column in columns)}:".encode()
    texts = tuple(place for place, column in enumerate(columns) if column is str)
    others = tuple(
        place for place, column in enumerate(columns) if column is not str and column is not bytes
    )
    _DIGEST_HEADS[types] = head, texts, others
    return _DIGEST_HEADS[types]


# The tables and indices of earlier formats. Each row of a text brings the index of its record.
_EARLIER = {
    "text": "SELECT earlier.*, record.at FROM earlier LEFT JOIN record USING (issuer, jti) "
    "ORDER BY earlier.issuer, earlier.jti, agency, part",
    "record": "SELECT *, at FROM earlier",
    "item": "SELECT *, 0 FROM earlier",
}
_EARLIER_INDICES = (
    "record_id",
    "record_case",
    "record_number",
    "text_id",
    "text_open",
    "item_id",
    "item_number",
)
# The tables with rows that are replaced under their key.
TABLES_REPLACED = ("text", "known")
_INSERTS = {
    name: f"INSERT {'OR REPLACE ' if name in TABLES_REPLACED else ''}INTO {name} "
    f"VALUES ({'?, ' * len(columns.split(', '))}?)"
    for name, columns in TABLES.items()
}
_RECORD = (
    "SELECT at, issuer, jti, held, role, jws, labels, pads, time, number, nonce, number_nonce "
    "FROM record"
)
_ITEM = "SELECT agency, position, issuer, jti, number FROM item"
_TEXT = (
    "SELECT place, issuer, jti, part, agency, key, purpose, basis, sha256, ct, state, leaf "
    "FROM text"
)
# The places of the texts of one record, by its id.
_FIRST = f"{MOST_TEXTS} * (SELECT at FROM record WHERE issuer = ?1 AND jti = ?2)"
_OF_RECORD = f"WHERE place >= {_FIRST} AND place < {_FIRST} + {MOST_TEXTS}"


def _list_text(texts: Iterable[str]) -> str:
    """Return a list of base64url texts, which have nothing to escape, as `json.dumps` writes it."""
    joined = '", "'.join(texts)
    return f'["{joined}"]' if joined else "[]"


def _text_of(row: Sequence[Any]) -> SealedText:
    place, issuer, jti, part, agency, key, purpose, basis, digest, ct, state, leaf = row
    entry = Entry(part, key, purpose, basis, digest)
    return SealedText(place, issuer, jti, entry, agency, ct, state, leaf)


def _nested(depth: int) -> tuple[str, str, str]:
    return f"SAVEPOINT part{depth}", f"RELEASE part{depth}", f"ROLLBACK TO part{depth}"


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Translate SQLite's errors into `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        fault = fault_of(error)
        if fault == "disk":
            raise StoreError(
                "no-room", f"the hub's disk refuses: {error}", fix="make room, then send again"
            ) from None
        if fault == "busy":
            raise StoreError(
                "in-use", "another program holds the hub's database", fix="stop the other one"
            ) from None
        raise StoreError(
            "damaged",
            f"the hub's database can't be read: {error}",
            fix="run `offramp hub fsck DIR`",
        ) from None
