"""Destroy what is due, keep what it counted, and sign what an early end has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial

from exchange.records.building import Part
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.caseload import own_parts
from offramp.agency.cases.counted import NOTHING, QuarterCounts
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.kept_counts import KEPT, add_kept, enrolled_from, lost_counts
from offramp.agency.cases.own_statements import is_done
from offramp.agency.cases.quarters import Quarter
from offramp.agency.cases.retention import (
    SEALED,
    DoneEnding,
    Keeping,
    KeptItem,
    destroyed_and_unstated,
    done_endings,
    kept_items,
    new_endings,
)
from offramp.agency.cases.tally import CaseTally, tally_case
from offramp.agency.folder.office import Office
from offramp.agency.folder.retention_state import CountedMark, Ending
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import GATEWAY, needs
from offramp.agency.operations.retention import append_ending, keeping_now
from rules.errors import Refusal
from rules.frozen import frozen

# The agencies that give the person the proof: the person's own.
_PERSONS_OWN = ("case_management", "defender")
_OPERATION = ("exchange_operation", "operation")


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
    tuple(new_endings(working_set, keeping_now(office, working_set).today))
    office.keep_memory(working_set)
    with office.transaction() as working_set:
        keeping = keeping_now(office, working_set)
        for case, ending in tuple(new_endings(working_set, keeping.today)):
            if isinstance(ending, Ending):
                append_ending(office, working_set, ending)
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
    return working_set, keeping_now(office, working_set)


def _sign(office: Office, working_set: WorkingSet, done: DoneEnding) -> list[str]:
    case, cause = done.ending.case, done.ending.cause
    state = working_set.retention
    # INVARIANT: what is signed is the note as it is now, and no hold stops it.
    if (
        is_done(working_set, case, cause)
        or state.ended(case).get(cause) != done.ending
        or state.is_held(case)
    ):
        return []
    defaults = defaults_today(office, working_set)
    # INVARIANT: each destroyed part is counted in one statement, also if two causes end the case.
    ended = destroyed_and_unstated(working_set, case)
    records = [
        office.compose_in(
            working_set, SEALED, (_statement_part(done, ended, recipient, about, defaults),), case
        ).id
        for recipient, about in persons_agencies(working_set, case).items()
    ]
    body = {"does": "signed", "case": case, "cause": cause, "records": records, "ended": ended}
    office.append(working_set, "retention", body)
    return records


def persons_agencies(working_set: WorkingSet, case: str) -> Mapping[str, tuple[str, str]]:
    """Return the person's own agencies in a case, each with a part that passed between it and here.

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
    done: DoneEnding, ended: int, recipient: str, about: tuple[str, str], defaults: Defaults
) -> Part:
    content = {
        "because": done.ending.cause,
        "on": done.ending.on.isoformat(),
        "ended": ended,
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
