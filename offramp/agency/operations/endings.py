"""Early ends: a supervisor notes a dismissal, a sealing order, or a completion, or withdraws it.

A note is shown before it is made. A cause is noted once: a note is withdrawn before it is made
again, and INVARIANT: what this agency signed is never changed, only asked back. See
docs/decisions/0090-one-note.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.errors import shorten
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.own_statements import (
    causes_stated,
    standing_records,
    statement_states,
)
from offramp.agency.cases.retention import (
    count_stated,
    destroyed_and_unstated,
    endings_in_records,
    kept_items,
    unproved_records,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.retention_state import Ending, Hold
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import SUPERVISION, needs
from offramp.agency.operations.destruction import persons_agencies
from offramp.agency.operations.retention import KeptRow, append_ending, keeping_now, kept_rows
from rules.frozen import frozen
from rules.input.values import iso_day
from rules.packs.retention import CAUSES

_ENCOUNTER_DAY = "encounter.date"


@frozen
class EndingPreview:
    """What a note of a cause ends here, what stops it, and to which agencies this one signs.

    `ends` are the parts that the cause ends before their time, `stays` those that it doesn't. The
    names in `recipients` are the agencies to which this one will sign that it destroyed its parts.
    `first_heard` is the day of this agency's first record of the case. With `is_early`, the cause
    came before that day, and nothing here shows that the case existed then. `unproved` counts own
    records that are still to be sent or proved, which no list here has yet. `counted` is the number
    of destroyed parts that the statement will state, with the `before` that are destroyed already
    and that no statement counts.
    """

    ending: Ending
    ends: tuple[KeptRow, ...]
    stays: tuple[KeptRow, ...]
    holds: tuple[Hold, ...]
    recipients: tuple[str, ...]
    first_heard: date
    is_early: bool
    unproved: int = 0
    counted: int = 0
    before: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency seal`."""
        return {
            "case": self.ending.case,
            "cause": self.ending.cause,
            "on": self.ending.on.isoformat(),
            "by": self.ending.by,
            "ends": [row.as_json() for row in self.ends],
            "stays": [row.as_json() for row in self.stays],
            "holds": [hold.as_json() for hold in self.holds],
            "recipients": list(self.recipients),
            "early": self.is_early,
            "unproved": self.unproved,
            "counted": self.counted,
            "destroyed_before": self.before,
        }


@needs(SUPERVISION, look="list")
def preview_ending(
    office: Office, actor: str, case: str, cause: str, on: date | None = None
) -> EndingPreview:
    """Return what `note_ending` would end, and what follows. Nothing is noted.

    Raises as `note_ending`, except `before-first-record`.
    """
    with office.transaction() as working_set:
        return _preview(
            office, working_set, _new_ending(office, working_set, actor, case, cause, on)
        )


def _preview(office: Office, working_set: WorkingSet, ending: Ending) -> EndingPreview:
    case = ending.case
    keeping = replace(keeping_now(office, working_set), supposed=(ending,))
    items = tuple(kept_items(working_set, keeping, case))
    rows = kept_rows(working_set, keeping, case, items)
    ends = [item for item in items if item.term is not None and item.term.cause == ending.cause]
    agencies = working_set.gateway.history.newest.agencies
    first_heard = _first_heard(working_set, case, keeping.today)
    return EndingPreview(
        ending,
        tuple(row for row in rows if row.cause == ending.cause),
        tuple(row for row in rows if row.cause != ending.cause),
        working_set.retention.holds_on(case),
        tuple(agencies[agency].name for agency in persons_agencies(working_set, case)),
        first_heard,
        ending.on < first_heard and _encounter_day(working_set, case) is None,
        unproved_records(working_set, case),
        count_stated(working_set, case, ends),
        destroyed_and_unstated(working_set, case),
    )


@needs(SUPERVISION, look="act")
def note_ending(
    office: Office,
    actor: str,
    case: str,
    cause: str,
    on: date | None = None,
    *,
    although_early: bool = False,
) -> Ending:
    """Note that a charge was dismissed, a court sealed the record, or the person completed.

    `on` is the day of it, by default today. The pack's days are counted from it, and what they end
    is destroyed by the daily work, from tomorrow on. `although_early` confirms a day before this
    agency's first record of the case, where nothing here has the day of the encounter.

    Raises `AgencyError` `no-such-case`, `unknown-cause`, `day-to-come`, `before-the-case`,
    `before-first-record`, `ending-noted`, `no-directory`.
    """
    with office.transaction() as working_set:
        ending = _new_ending(office, working_set, actor, case, cause, on)
        preview = _preview(office, working_set, ending)
        if preview.is_early and not although_early:
            raise AgencyError(
                "before-first-record",
                f"`{ending.on}` is before `{preview.first_heard}`, when this agency first heard of "
                "the case",
                fix="check the day, and confirm it with `--although-early` if it is right",
            )
        append_ending(office, working_set, ending)
        return ending


