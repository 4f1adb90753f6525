"""The proof for the person that agencies ended their parts of a case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from exchange.agency.deliveries import Received
from exchange.models import agency_of
from offramp.agency.cases.caseload import case_of, recalled_parts
from offramp.agency.cases.reliance import (
    DestroyedBefore,
    Reliance,
    Signing,
    destroyed_before,
    reliance_of,
)
from offramp.agency.cases.retention import SEALED, destroyed_in, kept_about_person, kept_items
from offramp.agency.errors import AgencyError, HubAway
from offramp.agency.folder.office import Office
from offramp.agency.folder.retention_state import Hold
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.evidence import export_record
from offramp.agency.operations.retention import keeping_now
from rules.errors import Refusal
from rules.frozen import frozen

# Why a statement isn't proved yet, for the words of the page.
Obstacle = Literal["asked_back", "away", "not_witnessed", "closed", "destroyed", "not_proved"]


@frozen
class SealingStatement:
    """What one agency signed: that it ended its parts of a case, and why.

    `on` is the day of the cause, `signed_at` the time of the record in the log, in seconds since
    1970. `ended` counts the destroyed parts that no earlier statement of the agency counts.
    `kept_until` is the last day of what the agency still keeps, None if that is nothing.
    `exchange_until` is that of the statement itself, which only runs the exchange. `exhibit` is the
    file for a court. `reliance` says if `ended` leaves out parts that an earlier statement counted,
    which the agency asked back. `before` are the parts in `ended` that were destroyed for the
    reason of such a statement, None if there are none.
    """

    agency: str
    name: str
    cause: str
    on: date
    ended: int
    kept_until: date | None
    exchange_until: date
    record: str
    index: int
    signed_at: int
    exhibit: bytes
    reliance: Reliance = "none"
    before: DestroyedBefore | None = None


@frozen
class UnprovedStatement:
    """A statement that came here and can't be proved yet, why, and what to do.

    `reason` and `fix` are for the people of this agency, `obstacle` for the words of the page.
    `index` and `signed_at` are those of the record in the log.
    """

    agency: str
    name: str
    record: str
    index: int
    signed_at: int
    obstacle: Obstacle
    reason: str
    fix: str


@frozen
class SilentAgency:
    """An agency that signed nothing here. Nothing follows from that.

    `is_party` is true if this agency exchanged records of the case with it. `is_listed` is false
    for one that has left the directory.
    """

    agency: str
    name: str
    is_party: bool
    is_listed: bool


@frozen
class SealingProof:
    """What agencies signed about a case, what of it is proved, and who hasn't signed.

    `founders` is the fingerprint to compare with one from elsewhere. Each agency that was ever in
    the directory is in `statements`, `unproved`, or `silent`, but for the one that made this:
    `ended_here` counts the parts that it destroyed itself, and `kept_here_until` is the last day of
    what it keeps, None for nothing. `exchange_here_until` is that of what only runs the exchange.
    Neither day is true while there are `holds_here`: the legal holds of this agency on the case.
    """

    case: str
    program_zone: ZoneInfo
    made_by: str
    made_at: int
    founders: str
    statements: tuple[SealingStatement, ...]
    unproved: tuple[UnprovedStatement, ...]
    silent: tuple[SilentAgency, ...]
    ended_here: int
    kept_here_until: date | None
    exchange_here_until: date | None
    holds_here: tuple[Hold, ...] = ()


@needs(CASE, look="print")
def prove_sealing(office: Office, actor: str, case: str) -> SealingProof:
    """Collect what agencies signed about the ends of their parts in a case, with the proofs.

    Each statement is opened, exported with its proof in the log, and verified as a court would. A
    statement that can't be proved now is listed with the reason, and stops no other one. Raises
    `AgencyError` `no-such-case`, `nothing-sealed`.
    """
    case_of(office.working_set(), case)
    statements: list[SealingStatement] = []
    unproved: list[UnprovedStatement] = []
    for received in _statements_here(office.working_set(), case):
        try:
            statements.append(_prove(office, actor, case, received))
        except Refusal as refusal:
            unproved.append(_unproved(office.working_set(), received, refusal))
    if not statements and not unproved:
        raise AgencyError(
            "nothing-sealed",
            "no agency has told this one that it destroyed its parts of this case",
            fix="wait until a cause is noted with `offramp agency seal DIR CASE CAUSE`, and its "
            "days are over, or "
            "ask the person's other agencies for their page",
        )
    working_set = office.working_set()
    keeping, directory = keeping_now(office, working_set), working_set.gateway.history.newest
    kept = kept_about_person(working_set, keeping, case)
    last_days = [item.last_day for item in kept_items(working_set, keeping, case)]
    signers = {proved.agency for proved in statements} | {waiting.agency for waiting in unproved}
    return SealingProof(
        case,
        directory.zone,
        _name(working_set, office.agency),
        office.clock(),
        working_set.gateway.history.founders,
        _with_reliance(working_set, case, statements),
        tuple(unproved),
        tuple(_silent(working_set, case, signers)),
        destroyed_in(working_set, case),
        max((item.last_day for item in kept), default=None),
        max(last_days, default=None),
        working_set.retention.holds_on(case),
    )


def _with_reliance(
    working_set: WorkingSet, case: str, statements: Iterable[SealingStatement]
) -> tuple[SealingStatement, ...]:
    """Return the statements, each with its reliance on one that was asked back."""
    recalled = recalled_parts(working_set, case)
    signings: dict[str, list[Signing]] = {}
    for received in _statements_here(working_set, case):
        committed = received.committed
        assert committed is not None, "only these are asked for"
        recalls = [recalled.get((committed.jti, part)) for part in committed.labels]
        asked_back = [index for index in recalls if index is not None]
        is_asked_back = len(asked_back) == len(recalls)
        asked_back_at = max(asked_back) if is_asked_back else None
        signing = Signing(committed.index, committed.index, asked_back_at, _stated_count(received))
        signings.setdefault(committed.issuer, []).append(signing)
    return tuple(_relying(statement, signings[statement.agency]) for statement in statements)


def _relying(statement: SealingStatement, signings: Iterable[Signing]) -> SealingStatement:
    signing, alike = (
        Signing(statement.index, statement.index, None, statement.ended),
        tuple(signings),
    )
    return replace(
        statement,
        reliance=reliance_of(signing, alike),
        before=destroyed_before(signing, alike),
    )


def _stated_count(received: Received) -> int | None:
    """Return how many parts a statement says were destroyed, None if nobody here can read it."""
    for opened in received.opened.values():
        stated = (opened.content.get("operation") or {}).get("sealed")
        if stated is not None:
            return int(stated["ended"])
    return None


def _statements_here(working_set: WorkingSet, case: str) -> list[Received]:
    """Return the statements that came here, by agency and in the order of the log."""
    statements = [
        received
        for received in working_set.cases.records(case).received.values()
        if received.committed is not None and received.committed.kind == SEALED
    ]
    return sorted(statements, key=_agency_and_index)


def _agency_and_index(received: Received) -> tuple[str, int]:
    assert received.committed is not None, "only these are asked for"
    return received.committed.issuer, received.committed.index


def _prove(office: Office, actor: str, case: str, received: Received) -> SealingStatement:
    """Open a statement and prove it. Raises as `Office.open` and `export_record`."""
    committed = received.committed
    assert committed is not None, "only these are asked for"
    issuer, jti = committed.issuer, committed.jti
    recalled = recalled_parts(office.working_set(), case)
    if all((jti, part) in recalled for part in committed.labels):
        raise AgencyError(
            "asked-back",
            f"`{issuer}` asked its statement back, so it says nothing any more",
            fix=f"go by a newer statement if there is one, or ask `{issuer}`",
        )
    for record, part in office.working_set().closed_parts(case):
        if record == jti:
            office.open(jti, part, by=actor)
    working_set = office.working_set()
    newest = working_set.gateway.received[issuer, jti]
    opened = newest.opened
    if not opened or newest.record is None:
        raise AgencyError(
            "not-here",
            f"the text of the record `{jti}` isn't kept here any more",
            fix=f"ask `{issuer}` to state it again on paper",
        )
    part, text = next(iter(opened.items()))
    stated = text.content["operation"]["sealed"]
    until = stated.get("kept_until")
    return SealingStatement(
        issuer,
        _name(working_set, issuer),
        stated["because"],
        date.fromisoformat(stated["on"]),
        stated["ended"],
        date.fromisoformat(until) if until is not None else None,
        date.fromisoformat(newest.record.labels[part].keep_until),
        jti,
        committed.index,
        committed.time,
        export_record(office, jti).text,
    )


def _unproved(working_set: WorkingSet, received: Received, refusal: Refusal) -> UnprovedStatement:
    committed = received.committed
    assert committed is not None, "only these are asked for"
    return UnprovedStatement(
        committed.issuer,
        _name(working_set, committed.issuer),
        committed.jti,
        committed.index,
        committed.time,
        _obstacle(working_set, received, refusal),
        refusal.message,
        refusal.fix,
    )


def _obstacle(working_set: WorkingSet, received: Received, refusal: Refusal) -> Obstacle:
    committed = received.committed
    assert committed is not None, "only these are asked for"
    if isinstance(refusal, HubAway):
        return "away"
    if refusal.code == "asked-back":
        return "asked_back"
    if refusal.code == "unproved":
        return "not_witnessed"
    key = committed.issuer, committed.jti
    if working_set.gateway.received[key].opened:
        return "not_proved"
    is_destroyed = all((*key, part) in working_set.destroyed for part in committed.labels)
    return "destroyed" if is_destroyed else "closed"


def _silent(working_set: WorkingSet, case: str, signed: Iterable[str]) -> Iterator[SilentAgency]:
    """Yield every other agency that was ever in the directory and signed nothing here.

    Each of them may hold something of the case: this agency sees only what it was told itself.
    """
    history = working_set.gateway.history
    listed = {agency_of(kid) for kid in history.signing_kids()}
    records = working_set.cases.records(case)
    parties = {issuer for issuer, _ in records.received}
    parties |= {to for sent in records.sent for part in sent.parts for to in part["to"]}
    for agency in sorted((listed | parties) - set(signed) - {working_set.agency}):
        yield SilentAgency(
            agency,
            _name(working_set, agency),
            agency in parties,
            agency in history.newest.agencies,
        )


def _name(working_set: WorkingSet, agency: str) -> str:
    """Return an agency's name, its id if it has left the directory."""
    entry = working_set.gateway.history.newest.agencies.get(agency)
    return entry.name if entry is not None else agency
