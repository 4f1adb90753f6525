"""Back up an agency to one encrypted file, restore it, drill the restoration, and move it."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exchange.errors import shorten
from offramp.agency.errors import AgencyError
from offramp.agency.folder.archive import (
    Purpose,
    read_archive,
    read_header,
    unpack,
    write_archive,
)
from offramp.agency.folder.journal import Journal
from offramp.agency.folder.keys import Keys, Stretch, overwritten
from offramp.agency.folder.office import JOURNAL, KEYS, PACKS, Office, check_unused
from offramp.agency.folder.origin import note_origin
from offramp.agency.folder.settings import NAME
from offramp.agency.operations.access import ADMIN, needs
from offramp.output_file import check_output
from rules.frozen import frozen

_DRILL = ".drill-"
_SUFFIX = ".backup"


@frozen
class Drill:
    """A restoration that was tried in a temporary folder, and what the restored folder lacks.

    `events` and `keys` count what was restored. A backup that was just written lacks nothing.
    """

    events: int
    keys: int
    missing_events: int
    missing_keys: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """True if the restored folder is the same as this one."""
        return not (self.missing_events or self.missing_keys or self.different)

    def as_json(self) -> dict[str, Any]:
        """Return the drill's JSON in `offramp agency backup --drill`."""
        return {
            "events": self.events,
            "keys": self.keys,
            "missing_events": self.missing_events,
            "missing_keys": list(self.missing_keys),
            "different": list(self.different),
        }


