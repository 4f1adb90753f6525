"""A restored folder's origin, and which of several folders an agency works in.

A restored folder has the keys of the folder before it, and nothing tells the two apart. So before
it sends or fetches anything, a restored folder takes over: it announces a new sealing key in the
log. A folder that learns of a key of its own agency that isn't in it stops acting. See
docs/decisions/0041-one-encrypted-backup.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any, Literal

from exchange.agency.gateway import Gateway
from offramp.agency.folder.archive import Header, Purpose
from offramp.agency.folder.journal import Journal
from rules.frozen import frozen

_NAME, _BACKUP, _LEAVES = "origin", "backup", "own_leaves"
_NUMBERS = "own_numbers"
_OTHERS, _CONFIRMED = "other_folders", "confirmed_records"
NEWEST = 2**53 - 1


@frozen
class Origin:
    """The file that a folder was restored from, and how far the folder has taken over.

    `written_at` is when the file was written, in seconds since 1970. `purpose` is `copy` if there
    was no file, but the folder was copied: then `written_at` is when that was noticed. `key` is the
    sealing key with which the folder takes over, and `index` the key's place in the log, None until
    the log has it. `has_fetched` is true once the folder fetched all that had arrived since then.
    If the folder that wrote the file had taken over itself, `before` is the index at which it did.
    """

    purpose: Purpose | Literal["copy"]
    written_at: int
    key: str | None = None
    index: int | None = None
    has_fetched: bool = False
    before: int | None = None

    @property
    def waits(self) -> bool:
        """True while the folder has not taken over yet."""
        return self.index is None


def read_origin(journal: Journal) -> Origin | None:
    """Return a restored folder's origin, None for a folder that was never restored."""
    stored = journal.get(_NAME)
    if stored is None:
        return None
    stored.pop("is_first", None)  # of a version before
    return Origin(**stored)


def keep_origin(journal: Journal, origin: Origin) -> None:
    """Store how far a folder has taken over, within `together`."""
    journal.put(_NAME, asdict(origin))


def note_origin(journal: Journal, header: Header) -> None:
    """Note in a restored journal which file it is from. That file is its last backup."""
    before = taken_over_at(journal)
    with journal.together():
        keep_origin(journal, Origin(header.purpose, header.time, before=before))
        journal.put(_BACKUP, {"time": header.time})


def taken_over_at(journal: Journal) -> int | None:
    """Return the index at which a restored folder took over, None for any other.

    A folder that never took over is as the one that it was restored from.
    """
    origin = read_origin(journal)
    return None if origin is None else origin.before if origin.waits else origin.index


def note_fetched(journal: Journal) -> None:
    """Note that all that had arrived was fetched, if the folder has taken over."""
    origin = read_origin(journal)
    if origin is not None and not origin.waits and not origin.has_fetched:
        with journal.together():
            keep_origin(journal, replace(origin, has_fetched=True))


def own_leaves(journal: Journal) -> dict[str, int | None]:
    """Return the log's index of each own record that wasn't sent from here, by its name.

    None for a record that the hub doesn't have, and for one that was unknown before the backup.
    """
    return dict(journal.get(_LEAVES) or {})


def keep_own_leaves(journal: Journal, leaves: dict[str, int | None]) -> None:
    """Store the indices of own records that weren't sent from here."""
    with journal.together():
        journal.put(_LEAVES, leaves)


def own_numbers(journal: Journal) -> dict[str, int]:
    """Return the number in its case of each own record that wasn't sent from here, by its id."""
    return dict(journal.get(_NUMBERS) or {})


def keep_own_numbers(journal: Journal, numbers: dict[str, int]) -> None:
    """Store the numbers of own records that weren't sent from here."""
    with journal.together():
        journal.put(_NUMBERS, numbers)


def other_folders(journal: Journal) -> list[tuple[int, int]]:
    """Return between which indices of the log another folder had taken over, as far as it is known.

    Each ends where this folder took over again, when its people replaced the other folder's key.
    """
    kept = journal.get(_OTHERS) or {}
    return [(int(begin), int(end)) for begin, end in kept.get("between", [])]


def keep_other_folder(journal: Journal, begin: int, end: int) -> None:
    """Store between which indices another folder had taken over."""
    between = [list(each) for each in {*other_folders(journal), (begin, end)}]
    with journal.together():
        journal.put(_OTHERS, {"between": sorted(between)})


def confirmed_records(journal: Journal) -> dict[str, dict[str, Any]]:
    """Return the records of which a person said that a folder of this agency sent them, by name.

    Each has the person's name `by` and the `time`, in seconds since 1970.
    """
    return dict(journal.get(_CONFIRMED) or {})


def keep_confirmed(journal: Journal, name: str, by: str, time: int) -> None:
    """Store that a person said of a record that a folder of this agency sent it, in `together`."""
    confirmed = confirmed_records(journal)
    journal.put(_CONFIRMED, {**confirmed, name: {"by": by, "time": time}})


def key_of_another_folder(
    gateway: Gateway, signing: Collection[str], origin: Origin | None
) -> str | None:
    """Return the key of this agency that only another folder can have, None if there is none.

    `signing` are the ids of the signing keys here. It is the agency's newest sealing key or, where
    none of the listed signing keys is here, the newest of these.
    """
    if not gateway.history.size:
        return None
    membership = gateway.history.membership_at(NEWEST)
    listed = membership.directory.agencies.get(gateway.agency)
    if listed is not None and listed.signing and not set(listed.signing) & set(signing):
        return max(listed.signing)
    announced = membership.sealing.get(gateway.agency, ())
    if not announced or (origin is not None and origin.waits):
        return None
    here = gateway.sealing.get(announced[0].kid)
    is_here = here is not None and here.public.thumbprint == announced[0].thumbprint
    return None if is_here else announced[0].kid
