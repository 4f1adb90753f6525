"""Keep what the law says as long as it says: holds, early ends, destruction, and its proof."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from exchange.consent.disclosure import day_of
from exchange.errors import shorten
from exchange.records.building import Part
from offramp.agency.cases.answering import defaults_today, pack_in_force
from offramp.agency.cases.caseload import case_of, own_parts
from offramp.agency.cases.counted import NOTHING, QuarterCounts
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.kept_counts import KEPT, add_kept, enrolled_from, lost_counts
from offramp.agency.cases.quarters import Quarter
from offramp.agency.cases.retention import (
    DoneEnding,
    Keeping,
    KeptItem,
    done_endings,
    kept_items,
    new_endings,
)
from offramp.agency.cases.tally import CaseTally, tally_case
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.retention_state import HOLD_REASONS, CountedMark, Ending, Hold
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, CASES, GATEWAY, SUPERVISION, needs, visible
from offramp.agency.operations.evidence import export_record
from rules.errors import Refusal, nearest
from rules.frozen import frozen
from rules.packs.pack import Citation
from rules.packs.retention import CAUSES

SEALED = "sealed"
# The agencies that give the person the proof: the person's own.
_PERSONS_OWN = ("case_management", "defender")
_OPERATION = ("exchange_operation", "operation")


@frozen
class KeptRow:
    """What an agency keeps of one kind in a case: how many, until when, and what says so.

    `rule` is the id of the pack's rule, None for the default or the sender's own day. `law` is its
    source in words. `cause` is set if something ended it before its time.
    """

    case: str | None
    category: str
    count: int
    first_ends: date
    last_ends: date
    rule: str | None
    says: str
    law: str
    is_doubtful: bool
    cause: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the row's JSON in `offramp agency retention`."""
        return {
            "case": self.case,
            "category": self.category,
            "count": self.count,
            "first_ends": self.first_ends.isoformat(),
            "last_ends": self.last_ends.isoformat(),
            "rule": self.rule,
            "says": self.says,
            "law": self.law,
            "doubtful": self.is_doubtful,
            "cause": self.cause,
        }


