"""Notice that a folder was copied, by the numbers that its files have on the disk (inodes).

A copy has the keys of the folder that it is from, and both could act. A backup and a move make a
folder that knows its origin. One that was copied by other means doesn't, but its files have other
numbers. To rename a folder changes none. See docs/decisions/0179-a-copied-folder-takes-over.md.
"""

from __future__ import annotations

from pathlib import Path

from offramp.agency.folder.office import JOURNAL, Office
from offramp.agency.folder.origin import Origin, keep_origin, taken_over_at

_NAME = "place"


def mark_place(office: Office) -> None:
    """Note where a folder is that works for its agency, so that a copy of it is noticed."""
    if office.journal.get(_NAME) is None and office.moved_at is None:
        with office.transaction():
            office.journal.put(_NAME, _place_of(office.folder))


def notice_copy(office: Office) -> bool:
    """Have a folder that was copied wait until it takes over, as a restored one does.

    Returns whether it was noticed now. A folder that was left, or never was in use, stays as it is.

    INVARIANT: the folder and its journal must both have other numbers. A system may give one of
    them another number by itself.
    """
    place = _place_of(office.folder)
    if office.journal.get(_NAME) in (None, place) or office.moved_at is not None:
        return False
    with office.transaction() as working_set:
        kept, origin = office.journal.get(_NAME), office.origin
        if kept is None or kept == place:
            return False
        office.journal.put(_NAME, place)
        waits = origin is not None and origin.waits
        is_one_new = any(kept.get(name) == number for name, number in place.items())
        if is_one_new or waits or office.key_elsewhere(working_set) is not None:
            return False
        keep_origin(
            office.journal, Origin("copy", office.clock(), before=taken_over_at(office.journal))
        )
        return True


def _place_of(folder: Path) -> dict[str, str]:
    paths = {"folder": folder, "journal": folder / JOURNAL}
    return {name: str(path.stat().st_ino) for name, path in paths.items()}