def _new_ending(
    office: Office,
    working_set: WorkingSet,
    actor: str,
    case: str,
    cause: str,
    on: date | None,
) -> Ending:
    """Return the note that a person wants to make. Raises as `note_ending`."""
    if cause not in CAUSES:
        raise AgencyError(
            "unknown-cause",
            f"`{shorten(cause)}` ends nothing",
            fix=f"use one of {', '.join(CAUSES)}",
        )
    case_of(working_set, case)
    _refuse_second(working_set, case, cause)
    keeping = keeping_now(office, working_set)
    day = on or keeping.today
    if day > keeping.today:
        raise AgencyError(
            "day-to-come", f"`{day}` is a day to come", fix="note it when it has happened"
        )
    encounter = _encounter_day(working_set, case)
    began = keeping.pack.program.since if keeping.pack is not None else None
    if encounter is not None and day < encounter:
        raise AgencyError(
            "before-the-case",
            f"`{day}` is before the encounter of this case, `{encounter}`",
            fix="give the day of the dismissal, of the court's order, or of the completion",
        )
    if encounter is None and began is not None and day < began:
        raise AgencyError(
            "before-the-case",
            f"`{day}` is before the program began, `{began}`",
            fix="give the day of the dismissal, of the court's order, or of the completion",
        )
    return Ending(case, cause, day, keeping.today, actor)


def _refuse_second(working_set: WorkingSet, case: str, cause: str) -> None:
    """Refuse a second note of a cause. Raises `AgencyError` `ending-noted`."""
    state = working_set.retention
    noted, recorded = state.ended(case).get(cause), endings_in_records(working_set, case).get(cause)
    if noted is not None and cause in causes_stated(working_set, case):
        raise AgencyError(
            "ending-noted", _stated(working_set, noted), fix=_ask_back(working_set, noted)
        )
    if noted is not None and noted.by is not None:
        raise AgencyError(
            "ending-noted",
            f"`{cause}`, `{noted.on}`, is noted in this case already, by {noted.by}",
            fix=f"if that is wrong, withdraw it first: `offramp agency seal DIR CASE {cause} "
            "--withdraw`",
        )
    if (on := noted.on if noted is not None else recorded) is not None:
        raise AgencyError(
            "ending-noted",
            f"the records of this case state `{cause}`, `{on}`, already",
            fix="if that is wrong, have the agency that told it correct its record",
        )


def _stated(working_set: WorkingSet, ending: Ending) -> str:
    """Return that a statement of an ending was signed, and how far it is."""
    about = f"that it ended this case's parts for `{ending.cause}`, `{ending.on}`"
    state = statement_states(working_set, ending.case)[ending.cause]
    if state == "sent":
        return f"this agency has signed {about}"
    waits = "waits to be sent" if state == "queued" else "was refused by the hub"
    return f"the statement of this agency {about}, {waits}"


def _ask_back(working_set: WorkingSet, ending: Ending) -> str:
    """Return the commands that ask a statement back."""
    commands = " and ".join(
        f"`offramp agency recall DIR CASE wrong-fact --record {record.jti[:8]}`"
        for record in standing_records(working_set, ending.case, ending.cause)
    )
    return (
        f"a statement is never changed: if it is wrong, ask it back with {commands}, and then "
        f"withdraw the note with `offramp agency seal DIR CASE {ending.cause} --withdraw`"
    )


def _encounter_day(working_set: WorkingSet, case: str) -> date | None:
    """Return the day of the encounter, the first if agencies differ. None if nobody told it."""
    sources = case_of(working_set, case).sources_of(_ENCOUNTER_DAY)
    days = (iso_day(source.value) for source in sources if source.value is not None)
    return min((day for day in days if day is not None), default=None)


def _first_heard(working_set: WorkingSet, case: str, today: date) -> date:
    """Return the day of this agency's first record or note of a case."""
    records = working_set.cases.records(case)
    times = [
        received.committed.time
        for received in records.received.values()
        if received.committed is not None
    ]
    times += [sent.receipt.time if sent.receipt else sent.time for sent in records.sent]
    times += [note.time for note in records.notes]
    zone = working_set.gateway.history.newest.zone
    return min((day_of(time, zone) for time in times), default=today)


# Withdraw


@needs(SUPERVISION, look="list")
def noted_ending(office: Office, actor: str, case: str, cause: str) -> Ending:
    """Return the note that `withdraw_ending` would withdraw. Raises as it does."""
    with office.transaction() as working_set:
        return _withdrawable(working_set, case, cause)


@needs(SUPERVISION, look="act")
def withdraw_ending(office: Office, actor: str, case: str, cause: str) -> Ending:
    """Withdraw the note of a cause, before this agency signed that it ended anything. Return it.

    What it has destroyed stays destroyed. Raises `AgencyError` `no-such-case`, `no-ending`,
    `ending-noted` once it was signed and not asked back, `ending-recorded`.
    """
    with office.transaction() as working_set:
        ending = _withdrawable(working_set, case, cause)
        body = {"does": "withdrawn", "case": case, "cause": cause, "by": actor}
        office.append(working_set, "retention", body)
        return ending


def _withdrawable(working_set: WorkingSet, case: str, cause: str) -> Ending:
    case_of(working_set, case)
    state = working_set.retention
    noted: Mapping[str, Ending] = state.ended(case)
    if cause in noted and cause in causes_stated(working_set, case):
        ending = noted[cause]
        raise AgencyError(
            "ending-noted", _stated(working_set, ending), fix=_ask_back(working_set, ending)
        )
    if cause not in noted:
        raise AgencyError(
            "no-ending",
            f"nothing is noted as `{shorten(cause)}` in this case",
            fix="see `offramp agency retention DIR CASE`",
        )
    ending = noted[cause]
    if ending.by is None and endings_in_records(working_set, case).get(cause) is not None:
        raise AgencyError(
            "ending-recorded",
            f"the records of this case state `{cause}`, `{ending.on}`, so no person withdraws it",
            fix="if that is wrong, have the agency that told it correct its record",
        )
    return ending
