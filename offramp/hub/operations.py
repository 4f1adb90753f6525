"""The tasks of a hub's operator as typed functions: the Python API of `offramp hub`.

Each function takes values and returns values. None parses arguments or prints. Times are seconds
since 1970 (UTC).
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from exchange.errors import ExchangeError, StoreError
from exchange.hub.gathering import CLOSED, Gathering
from exchange.hub.hub import Hub
from exchange.hub.pages import Pages, lost_commits
from exchange.hub.rebuilding import Restoration
from exchange.hub.store import Store
from exchange.membership.directory import Role
from offramp.clock import Clock
from offramp.hub import invitations
from offramp.hub.folder import Folder
from offramp.hub.folder import create as create_hub
from offramp.hub.invitations import Invited
from offramp.output_file import check_output
from rules.errors import RequestError
from rules.frozen import frozen

__all__ = [
    "AGENCY_ROLES",
    "Invitation",
    "back_up",
    "clock_of",
    "create_hub",
    "find_faults",
    "invite_agency",
    "list_invitations",
    "open_folder",
    "report_generation",
    "restore",
    "set_aside",
    "withdraw_invitation",
]


def open_folder(path: Path) -> Folder:
    """Open a hub's folder. Raises `RequestError` `not-a-hub`."""
    return Folder(path)


def clock_of(folder: Folder, file: Path | None) -> Clock:
    """Return the hub's clock, or for a demonstration the one in a file.

    Raises `RequestError` `no-demo`, `bad-clock`.
    """
    if file is not None and not folder.settings.demo:
        raise RequestError(
            "no-demo",
            "a clock in a file is for demonstrations",
            fix="leave out `--clock`; a practice hub is made with `offramp hub init DIR --demo`",
        )
    return Clock(file)


# What an agency can be in the directory.
AGENCY_ROLES: tuple[str, ...] = get_args(Role)
_STATES = ("open", "used", "expired", "withdrawn")