@frozen
class KeptCase:
    """What an agency keeps of a case, its holds, what ended it early, and what was signed.

    `case` is None for what is about no case.
    """

    case: str | None
    rows: tuple[KeptRow, ...]
    holds: tuple[Hold, ...]
    endings: tuple[Ending, ...]
    signed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency retention`."""
        return {
            "case": self.case,
            "rows": [row.as_json() for row in self.rows],
            "holds": [hold.as_json() for hold in self.holds],
            "endings": [
                {"cause": each.cause, "on": each.on.isoformat(), "by": each.by}
                for each in self.endings
            ],
            "signed": list(self.signed),
        }


@frozen
class RetentionList:
    """What an agency keeps, case by case. `default_days` applies where the pack has no rule."""

    today: date
    default_days: int
    cases: tuple[KeptCase, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency retention`."""
        return {
            "today": self.today.isoformat(),
            "default_days": self.default_days,
            "cases": [case.as_json() for case in self.cases],
        }


@needs(CASES, look="list")
def list_retention(office: Office, of_case: str | None = None) -> RetentionList:
    """List what ends when in the caseload of the person who asks, or in one case of it.

    Raises `AgencyError` `no-such-case`, `no-directory`.
    """
    with office.transaction() as working_set:
        keeping = _keeping(office, working_set)
        sees = visible(office, working_set)
        if of_case is not None:
            case_of(working_set, of_case)
        handles = [of_case] if of_case is not None else working_set.cases.handles()
        items: dict[str | None, list[KeptItem]] = {handle: [] for handle in handles if sees(handle)}
        for item in kept_items(working_set, keeping, of_case):
            if item.case in items:
                items[item.case].append(item)
        state = working_set.retention
        return RetentionList(
            keeping.today,
            keeping.default_days,
            tuple(
                KeptCase(
                    handle,
                    _rows(keeping, handle, kept),
                    state.holds_on(handle),
                    tuple(state.ended(handle).values()),
                    tuple(cause for case, cause in state.signed if case == handle),
                )
                for handle, kept in items.items()
            ),
        )


def _rows(keeping: Keeping, case: str | None, items: Iterable[KeptItem]) -> tuple[KeptRow, ...]:
    groups: dict[tuple[str, str | None, str | None, bool], list[KeptItem]] = {}
    for item in items:
        term = item.term
        rule = term.rule.id if term is not None and term.rule is not None else None
        category = term.category if term is not None else ", ".join(item.categories)
        key = category, rule, term.cause if term is not None else None, term is None
        groups.setdefault(key, []).append(item)
    return tuple(
        _row(keeping, case, category, cause, kept)
        for (category, _, cause, _), kept in sorted(groups.items(), key=lambda each: str(each[0]))
    )


def _row(
    keeping: Keeping, case: str | None, category: str, cause: str | None, items: list[KeptItem]
) -> KeptRow:
    term = items[0].term
    rule = term.rule if term is not None else None
    if rule is not None:
        says, law = rule.says, _law(keeping, rule.source)
    elif term is not None:
        says, law = f"the default: {keeping.default_days} days", ""
    else:
        says, law = "the day that its sender set", ""
    return KeptRow(
        case,
        category,
        len(items),
        min(item.last_day for item in items),
        max(item.last_day for item in items),
        rule.id if rule is not None else None,
        says,
        law,
        bool(rule is not None and rule.provisional),
        cause,
    )


def _law(keeping: Keeping, source: Citation) -> str:
    assert keeping.pack is not None, "a rule is of a pack"
    title = keeping.pack.sources[source.id].title
    return f"{title}, {source.at}" if source.at else title


def _keeping(office: Office, working_set: WorkingSet) -> Keeping:
    """Return how retention is worked out now. Raises `AgencyError` `no-directory`."""
    defaults_today(office, working_set)
    directory = working_set.gateway.history.newest
    today = day_of(working_set.gateway.hub_time(office.clock()), directory.zone)
    return Keeping(
        pack_in_force(office, working_set),
        directory.role(office.agency),
        office.settings.keep_days,
        today,
        directory.zone,
    )


# Legal holds


@needs(SUPERVISION, look="act")
def hold_case(office: Office, actor: str, case: str, reason: str) -> Hold:
    """Stop all destruction in a case. `reason` is a key of `HOLD_REASONS`.

    Raises `AgencyError` `no-such-case`, `unknown-reason`.
    """
    if reason not in HOLD_REASONS:
        raise AgencyError(
            "unknown-reason",
            f"`{shorten(reason)}` is no reason for a legal hold",
            fix=nearest(reason, sorted(HOLD_REASONS)),
        )
    with office.transaction() as working_set:
        case_of(working_set, case)
        body = {"does": "held", "case": case, "reason": reason, "by": actor}
        event = office.append(working_set, "retention", body)
        return working_set.retention.holds[case][event.at]


@needs(SUPERVISION, look="act")
def release_hold(office: Office, actor: str, case: str, number: int | None = None) -> Hold:
    """Release a legal hold of a case: the one of this number, or the only one.

    What fell due meanwhile is destroyed by the next daily work. Raises `AgencyError`
    `no-such-case`, `no-hold`, `which-hold`.
    """
    with office.transaction() as working_set:
        case_of(working_set, case)
        holds = {hold.number: hold for hold in working_set.retention.holds_on(case)}
        if not holds or (number is not None and number not in holds):
            raise AgencyError(
                "no-hold",
                f"there is no such legal hold on the case `{case}`",
                fix="see `offramp agency retention DIR CASE`",
            )
        if number is None and len(holds) > 1:
            raise AgencyError(
                "which-hold",
                f"the case has the legal holds {', '.join(map(str, holds))}",
                fix="name one with `--number`",
            )
        chosen = number if number is not None else next(iter(holds))
        body = {"does": "released", "case": case, "number": chosen, "by": actor}
        office.append(working_set, "retention", body)
        return working_set.retention.holds[case][chosen]


def check_not_held(working_set: WorkingSet, case: str) -> None:
    """Check that no legal hold stops the destruction in a case. Raises `AgencyError` `on-hold`."""
    if holds := working_set.retention.holds_on(case):
        raise AgencyError(
            "on-hold",
            f"a legal hold of `{holds[0].by}` stops all destruction in this case",
            fix="keep it with `--keep-because`, or have a supervisor release the hold first",
        )


# Early ends


@needs(SUPERVISION, look="act")
def note_ending(
    office: Office, actor: str, case: str, cause: str, on: date | None = None
) -> Ending:
    """Note that a charge was dismissed, a court sealed the record, or the person completed.

    `on` is the day of it, by default today. What the pack's retention ends is destroyed from the
    next day on, by the daily work. Raises `AgencyError` `no-such-case`, `unknown-cause`,
    `day-to-come`, `no-directory`.
    """
    if cause not in CAUSES:
        raise AgencyError(
            "unknown-cause",
            f"`{shorten(cause)}` ends nothing",
            fix=f"use one of {', '.join(CAUSES)}",
        )
    with office.transaction() as working_set:
        case_of(working_set, case)
        today = _keeping(office, working_set).today
        if on is not None and on > today:
            raise AgencyError(
                "day-to-come", f"`{on}` is a day to come", fix="note it when it has happened"
            )
        _append_ending(office, working_set, Ending(case, cause, on or today, today, actor))
        return working_set.retention.ended(case)[cause]


def _append_ending(office: Office, working_set: WorkingSet, ending: Ending) -> None:
    body = {
        "does": "ended",
        "case": ending.case,
        "cause": ending.cause,
        "on": ending.on.isoformat(),
        "noted": ending.noted.isoformat(),
        **({"by": ending.by} if ending.by is not None else {}),
    }
    office.append(working_set, "retention", body)


@needs(SUPERVISION, look="act")
def withdraw_ending(office: Office, actor: str, case: str, cause: str) -> None:
    """Withdraw the note of a cause, before it ended anything.

    Raises `AgencyError` `no-such-case`, `no-ending`.
    """
    with office.transaction() as working_set:
        case_of(working_set, case)
        state = working_set.retention
        if cause not in state.ended(case) or (case, cause) in state.signed:
            raise AgencyError(
                "no-ending",
                f"nothing that can be withdrawn is noted as `{shorten(cause)}` in this case",
                fix="see `offramp agency retention DIR CASE`",
            )
        body = {"does": "withdrawn", "case": case, "cause": cause, "by": actor}
        office.append(working_set, "retention", body)


# The daily work


@frozen
class EndedWork:
    """What one run of the daily work destroyed, and the statements that it signed.

    `notes` counts own notes and the signed texts of consents.
    """

    parts: int
    notes: int
    statements: tuple[str, ...]


@needs(GATEWAY)
def end_due(office: Office) -> EndedWork:
    """Destroy everything after its last day, by the hub's time, and sign what an early end ended.

    Whatever interrupts it, the next run goes on: each step is one transaction or is marked as
    unfinished in one. Before there is a directory, nothing is due.
    """
    working_set = office.working_set()
    if working_set.gateway.line is None or not working_set.gateway.history.size:
        return EndedWork(0, 0, ())
    # Every case is looked at before the transaction, so that no other program waits for it.
    tuple(new_endings(working_set, _keeping(office, working_set).today))
    office.keep_memory(working_set)
    with office.transaction() as working_set:
        keeping = _keeping(office, working_set)
        for case, ending in tuple(new_endings(working_set, keeping.today)):
            if isinstance(ending, Ending):
                _append_ending(office, working_set, ending)
            else:
                body = {"does": "withdrawn", "case": case, "cause": ending}
                office.append(working_set, "retention", body)
        due = [
            item
            for item in kept_items(working_set, keeping)
            if item.is_due(keeping.today) and not working_set.retention.is_held(item.case)
        ]
        parts = {item.part for item in due if item.part is not None}
        events = [item.event for item in due if item.event is not None]
        notes = [event for event in events if event.kind == "noted"]
        before = _tallies(office, working_set, keeping, due)
        office.destroy_events(notes, [event for event in events if event.kind == "statement"])
        office.destroy_in(working_set, parts)
        if before:
            working_set.drop_contents(parts, notes)
            _keep_counts(office, working_set, keeping.today, before)
    office.forget_destroyed(due)
    return EndedWork(len(parts), len(events), _sign_done(office))


def _tallies(
    office: Office, working_set: WorkingSet, keeping: Keeping, due: Iterable[KeptItem]
) -> dict[str, CaseTally]:
    """Return what each case adds to reports of which something is due, while all is still here.

    It is empty without the pack that says how to count.
    """
    if keeping.pack is None:
        return {}
    handles = dict.fromkeys(
        handle
        for item in due
        if item.case is not None and item.case in working_set.cases
        for handle in working_set.cases.same_person(item.case)
    )
    program, now = office.program(working_set), office.clock()
    groupings = program.pack.groups
    return {handle: tally_case(working_set, program, groupings, handle, now) for handle in handles}


def _keep_counts(
    office: Office, working_set: WorkingSet, today: date, before: Mapping[str, CaseTally]
) -> None:
    """Keep what destroyed records counted, about nobody, within the transaction that destroys them.

    INVARIANT: each case adds the same to every quarter so far as before, by its records or here.
    """
    program, now = office.program(working_set), office.clock()
    kept: dict[Quarter, QuarterCounts] = {}
    for handle, tally in before.items():
        mark = working_set.retention.mark_of(handle)
        count_again = partial(tally_case, working_set, program, program.pack.groups, handle, now)
        after = count_again(mark)
        enrolled = enrolled_from(tally, after, mark, today)
        if is_new := enrolled != mark.enrolled:
            after = count_again(CountedMark(mark.settled, enrolled))
        lost, settled = lost_counts(tally, after, today)
        if not lost and not is_new:
            continue
        for quarter, counts in lost.items():
            kept[quarter] = kept.get(quarter, NOTHING) + counts
        body = {"does": "counted", "case": handle, "settled": sorted(map(list, settled))}
        office.append(working_set, "retention", body | ({"enrolled": enrolled} if enrolled else {}))
    if kept:
        office.journal.put(KEPT, add_kept(office.journal.get(KEPT), kept))


def _sign_done(office: Office) -> tuple[str, ...]:
    """Sign each early end that has ended everything it ends, for the person's own agencies.

    What can't be composed now, such as to an agency without a key, is tried again at the next run.
    """
    signed: list[str] = []
    for done in tuple(done_endings(*_state(office))):
        try:
            with office.transaction() as working_set:
                signed += _sign(office, working_set, done)
        except Refusal:
            continue
    return tuple(signed)


def _state(office: Office) -> tuple[WorkingSet, Keeping]:
    working_set = office.working_set()
    return working_set, _keeping(office, working_set)


def _sign(office: Office, working_set: WorkingSet, done: DoneEnding) -> list[str]:
    case, cause = done.ending.case, done.ending.cause
    if (case, cause) in working_set.retention.signed:
        return []
    defaults = defaults_today(office, working_set)
    records = [
        office.compose_in(
            working_set, SEALED, (_statement_part(done, recipient, about, defaults),), case
        ).id
        for recipient, about in _persons_agencies(working_set, case).items()
    ]
    body = {"does": "signed", "case": case, "cause": cause, "records": records}
    office.append(working_set, "retention", body)
    return records


def _persons_agencies(working_set: WorkingSet, case: str) -> Mapping[str, tuple[str, str]]:
    """Return the person's own agencies, each with a part that it sent here or received from here.

    The basis of the statement is that part, of which both agencies know already.
    """
    membership = working_set.gateway.history.membership_at(2**53 - 1)
    directory = membership.directory
    records = working_set.cases.records(case)
    shared: dict[str, tuple[str, str]] = {}
    for received in records.received.values():
        if received.record is not None:
            part = next(iter(received.record.labels))
            shared.setdefault(received.record.issuer, (received.record.jti, part))
    for outgoing in records.sent:
        if outgoing.receipt is not None and outgoing.kind != SEALED:
            for (part, _, _), stored in zip(own_parts(outgoing), outgoing.parts, strict=True):
                for recipient in stored["to"]:
                    shared.setdefault(recipient, (outgoing.jti, part))
    return {
        agency: about
        for agency, about in sorted(shared.items())
        if directory.role(agency) in _PERSONS_OWN
        and agency != working_set.agency
        and agency in membership.sealing
    }


def _statement_part(
    done: DoneEnding, recipient: str, about: tuple[str, str], defaults: Defaults
) -> Part:
    content = {
        "because": done.ending.cause,
        "on": done.ending.on.isoformat(),
        "ended": done.ended,
        **({"kept_until": done.kept_until.isoformat()} if done.kept_until is not None else {}),
    }
    return Part(
        category=("operation",),
        content={"operation": {"sealed": content}},
        to={recipient: _OPERATION},
        keep_until=defaults.last_day(("operation",)),
        use=defaults.use,
        says={"about": list(about)},
    )


# The proof for the person


@frozen
class SealingStatement:
    """What one agency signed: that it ended its parts of a case, and why.

    `on` is the day of the cause, `signed_at` the time of the record in the log, in seconds since
    1970. `ended` counts the destroyed parts. `kept_until` is the last day of what the agency still
    keeps, None if that is nothing. `exhibit` is the file for a court.
    """

    agency: str
    name: str
    cause: str
    on: date
    ended: int
    kept_until: date | None
    record: str
    index: int
    signed_at: int
    exhibit: bytes


@frozen
class SealingProof:
    """What agencies signed about a case, each statement proved, and who hasn't signed.

    `founders` is the fingerprint to compare with one from elsewhere. `unsigned` are the names of
    the agencies that this one exchanged records of the case with and that signed nothing.
    """

    case: str
    program_zone: ZoneInfo
    made_by: str
    made_at: int
    founders: str
    statements: tuple[SealingStatement, ...]
    unsigned: tuple[str, ...]


@needs(CASE, look="print")
def prove_sealing(office: Office, actor: str, case: str) -> SealingProof:
    """Collect what agencies signed about the ends of their parts in a case, with the proofs.

    Each statement is opened, exported with its proof in the log, and verified as a court would.
    Raises `AgencyError` `no-such-case`, `nothing-sealed`; as `export_record`.
    """
    working_set = office.working_set()
    case_of(working_set, case)
    for jti, part in working_set.closed_parts(case):
        if _kind(working_set, jti) == SEALED:
            office.open(jti, part, by=actor)
    working_set = office.working_set()
    directory = working_set.gateway.history.newest
    statements = []
    for (issuer, jti), received in working_set.cases.records(case).received.items():
        if received.record is None or received.record.kind != SEALED or not received.opened:
            continue
        assert received.committed is not None, "a record that is opened was committed"
        stated = next(iter(received.opened.values())).content["operation"]["sealed"]
        until = stated.get("kept_until")
        statements.append(
            SealingStatement(
                issuer,
                directory.agencies[issuer].name if issuer in directory.agencies else issuer,
                stated["because"],
                date.fromisoformat(stated["on"]),
                stated["ended"],
                date.fromisoformat(until) if until is not None else None,
                jti,
                received.committed.index,
                received.committed.time,
                export_record(office, jti).text,
            )
        )
    if not statements:
        raise AgencyError(
            "nothing-sealed",
            "no agency has signed that it destroyed its parts of this case",
            fix="wait until a cause is noted with `offramp agency seal`, and its days are over",
        )
    return SealingProof(
        case,
        directory.zone,
        directory.agencies[office.agency].name,
        office.clock(),
        working_set.gateway.history.founders,
        tuple(statements),
        _unsigned(working_set, case, {each.agency for each in statements}),
    )


def _kind(working_set: WorkingSet, jti: str) -> str | None:
    return next(
        (
            received.record.kind
            for (_, received_id), received in working_set.gateway.received.items()
            if received_id == jti and received.record is not None
        ),
        None,
    )


def _unsigned(working_set: WorkingSet, case: str, signed: Collection[str]) -> tuple[str, ...]:
    """Return the names of the other agencies with parts of a case that signed nothing here."""
    directory = working_set.gateway.history.newest
    records = working_set.cases.records(case)
    parties = {issuer for issuer, _ in records.received}
    parties |= {to for sent in records.sent for part in sent.parts for to in part["to"]}
    return tuple(
        directory.agencies[agency].name
        for agency in sorted(parties - set(signed) - {working_set.agency})
        if agency in directory.agencies
    )
