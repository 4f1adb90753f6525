"""The records of this agency in a case that it may ask back, with their recipients. Pure."""

from __future__ import annotations

from typing import Any

from exchange.records.kinds import find_kind, report_kinds
from exchange.records.statements import About
from offramp.agency.cases.caseload import own_parts
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.told import recalled_from
from offramp.agency.errors import AgencyError
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

# Records that are no information about a person, or that end in another way: a consent is revoked.
_NOT_RECALLED = (
    "recall",
    "recall_answer",
    "acknowledgement",
    "misuse_complaint",
    "consent",
    "consent_change",
)
# The mistakes that are about one kind of record.
_KIND_OF = {"mistaken_exit": "exit", "mistaken_representation": "representation"}
_SHORTEST = 4

PartId = tuple[str, str]


@frozen
class OwnEntry:
    """A record of this agency in a case: its parts, the recipients of each, and its corrections.

    `parts` are by record and part, the record's own and those of its corrections. `time` is in
    seconds since 1970.
    """

    record: str
    kind: str
    time: int
    parts: dict[PartId, tuple[str, ...]]

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every agency that has a part of it, in order of name."""
        return tuple(sorted({agency for to in self.parts.values() for agency in to}))

    def as_json(self) -> dict[str, Any]:
        """Return the entry's JSON in `offramp agency recall`."""
        return {"id": self.record, "kind": self.kind, "to": list(self.recipients)}


def own_entries(working_set: WorkingSet, handle: str) -> tuple[OwnEntry, ...]:
    """Return the records of this agency that can be asked back in a case, the oldest first.

    Leaves out recipients that were asked already. A correction belongs to the record that it
    corrects.
    """
    entries: dict[str, OwnEntry] = {}
    root: dict[PartId, str] = {}
    for outgoing in working_set.cases.records(handle).sent:
        if not _can_be_recalled(outgoing):
            continue
        for (part, label, _), stored in zip(own_parts(outgoing), outgoing.parts, strict=True):
            about = label.statement.about if isinstance(label.statement, About) else None
            is_correction = outgoing.kind == CORRECTION and about is not None
            record = root.get(about, outgoing.jti) if is_correction and about else outgoing.jti
            root[outgoing.jti, part] = record
            if record not in entries:
                entries[record] = OwnEntry(record, outgoing.kind, outgoing.time, {})
            entries[record].parts[outgoing.jti, part] = tuple(stored["to"])
    remaining = (_without_recalled(working_set, handle, entry) for entry in entries.values())
    return tuple(entry for entry in remaining if entry.parts)


def _can_be_recalled(outgoing: OutgoingRecord) -> bool:
    return (
        outgoing.refused is None
        and outgoing.replaced_by is None
        and outgoing.kind not in (*_NOT_RECALLED, *report_kinds())
        and find_kind(outgoing.kind).case
    )


def _without_recalled(working_set: WorkingSet, handle: str, entry: OwnEntry) -> OwnEntry:
    recalled = {agency: recalled_from(working_set, handle, agency) for agency in entry.recipients}
    parts = {
        part: to
        for part, agencies in entry.parts.items()
        if (to := tuple(agency for agency in agencies if part not in recalled[agency]))
    }
    return OwnEntry(entry.record, entry.kind, entry.time, parts)


def find_entry(
    working_set: WorkingSet, handle: str, reason: str, record: str | None
) -> tuple[OwnEntry, ...]:
    """Return the entries that a person means by `record`, for a mistake of this reason.

    `record` is the start of an id, a kind that the case has once, or `all`. Without it, the only
    entry, or for a mistaken exit the newest one. A mistaken representation is every statement of
    it, however often it was stated. Raises `AgencyError`
    `nothing-to-recall`, `which-record`, `no-exit`.
    """
    entries = own_entries(working_set, handle)
    if kind := _KIND_OF.get(reason):
        entries = tuple(entry for entry in entries if entry.kind == kind)
        if kind == "representation" and entries:
            # Stated twice, it is one mistake. One statement left would leave counsel in the case.
            return entries
        if record is None and entries:
            return (entries[-1],)
        if not entries and kind == "exit":
            raise AgencyError(
                "no-exit",
                "this agency sent no exit in this case that it could take back",
                fix="the agency that sent the exit takes it back",
            )
    if not entries:
        raise AgencyError(
            "nothing-to-recall",
            "this agency sent nothing in this case that it could ask back",
            fix="see `offramp agency case`",
        )
    if record == "all":
        return entries
    chosen = [entry for entry in entries if record is None or _is_meant(entry, record)]
    if len(chosen) == 1:
        return (chosen[0],)
    listed = ", ".join(f"`{entry.record[:8]}` ({entry.kind})" for entry in chosen or entries)
    named = f"`{record[:40]}` names" if record is not None else "the case has"
    raise AgencyError(
        "which-record",
        f"{named} {len(chosen) or 'none'} of this agency's records: {listed}",
        fix="name one with `--record`, or `--record all`",
    )


def _is_meant(entry: OwnEntry, record: str) -> bool:
    digits = record.lower()
    return entry.kind == record or (len(digits) >= _SHORTEST and entry.record.startswith(digits))
