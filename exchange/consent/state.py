"""The log state of one case, as far as one enforcement point knows it.

The hub knows all of a case. An agency knows the records that it sent and received.

Doubt counts against disclosure. A malformed consent, or one by a collector that wasn't entitled,
is not skipped. It blocks its pair of agencies until somebody fixes it. A change that only takes
permission away (end, narrow, restrict) needs less than a grant does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Protocol, TypeVar

from exchange.models import agency_of
from exchange.records.label import Label
from exchange.records.record import Record
from exchange.records.statements import About, Answer, Change, Grant, Statement
from rules.frozen import cached_property, frozen

K = TypeVar("K")
V = TypeVar("V")

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
        "recall",
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

    @cached_property
    def has_statement(self) -> bool:
        """True if one of its labels has a statement."""
        return any(label.statement is not None for label in self.labels.values())

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
class _ById:
    """The first `count` records of a case by id.

    The states of a growing case share one dictionary, since copying it for each record would cost
    the square of a case's records. INVARIANT: it has the records of the longest of these states,
    and each is stored with its place among them.
    """

    count: int
    records: dict[str, tuple[tuple[int, Committed], ...]]
    # The length of the longest state, in a list because all of them change it.
    longest: list[int]

    def get(self, jti: str) -> tuple[Committed, ...]:
        """Return the records with an id."""
        return tuple(record for place, record in self.records.get(jti, ()) if place < self.count)

    def with_(self, record: Committed) -> _ById:
        """Return the records with one more at their end."""
        records, longest = self.records, self.longest
        if longest[0] != self.count:
            # Another state went on from here. This one continues with a copy.
            records = {
                jti: tuple(entry for entry in entries if entry[0] < self.count)
                for jti, entries in records.items()
            }
            longest = [self.count]
        records[record.jti] = (*records.get(record.jti, ()), (self.count, record))
        longest[0] += 1
        return _ById(self.count + 1, records, longest)


@frozen
class _Index:
    """The records of a case by kind and by id, and those that answer an offer or end a case.

    `asked_back` has the recipients that an issuer asked to give a part back, by issuer, record,
    and part.
    """

    by_kind: Mapping[str, tuple[Committed, ...]]
    by_id: _ById
    answers: tuple[Committed, ...]
    asked_back: Mapping[tuple[str, str, str], tuple[str, ...]]

    def with_(self, record: Committed) -> _Index:
        """Return the index with one more record at its end."""
        answers = record.kind == "exit" or (
            record.has_statement
            and any(isinstance(statement, Answer) for _, statement in record.says())
        )
        return _Index(
            _extended(self.by_kind, record.kind, record),
            self.by_id.with_(record),
            (*self.answers, record) if answers else self.answers,
            self._asked_back_with(record),
        )

    def _asked_back_with(self, record: Committed) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
        if record.kind != "recall":
            return self.asked_back
        asked_back = dict(self.asked_back)
        for part, statement in record.says():
            if isinstance(statement, About):
                key = (record.issuer, *statement.about)
                asked_back[key] = (*asked_back.get(key, ()), *record.recipients(part))
        return asked_back


@frozen
class _Consents:
    """The grants and changes of a case, by the ids and pairs that questions name."""

    grants: Mapping[str, LoggedGrant]
    grants_by_pair: Mapping[tuple[str, str], tuple[LoggedGrant, ...]]
    changes: tuple[LoggedChange, ...]
    changes_by_grant: Mapping[str | None, tuple[LoggedChange, ...]]
    changes_by_pair: Mapping[tuple[str, str], tuple[LoggedChange, ...]]
    faulty: frozenset[tuple[str, str] | None]
    # The ids of the grants that are no fault.
    faultless: frozenset[str]

    def with_(self, record: Committed) -> _Consents:
        """Return the consents with those of one more record at its end."""
        if record.kind == "consent":
            return self._with_consent(record)
        if record.kind == "consent_change":
            return self._with_change(record)
        return self

    def _with_consent(self, record: Committed) -> _Consents:
        grants, by_pair = self.grants, self.grants_by_pair
        for _, grant in record.says() if record.sound else ():
            if isinstance(grant, Grant) and grant.id not in grants:
                logged = LoggedGrant(grant, record.jti, record.index, record.role in COLLECTORS)
                grants = {**grants, grant.id: logged}
                by_pair = _extended(by_pair, logged.pair, logged)
        seen = set(self.faultless)
        pairs = frozenset(_faulty_pairs(record, seen))
        return replace(
            self,
            grants=grants,
            grants_by_pair=by_pair,
            faulty=self.faulty | pairs,
            faultless=frozenset(seen),
        )

    def _with_change(self, record: Committed) -> _Consents:
        changes, by_grant, by_pair = self.changes, self.changes_by_grant, self.changes_by_pair
        for logged in _changes_of(record):
            changes = (*changes, logged)
            by_grant = _extended(by_grant, logged.change.grant, logged)
            for pair in logged.change.pairs or ():
                by_pair = _extended(by_pair, pair, logged)
        return replace(
            self,
            changes=changes,
            changes_by_grant=by_grant,
            changes_by_pair=by_pair,
            faulty=self.faulty if record.sound else self.faulty | {None},
        )


@frozen
class State:
    """The records of one case, in order of index."""

    records: tuple[Committed, ...] = ()

    def with_(self, record: Committed) -> State:
        """Return the state with one more record, at its place in the order."""
        records = self.records
        if not records or records[-1].index < record.index:
            extended = State((*records, record))
            # What is known of the records so far is extended, never computed anew.
            known, added = vars(self), vars(extended)
            for name in ("_index", "_consents"):
                if name in known:
                    added[name] = known[name].with_(record)
            return extended
        return State(tuple(sorted((*records, record), key=lambda committed: committed.index)))

    def before(self, index: int) -> State:
        """Return the state before a log index."""
        if not self.records or self.records[-1].index < index:
            return self
        return State(tuple(record for record in self.records if record.index < index))

    @cached_property
    def _index(self) -> _Index:
        index = _Index({}, _ById(0, {}, [0]), (), {})
        for record in self.records:
            index = index.with_(record)
        return index

    @cached_property
    def _consents(self) -> _Consents:
        consents = _Consents({}, {}, (), {}, {}, frozenset(), frozenset())
        for record in self.kind("consent", "consent_change"):
            consents = consents.with_(record)
        return consents

    def kind(self, *names: str) -> tuple[Committed, ...]:
        """Return the records of these kinds, in order."""
        if len(names) == 1:
            return self._index.by_kind.get(names[0], ())
        found = [self._index.by_kind[name] for name in names if name in self._index.by_kind]
        if len(found) < 2:
            return found[0] if found else ()
        return tuple(sorted(chain(*found), key=lambda record: record.index))

    def of_id(self, jti: str) -> tuple[Committed, ...]:
        """Return the records with an id: one for each issuer that used it."""
        return self._index.by_id.get(jti)

    @property
    def answers(self) -> tuple[Committed, ...]:
        """The records that state an answer to an offer, and the exits, in order."""
        return self._index.answers

    def subject(self, about: About) -> Committed | None:
        """Return the record of this case that a statement is about."""
        jti, part = about.about
        return next((record for record in self.of_id(jti) if part in record.labels), None)

    def is_recalled(self, record: Committed, part: str) -> bool:
        """Return whether a part was asked back by its issuer from all its recipients known here.

        A part that is asked back from a wrong recipient alone still counts.
        """
        asked = self._index.asked_back.get((record.issuer, record.jti, part))
        return asked is not None and record.recipients(part) <= frozenset(asked)

    @cached_property
    def without_recalled_exits(self) -> State:
        """The state without the exits that their issuer asked back: the person did not leave."""
        kept = tuple(
            record
            for record in self.records
            if record.kind != "exit"
            or not record.labels
            or not all(self.is_recalled(record, part) for part in record.labels)
        )
        return self if len(kept) == len(self.records) else State(kept)

    @property
    def grants(self) -> tuple[LoggedGrant, ...]:
        """Every well-formed grant, the first of its id. A second one is a fault, see `faulty`."""
        return tuple(self._consents.grants.values())

    def grant(self, id: str | None) -> LoggedGrant | None:
        """Return a grant by its id."""
        return self._consents.grants.get(id) if id is not None else None

    def grants_of(self, pair: tuple[str, str]) -> tuple[LoggedGrant, ...]:
        """Return the grants from a discloser to a recipient."""
        return self._consents.grants_by_pair.get(pair, ())

    @property
    def faulty(self) -> frozenset[tuple[str, str] | None]:
        """The pair (discloser, recipient) of each malformed consent.

        None means a consent that can't be read. It blocks every pair.
        """
        return self._consents.faulty

    @property
    def changes(self) -> tuple[LoggedChange, ...]:
        """Every change to consent by an issuer that may make it."""
        return self._consents.changes

    @property
    def restrictions(self) -> tuple[LoggedChange, ...]:
        """The person's restrictions."""
        return tuple(logged for logged in self.changes if logged.change.does == "restrict")

    def changes_for(self, pair: tuple[str, str]) -> tuple[LoggedChange, ...]:
        """Return the changes that name a discloser and a recipient."""
        return self._consents.changes_by_pair.get(pair, ())

    def changes_to(self, grant: Grant, does: str) -> tuple[LoggedChange, ...]:
        """Return the changes of one sort to a grant, wherever in the log a hub put them."""
        changes = self._consents.changes_by_grant.get(grant.id)
        if changes is None:
            return ()
        return tuple(logged for logged in changes if logged.change.does == does)


def _extended(found: Mapping[K, tuple[V, ...]], key: K, value: V) -> Mapping[K, tuple[V, ...]]:
    """Return the values by key with one more."""
    return {**found, key: (*found.get(key, ()), value)}


def _changes_of(record: Committed) -> tuple[LoggedChange, ...]:
    """Return the changes to consent in a record, if its issuer may make them."""
    return tuple(
        LoggedChange(record, part, change)
        for part, change in record.says()
        if isinstance(change, Change) and may_change(record.role, change)
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
