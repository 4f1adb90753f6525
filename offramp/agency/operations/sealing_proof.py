"""The proof for the person that agencies ended their parts of a case."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.retention import (
    SEALED,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.evidence import export_record
from rules.frozen import frozen


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
    statements_here = {
        jti
        for (_, jti), received in working_set.cases.records(case).received.items()
        if received.record is not None and received.record.kind == SEALED
    }
    for jti, part in working_set.closed_parts(case):
        if jti in statements_here:
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
