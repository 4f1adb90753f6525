"""From what the log holds of a case to the flat facts that `disclosure` reads.

`State` is what was committed in one case, as far as one enforcement point knows it: the hub all of it, an agency what it sent
and what came to it. `reduce` answers for one part, category, sender and recipient at one index and time, and nothing in it has
a clock: asked again about the same index, it says the same, whatever came later.

Where the log leaves a doubt, the doubt is against the disclosure. A consent that is malformed, or that nobody entitled
collected, isn't passed over: it blocks its pair until somebody fixes it. Who may only take away (end, narrow, restrict) is
believed more readily than who gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from exchange.models import agency_of
from exchange.records.kinds import find_kind
from exchange.records.label import Label
from exchange.records.record import Record
from exchange.records.statements import (
    About,
    Answer,
    Change,
    Emergency,
    Grant,
    Representation,
    Statement,
)
from rules.frozen import frozen

# Whose word counts as a person's consent; never police, who hold the person (42 CFR 2.31, and the exchange's own rule).
COLLECTORS = ("case_management", "treatment_provider", "service_provider", "health_provider")

# Kinds of information that 42 CFR Part 2 covers where the sender isn't known to be outside it.
FROM_CARE = (
    "plan",
    "service",
    "progress",
    "attendance",
    "substance_use",
    "test_result",
    "treatment",
    "health",
    "counseling_note",
)
_STRICTER = ("plain", "health", "part2")

# The kinds of record on which another record's passing depends; what is of any other kind changes nobody's answer.
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

OFFER_LASTS = timedelta(days=30)
EMERGENCY_LASTS = timedelta(hours=24)

NONE, INVALID, LIVE, NOT_YET, ENDED = "none", "invalid", "live", "not_yet", "ended"
_TYPES = ("ordinary", "counseling_notes", "conditional", "proceedings")


class Roles(Protocol):
    """What is asked of the directory in force."""

    def role(self, agency: str) -> str | None: ...

    def part2(self, agency: str) -> str: ...


# What an enforcement point knows


@frozen
class Passage:
    """One part on its way to one agency, with the purpose and basis that the issuer claims."""

    part: str
    to: str
    purpose: str
    basis: str


@frozen
class Committed:
    """A record as the log holds it, with those labels and passages that are known here.

    `time` is the leaf's, in seconds since 1970 (UTC); `role` the issuer's in the directory then in force, None where it had
    none. `sound` is False for what a hub passed on though it doesn't hold: it can grant nothing, and blocks.
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
        """The statements of its labels, by part."""
        return (
            (part, label.statement)
            for part, label in self.labels.items()
            if label.statement is not None
        )

    def parties(self) -> frozenset[str]:
        """Issuer and recipients, as far as they are known here."""
        return frozenset((self.issuer, *(passage.to for passage in self.passages)))


def known_of(record: Record, index: int, time: int) -> Committed:
    """A record as the reduction knows it, with those labels and passages that `record` holds."""
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
class Held:
    """A grant as the log holds it: in which record, at which index, and whether its collector was entitled to it."""

    grant: Grant
    jti: str
    index: int
    entitled: bool