@frozen
class Invitation:
    """An invitation. `until` is the last second to join, since 1970.

    `state` is `open`, `used`, `expired`, or `withdrawn`. Only an open one has its code, which is
    empty in the other states. `used_at` is when the agency joined with it, in seconds since 1970.
    """

    agency: str
    role: str
    name: str
    until: int
    code: str
    state: str = "open"
    used_at: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp hub invite`."""
        return {
            "agency": self.agency,
            "role": self.role,
            "name": self.name,
            "until": _written(self.until),
            "code": self.code or None,
            "state": self.state,
            "used_at": None if self.used_at is None else _written(self.used_at),
        }


def _written(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def invite_agency(folder: Folder, agency: str, role: str, name: str, *, now: int) -> Invitation:
    """Invite an agency: the code with which it joins within seven days.

    An earlier invitation of the agency ends. Raises `RequestError` `bad-invitation`.
    """
    invited = invitations.invite(
        folder.path, agency, role, name, now=now, random_bytes=secrets.token_bytes
    )
    return _invitation(folder, invited)


def list_invitations(folder: Folder, *, now: int) -> tuple[Invitation, ...]:
    """Return the newest invitation of each agency, the open ones in front.

    Each has its state. The one that expires first comes first.
    """
    listed = [_listed(folder, invited, now) for invited in invitations.list_invited(folder.path)]
    known = {invitation.agency for invitation in listed}
    withdrawn = [
        _without_code(invited, "withdrawn")
        for invited in invitations.list_withdrawn(folder.path)
        if invited.agency not in known
    ]
    return tuple(sorted([*listed, *withdrawn], key=lambda each: _STATES.index(each.state)))


def _listed(folder: Folder, invited: Invited, now: int) -> Invitation:
    used_at = invitations.used_at(folder.path, invited)
    if used_at is not None:
        return _without_code(invited, "used", used_at)
    return (
        _without_code(invited, "expired") if now > invited.until else _invitation(folder, invited)
    )


def _without_code(invited: Invited, state: str, used_at: int | None = None) -> Invitation:
    return Invitation(invited.agency, invited.role, invited.name, invited.until, "", state, used_at)


def withdraw_invitation(folder: Folder, agency: str) -> Invitation:
    """End an agency's invitation. Raises `RequestError` `no-invitation`."""
    return _invitation(folder, invitations.withdraw(folder.path, agency))


def _invitation(folder: Folder, invited: Invited) -> Invitation:
    code = invitations.code_of(folder.secret, invited)
    return Invitation(invited.agency, invited.role, invited.name, invited.until, code)


def back_up(folder: Folder, target: Path, *, force: bool = False) -> int:
    """Copy the database to a new file, while the hub runs or not, and return its size in bytes.

    The keys aren't in it. Raises `RequestError` `file-taken`, `no-output`.
    """
    check_output(target, force=force)
    partial = target.with_name(f".{target.name}.partial")
    old = os.umask(0o077)
    try:
        _copy_database(folder, partial)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise RequestError(
            "no-output",
            f"the backup could not be written: {error}",
            fix="make room, or write elsewhere",
        ) from None
    finally:
        os.umask(old)
    return target.stat().st_size


def _copy_database(folder: Folder, target: Path) -> None:
    live = sqlite3.connect(f"file:{folder.database}?mode=ro", uri=True)
    with closing(live), closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


def restore(folder: Folder, source: Path) -> None:
    """Put a backup in the database's place, and keep the present one beside it.

    The hub stays closed until its members have sent again what it lacks, so that no revocation is
    forgotten. Raises `RequestError` `no-file`, `bad-backup`; `StoreError` `in-use`.
    """
    if not source.is_file():
        raise RequestError("no-file", f"there is no `{source}`", fix="name a backup")
    with tempfile.TemporaryDirectory(dir=folder.path) as scratch:
        copy = Path(scratch) / "hub.db"
        shutil.copyfile(source, copy)
        faults = find_faults(copy)
        if faults:
            raise RequestError(
                "bad-backup", f"`{source}` isn't whole: {faults[0]}", fix="take another backup"
            )
        with closing(Store(copy)) as store:
            if not store.versions():
                raise RequestError(
                    "bad-backup",
                    f"`{source}` is older than the directory",
                    fix="take another backup",
                )
            store.set_value(CLOSED, b"-")
        if folder.database.exists():
            with closing(Store(folder.database)):
                pass
            folder.database.replace(folder.path / "hub.db.before-restore")
        for suffix in ("-wal", "-shm", ".sum"):
            (folder.path / f"hub.db{suffix}").unlink(missing_ok=True)
        copy.replace(folder.database)
        copy.with_name("hub.db.sum").replace(folder.path / "hub.db.sum")


def set_aside(folder: Folder, agencies: Iterable[str]) -> None:
    """Let a restored hub go on without waiting for these agencies. The hub must be stopped.

    The signers must name them too. Raises `RequestError` `not-closed`; `StoreError` `in-use`.
    """
    hub = folder.open()
    with closing(hub.store), hub.together():
        if not hub.store.value(CLOSED):
            raise RequestError(
                "not-closed", "the hub waits for nobody", fix="leave `--without` out"
            )
        Gathering(hub).set_aside(agencies)


def report_generation(folder: Folder, *, now: int) -> dict[str, Any]:
    """Return what a restored hub waits for, and what the threshold must sign.

    The members are those of `GET /v1/generation`. The hub may run. Raises `RequestError` `no-file`.
    """
    from offramp.hub.restore_state import report_state

    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "hub.db"
        try:
            _copy_database(folder, copy)
        except sqlite3.Error as error:
            raise RequestError(
                "no-file",
                f"the hub's database can't be read: {error}",
                fix="run `offramp hub fsck DIR`",
            ) from None
        with closing(Store(copy)) as store:
            hub = Hub(folder.key, folder.settings.name, folder.judges(store), os.urandom, store)
            return report_state(Restoration(hub), None, now)


def find_faults(database: Path) -> list[str]:
    """Compare every byte of a stopped hub's database with what was written: a sentence for a fault.

    Raises `StoreError` `in-use`.
    """
    try:
        pages = Pages(database)
    except StoreError as error:
        if error.code == "in-use":
            raise
        return [error.message]
    try:
        log = database.with_name(f"{database.name}-wal")
        if lost_commits(log).exist:
            return [
                "the last commit in the write-ahead log doesn't hold: "
                "a power failure left it, or a byte is wrong"
            ]
        with _copied(database, log) as copy:
            return _content_faults(copy)
    finally:
        pages.release()


@contextmanager
def _copied(database: Path, log: Path) -> Iterator[Path]:
    """Copy a database, so that reading it changes nothing: SQLite writes back its log."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "hub.db"
        shutil.copyfile(database, copy)
        if log.exists():
            shutil.copyfile(log, copy.with_name("hub.db-wal"))
        yield copy


def _content_faults(copy: Path) -> list[str]:
    try:
        with closing(Store(copy)) as store:
            return list(store.faults()) or _log_faults(store)
    except ExchangeError as error:
        return [error.message]


def _log_faults(store: Store) -> list[str]:
    """Check that log and directory agree: no gap, and each record's leaf is the record's."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from exchange.consent.disclosure import judges_of
    from exchange.log.receipts import rebuild_leaf

    try:
        hub = Hub(Ed25519PrivateKey.generate(), "fsck", judges_of(()), os.urandom, store)
    except ExchangeError as error:
        return [f"the directory isn't one that its members signed: {error.message}"]
    if hub.log.size and store.leaf_count() != hub.log.size:
        return ["a leaf of the log is missing"]
    faults = []
    for record, receipt in store.records():
        expected = rebuild_leaf(
            receipt, jti=record.jti, issuer=record.issuer, statement=record.sha256
        )
        if receipt.index >= hub.log.size or store.leaf(receipt.index) != expected:
            faults.append(f"the record of leaf `{receipt.index}` isn't the one that was logged")
    return faults
