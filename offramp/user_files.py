"""The files that the user of a command names, opened with that user's rights.

A command opens no path that it was given itself: it calls `open_named`, or `check_output` and
`write_output` of `offramp/output_file.py`. By default this process opens the path. At an agency's
command server the process has the rights of the agency, so the user's own process opens the path
and passes the file (`use_files`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Protocol
else:
    Protocol = object


class UserFiles(Protocol):
    """The files of a user who is served by another process."""

    def open_named(self, name: str) -> IO[bytes]:
        """Open a file to read. Raises `OSError`."""

    def collect_pack(self, name: str) -> bytes:
        """Return the files of a pack in a folder, as `offramp.adoption.PackFiles` writes them.

        Raises `OSError`; `RequestError`, also where the pack can't be read.
        """

    def check_output(self, name: str, *, force: bool) -> None:
        """Check a path as `offramp.output_file.check_output` does. Raises `RequestError`."""

    def prepare_folder(self, name: str, files: Sequence[str], *, force: bool) -> None:
        """Make a folder as `offramp.output_file.prepare_folder` does. Raises `RequestError`."""

    def write_output(self, name: str, data: bytes, *, force: bool) -> None:
        """Write a file as `offramp.output_file.write_output` does. Raises `RequestError`."""


_remote: list[UserFiles] = []


def use_files(files: UserFiles) -> None:
    """Open every path that a command names through `files`, for the life of this process."""
    _remote[:] = [files]


def remote_files() -> UserFiles | None:
    """Return the files of a user who is served by this process, None for a user's own process."""
    return _remote[0] if _remote else None


def open_named(name: str | Path) -> IO[bytes]:
    """Open a file that the user named, to read. Raises `OSError`, `ValueError`."""
    if (files := remote_files()) is not None:
        return files.open_named(str(name))
    return Path(name).open("rb")


def read_named(name: str | Path, limit: int) -> bytes:
    """Return the bytes of a file that the user named, at most `limit` and one.

    So a longer result means a file over the limit. Raises `OSError`, `ValueError`.
    """
    with open_named(name) as file:
        return file.read(limit + 1)