@frozen
class State:
    """The records of one case, in order of index."""

    records: tuple[Committed, ...] = ()

    def with_(self, record: Committed) -> State:
        """With one more record, at its place in the order."""
        records = self.records
        if not records or records[-1].index < record.index:
            more = State((*records, record))
            if record.kind not in DECISIVE:
                # What was worked out of the others holds on.
                vars(more).update(
                    (name, found) for name, found in vars(self).items() if name != "records"
                )
            return more
        return State(tuple(sorted((*records, record), key=lambda one: one.index)))

    def before(self, index: int) -> State:
        """What stood in the log before this index."""
        if not self.records or self.records[-1].index < index:
            return self
        return State(tuple(record for record in self.records if record.index < index))

    @cached_property
    def grants(self) -> tuple[Held, ...]:
        """Every well-formed grant, the first of its id. One that came twice under an id is a fault: see `faulty`."""
        found: dict[str, Held] = {}
        for record in self.records:
            if record.kind == "consent" and record.sound:
                for _, said in record.says():
                    if isinstance(said, Grant) and said.id not in found:
                        found[said.id] = Held(
                            said, record.jti, record.index, record.role in COLLECTORS
                        )
        return tuple(found.values())

    @cached_property
    def faulty(self) -> frozenset[tuple[str, str] | None]:
        """The pair (discloser, recipient) of each malformed consent; None, where it can't be read, blocks every pair."""
        found: list[tuple[str, str] | None] = []
        seen: set[str] = set()
        for record in self.records:
            if record.kind == "consent_change" and not record.sound:
                found.append(None)
            if record.kind != "consent":
                continue
            for label in record.labels.values():
                said = label.statement
                if not isinstance(said, Grant):
                    if "consent_terms" in label.category:
                        found.append(None)
                elif not record.sound or said.id in seen:
                    found.append((said.discloser, said.recipient))
                else:
                    seen.add(said.id)
            if not record.sound and not record.labels:
                found.append(None)
        return frozenset(found)

    @cached_property
    def changes(self) -> tuple[tuple[Committed, str, Change], ...]:
        """Every change to consent that counts, with its record and part."""
        return tuple(
            (record, part, said)
            for record in self.records
            if record.kind == "consent_change"
            for part, said in record.says()
            if isinstance(said, Change) and _may_change(record.role, said)
        )

    @cached_property
    def restrictions(self) -> tuple[tuple[str, Change], ...]:
        """The person's restrictions, by id: that of the part which made them."""
        return tuple(
            (part, change) for _, part, change in self.changes if change.does == "restrict"
        )

    def kind(self, *names: str) -> tuple[Committed, ...]:
        return tuple(record for record in self.records if record.kind in names)


@frozen
class Ask:
    """May `sender` tell `recipient` this part, as `category`? Asked of the log as it stood before `index`, at `time`.

    `this` is the record that holds the part; `claimed` the basis on the sealed entry.
    """

    this: Committed
    label: Label
    category: str
    purpose: str
    claimed: str
    sender: str
    recipient: str
    index: int
    time: int


def asks(this: Committed, passage: Passage, *, index: int, time: int) -> tuple[Ask, ...]:
    """What is asked about one passage: each of its part's categories."""
    label = this.labels[passage.part]
    return tuple(
        Ask(
            this,
            label,
            category,
            passage.purpose,
            passage.basis,
            this.issuer,
            passage.to,
            index,
            time,
        )
        for category in label.category
    )


def _may_change(role: str | None, change: Change) -> bool:
    """Who speaks for the person may end, narrow, restrict; that an event came about, whoever the consent names may certify."""
    return role is not None if change.does == "certify" else role in (*COLLECTORS, "defender")


def _told(then: State, record: Committed, part: str, said: Statement) -> bool:
    """Whether terms go to both agencies whom they bind: one that isn't told goes on as before."""
    to = {passage.to for passage in record.passages if passage.part == part}
    return _bound(then, said) - {record.issuer} <= to


def _may_be_about(then: State, record: Committed, said: About) -> bool:
    named = _about(then, said)
    if record.kind in ("recall", "correction"):
        return named is not None and named.issuer == record.issuer
    if record.kind == "recall_answer":
        asked = (
            {passage.to for passage in named.passages if passage.part == said.about[1]}
            if named
            else set()
        )
        return named is not None and named.kind == "recall" and record.issuer in asked
    return True


def _about(then: State, said: About) -> Committed | None:
    """The record of this case whose part is named."""
    return next(
        (one for one in then.records if one.jti == said.about[0] and said.about[1] in one.labels),
        None,
    )


