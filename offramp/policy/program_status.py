"""The status of a program on a day: not yet, in force, or over."""

from __future__ import annotations

from datetime import date

from rules.packs.pack import Program

NOT_YET, IN_FORCE, OVER = "not_yet", "in_force", "over"


def status_on(program: Program, day: date) -> str:
    """Return `not_yet` before the program's first day, `over` after its last, else `in_force`."""
    if program.since is not None and day < program.since:
        return NOT_YET
    return OVER if program.until is not None and day >= program.until else IN_FORCE