@frozen
class Backup:
    """The encrypted file of a backup or a move, and the drill of it, if there was one."""

    file: Path
    drill: Drill | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency backup` and `offramp agency move`."""
        drill = {"drill": self.drill.as_json()} if self.drill is not None else {}
        return {"file": str(self.file), **drill}


@frozen
class RestoredAgency:
    """An agency that was restored into a new folder. `written_at` is in seconds since 1970."""

    agency: str
    folder: Path
    purpose: Purpose
    written_at: int
    events: int
    keys: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency restore`."""
        return {
            "agency": self.agency,
            "folder": str(self.folder),
            "from": self.purpose,
            "at": self.written_at,
            "events": self.events,
            "keys": list(self.keys),
        }


@needs(ADMIN, look="act")
def back_up(office: Office, file: Path, *, drill: bool = False, force: bool = False) -> Backup:
    """Write settings, keys, journal, and packs to a new file, under the passphrase of the keys.

    With `force`, an older backup is replaced once the new one is complete. With `drill`, the file
    is then restored into a temporary folder and compared. Without `force`, a drill writes no file
    that exists already. Raises `AgencyError` `already-there`, `no-room`; `RequestError`
    `no-output`; with `drill` as `restore_agency`.
    """
    is_there = os.path.lexists(file)
    if is_there and not (force or drill):
        raise _already_there(file, "name another file, or add `--force` to overwrite it")
    if force or not is_there:
        check_output(file, force=force)
        _write(office, file, "backup")
        with office.transaction():
            office.journal.put("backup", {"time": office.clock()})
    return Backup(file, drill_backup(office, file) if drill else None)


@frozen
class BackupFile:
    """A backup in the folder of backups. `time` is when it was written, in seconds since 1970."""

    name: str
    time: int
    size: int


@frozen
class LastDrill:
    """The last restoration that was tried on a copy, and when, in seconds since 1970."""

    name: str
    time: int
    drill: Drill


@frozen
class BackupState:
    """The backups of an agency. `last` is the time of the last one, wherever it was written.

    `folder` is where an admin makes them at the console, None if the settings name none. `files`
    are those in it, the newest first.
    """

    folder: str | None
    last: int | None
    files: tuple[BackupFile, ...]
    drill: LastDrill | None


@needs(ADMIN, look="list")
def describe_backups(office: Office) -> BackupState:
    """Return when the last backup was made, those that are here, and the last drill."""
    folder = office.settings.backup_folder
    last, tried = office.journal.get("backup"), office.journal.get("drill")
    drill = None
    if tried is not None:
        report = tried["drill"]
        missing, different = tuple(report["missing_keys"]), tuple(report["different"])
        counts = report["events"], report["keys"], report["missing_events"]
        drill = LastDrill(tried["file"], tried["time"], Drill(*counts, missing, different))
    return BackupState(
        folder,
        int(last["time"]) if last is not None else None,
        _backups_in(office, Path(folder)) if folder is not None else (),
        drill,
    )


@needs(ADMIN, look="act")
def back_up_here(office: Office) -> Backup:
    """Make a backup in the folder of backups, under a name with the time.

    Raises `AgencyError` `no-backup-folder`, `already-there`, `no-room`; `RequestError` `no-output`.
    """
    folder = _backup_folder(office)
    at = datetime.fromtimestamp(office.clock(), UTC).strftime("%Y-%m-%dT%H%M%SZ")
    return back_up(office, folder / f"{office.agency}-{at}{_SUFFIX}")


@needs(ADMIN, look="act")
def drill_here(office: Office, name: str) -> Drill:
    """Restore a backup of the folder of backups on a copy, compare it, and note the outcome.

    Raises `AgencyError` `no-backup-folder`, `not-a-backup`; as `drill_backup`.
    """
    folder = _backup_folder(office)
    if name not in {file.name for file in _backups_in(office, folder)}:
        raise AgencyError(
            "not-a-backup", f"there is no backup `{shorten(name)}` here", fix="choose one again"
        )
    drill = drill_backup(office, folder / name)
    with office.transaction():
        noted = {"file": name, "time": office.clock(), "drill": drill.as_json()}
        office.journal.put("drill", noted)
    return drill


def _backup_folder(office: Office) -> Path:
    if office.settings.backup_folder is None:
        raise AgencyError(
            "no-backup-folder",
            "the settings name no folder for backups",
            fix="write `backup_folder` in `agency.toml`, or use `offramp agency backup`",
        )
    return Path(office.settings.backup_folder)


def _backups_in(office: Office, folder: Path) -> tuple[BackupFile, ...]:
    """Return this agency's backups in a folder, the newest first."""
    files = []
    for path in folder.glob(f"{office.agency}-*{_SUFFIX}"):
        with suppress(AgencyError, OSError):
            header = read_header(path)
            if header.agency == office.agency and header.purpose == "backup":
                files.append(BackupFile(path.name, header.time, path.stat().st_size))
    return tuple(sorted(files, key=lambda file: file.time, reverse=True))


@needs(ADMIN, look="act")
def move_agency(office: Office, file: Path, *, drill: bool = False) -> Backup:
    """Write everything to a new file for another machine. This folder sends nothing any more.

    With `drill`, the file is then restored into a temporary folder and compared. Of a folder that
    moved already, it may be the file of that move, which is then only tried.

    INVARIANT: the folder is marked first. So a move that is interrupted can be repeated, and no
    record is sent from here that the file lacks. Raises as `back_up`.
    """
    is_there = os.path.lexists(file)
    if is_there and not (drill and office.moved_at is not None):
        raise _already_there(file, "name another file")
    if not is_there:
        check_output(file)
        with office.transaction():
            if office.moved_at is None:
                office.journal.put("moved", {"time": office.clock()})
        _write(office, file, "move")
    return Backup(file, drill_backup(office, file) if drill else None)


