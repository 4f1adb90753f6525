"""Find what the thief of a key could have read, and write to each person.

The breach rule (45 CFR part 164, subpart D) covers Part 2 records since 16 February 2026
(42 CFR 2.16(b)): each person is told without unreasonable delay, and within 60 days of the
discovery. This module reads what this agency holds: records that it received, and records that it
sent to the agency of the key. Other agencies run it too.

INVARIANT: doubt counts as a breach. A part that was handed out earlier and was still kept when the
key was lost is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from exchange.agency.gateway import UNCOMMITTED
from exchange.membership.history import History
from exchange.models import agency_of
from exchange.records.label import Label
from offramp.agency.cases.people import person_name
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

# 45 CFR 164.404(b), 164.406, and 164.408: days to tell people, and from how many people on the
# press and the Secretary are told in the same time.
DAYS_TO_TELL = 60
MANY_PEOPLE = 500


@frozen
class ExposedPart:
    """One part that could have been read.

    `is_content` is False where only its label could be read: the category and the agencies.
    `index` is that of the hand-out, or of the record itself where only the sender's copy is here.
    """

    case: str | None
    record: str
    part: str
    issuer: str
    to: str
    categories: tuple[str, ...]
    index: int
    keep_until: str
    is_content: bool
    is_earlier: bool


@frozen
class ExposedCase:
    """A person's case with everything in it that could have been read."""

    case: str
    name: str | None
    categories: tuple[str, ...]
    label_categories: tuple[str, ...]
    parts: tuple[ExposedPart, ...]


@frozen
class Breach:
    """What the thief of a key could have read, and by when people must be told.

    `since` is the index of the log from which the thief may have had the key. `from_time` is the
    last time known before it, in seconds since 1970, None where none is known. `is_own` is true for
    a key of the assessing agency, and `is_in_force` while the key can be used for new records.
    """

    key: str
    agency: str
    opens_parts: bool
    since: int
    from_time: int | None
    discovered: date
    cases: tuple[ExposedCase, ...]
    without_case: tuple[ExposedPart, ...]
    is_own: bool
    is_in_force: bool

    @property
    def tell_by(self) -> date:
        """The last day on which the people may be told."""
        return self.discovered + timedelta(days=DAYS_TO_TELL)

    @property
    def report_by(self) -> date:
        """The last day on which the Secretary of Health and Human Services may be told."""
        if len(self.cases) >= MANY_PEOPLE:
            return self.tell_by
        return date(self.discovered.year, 12, 31) + timedelta(days=DAYS_TO_TELL)


def assess_breach(working_set: WorkingSet, key: str, since: int, discovered: date) -> Breach:
    """Return what the thief of a key could have read since an index of the log.

    A sealing key (`clinic.2026-11`) opens the parts that are sealed to it. A signing key
    (`clinic.s1`) opens none, but pulls the agency's inbox with its labels. Raises `AgencyError`
    `unknown-key`.
    """
    history = working_set.gateway.history
    opens_parts = _opens_parts(history, key)
    from_time = _time_before(working_set, since)
    parts = [
        part
        for part in _parts_of(working_set, key, opens_parts, since)
        if not part.is_earlier or _was_kept(part, from_time)
    ]
    handles = sorted({part.case for part in parts if part.case is not None})
    return Breach(
        key,
        agency_of(key),
        opens_parts,
        since,
        from_time,
        discovered,
        tuple(_exposed_case(working_set, handle, parts) for handle in handles),
        tuple(part for part in parts if part.case is None),
        is_own=agency_of(key) == working_set.gateway.agency,
        is_in_force=_is_in_force(history, key),
    )


def _is_in_force(history: History, key: str) -> bool:
    """Return whether records can still be signed with a key, or parts be sealed to it."""
    membership = history.membership_at(UNCOMMITTED)
    open_keys = membership.sealing.get(agency_of(key), ())
    agency = membership.directory.agencies.get(agency_of(key))
    return agency is not None and (
        key in agency.signing or key in [open_key.kid for open_key in open_keys]
    )


def _opens_parts(history: History, key: str) -> bool:
    """Return whether a key opens seals. Raises `AgencyError` `unknown-key`."""
    if key in history.sealing_kids():
        return True
    if key in history.signing_kids():
        return False
    raise AgencyError(
        "unknown-key",
        f"no key `{key}` was ever in the directory",
        fix="name a signing key such as clinic.s1, or a sealing key such as clinic.2026-11",
    )


def _parts_of(
    working_set: WorkingSet, key: str, opens_parts: bool, since: int
) -> Iterator[ExposedPart]:
    """Yield each part for the key's agency that this agency knows of."""
    agency = agency_of(key)

    def exposed(
        case: str | None, record: str, issuer: str, label: Label, to: str, index: int
    ) -> Iterator[ExposedPart]:
        if agency_of(to) == agency and (to == key or not opens_parts):
            yield ExposedPart(
                case,
                record,
                label.id,
                issuer,
                agency,
                tuple(label.category),
                index,
                label.keep_until,
                opens_parts,
                index < since,
            )

    for received in working_set.gateway.received.values():
        if (record := received.record) is not None:
            for entry in record.entries:
                yield from exposed(
                    record.case,
                    record.jti,
                    record.issuer,
                    record.labels[entry.part],
                    entry.to,
                    received.item.leaf.index,
                )
    for outgoing in working_set.outbox.values():
        receipt = outgoing.receipt
        for sent in working_set.gateway.state(outgoing.case).of_id(outgoing.jti):
            if receipt is None or sent.issuer != working_set.agency:
                continue
            for sealed in outgoing.bundle.sealed:
                yield from exposed(
                    outgoing.case,
                    outgoing.jti,
                    working_set.agency,
                    sent.labels[sealed.part],
                    sealed.to,
                    receipt.index,
                )


def _was_kept(part: ExposedPart, from_time: int | None) -> bool:
    """Return whether an earlier part may still have been readable when the key was lost."""
    if not part.is_content or from_time is None:
        return part.is_content
    # A day less, because the zone of `keep_until` may be behind UTC.
    day = datetime.fromtimestamp(from_time, UTC).date() - timedelta(days=1)
    return part.keep_until >= day.isoformat()


def _time_before(working_set: WorkingSet, since: int) -> int | None:
    """Return the latest time known of a leaf before an index, in seconds since 1970."""
    times = [
        received.item.leaf.body.time
        for received in working_set.gateway.received.values()
        if received.item.leaf.index < since
    ]
    times += [
        outgoing.receipt.time
        for outgoing in working_set.outbox.values()
        if outgoing.receipt is not None and outgoing.receipt.index < since
    ]
    return max(times, default=None)


def _exposed_case(working_set: WorkingSet, handle: str, parts: list[ExposedPart]) -> ExposedCase:
    own = tuple(
        sorted(
            (part for part in parts if part.case == handle),
            key=lambda part: (part.index, part.part),
        )
    )
    read = {category for part in own if part.is_content for category in part.categories}
    shown = {category for part in own if not part.is_content for category in part.categories}
    return ExposedCase(
        handle,
        person_name(working_set, handle),
        tuple(sorted(read)),
        tuple(sorted(shown - read)),
        own,
    )


def part_json(part: ExposedPart) -> Mapping[str, object]:
    """Return a part as JSON."""
    return {
        "record": part.record,
        "part": part.part,
        "from": part.issuer,
        "to": part.to,
        "categories": list(part.categories),
        "index": part.index,
        "content": part.is_content,
        "earlier": part.is_earlier,
    }
