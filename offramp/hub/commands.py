"""`offramp hub init|serve|invite|backup|restore|generation` and `offramp fsck`."""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from exchange.errors import ExchangeError, StoreError
from exchange.hub.gathering import CLOSED, Gathering
from exchange.hub.hub import Hub
from exchange.hub.pages import Pages, lost_commits
from exchange.hub.rebuilding import Restoration
from exchange.hub.store import Store
from offramp.clock import Clock
from offramp.hub import membership
from offramp.hub.folder import Folder, create
from offramp.hub.membership import Invited
from rules.errors import RequestError


def init(options: argparse.Namespace) -> int:
    folder = create(
        Path(options.dir),
        pack=options.pack,
        name=options.name,
        program=options.program,
        zone=options.zone,
        port=options.port,
        demo=options.demo,
    )
    print(
        f"{folder.path} is the folder of the hub `{folder.settings.name}` for {folder.settings.program}."
    )
    print(
        f"Next: offramp hub invite {options.dir} AGENCY --role ROLE --name NAME, once for each founder;"
    )
    print(f"then: offramp hub serve {options.dir}")
    return 0


def invite(options: argparse.Namespace) -> int:
    folder = Folder(Path(options.dir))
    until = _clock(folder, options).now() + membership.INVITATION_SECONDS
    try:
        invited = Invited(agency=options.agency, role=options.role, name=options.name, until=until)
    except ValueError:
        raise RequestError(
            "bad-invitation",
            f"`{options.agency}` can't be invited as that",
            fix="an id of lower-case letters, digits and dashes, a role of the vocabulary, a name on one line",
        ) from None
    print(membership.invite(folder.secret, invited))
    return 0


def serve(options: argparse.Namespace) -> int:
    import uvicorn

    from offramp.hub.api.app import create_app
    from offramp.hub.api.requests import LOOPBACK
    from offramp.hub.patience import PatientProtocol, create_server
    from offramp.hub.service import Service

    folder = Folder(Path(options.dir))
    settings = folder.settings
    if settings.host not in LOOPBACK and not settings.certificate:
        raise RequestError(
            "no-certificate",
            "without a certificate the hub is served on loopback only",
            fix="name one in hub.toml",
        )
    gc.enable()  # a server lives long, unlike other commands
    # What a crash leaves behind would hold whatever was in memory.
    _no_cores()
    service = Service(folder, _clock(folder, options))
    app = create_app(service)
    port = options.port or settings.port
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=port,
        http=PatientProtocol,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        log_level="warning",
        access_log=False,
        date_header=False,
        server_header=False,
        limit_concurrency=2000,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=64 * 1024,
    )
    print(f"the hub `{settings.name}` listens on {settings.host}:{port}", flush=True)
    # Uvicorn stops at these and then sends them on: a stop that was asked for is no failure.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: None)
    create_server(config, service.writer.wake).run()
    return 0


def _no_cores() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _clock(folder: Folder, options: argparse.Namespace) -> Clock:
    if options.clock and not folder.settings.demo:
        raise RequestError(
            "no-demo", "a clock in a file is for demonstrations", fix="leave out `--clock`"
        )
    return Clock(Path(options.clock) if options.clock else None)


def backup(options: argparse.Namespace) -> int:
    """A copy of the database in one file, while the hub runs or not."""
    folder, target = Folder(Path(options.dir)), Path(options.file)
    if target.exists():
        raise RequestError("file-taken", f"`{target}` is there already", fix="name a new file")
    partial = target.with_name(f".{target.name}.partial")
    old = os.umask(0o077)
    try:
        _copied(folder, partial)
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
    print(
        f"{target}: {target.stat().st_size} bytes. The keys in {folder.path / 'keys'} aren't in it: keep them apart."
    )
    return 0


def _copied(folder: Folder, target: Path) -> None:
    live = sqlite3.connect(f"file:{folder.database}?mode=ro", uri=True)
    with closing(live), closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


