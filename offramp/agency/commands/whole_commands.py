"""Commands that the output names, completed so that a person can paste them.

A text names a command as `agency tasks` or with `DIR` and `CASE`. At this agency it is
`offramp agency tasks FOLDER`: the whole command, with the folder of the one that printed it and
with its case.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Collection

from offramp.agency.short_handles import short

# A command between back-ticks, or alone on an indented line.
_NAMED = re.compile(r"(?P<before>`|^ +)(?:offramp )?agency (?P<words>[a-z][^`\n]*)(?P<after>`|$)")
_HANDLE = re.compile("[0-9a-f]{4,32}")
_CASE_WORDS = ("CASE", "HANDLE")
# A folder that isn't this agency's: where a backup is restored on another machine.
_OTHER_FOLDER = "FOLDER"


def complete_commands(
    text: str, options: argparse.Namespace, names: Collection[str], about_cases: Collection[str]
) -> str:
    """Return a text with each command of `names` whole: program, folder, and the case if known.

    `about_cases` are the commands whose first word is a case.
    """
    folder = shlex.quote(str(options.dir))
    case = getattr(options, "case", None)

    def complete(named: re.Match[str]) -> str:
        name, _, tail = named["words"].partition(" ")
        names_folder = tail == folder or tail.startswith(f"{folder} ")
        rest = (tail[len(folder) :] if names_folder else tail).split()
        if name not in names or _OTHER_FOLDER in rest[:1]:
            return named[0]
        if rest[:1] == ["DIR"]:
            del rest[0]
        if isinstance(case, str) and len(case) == 32:
            rest = [short(case) if word in _CASE_WORDS else word for word in rest]
            if name in about_cases and not (rest and _HANDLE.fullmatch(rest[0])):
                rest.insert(0, short(case))
        words = " ".join((f"offramp agency {name}", folder, *rest))
        return f"{named['before']}{words}{named['after']}"

    return _NAMED.sub(complete, text)
