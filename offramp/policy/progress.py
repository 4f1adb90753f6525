"""Show on a terminal how far a long run has come, and when it may end."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TextIO, TypeVar

from offramp.policy.case_input import CaseFile

T = TypeVar("T")
_EVERY = 0.5  # seconds
_AFTER = 2.0  # seconds; a shorter run shows nothing
_WIDTH = 60  # columns that are cleared at the end


def shown(lines: Iterator[T], file: CaseFile, terminal: TextIO | None) -> Iterator[T]:
    """Yield the lines, and show the progress on a terminal beside them.

    Nothing is shown if the lines themselves go to a terminal, or the progress to none.
    """
    if sys.stdout.isatty():
        return lines
    return shown_alone(lines, file, terminal)


def shown_alone(lines: Iterator[T], file: CaseFile, terminal: TextIO | None) -> Iterator[T]:
    """Yield what is printed only at the end, and show the progress on a terminal meanwhile."""
    if terminal is None or not terminal.isatty():
        return lines
    return _shown(lines, file, terminal)


def _shown(lines: Iterator[T], file: CaseFile, terminal: TextIO) -> Iterator[T]:
    start = monotonic()
    due = start + _AFTER
    is_shown = False
    try:
        for number, line in enumerate(lines, 1):
            yield line
            now = monotonic()
            if now >= due:
                due, is_shown = now + _EVERY, True
                text = progress_text(number, _part_read(file), now - start)
                terminal.write(f"\r{text:<{_WIDTH}}")
                terminal.flush()
    finally:
        if is_shown:
            terminal.write(f"\r{'':<{_WIDTH}}\r")
            terminal.flush()


@contextmanager
def waiting(terminal: TextIO | None, doing: str) -> Iterator[None]:
    """Show on a terminal for how long this block has run, once that is over two seconds.

    It is for work that can't be counted, such as a question to a solver or a database. That work
    must let other threads run.
    """
    if terminal is None or not terminal.isatty():
        yield
        return
    over = Event()
    thread = Thread(target=_show_time, args=(terminal, doing, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show_time(terminal: TextIO, doing: str, over: Event) -> None:
    start = monotonic()
    if over.wait(_AFTER):
        return
    while True:
        text = f"{doing}, {_duration(monotonic() - start)}"
        terminal.write(f"\r{text:<{_WIDTH}}")
        terminal.flush()
        if over.wait(_EVERY):
            terminal.write(f"\r{'':<{_WIDTH}}\r")
            terminal.flush()
            return


def progress_text(number: int, part: float | None, seconds: float) -> str:
    """Return how many cases are answered, and what is left if the part that is read is known."""
    answered = f"{number:,} cases"
    if not part:
        return answered
    return f"{answered}, {part:.0%}, about {_duration(seconds / part - seconds)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _part_read(file: CaseFile) -> float | None:
    """Return the part of the file that was read, None if its size isn't known."""
    if file.stream is None or file.stream.closed:
        return None
    number = file.stream.fileno()
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return None
    return min(1.0, os.lseek(number, 0, os.SEEK_CUR) / status.st_size)