def restore_agency(folder: Path, file: Path, passphrase: bytes) -> RestoredAgency:
    """Restore an agency into a new folder from a file of `back_up` or `move_agency`.

    The folder is there whole or not at all. Raises `AgencyError` `already-there`, `not-a-backup`,
    `wrong-passphrase`, `damaged`, `no-room`.
    """
    check_unused(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise AgencyError("already-there", f"`{folder}` isn't empty", fix="name a new folder")
    beside = folder.with_name(f".{folder.name}.restoring")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        restored = _restore(beside, file, Keys(beside / KEYS, passphrase).stretch)
        Keys(beside / KEYS, passphrase).check_all()
        with closing(Journal(beside / JOURNAL)) as journal:
            note_origin(journal, read_header(file))
        try:
            beside.rename(folder)
        except OSError as error:
            raise AgencyError(
                "no-room",
                f"`{folder}` can't be made: {error.strerror}",
                fix="make room, then try again",
            ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return RestoredAgency(
        restored.agency,
        folder,
        restored.purpose,
        restored.written_at,
        restored.events,
        restored.keys,
    )


def _already_there(file: Path, fix: str) -> AgencyError:
    return AgencyError("already-there", f"`{file}` is there already", fix=fix)


@needs(ADMIN, look="act")
def drill_backup(office: Office, file: Path) -> Drill:
    """Restore a file into a temporary folder, and compare it with this one.

    Raises `AgencyError` as `restore_agency`, and `another-agency`.
    """
    for left_over in office.folder.glob(f"{_DRILL}*"):
        _remove(left_over)
    temporary = Path(tempfile.mkdtemp(dir=office.folder, prefix=_DRILL))
    try:
        folder = temporary / "agency"
        restored = _restore(folder, file, office.keys.stretch)
        if restored.agency != office.agency:
            raise AgencyError(
                "another-agency", f"`{file}` is a backup of `{restored.agency}`", fix="name yours"
            )
        Keys(folder / KEYS, office.keys.stretch).check_all()
        with closing(Journal(folder / JOURNAL)) as journal:
            copied = journal.digests()
        ours = office.journal.digests()
        names = _names(office)
        missing = tuple(name for name in names if not (folder / name).exists())
        return Drill(
            events=restored.events,
            keys=len(restored.keys),
            missing_events=len(ours.keys() - copied.keys()),
            missing_keys=tuple(name for name in missing if name.startswith(f"{KEYS}/")),
            different=(
                *(name for name in names if name not in missing and _differs(office, folder, name)),
                *(f"event {at}" for at in sorted(copied) if ours.get(at) != copied[at]),
            ),
        )
    finally:
        _remove(temporary)


def _write(office: Office, file: Path, purpose: Purpose) -> None:
    # INVARIANT: the journal is copied before the keys, so every key that it names is in the file.
    journal = office.journal.copy()
    files = {name: (office.folder / name).read_bytes() for name in _names(office)}
    header = {"agency": office.agency, "purpose": purpose, "time": office.clock()}
    write_archive(file, header, {**files, JOURNAL: journal}, office.keys.stretch)


def _names(office: Office) -> list[str]:
    """Return the files of a folder that a backup contains, except the journal."""
    folders = (office.folder / KEYS, office.folder / PACKS)
    names = [
        f"{folder.name}/{path.name}"
        for folder in folders
        for path in sorted(folder.glob("*"))
        if not path.name.startswith(".")
    ]
    notice = office.settings.notice_file
    has_notice = notice is not None and "/" not in notice and (office.folder / notice).is_file()
    return [NAME, *names, *([notice] if notice is not None and has_notice else [])]


def _restore(folder: Path, file: Path, stretch: Stretch) -> RestoredAgency:
    header = read_header(file)
    files = read_archive(file, stretch)
    unpack(files, folder)
    with closing(Journal(folder / JOURNAL)) as journal:
        # Each event is checked against its digest.
        events = sum(1 for _ in journal.after(0))
    keys = tuple(path.stem for path in sorted((folder / KEYS).glob("*.json")))
    return RestoredAgency(header.agency, folder, header.purpose, header.time, events, keys)


def _differs(office: Office, folder: Path, name: str) -> bool:
    return (office.folder / name).read_bytes() != (folder / name).read_bytes()


def _remove(folder: Path) -> None:
    """Overwrite and delete a folder's journal, then delete the folder."""
    for journal in folder.rglob(f"{JOURNAL}*"):
        overwritten(journal)
    shutil.rmtree(folder, ignore_errors=True)
