"""Show on a terminal how far a long run has come, and when it may end."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
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
