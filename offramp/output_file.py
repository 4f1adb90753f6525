"""Files that a command writes for its user: checked before the work, never overwritten by chance.

A command checks the path before it asks or computes anything, and writes the file at its end. The
file belongs to its user alone, and is complete or not there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from offramp.user_files import remote_files
from rules.errors import RequestError
from rules.input.printing import printable

_PROBE = bytes(64 * 1024)  # about the largest text that such a file holds
_NUMBERED = r"[a-z0-9][a-z0-9.-]*-[0-9]{1,4}\.json"
_EXHIBIT = b'"type":"exhibit"'
_LONGEST_NAME = 200  # bytes, which leaves room for the name of the partial file beside


def check_output(name: str | Path, *, force: bool = False) -> None:
    """Refuse a path at which no new file can be written. Nothing is left there.

    With `force`, an existing file is permitted. Raises `RequestError` `file-taken`, `no-output`.
    """
    if (files := remote_files()) is not None:
        files.check_output(str(name), force=force)
        return
    path = Path(name)
    try:
        if _is_stream(path):
            return
        _refuse_taken(path, force=force)
        if not path.absolute().parent.is_dir():
            raise RequestError(
                "no-output",
                f"`{printable(name)}` can't be written: there is no folder "
                f"`{printable(path.parent)}`",
                fix="make that folder first, or write elsewhere",
            )
        partial = _partial(path)
        try:
            _write(partial, _PROBE)
        finally:
            with suppress(OSError):
                partial.unlink()
    except (OSError, ValueError) as error:
        raise refuse_output(name, error) from None


def write_output(name: str | Path, data: bytes, *, force: bool = False) -> None:
    """Write a file for its user alone: complete and on the disk, or not at all.

    Without `force`, a file that appeared at the path since the check is kept. Raises
    `RequestError` `file-taken`, `no-output`.
    """
    if (files := remote_files()) is not None:
        files.write_output(str(name), data, force=force)
        return
    path = Path(name)
    try:
        if _is_stream(path):
            with path.open("wb") as stream:
                stream.write(data)
            return
        _refuse_taken(path, force=force)
        partial = _partial(path)
        try:
            _write(partial, data)
            if force:
                partial.replace(path)
            else:
                _rename_to_new(partial, path)
        finally:
            with suppress(OSError):
                partial.unlink()
    except FileExistsError:
        raise _taken(path) from None
    except (OSError, ValueError) as error:
        raise refuse_output(name, error) from None


def prepare_folder(name: str | Path, files: Collection[str], *, force: bool = False) -> None:
    """Make the folder of several files, unless it is there, and check that each can be written.

    With `force`, the exhibits of an earlier run (`NAME-NUMBER.json`) that are not among `files` are
    removed: whoever got the folder would take them for part of it. Raises `RequestError`
    `file-taken`, `no-output`.
    """
    if (remote := remote_files()) is not None:
        remote.prepare_folder(str(name), tuple(files), force=force)
        return
    folder = Path(name)
    if not str(name) or (folder.exists() and not folder.is_dir()):
        why = "is a file" if str(name) else "is no name of a folder"
        raise RequestError(
            "no-output",
            f"`{printable(name)}` {why}",
            fix="name a folder for the page and its files",
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in files:
            check_output(folder / file, force=force)
        if force:
            for path in folder.iterdir():
                if path.name not in files and _is_own_exhibit(path):
                    path.unlink()
    except (OSError, ValueError) as error:
        raise refuse_output(name, error) from None


def _is_own_exhibit(path: Path) -> bool:
    """Report whether a file has the name and the form of a numbered exhibit."""
    if not re.fullmatch(_NUMBERED, path.name) or path.is_symlink() or not path.is_file():
        return False
    return _EXHIBIT in path.read_bytes()


def refuse_output(name: str | Path, error: Exception) -> RequestError:
    """Return the refusal of a file that the system doesn't write."""
    reason = (getattr(error, "strerror", None) or "no file can have this name").lower()
    return RequestError(
        "no-output",
        f"`{printable(name)}` can't be written: {reason}",
        fix="make room, or write elsewhere",
    )


def _refuse_taken(path: Path, *, force: bool) -> None:
    """Refuse a path that is in use. With `force`, a plain file is permitted."""
    if path.is_dir():
        raise RequestError(
            "no-output", f"`{printable(path)}` is a folder", fix="name a file in that folder"
        )
    if os.path.lexists(path) and not force:
        raise _taken(path)


def _taken(path: Path) -> RequestError:
    return RequestError(
        "file-taken",
        f"`{printable(path)}` is there already",
        fix="name a new file, or add `--force` to overwrite it",
    )


def _is_stream(path: Path) -> bool:
    """Return whether a path is a device or a pipe, which has no content to overwrite."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _partial(path: Path) -> Path:
    """Return the path of the file beside, in which the content is complete before it is renamed."""
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise ValueError(path.name)
    return path.with_name(f".{path.name}.{os.urandom(4).hex()}.partial")


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _rename_to_new(partial: Path, path: Path) -> None:
    """Give the complete file its name. Raises `FileExistsError` if the name is in use by now."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError from None
        partial.rename(path)