def admits(then: State, record: Committed, roles: Roles) -> bool:
    """Whether a record may be committed after `then`, as far as that isn't `disclosure`'s to say.

    Its id is no other issuer's in this case, so that whoever names a record by its id names one. A grant is collected by who
    may, under an id of its own, between agencies that are listed, and contradicts no restriction that it doesn't lift by name;
    who is to certify its event may do so. A change is to a grant that there is; an event is certified by the agency that it
    names. A recall or correction is of a part of one's own, and the answer to a recall is by whom it asked.
    """
    if record.case is not None and any(
        one.jti == record.jti and one.issuer != record.issuer for one in then.records
    ):
        return False
    for _, said in record.says():
        if isinstance(said, About) and not _may_be_about(then, record, said):
            return False
    if record.kind not in ("consent", "consent_change"):
        return True
    ids = {held.grant.id for held in then.grants}
    for part, said in record.says():
        if not _told(then, record, part, said):
            return False
        if isinstance(said, Grant):
            named = (said.discloser, said.recipient, *([said.certifier] if said.certifier else []))
            if (
                record.role not in COLLECTORS
                or said.id in ids
                or any(roles.role(one) is None for one in named)
            ):
                return False
            if (
                said.certifier
                and roles.role(said.certifier) not in find_kind("consent_change").issuers
            ):
                return False
            ids.add(said.id)
            for restriction, change in then.restrictions:
                covers = (said.discloser, said.recipient) in (change.pairs or ()) and set(
                    said.categories
                ) & set(change.categories or ())
                if covers and restriction not in said.lifts:
                    return False
        elif isinstance(said, Change):
            if not _may_change(record.role, said):
                return False
            held = next((held for held in then.grants if held.grant.id == said.grant), None)
            if said.grant is not None and held is None:
                return False
            if (
                said.does == "certify"
                and held is not None
                and held.grant.certifier != record.issuer
            ):
                return False
    return True


# The reduction


def reduce(ask: Ask, state: State, roles: Roles, zone: ZoneInfo) -> dict[str, Any]:
    """The facts that `disclosure` reads, every one of them; None where the log names something that nobody knows.

    A question is decided as its answer would be: the asked agency is the sender, the asking one the recipient.
    """
    then = state.before(ask.index)
    sender, recipient = between(ask)
    status, type_, _ = granted(then, ask, zone)
    return {
        "sender.role": roles.role(sender),
        "recipient.role": roles.role(recipient),
        "recipient.represents": represents(then, recipient),
        "part.category": ask.category,
        "part.use": ask.label.use,
        "part.sensitivity": sensitivity(ask.label.sensitivity, sender, ask.category, roles),
        "part.question": ask.this.kind == "question",
        "purpose": ask.purpose,
        "grant.status": status,
        "grant.type": type_,
        "restriction": restricted(then, sender, recipient, ask.category),
        "override": "medical_emergency" if emergency(then, ask) else NONE,
        "basis": basis(then, ask, roles, status),
    }


def relies(asked: Iterable[Ask], state: State, zone: ZoneInfo) -> tuple[str, ...]:
    """The ids of the records, of the same case, that a permit of these rests on: the consent, the yes at the scene, the
    emergency's report, or what an acknowledgement is about.
    """
    behind = (_behind(state.before(ask.index), ask, zone) for ask in asked)
    return tuple(dict.fromkeys(one.jti for one in behind if one is not None))


def _behind(then: State, ask: Ask, zone: ZoneInfo) -> Held | Committed | None:
    match ask.claimed:
        case "consent":
            return granted(then, ask, zone)[2]
        case "offer_at_scene":
            return _offered(then, ask)
        case "operation":
            return (
                _about(then, ask.label.statement)
                if isinstance(ask.label.statement, About)
                else None
            )
    return emergency(then, ask)


def between(ask: Ask) -> tuple[str, str]:
    """Who tells whom. A question is decided as its answer would be: the asked agency tells, the asking one is told."""
    return (
        (ask.recipient, ask.sender) if ask.this.kind == "question" else (ask.sender, ask.recipient)
    )


