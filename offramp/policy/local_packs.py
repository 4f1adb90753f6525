"""Local packs and offense tables that an answer rests on in place of the shipped ones."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from offramp.terminal import print_error
from rules.packs.pack import Pack

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def local_lines(packs: Iterable[Pack], label: str = "Note   ") -> Iterator[str]:
    """Yield one line that names each local pack and table in place of a shipped one, if any is."""
    local = {name: kind for pack in packs for name, kind in pack.local.items()}
    if local:
        names = " and ".join(f"the {kind} `{name}`" for name, kind in local.items())
        verb = "is a local one" if len(local) == 1 else "are local ones"
        yield f"{label}{names} {verb}, used in place of the shipped one of that name"


def local_member(pack: Pack) -> dict[str, Any]:
    """Return the member `local` of an answer in JSON, or nothing where all is shipped."""
    if not pack.local:
        return {}
    return {"local": [{"kind": kind, "id": name} for name, kind in pack.local.items()]}


def print_local_note(packs: Iterable[Pack]) -> None:
    """Print the note on local packs to standard error, beside a document on standard output."""
    if sys.stderr is not None:
        for line in local_lines(packs, label="note: "):
            print_error(line)
