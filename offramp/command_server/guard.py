"""A second guard of paths: a process that works for a person opens no path that the person named.

Commands open such paths through `offramp/user_files.py`. A command that forgot to is stopped here,
by Python's audit events, before the system is asked.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import zoneinfo
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_EVENTS = frozenset(
    {
        "open", "os.chmod", "os.link", "os.listdir", "os.mkdir", "os.remove", "os.rename",
        "os.rmdir", "os.scandir", "os.symlink", "os.truncate", "shutil.copyfile", "shutil.rmtree",
        "sqlite3.connect",
    }
)  # fmt: skip
_SYSTEM = ("/dev/null", "/dev/urandom", "/etc", "/proc/self", "/usr/share")


def guard_paths(folder: Path, arguments: Sequence[str]) -> None:
    """From now on, refuse the paths in a person's words, and paths outside of what a command needs.

    A command needs the agency's folder, the program, and temporary files. What is refused raises
    `PermissionError`. It can't be undone, so call it in a process that ends with the command.
    """
    named = frozenset(_absolute(text) for text in _paths_in(arguments))
    allowed = tuple(_absolute(root) for root in (folder, *_program(), *_SYSTEM, *_caches()))

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _EVENTS:
            return
        for argument in arguments[:2]:
            if isinstance(argument, (str, bytes, os.PathLike)):
                _refuse(os.fsdecode(argument), named, allowed)

    sys.addaudithook(check)


def _refuse(path: str, named: frozenset[str], allowed: tuple[str, ...]) -> None:
    absolute = _absolute(path)
    is_allowed = not path.startswith("/") or any(
        absolute == root or absolute.startswith(f"{root}/") for root in allowed
    )
    if absolute in named or not is_allowed:
        raise PermissionError(13, "Permission denied", path)


def _paths_in(arguments: Sequence[str]) -> Iterable[str]:
    for argument in arguments:
        yield from (text for text in (argument, argument.partition("=")[2]) if text)


def _program() -> Iterable[str | Path]:
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix)
    yield from sysconfig.get_paths().values()
    yield from (path for path in sys.path if path.startswith("/"))
    yield from zoneinfo.TZPATH
    yield Path(__file__).parents[2]


def _caches() -> Iterable[str | Path]:
    yield tempfile.gettempdir()
    cache = os.environ.get("XDG_CACHE_HOME", "")
    yield cache if cache.startswith("/") else Path.home() / ".cache"


def _absolute(path: str | Path) -> str:
    return os.path.abspath(os.fspath(path))  # noqa: PTH100  # `resolve` would read links