def granted(then: State, ask: Ask, zone: ZoneInfo) -> tuple[str, str, Held | None]:
    """How the person's consent stands for this pair, category and purpose, of what type it is, and the grant that says so."""
    pair = between(ask)
    if None in then.faulty or pair in then.faulty:
        return INVALID, NONE, None
    mine = [held for held in then.grants if (held.grant.discloser, held.grant.recipient) == pair]
    if any(not held.entitled for held in mine):
        return INVALID, NONE, None
    found: dict[str, list[Held]] = {}
    for held in mine:
        grant = held.grant
        narrowed = {
            one for _, _, change in _of(then, held, "narrow") for one in change.categories or ()
        }
        if (
            ask.category in grant.categories
            and ask.category not in narrowed
            and ask.purpose in grant.purposes
        ):
            found.setdefault(_status(then, held, ask.time, zone), []).append(held)
    for status in (LIVE, NOT_YET, ENDED):
        if status in found:
            first = min(found[status], key=lambda held: _TYPES.index(held.grant.type))
            return status, first.grant.type, first
    return NONE, NONE, None


def _status(then: State, held: Held, time: int, zone: ZoneInfo) -> str:
    grant = held.grant
    if any(True for _ in _of(then, held, "end")):
        return ENDED
    # A certificate counts from the one agency that the consent names for it.
    if any(record.issuer == grant.certifier for record, _, _ in _of(then, held, "certify")):
        return ENDED
    if grant.expires is not None and time >= midnight(
        date.fromisoformat(grant.expires), zone, days=1
    ):
        return ENDED
    return LIVE if time >= midnight(date.fromisoformat(grant.from_), zone) else NOT_YET


def _of(then: State, held: Held, does: str) -> Iterable[tuple[Committed, str, Change]]:
    """The changes of one sort to one grant, wherever in the log a hub may have put them."""
    return (
        change
        for change in then.changes
        if change[2].does == does and change[2].grant == held.grant.id
    )


def midnight(day: date, zone: ZoneInfo, days: int = 0) -> int:
    """The first instant of a day, or of one so many days later, in a zone; seconds since 1970.

    The calendar's last day: never.
    """
    try:
        shifted = day + timedelta(days=days)
        return int(datetime(shifted.year, shifted.month, shifted.day, tzinfo=zone).timestamp())
    except OverflowError:
        return 2**62


def represents(then: State, agency: str, *, past_exit: bool = False) -> bool:
    """Whether the agency is the person's counsel: by its own record, until an exit, or until it names another agency.

    `past_exit` asks whether it was so when the person left: who is put out needs counsel most, and counsel the account.
    """
    holds = False
    for record in then.kind("representation", "exit"):
        if record.kind == "exit":
            holds = holds and past_exit
        elif record.issuer == agency and record.sound:
            for _, said in record.says():
                if isinstance(said, Representation):
                    holds = said.agency == agency
    return holds


def sensitivity(labeled: str, sender: str, category: str, roles: Roles) -> str | None:
    """The stricter of the label's and what the sender makes it: what isn't known to lie outside Part 2 lies inside."""
    if labeled not in _STRICTER:
        return None
    return "part2" if category in FROM_CARE and roles.part2(sender) != "no" else labeled


def restricted(then: State, sender: str, recipient: str, category: str) -> bool:
    """Whether a restriction by the person covers this, and no later grant that covers it too, and stands, lifts it."""
    for record, part, change in then.changes:
        if (sender, recipient) in (change.pairs or ()) and category in (change.categories or ()):
            lifted = any(
                part in held.grant.lifts
                and held.index > record.index
                and category in held.grant.categories
                and not any(True for _ in _of(then, held, "end"))
                for held in then.grants
                if (held.grant.discloser, held.grant.recipient) == (sender, recipient)
            )
            if not lifted:
                return True
    return False


def emergency(then: State, ask: Ask) -> Committed | None:
    """The report that lets this pass as a medical emergency: by this sender, of this kind of information, to this recipient.

    It must be whole, countersigned and under a day old.
    """
    if ask.purpose != "medical_emergency":
        return None
    sender, recipient = between(ask)
    for record in then.kind("emergency_disclosure"):
        fresh = 0 <= ask.time - record.time < EMERGENCY_LASTS.total_seconds()
        if not (record.sound and fresh and record.issuer == sender):
            continue
        for _, said in record.says():
            if isinstance(said, Emergency) and (said.told, said.category) == (
                recipient,
                ask.category,
            ):
                if said.whole and said.countersigned:
                    return record
    return None


