"""A hub's database of an earlier format opens with all that it held, or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exchange.hub.hub import Hub
from exchange.hub.store import MOST_TEXTS, Store, row_digest
from tests.support.attack_stories import send_status, status_grant, treatment_grant
from tests.support.refused import refused
from tests.support.simulator import World

# The tables and indices as format 2 had them.
TABLES = {
    "record": "issuer TEXT NOT NULL, jti TEXT NOT NULL, held TEXT, at INTEGER NOT NULL, "
    "role TEXT NOT NULL, jws TEXT NOT NULL, labels TEXT NOT NULL, pads BLOB NOT NULL, "
    "time INTEGER NOT NULL, number INTEGER NOT NULL, nonce BLOB NOT NULL, "
    "number_nonce BLOB NOT NULL",
    "text": "issuer TEXT NOT NULL, jti TEXT NOT NULL, part TEXT NOT NULL, agency TEXT NOT NULL, "
    "held TEXT, key TEXT NOT NULL, purpose TEXT NOT NULL, basis TEXT NOT NULL, "
    "sha256 TEXT NOT NULL, ct BLOB, state INTEGER NOT NULL, leaf INTEGER",
    "item": "agency TEXT NOT NULL, position INTEGER NOT NULL, issuer TEXT NOT NULL, "
    "jti TEXT NOT NULL, number INTEGER NOT NULL",
}
INDICES = (
    "CREATE UNIQUE INDEX record_id ON record(issuer, jti)",
    "CREATE INDEX record_case ON record(held, at)",
    "CREATE INDEX record_number ON record(issuer, held, number)",
    "CREATE UNIQUE INDEX text_id ON text(issuer, jti, agency, part)",
    "CREATE INDEX text_open ON text(held, issuer, agency) WHERE state = 0",
    "CREATE UNIQUE INDEX item_id ON item(agency, position)",
    "CREATE INDEX item_number ON item(issuer, agency, number)",
)


def set_back(path: Path) -> None:
    """Rewrite a database as format 2 had it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        rows = {
            table: [list(row) for row in db.execute(f"SELECT * FROM {table}")] for table in TABLES
        }
        for table, columns in TABLES.items():
            db.execute(f"DROP TABLE {table}")
            db.execute(f"CREATE TABLE {table}({columns}, digest BLOB NOT NULL) STRICT")
            # In another order than they came, as a table without an integer key may have them.
            for row in reversed(rows[table]):
                values = row[:-1]
                if table == "record":
                    values = [*values[1:4], values[0], *values[4:]]
                elif table == "text":
                    values = values[1:]
                marks = ", ".join("?" * (len(values) + 1))
                db.execute(
                    f"INSERT INTO {table} VALUES ({marks})", (*values, row_digest(table, values))
                )
        for statement in INDICES:
            db.execute(statement)
        db.execute("PRAGMA user_version = 2")
        db.execute("COMMIT")
    # The sum beside it is of the other pages. A new database has none yet.
    path.with_name(f"{path.name}.sum").unlink()


def worked(path: Path) -> World:
    """A world with waiting, handed out, and withdrawn texts over a database."""
    store = Store(path)

    class Kept(Hub):
        """The world's hub, over this database."""

        def __init__(self, *given: Any) -> None:
            super().__init__(*given, store)

    world = World(Kept)
    case = world.enrolled(status_grant(), treatment_grant())
    for _ in range(2):
        send_status(world, case)
        world.hub.inbox("prosecutor", world.clock, 1)
    send_status(world, case)
    return world


def content(store: Store) -> object:
    records = list(store.records())
    return (
        records,
        [store.texts(record.issuer, record.jti) for record, _ in records],
        {agency: store.inbox(agency, 0, 1000) for agency in ("prosecutor", "police", "crossroads")},
        [store.last_number(record.issuer, record.case) for record, _ in records],
        [store.waiting_in(case) for case in sorted(store.cases_waiting(), key=str)],
        list(store.leaves()),
    )


def test_everything_is_there_after_the_move_and_no_row_is_at_fault(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = worked(path).hub.store
    before = content(store)
    assert len(list(store.records())) > 4 and store.cases_waiting()
    store.close()
    set_back(path)
    for _ in range(2):
        with closing(Store(path)) as moved:
            assert content(moved) == before
            assert list(moved.faults()) == []
            assert len({text.place // MOST_TEXTS for text in moved.waiting_in(None)}) <= 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE text SET state = 0 WHERE state = 1",
        "UPDATE record SET time = time + 1 WHERE at = (SELECT max(at) FROM record)",
        "UPDATE item SET number = 7 WHERE position = 1",
        "DELETE FROM record WHERE jti = (SELECT jti FROM text LIMIT 1)",
    ],
)
def test_a_changed_row_gets_no_new_digest(change: str, tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    worked(path).hub.store.close()
    set_back(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute(change).rowcount > 0
    for _ in range(2):
        with refused("damaged"):
            Store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
