"""What agencies signed about the ends of their parts, for the account of a case. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from exchange.consent.account_rows import Row
from offramp.agency.cases.caseload import own_parts
from offramp.agency.cases.retention import SEALED
from offramp.agency.cases.told import recalled_from
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen


@frozen
class EndedParts:
    """What the text of a statement says: the cause, its day, a count, and what is still kept."""

    cause: str
    on: date
    ended: int
    kept_until: date | None


@frozen
class SignedEnd:
    """An agency's signed statement on the parts of a case that it destroyed, if it had any.

    `signed_at` is its time in seconds since 1970. `parts` is None where the text isn't readable
    here. `is_here` is true if this agency signed it or got it, false if another agency got it.
    """

    agency: str
    signed_at: int
    parts: EndedParts | None
    is_here: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the statement's JSON in `offramp agency account`."""
        parts = self.parts
        until = parts.kept_until if parts is not None else None
        return {
            "agency": self.agency,
            "signed_at": self.signed_at,
            "cause": parts.cause if parts is not None else None,
            "on": parts.on.isoformat() if parts is not None else None,
            "ended": parts.ended if parts is not None else None,
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
    for row in rows:
        if (
            row.kind != SEALED
            or row.recalled is not None
            or _is_own_mistake(working_set, case, row)
        ):
            continue
        parts = _parts_of(working_set, row)
        is_here = working_set.agency in (row.issuer, row.to)
        end = SignedEnd(row.issuer, row.at, parts, is_here)
        if parts is not None:
            readable[row.issuer, parts.cause] = end
        else:
            closed[row.issuer] = end
    agencies = {agency for agency, _ in readable}
    unread = [end for agency, end in closed.items() if agency not in agencies]
    return tuple(sorted((*readable.values(), *unread), key=lambda end: (end.agency, end.signed_at)))


def _is_own_mistake(working_set: WorkingSet, case: str, row: Row) -> bool:
    """Report whether this agency asked its own statement back, or is about to."""
    own = row.issuer == working_set.agency
    return own and (row.record, row.part) in recalled_from(working_set, case, row.to)


def _parts_of(working_set: WorkingSet, row: Row) -> EndedParts | None:
    """Return what a statement says, if its text is readable here: own, or opened."""
    content: Any = {}
    if row.issuer == working_set.agency and (own := working_set.outbox.get(row.record)):
        content = next((content for part, _, content in own_parts(own) if part == row.part), {})
    elif received := working_set.gateway.received.get((row.issuer, row.record)):
        opened = received.opened.get(row.part)
        content = opened.content if opened is not None else {}
    stated = (content.get("operation") or {}).get("sealed")
    if stated is None:
        return None
    until = stated.get("kept_until")
    return EndedParts(
        stated["because"],
        date.fromisoformat(stated["on"]),
        stated["ended"],
        date.fromisoformat(until) if until is not None else None,
    )
