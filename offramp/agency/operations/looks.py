"""Show who looked: to supervisors, auditors, and admins, and on a case to those on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from offramp.agency.cases.caseload import unknown_case
from offramp.agency.errors import AgencyError
from offramp.agency.folder.looks import Look
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import CASE, LOOKED, needs
from rules.frozen import frozen

# The looks that open somebody's file.
OPENINGS = ("case", "part", "print", "export", "glass")
_SHORTEST_PREFIX = 4


@frozen
class LookList:
    """Looks, the oldest first. `hides_cases` is True for an admin, who sees no case.

    `reviews` has the number for `staff review` by the look that shows an access to review.
    """

    looks: tuple[Look, ...]
    hides_cases: bool = False
    reviews: Mapping[int, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency looks`."""
        return {
            "looks": [
                look.as_json() | {"review": self.reviews.get(look.number)} for look in self.looks
            ]
        }


@frozen
class Opening:
    """A person of this agency who opened a file, and when first and last (seconds since 1970)."""

    person: str
    first: int
    last: int
    count: int

    def as_json(self) -> dict[str, Any]:
        """Return the opening's JSON in `offramp agency account --for-person`."""
        return {
            "person": self.person,
            "first": self.first,
            "last": self.last,
            "count": self.count,
        }


@needs(LOOKED, look="list")
def list_looks(
    office: Office,
    *,
    of_case: str | None = None,
    person: str | None = None,
    only_refused: bool = False,
) -> LookList:
    """List the looks of everybody here, of one case, of one person, or only the refused ones.

    `of_case` are at least 4 of a case's first digits. Raises `AgencyError` `no-such-case`,
    `not-your-role` for an admin who names a case.
    """
    session = office.acting
    hides = session is not None and not {"supervisor", "auditor"} & set(session.person.roles)
    if of_case is not None:
        if hides:
            raise AgencyError(
                "not-your-role",
                "an admin sees who looked, and not at which case",
                fix="ask a supervisor or an auditor",
            )
        if len(of_case) < _SHORTEST_PREFIX:
            raise unknown_case(of_case)
    looks = tuple(
        _without_case(look) if hides else look
        for look in office.looks.read()
        if (of_case is None or (look.case or "").startswith(of_case.lower()))
        and (person is None or look.person.casefold() == person.casefold())
        and (not only_refused or look.refused is not None)
    )
    return LookList(looks, hides, _reviews(office))


@needs(CASE)
def list_case_looks(office: Office, case: str) -> LookList:
    """List the looks at one case of the own caseload. Raises `AgencyError` `no-such-case`."""
    return LookList(tuple(office.looks.read(case)), reviews=_reviews(office))


def _reviews(office: Office) -> dict[int, int]:
    extra = office.working_set().staff.extra.values()
    return {access.look: access.number for access in extra if access.look is not None}


def openings_of(office: Office, case: str) -> tuple[Opening, ...]:
    """Return the people of this agency who opened a case's file, the first one first."""
    times: dict[str, list[int]] = {}
    for look in office.looks.read(case):
        if look.kind in OPENINGS:
            times.setdefault(look.person, []).append(look.time)
    return tuple(
        Opening(person, min(times_of), max(times_of), len(times_of))
        for person, times_of in times.items()
    )


def _without_case(look: Look) -> Look:
    return Look(
        look.number,
        look.time,
        look.person,
        look.login,
        look.origin,
        look.kind,
        look.operation,
        refused=look.refused,
    )