def generation(options: argparse.Namespace) -> int:
    """What a restored hub waits for, and what the threshold is to sign, while it serves or not; sets agencies aside."""
    from offramp.hub.restore_state import report_state
    from offramp.restored import lines

    folder = Folder(Path(options.dir))
    if options.without:
        # Whose word isn't taken, whoever signs must say too. A hub that serves holds its database.
        hub = folder.open()
        with closing(hub.store), hub.together():
            if not hub.store.value(CLOSED):
                raise RequestError(
                    "not-closed", "the hub waits for nobody", fix="leave `--without` out"
                )
            Gathering(hub).set_aside(one for one in options.without if one != "-")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "hub.db"
        try:
            _copied(folder, copy)
        except sqlite3.Error as error:
            raise RequestError(
                "no-file", f"the hub's database can't be read: {error}", fix="run `offramp fsck`"
            ) from None
        with closing(Store(copy)) as store:
            hub = Hub(folder.key, folder.settings.name, folder.judges(store), os.urandom, store)
            said = report_state(Restoration(hub), None, _clock(folder, options).now())
    if options.json:
        print(json.dumps(said))
    else:
        print("\n".join(lines(said)))
    return 0


def restore(options: argparse.Namespace) -> int:
    """The database of a backup in the place of the present one, which is kept beside it. The hub stays closed until its members
    have sent again what it lacks, so that no revocation is forgotten.
    """
    folder, source = Folder(Path(options.dir)), Path(options.file)
    if not source.is_file():
        raise RequestError("no-file", f"there is no `{source}`", fix="name a backup")
    with tempfile.TemporaryDirectory(dir=folder.path) as scratch:
        copy = Path(scratch) / "hub.db"
        shutil.copyfile(source, copy)
        faults = _faults(copy)
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
        for beside in ("-wal", "-shm", ".sum"):
            (folder.path / f"hub.db{beside}").unlink(missing_ok=True)
        copy.replace(folder.database)
        copy.with_name("hub.db.sum").replace(folder.path / "hub.db.sum")
    print(
        f"{folder.database} is that of {source}. Serve it: it hands out nothing until every agency's gateway has been heard."
    )
    print(f"Then: offramp hub generation {options.dir}")
    return 0


def fsck(options: argparse.Namespace) -> int:
    """Compares every byte of a stopped hub's database with what it must be. Exit 1 where it isn't."""
    path = Path(options.dir)
    database = path / "hub.db" if path.is_dir() else path
    if not database.is_file():
        raise RequestError("no-file", f"there is no `{database}`", fix="name a hub's folder")
    found = _faults(database)
    for fault in found:
        print(f"wrong: {fault}")
    if not found:
        print(f"{database}: every byte is as it was written.")
    return 1 if found else 0


def _faults(database: Path) -> list[str]:
    try:
        pages = Pages(database)
    except StoreError as error:
        if error.code == "in-use":
            raise
        return [error.message]
    try:
        # A copy, so that looking changes nothing: SQLite writes back what it finds in a write-ahead log.
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "hub.db"
            shutil.copyfile(database, copy)
            wal = database.with_name(f"{database.name}-wal")
            if lost_commits(wal).exist:
                return [
                    "the last commit in the write-ahead log doesn't hold: a power failure left it, or a byte is wrong"
                ]
            if wal.exists():
                shutil.copyfile(wal, copy.with_name("hub.db-wal"))
            return _inside(copy)
    finally:
        pages.release()


def _inside(copy: Path) -> list[str]:
    try:
        with closing(Store(copy)) as store:
            found = list(store.faults())
            return found or list(_log_faults(store))
    except ExchangeError as error:
        return [error.message]


def _log_faults(store: Store) -> list[str]:
    """What of log and directory doesn't hold together: leaves without a gap, every record's and text's leaf what it says."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from exchange.consent.disclosure import judges_of
    from exchange.log.receipts import rebuild_leaf

    try:
        hub = Hub(Ed25519PrivateKey.generate(), "fsck", judges_of(()), os.urandom, store)
    except ExchangeError as error:
        return [f"the directory isn't one that its members signed: {error.message}"]
    if hub.log.size and store.leaf_count() != hub.log.size:
        return ["a leaf of the log is missing"]
    found = []
    for record, receipt in store.records():
        wanted = rebuild_leaf(
            receipt, jti=record.jti, issuer=record.issuer, statement=record.sha256
        )
        if receipt.index >= hub.log.size or store.leaf(receipt.index) != wanted:
            found.append(f"the record of leaf `{receipt.index}` isn't the one that was logged")
    return found


def main(options: argparse.Namespace) -> int:
    """Runs one of the hub's commands."""
    commands = {
        "init": init,
        "serve": serve,
        "invite": invite,
        "backup": backup,
        "restore": restore,
        "generation": generation,
    }
    try:
        return commands[options.hub_command](options)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 0
