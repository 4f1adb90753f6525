"""The places of faults in a pack's files, with the path by which the user named the pack."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rules.errors import PackError, Place, Refusal
from rules.frozen import replace


def place_as_given(place: Place, names: Iterable[str]) -> Place:
    """Return a place whose file can be opened from the current folder.

    `names` are the user's words for packs. A pack's file is known by its folder's name, such as
    `riverton/pack.yaml`. Of a pack named by its folder, it becomes `drafts/riverton/pack.yaml`. A
    shipped pack's file stays as it is, and so does one that no word leads to.
    """
    if place.file is None or place.file.count("/") != 1:
        return place
    folder_name, _, file = place.file.partition("/")
    for name in names:
        folder = Path(name)
        try:
            resolved = folder.resolve()
            if not (folder / "pack.yaml").is_file():
                continue
            is_neighbor = (resolved.parent / place.file).is_file()
        except (OSError, ValueError):  # no name that a file can have
            continue
        if resolved.name == folder_name:
            return replace(place, file=str(folder / file))
        if is_neighbor:  # a pack that the named one extends
            above = folder.parent if folder.name not in ("", "..") else folder / ".."
            return replace(place, file=str(above / place.file))
    return place


def place_of_side(place: Place, name: str) -> Place:
    """Return a place in a pack that one of several words names, so that no other word claims it.

    Two versions of a pack lie in folders with one name. A file of a revision, or of an adopted
    copy, is named after the words for it.
    """
    placed = place_as_given(place, packs_named([name]))
    if placed.file is None or placed.file.count("/") != 1:
        return placed
    if placed == place and not any(Path(path).is_dir() for path in packs_named([name])):
        return replace(placed, file=f"{name}: {placed.file}") if _is_no_id(name) else placed
    return replace(placed, file=f"./{placed.file}")


def _is_no_id(name: str) -> bool:
    return ":" in name or name.endswith(".json")


def faults_as_given(refusal: Refusal, names: Iterable[str]) -> tuple[Refusal, ...]:
    """Return all faults of a refusal, with their files by the user's words for packs."""
    words = tuple(names)
    faults = refusal.all() if isinstance(refusal, PackError) else (refusal,)
    return tuple(_fault_at(fault, place_as_given(fault.at, words)) for fault in faults)


def _fault_at(fault: Refusal, place: Place) -> Refusal:
    if place == fault.at:
        return fault
    return Refusal(fault.code, fault.message, at=place, fix=fault.fix)


def packs_named(words: Iterable[str]) -> list[str]:
    """Return what a command's words may name packs by: `A,B` names two, `A@DAY` one."""
    return [part for word in words for part in (word, *word.split(","), word.partition("@")[0])]