def basis(then: State, ask: Ask, roles: Roles, status: str) -> str:
    """The basis that the sealed entry claims, if it holds."""
    holds = {
        "consent": lambda: status == LIVE,
        "offer_at_scene": lambda: _offered(then, ask) is not None,
        "operation": lambda: _operates(then, ask, roles),
    }.get(ask.claimed)
    return ask.claimed if holds is not None and holds() else NONE


def _offered(then: State, ask: Ask) -> Committed | None:
    """The yes at the scene on which police may tell: not over thirty days ago, and no no and no exit since."""
    accepted: Committed | None = None
    for record in (*then.records, ask.this) if ask.this.index >= ask.index else then.records:
        answers = [said.answer for _, said in record.says() if isinstance(said, Answer)]
        # A no, which holds nothing else, goes where the yes went: it doesn't stop itself.
        if record.kind == "exit" or ("declined" in answers and not _same(record, ask.this)):
            accepted = None
        elif (
            record.kind == "referral"
            and record.role == "police"
            and record.sound
            and "accepted" in answers
        ):
            # The first yes counts: police can't renew the thirty days by saying it again.
            accepted = accepted or record
    return (
        accepted
        if accepted is not None and 0 <= ask.time - accepted.time <= OFFER_LASTS.total_seconds()
        else None
    )


def _same(one: Committed, other: Committed) -> bool:
    return (one.issuer, one.jti) == (other.issuer, other.jti)


# Who may be told, before any consent and with nothing else, who the person's counsel is, and that the person has left.
_STANDING = {
    "representation": ("program", "case_management", "prosecutor"),
    "exit": ("program", "case_management"),
}


def _operates(then: State, ask: Ask, roles: Roles) -> bool:
    """What runs the exchange: about no case, among parties of what it is about, terms to whom they name, who stands where."""
    sender, recipient = between(ask)
    if ask.category == "consent_terms":
        return recipient in _named(then, ask.label.statement)
    if ask.category != "operation":
        return False
    if ask.this.case is None:
        return True
    if ask.this.kind in _STANDING:
        counsel = ask.this.kind == "exit" and represents(then, recipient, past_exit=True)
        return counsel or roles.role(recipient) in _STANDING[ask.this.kind]
    said = ask.label.statement
    named = _about(then, said) if isinstance(said, About) else None
    if named is None or not isinstance(said, About):
        return False
    parties = {
        named.issuer,
        *(passage.to for passage in named.passages if passage.part == said.about[1]),
    }
    return {sender, recipient} <= parties


def _named(then: State, said: Statement | None) -> frozenset[str]:
    """The agencies that may be told of consent terms: those whom they bind, and of a grant's end its certifier.

    Who is to certify an event should know that the grant has ended, or would go on watching somebody for an event that ends
    nothing any more. But an end never waits for a certifier who has left or has no key. What of a grant was narrowed isn't the
    certifier's to know.
    """
    bound = _bound(then, said)
    if isinstance(said, Change) and said.does == "end":
        return bound | {
            held.grant.certifier
            for held in then.grants
            if held.grant.id == said.grant and held.grant.certifier
        }
    return bound


def _bound(then: State, said: Statement | None) -> frozenset[str]:
    """The agencies that consent terms bind: a grant's, those of the grant that is changed, or of the pairs restricted.

    Who is to certify a grant's event must know the grant.
    """
    if isinstance(said, Grant):
        return frozenset(
            (said.discloser, said.recipient, *([said.certifier] if said.certifier else []))
        )
    if isinstance(said, Change) and said.pairs is not None:
        # Where nothing was granted, only who would tell must know of the no.
        live = {(held.grant.discloser, held.grant.recipient) for held in then.grants}
        return frozenset(
            agency for pair in said.pairs for agency in (pair if pair in live else pair[:1])
        )
    if isinstance(said, Change):
        held = next((held for held in then.grants if held.grant.id == said.grant), None)
        return frozenset((held.grant.discloser, held.grant.recipient)) if held else frozenset()
    return frozenset()
