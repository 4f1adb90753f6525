"""What came in a case and waits for a person: parts to open, and recalls to answer."""

from __future__ import annotations

from typing import Any

from exchange.errors import ExchangeError
from offramp.agency.cases.caseload import case_of, recalled_parts
from offramp.agency.cases.effects import decisions_that_read
from offramp.agency.cases.told import details_of
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import CASE, check_reason, needs, open_for_actor
from offramp.agency.operations.people import check_new_person
from offramp.agency.operations.records import notice_text
from offramp.agency.operations.telling import agency_names
from rules.frozen import frozen
from rules.shelf import vocabulary

_NOTICE = "redisclosure_notice"


@frozen
class UnopenedRecord:
    """A received record with parts that nobody here has opened. `by` is the sender's name.

    `categories` are what its parts are about, in words. `time` is in seconds since 1970. A receipt
    says only that another agency opened something. `may_open` is false where the rules and the
    person's permissions no longer let this agency open any of it.
    """

    record: str
    by: str
    line: str
    time: int
    categories: tuple[str, ...]
    is_receipt: bool
    may_open: bool


@frozen
class OpenedArrivals:
    """What opening a case led to: how many parts, the notices to read, and what stays closed.

    `notices` are texts of 42 CFR 2.32, each once.
    """

    count: int
    notices: tuple[str, ...]
    refusals: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON that a session keeps until the page is shown."""
        return {
            "count": self.count,
            "notices": list(self.notices),
            "refusals": list(self.refusals),
        }


@frozen
class AskedBack:
    """A record that its sender asks back. `until` is the deadline, in seconds since 1970.

    `decisions` were decided by people on what is asked back: they are to look again. `held_by` is
    the person whose legal hold stops its deletion.
    """

    record: str
    by: str
    line: str
    until: int
    decisions: tuple[str, ...]
    held_by: str | None


@needs(CASE, look="list")
def list_unopened(office: Office, case: str) -> tuple[UnopenedRecord, ...]:
    """Return the records of a case that wait to be opened, the oldest first."""
    working_set = office.working_set()
    names, kinds, labels = agency_names(working_set), vocabulary().kinds, vocabulary().categories
    recalled, unopened = recalled_parts(working_set, case), set(working_set.closed_parts(case))
    waiting, gateway, now = [], working_set.gateway, office.clock()
    for received in working_set.cases.records(case).received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None:
            continue
        closed = [
            part
            for part in record.labels
            if (record.jti, part) in unopened and (record.jti, part) not in recalled
        ]
        if closed:
            categories = dict.fromkeys(
                name for part in closed for name in record.labels[part].category
            )
            waiting.append(
                UnopenedRecord(
                    record.jti,
                    names.get(record.issuer, record.issuer),
                    kinds[record.kind].line,
                    committed.time,
                    tuple(labels.get(name, name) for name in categories),
                    record.kind == "acknowledgement",
                    any(gateway.may_open(record.issuer, record.jti, part, now) for part in closed),
                )
            )
    return tuple(sorted(waiting, key=lambda record: record.time))


@needs(CASE, look="case", takes=True)
def open_arrivals(
    office: Office, actor: str, case: str, *, because: str | None = None
) -> OpenedArrivals:
    """Open every part of a case that a named person may read. Return what binds the person.

    `because` is the code of a supervisor's reason to open parts of care. Raises `AgencyError`
    `no-such-case`, `unknown-reason`.
    """
    check_reason(because)
    working_set = office.working_set()
    recalled = recalled_parts(working_set, case)
    notices: dict[str, None] = {}
    refusals, count = [], 0
    for record, part in working_set.closed_parts(case):
        if (record, part) in recalled:
            continue  # it stays closed, and its recall is answered
        try:
            reading = open_for_actor(office, record, part, by=actor, because=because)
        except ExchangeError as error:
            refusals.append(error.message)
            continue
        count += 1
        if _NOTICE in reading.obligations:
            notices[notice_text(office, reading.opened.label.notice)] = None
    check_new_person(office, case)
    send_now(office, None)
    return OpenedArrivals(count, tuple(notices), tuple(dict.fromkeys(refusals)))


@needs(CASE, look="list")
def list_recalls(office: Office, case: str) -> tuple[AskedBack, ...]:
    """Return what other agencies ask back in a case, one for each record."""
    working_set = office.working_set()
    names, kinds = agency_names(working_set), vocabulary().kinds
    holds = working_set.retention.holds_on(case)
    by_record: dict[str, AskedBack] = {}
    for recall in working_set.gateway.pending_recalls(case):
        received = working_set.gateway.received.get((recall.issuer, recall.record))
        record = received.record if received is not None else None
        by_record.setdefault(
            recall.record,
            AskedBack(
                recall.record,
                names.get(recall.issuer, recall.issuer),
                kinds[record.kind].line if record is not None else "a record",
                recall.until,
                tuple(_decided_on(office, working_set, case, recall.issuer, recall.record)),
                holds[0].by if holds else None,
            ),
        )
    return tuple(by_record.values())


def _decided_on(
    office: Office, working_set: WorkingSet, case: str, issuer: str, jti: str
) -> list[str]:
    """Return the decisions of people here that read a fact of a record."""
    received = working_set.gateway.received.get((issuer, jti))
    if received is None:
        return []
    facts = {
        detail.name: {working_set.agency}
        for opened in received.opened.values()
        for detail, _ in details_of(opened.content)
    }
    if not facts:
        return []
    program, view = office.program(working_set), case_of(working_set, case)
    resting = decisions_that_read(working_set, program, case, view, facts, office.clock())
    terms = vocabulary().decisions
    return [
        terms[decision.decision].asks if decision.decision in terms else decision.decision
        for decision in resting
        if decision.by is not None
    ]
