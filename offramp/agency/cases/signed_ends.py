"""What agencies signed about the ends of their parts, for the account of a case. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import inf
from typing import Any

from exchange.consent.account_rows import Row
from offramp.agency.cases.caseload import own_parts
from offramp.agency.cases.reliance import (
    DestroyedBefore,
    Reliance,
    Signing,
    destroyed_before,
    reliance_of,
)
from offramp.agency.cases.retention import SEALED
from offramp.agency.cases.told import recalled_from
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen


@frozen
class EndedParts:
    """What the text of a statement says: the cause, its day, a count, and what is still kept.

    `exchange_until` is the last day of the statement itself, which only runs the exchange.
    """

    cause: str
    on: date
    ended: int
    kept_until: date | None
    exchange_until: date


@frozen
class SignedEnd:
    """An agency's signed statement on the parts of a case that it destroyed, if it had any.

    `signed_at` is its time in seconds since 1970. `parts` is None where the text isn't readable
    here. `is_here` is true if this agency signed it or got it, false if another agency got it.
    `reliance` says if its count leaves out parts that an earlier statement counted, which the
    agency asked back. `before` are the parts in its count that were destroyed for the reason of
    such a statement, None if there are none.
    """

    agency: str
    signed_at: int
    parts: EndedParts | None
    is_here: bool = True
    reliance: Reliance = "none"
    before: DestroyedBefore | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the statement's JSON in `offramp agency account`."""
        parts = self.parts
        until = parts.kept_until if parts is not None else None
        return {
            "agency": self.agency,
            "signed_at": self.signed_at,
            "cause": parts.cause if parts is not None else None,
            "on": parts.on.isoformat() if parts is not None else None,
            "ended": parts.ended if parts is not None and self.reliance != "asked_back" else None,
            "kept_until": until.isoformat() if until is not None else None,
        }


def signed_ends(working_set: WorkingSet, case: str, rows: Iterable[Row]) -> tuple[SignedEnd, ...]:
    """Return what agencies signed by the rows of an account, by agency and in order of time.

    An agency signs one statement for each of the person's agencies. They say the same, so each
    cause is there once. A statement that the agency asked back doesn't count. One of this agency
    doesn't count from the moment at which somebody here decided so.
    """
    readable: dict[tuple[str, str], SignedEnd] = {}
    closed: dict[str, SignedEnd] = {}
    statements = [(row, _asked_back_at(working_set, case, row)) for row in rows if _is_end(row)]
    for place, (row, asked_back_at) in enumerate(statements):
        if asked_back_at is not None:
            continue
        parts = _parts_of(working_set, row)
        is_here = working_set.agency in (row.issuer, row.to)
        alike = [
            Signing(at, other.at, asked, _count_of(working_set, other))
            for at, (other, asked) in enumerate(statements)
            if (other.issuer, other.to) == (row.issuer, row.to)
        ]
        signing = Signing(place, row.at, None, parts.ended if parts is not None else None)
        reliance = reliance_of(signing, alike)
        again = destroyed_before(signing, alike)
        end = SignedEnd(row.issuer, row.at, parts, is_here, reliance, again)
        if parts is not None:
            # What this agency asked back from one recipient only, another one still has.
            before = readable.get((row.issuer, parts.cause))
            if before is None or before.reliance != "none" or reliance == "none":
                readable[row.issuer, parts.cause] = end
        else:
            closed[row.issuer] = end
    agencies = {agency for agency, _ in readable}
    unread = [end for agency, end in closed.items() if agency not in agencies]
    return tuple(sorted((*readable.values(), *unread), key=lambda end: (end.agency, end.signed_at)))


def _is_end(row: Row) -> bool:
    return row.kind == SEALED


def _asked_back_at(working_set: WorkingSet, case: str, row: Row) -> float | None:
    """Return when a statement was asked back, None if it wasn't.

    It is infinite for an own statement that this agency is about to ask back.
    """
    if row.recalled is not None:
        return row.recalled
    own = row.issuer == working_set.agency
    is_mistake = own and (row.record, row.part) in recalled_from(working_set, case, row.to)
    return inf if is_mistake else None


def _count_of(working_set: WorkingSet, row: Row) -> int | None:
    parts = _parts_of(working_set, row)
    return parts.ended if parts is not None else None


def _parts_of(working_set: WorkingSet, row: Row) -> EndedParts | None:
    """Return what a statement says, if its text is readable here: own, or opened."""
    content: Any = {}
    last_day: str | None = None
    if row.issuer == working_set.agency and (own := working_set.outbox.get(row.record)):
        for part, label, own_content in own_parts(own):
            if part == row.part:
                content, last_day = own_content, label.keep_until
    elif received := working_set.gateway.received.get((row.issuer, row.record)):
        opened = received.opened.get(row.part)
        if opened is not None and received.record is not None:
            content, last_day = opened.content, received.record.labels[row.part].keep_until
    stated = (content.get("operation") or {}).get("sealed")
    if stated is None or last_day is None:
        return None
    until = stated.get("kept_until")
    return EndedParts(
        stated["because"],
        date.fromisoformat(stated["on"]),
        stated["ended"],
        date.fromisoformat(until) if until is not None else None,
        date.fromisoformat(last_day),
    )
