"""Show who looked: to supervisors, auditors, and admins, and on a case to those on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.cases.caseload import unknown_case
from offramp.agency.cases.people import SHORTEST_PREFIX
from offramp.agency.errors import AgencyError
from offramp.agency.folder.looks import Look, with_outcomes
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import CASE, LOOKED, needs
from offramp.agency.operations.sign_in import NOT_LISTED
from rules.author.spoken_dates import spoken_day
from rules.frozen import frozen

# The operations that show somebody the content of a file. Others show a list, a name, or a form,
# often by themselves within a command, or print what was told and destroyed, for the person.
_OPENINGS = frozenset(
    (
        *("read_case", "describe_case", "open_case", "open_arrivals", "open_part"),
        *("open_questions_as", "open_statuses", "list_correctable"),
        *("break_glass", "decide", "list_told", "list_own_entries", "same_person"),
        *("export_record", "export_decision"),
    )
)
_OPENED = {
    "en": {
        "title": "People at {agency} who opened your file:",
        "nobody": "nobody",
        "once": "once",
        "often": "{count} times",
        "days": "{first} to {last}",
    },
    "es": {
        "title": "Personas de {agency} que abrieron su expediente:",
        "nobody": "nadie",
        "once": "una vez",
        "often": "{count} veces",
        "days": "{first} a {last}",
    },
}
# What a person does within so many seconds of the last opening belongs to the same one.
_SAME_OPENING = 300


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
    """A person of this agency who opened a file, how often, and when first and last.

    Times are in seconds since 1970.
    """

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
    newest: int | None = None,
) -> LookList:
    """List the looks of everybody here, of one case, of one person, or only the refused ones.

    `of_case` are at least 4 of a case's first digits. With `newest`, only so many of the last looks
    are read. Raises `AgencyError` `no-such-case`,
    `unlisted-person`, `not-your-role` for an admin who names a case.
    """
    session, working_set = office.acting, office.working_set()
    hides = session is not None and not {"supervisor", "auditor"} & set(session.person.roles)
    digits = (of_case or "").lower()
    if of_case is not None:
        if hides:
            raise AgencyError(
                "not-your-role",
                "an admin sees who looked, and not at which case",
                fix="ask a supervisor or an auditor",
            )
        is_here = any(handle.startswith(digits) for handle in working_set.cases.handles())
        if len(digits) < SHORTEST_PREFIX or not is_here:
            raise unknown_case(of_case)
    looks = _chosen(office, office.looks.read(newest=newest), person, only_refused)
    return LookList(
        tuple(
            _without_case(look) if hides else look
            for look in looks
            if of_case is None or (look.case or "").startswith(digits)
        ),
        hides,
        _reviews(office),
    )


@needs(CASE, look="list")
def list_case_looks(
    office: Office,
    case: str,
    *,
    person: str | None = None,
    only_refused: bool = False,
    newest: int | None = None,
) -> LookList:
    """List the looks at one case of the own caseload, or those of one person, or the refused ones.

    With `newest`, only so many of the last looks are read. Raises `AgencyError` `no-such-case`,
    `unlisted-person`.
    """
    looks = _chosen(office, office.looks.read(case, newest=newest), person, only_refused)
    return LookList(tuple(looks), reviews=_reviews(office))


def _reviews(office: Office) -> dict[int, int]:
    extra = office.working_set().staff.extra.values()
    return {access.look: access.number for access in extra if access.look is not None}


def _chosen(
    office: Office, looks: Iterable[Look], person: str | None, only_refused: bool
) -> Iterable[Look]:
    """Return the looks of a person, listed now or before, or only the refused ones.

    Raises `AgencyError` `unlisted-person`.
    """
    name = person
    if person is not None and person != NOT_LISTED:
        name = office.working_set().staff.ever_named(person).name
    return (
        look
        for look in with_outcomes(looks)
        if (name is None or look.person == name) and (not only_refused or look.refused is not None)
    )


def openings_of(office: Office, case: str) -> tuple[Opening, ...]:
    """Return the people of this agency who opened a case's file, the first one first.

    INVARIANT: a refused try, an act of the gateway, and an account for the person are no openings.
    One command that opens several parts is one.
    """
    times: dict[str, list[int]] = {}
    for look in with_outcomes(office.looks.read(case)):
        if look.operation in _OPENINGS and look.refused is None:
            times.setdefault(look.person, []).append(look.time)
    return tuple(
        Opening(person, min(opened), max(opened), _count_openings(opened))
        for person, opened in times.items()
    )


def opening_sentences(
    agency: str, openings: tuple[Opening, ...], language: str, zone: ZoneInfo
) -> tuple[str, ...]:
    """Return who of an agency opened a person's file, for the person: a title, then the people."""
    phrases = _OPENED[language]
    lines = [phrases["title"].format(agency=agency)]
    if not openings:
        lines.append(phrases["nobody"])
    for opening in openings:
        first, last = (
            spoken_day(datetime.fromtimestamp(time, zone).date(), language)
            for time in (opening.first, opening.last)
        )
        days = first if first == last else phrases["days"].format(first=first, last=last)
        times = (
            phrases["once"] if opening.count == 1 else phrases["often"].format(count=opening.count)
        )
        lines.append(f"{opening.person}: {times}, {days}")
    return tuple(lines)


def _count_openings(times: list[int]) -> int:
    return sum(
        1
        for before, time in zip([None, *times], times, strict=False)
        if before is None or time - before > _SAME_OPENING
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
