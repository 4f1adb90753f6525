"""The log state of one case, as far as one enforcement point knows it.

The hub knows all of a case. An agency knows the records that it sent and received.

Doubt counts against disclosure. A malformed consent, or one by a collector that wasn't entitled,
is not skipped. It blocks its pair of agencies until somebody fixes it. A change that only takes
permission away (end, narrow, restrict) needs less than a grant does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Protocol

from exchange.models import agency_of
from exchange.records.label import Label
from exchange.records.record import Record
from exchange.records.statements import About, Change, Grant, Statement
from rules.frozen import frozen

# The roles that may collect a person's consent (42 CFR 2.31). Police never may: they hold the
# person in custody, and the exchange's own rule excludes them.
COLLECTORS = ("case_management", "treatment_provider", "service_provider", "health_provider")

# The kinds of record that can change whether another record passes.
DECISIVE = frozenset(
    (
        "offer",
        "referral",
        "representation",
        "exit",
        "consent",
        "consent_change",
        "emergency_disclosure",
    )
)


class Roles(Protocol):
    """The part of a directory that the reduction reads."""

    def role(self, agency: str) -> str | None:
        """Return an agency's role, or None if it isn't listed."""

    def part2(self, agency: str) -> str:
        """Return an agency's status under 42 CFR Part 2: yes, no, or unknown."""


@frozen
class Passage:
    """One part on its way to one agency, with the purpose and basis that the issuer claims."""

    part: str
    to: str
    purpose: str
    basis: str


@frozen
class Committed:
    """A record in the log, with those labels and passages that are known here.

    `time` is the leaf's, in seconds since 1970 (UTC). `role` is the issuer's in the directory
    then in force, None if it had none. `sound` is False for an invalid record that a hub passed
    on. Such a record grants nothing and blocks.
    """

    index: int
    time: int
    jti: str
    issuer: str
    role: str | None
    kind: str
    case: str | None
    labels: Mapping[str, Label]
    passages: tuple[Passage, ...] = ()
    sound: bool = True

    def says(self) -> Iterable[tuple[str, Statement]]:
        """Return the statements of its labels, by part."""
        return (
            (part, label.statement)
            for part, label in self.labels.items()
            if label.statement is not None
        )

    def parties(self) -> frozenset[str]:
        """Return its issuer and its recipients, as far as they are known here."""
        return frozenset((self.issuer, *(passage.to for passage in self.passages)))

    def recipients(self, part: str) -> frozenset[str]:
        """Return the recipients of a part."""
        return frozenset(passage.to for passage in self.passages if passage.part == part)

    def is_same_record(self, other: Committed) -> bool:
        """Return whether both have the same issuer and id."""
        return (self.issuer, self.jti) == (other.issuer, other.jti)


def committed_record(record: Record, index: int, time: int) -> Committed:
    """Return a record as committed at a log index and time, with the parts that it shows."""
    passages = tuple(
        Passage(entry.part, agency_of(entry.to), entry.purpose, entry.basis)
        for entry in record.entries
        if entry.part in record.labels
    )
    return Committed(
        index,
        time,
        record.jti,
        record.issuer,
        record.role,
        record.kind,
        record.case,
        record.labels,
        passages,
    )


@frozen
class LoggedGrant:
    """A grant with its record and log index, and whether its collector was entitled."""

    grant: Grant
    jti: str
    index: int
    entitled: bool

    @property
    def pair(self) -> tuple[str, str]:
        """The discloser and the recipient."""
        return self.grant.discloser, self.grant.recipient


@frozen
class LoggedChange:
    """A change to consent with its record and part. A restriction's id is that of its part."""

    record: Committed
    part: str
    change: Change


@frozen
class State:
    """The records of one case, in order of index."""

    records: tuple[Committed, ...] = ()

    def with_(self, record: Committed) -> State:
        """Return the state with one more record, at its place in the order."""
        records = self.records
        if not records or records[-1].index < record.index:
            extended = State((*records, record))
            if record.kind not in DECISIVE:
                # The cached properties read only decisive kinds, so their values stay correct.
                vars(extended).update(
                    (name, value) for name, value in vars(self).items() if name != "records"
                )
            return extended
        return State(tuple(sorted((*records, record), key=lambda committed: committed.index)))

    def before(self, index: int) -> State:
        """Return the state before a log index."""
        if not self.records or self.records[-1].index < index:
            return self
        return State(tuple(record for record in self.records if record.index < index))

    def kind(self, *names: str) -> tuple[Committed, ...]:
        """Return the records of these kinds."""
        return tuple(record for record in self.records if record.kind in names)

    def subject(self, about: About) -> Committed | None:
        """Return the record of this case that a statement is about."""
        jti, part = about.about
        return next(
            (record for record in self.records if record.jti == jti and part in record.labels),
            None,
        )

    @cached_property
    def grants(self) -> tuple[LoggedGrant, ...]:
        """Every well-formed grant, the first of its id. A second one is a fault, see `faulty`."""
        grants: dict[str, LoggedGrant] = {}
        for record in self.records:
            if record.kind == "consent" and record.sound:
                for _, grant in record.says():
                    if isinstance(grant, Grant) and grant.id not in grants:
                        entitled = record.role in COLLECTORS
                        grants[grant.id] = LoggedGrant(grant, record.jti, record.index, entitled)
        return tuple(grants.values())

    def grant(self, id: str | None) -> LoggedGrant | None:
        """Return a grant by its id."""
        return next((logged for logged in self.grants if logged.grant.id == id), None)

    @cached_property
    def faulty(self) -> frozenset[tuple[str, str] | None]:
        """The pair (discloser, recipient) of each malformed consent.

        None means a consent that can't be read. It blocks every pair.
        """
        pairs: list[tuple[str, str] | None] = []
        seen: set[str] = set()
        for record in self.records:
            if record.kind == "consent_change" and not record.sound:
                pairs.append(None)
            if record.kind == "consent":
                pairs += _faulty_pairs(record, seen)
        return frozenset(pairs)

    @cached_property
    def changes(self) -> tuple[LoggedChange, ...]:
        """Every change to consent by an issuer that may make it."""
        return tuple(
            LoggedChange(record, part, change)
            for record in self.records
            if record.kind == "consent_change"
            for part, change in record.says()
            if isinstance(change, Change) and may_change(record.role, change)
        )

    @cached_property
    def restrictions(self) -> tuple[LoggedChange, ...]:
        """The person's restrictions."""
        return tuple(logged for logged in self.changes if logged.change.does == "restrict")

    def changes_to(self, grant: Grant, does: str) -> tuple[LoggedChange, ...]:
        """Return the changes of one sort to a grant, wherever in the log a hub put them."""
        return tuple(
            logged
            for logged in self.changes
            if logged.change.does == does and logged.change.grant == grant.id
        )


def _faulty_pairs(record: Committed, seen: set[str]) -> Iterable[tuple[str, str] | None]:
    """Yield the pairs that a consent's faulty grants block. `seen` collects other ids."""
    for label in record.labels.values():
        grant = label.statement
        if not isinstance(grant, Grant):
            if "consent_terms" in label.category:
                yield None
        elif not record.sound or grant.id in seen:
            yield grant.discloser, grant.recipient
        else:
            seen.add(grant.id)
    if not record.sound and not record.labels:
        yield None


def may_change(role: str | None, change: Change) -> bool:
    """Return whether an issuer with this role may make a change to consent.

    Any listed agency may certify an event, since the consent names its certifier. The agencies
    that speak for the person may end, narrow, and restrict.
    """
    return role is not None if change.does == "certify" else role in (*COLLECTORS, "defender")
