"""Read what a command is given: a file by its name, or standard input for `-`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from offramp.user_files import open_named
from rules.errors import FactsError, RequestError
from rules.input.json_text import LARGEST, parse_json
from rules.input.printing import printable

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any


READ_LIMIT = LARGEST * 4  # bytes of one file or line; a character takes at most four


def read_facts(name: str) -> Any:
    """Return the facts in a JSON file, as `json.loads` returns them."""
    return read_json(name, "the facts")


def read_assumed(name: str) -> Any:
    """Return the facts in the JSON file of `--assume`. A refusal names the option and the file."""
    return read_json(name, f"the facts of `--assume {_label(name)}`")


def read_json(name: str, subject: str) -> Any:
    """Return the JSON in a file. `subject` names it in a refusal.

    Raises `RequestError` for a file that can't be read and `FactsError` for text that isn't JSON.
    """
    return parse_json(read_text(name), subject)


def read_text(name: str) -> str:
    """Return the text of a file.

    Raises `RequestError` with `no-file` and `FactsError` with `not-utf-8`.
    """
    with open_input(name) as stream, refuse_broken(name):
        raw = stream.read(READ_LIMIT + 1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FactsError(
            "not-utf-8", f"`{_label(name)}` is not UTF-8 text", fix="save it as UTF-8"
        ) from None


def open_input(name: str, *, unzip: bool = True) -> IO[bytes]:
    """Open a file, which may be gzip-compressed, or standard input. Raises `RequestError`."""
    if name == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise RequestError(
                "no-file", "no facts are given", fix="name a JSON file, or pipe JSON in"
            )
        return sys.stdin.buffer
    try:
        stream = open_named(name)
    except FileNotFoundError:
        raise RequestError(
            "no-file", f"there is no file `{_label(name)}`", fix="check the path"
        ) from None
    except (OSError, ValueError) as error:
        raise _unreadable(name, error, "it can't be opened", "check the path") from None
    return _unzip(stream) if unzip and name.endswith(".gz") else stream


def _unzip(stream: IO[bytes]) -> IO[bytes]:
    import gzip

    unzipped = gzip.GzipFile(fileobj=stream)
    unzipped.myfileobj = stream  # type: ignore[assignment]  # it is closed with the other
    return unzipped  # type: ignore[return-value]  # a reader of bytes, as asked


@contextmanager
def refuse_broken(name: str) -> Iterator[None]:
    """Turn a failure while the file is read into a `RequestError`.

    A compressed file may be cut off, or may not be compressed at all.
    """
    failures: tuple[type[Exception], ...] = (OSError, EOFError)
    if name.endswith(".gz"):
        from zlib import error as not_compressed

        failures += (not_compressed,)
    try:
        yield
    except failures as error:
        raise _unreadable(name, error, "it is not whole", "check the file") from None


def _unreadable(name: str, error: Exception, otherwise: str, fix: str) -> RequestError:
    reason = (getattr(error, "strerror", None) or otherwise).lower()
    return RequestError("no-file", f"`{_label(name)}` can't be read: {reason}", fix=fix)


def _label(name: str) -> str:
    return "standard input" if name == "-" else printable(name)
