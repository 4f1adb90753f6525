"""The people of this agency's own cases: their names, and the cases that may be of one person.

Everything here stays in the agency. It is read from contact details that the agency sent or opened,
and from its own notes, and it is gone when they are destroyed. The exchange's handles are never
changed: two cases of one person are joined in the agency's own index alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.cases.empty_cases import is_empty, is_open, is_withdrawn
from offramp.agency.cases.matching import Description, compare, strength
from offramp.agency.cases.stated import StatedContent, stated_contents
from offramp.agency.errors import AgencyError
from offramp.agency.folder.case_index import DIFFERENT, POSSIBLE
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

_MEMBERS = ("given_name", "family_name", "birth_date", "phone")
# The most possible matches that are shown at once.
MOST_MATCHES = 20


@frozen
class CasePerson:
    """The person of a case as this agency's records describe them.

    `descriptions` has each spelling once, the newest first. `report_numbers` are the agency's own.
    `is_being_corrected` is true while nobody here opened a correction that may change them.
    """

    descriptions: tuple[Description, ...] = ()
    report_numbers: tuple[str, ...] = ()
    is_being_corrected: bool = False

    @property
    def newest(self) -> Description:
        """The newest value of each member that any record states."""
        return Description(
            *(
                next((value for each in self.descriptions if (value := getattr(each, name))), None)
                for name in _MEMBERS
            )
        )

    @property
    def name(self) -> str | None:
        """The newest name, as its record has it."""
        return next((each.name for each in self.descriptions if each.name), None)


@frozen
class PossibleMatch:
    """A person of this agency who may be the described one, and the reasons.

    `cases` are the person's cases here, joined before, as `cases_of_person` orders them.
    """

    cases: tuple[str, ...]
    person: Description
    reasons: tuple[str, ...]


def _written(person: CasePerson) -> Any:
    return {
        "descriptions": [
            {name: value for name in _MEMBERS if (value := getattr(description, name)) is not None}
            for description in person.descriptions
        ],
        "report_numbers": list(person.report_numbers),
        "is_being_corrected": person.is_being_corrected,
    }


def _read(written: Mapping[str, Any]) -> CasePerson:
    descriptions = tuple(Description(**members) for members in written["descriptions"])
    return CasePerson(descriptions, tuple(written["report_numbers"]), written["is_being_corrected"])


PEOPLE: Subject[CasePerson] = Subject("contact", write=_written, read=_read)


def person_of(working_set: WorkingSet, handle: str) -> CasePerson:
    """Return the person of a case, as far as this agency's records describe them."""
    return working_set.memory.recall(PEOPLE, handle, 0, partial(_find_person, working_set, handle))


def person_name(working_set: WorkingSet, handle: str) -> str | None:
    """Return the participant's name from the newest contact details. None if not known here."""
    return person_of(working_set, handle).name


def _find_person(working_set: WorkingSet, handle: str) -> tuple[CasePerson, None]:
    if handle not in working_set.cases:
        return CasePerson(), None
    case = case_of(working_set, handle)
    # Somebody has to find and call the person before a correction is opened, too.
    shown = _described(stated_contents(working_set, handle, case, with_unopened=True))
    is_being_corrected = shown != _described(stated_contents(working_set, handle, case))
    notes = working_set.cases.records(handle).notes
    numbers = [str(note.body["report_number"]) for note in notes if note.body.get("report_number")]
    return CasePerson(shown, tuple(dict.fromkeys(numbers)), is_being_corrected), None


def _described(stated: Iterable[StatedContent]) -> tuple[Description, ...]:
    """Return each spelling of the contact details once, the newest first."""
    descriptions: dict[Description, None] = {}
    for part in reversed(tuple(stated)):
        contact = part.content.get("contact") or {}
        members = {name: str(contact[name]) for name in _MEMBERS if contact.get(name)}
        if members:
            descriptions[Description(**members)] = None
    return tuple(descriptions)


# Matching


def match_people(
    working_set: WorkingSet,
    described: Iterable[Description],
    *,
    besides: Iterable[str] = (),
) -> tuple[PossibleMatch, ...]:
    """Return the people of this agency who may be the described one, the likeliest first.

    `besides` are cases to leave out.
    """
    left_out = frozenset(besides)
    wanted = tuple(described)
    reasons_of: dict[tuple[str, ...], tuple[str, ...]] = {}
    for handle in working_set.cases.handles():
        if handle in left_out:
            continue
        person = person_of(working_set, handle)
        reasons = max(
            (compare(one, other) for one in wanted for other in person.descriptions),
            key=strength,
            default=(),
        )
        if not reasons:
            continue
        cases = cases_of_person(working_set, handle)
        if strength(reasons) > strength(reasons_of.get(cases, ())):
            reasons_of[cases] = reasons
    matches = [
        PossibleMatch(cases, newest_description(working_set, cases), reasons)
        for cases, reasons in reasons_of.items()
    ]
    return tuple(sorted(matches, key=lambda match: -strength(match.reasons)))[:MOST_MATCHES]


def cases_of_person(working_set: WorkingSet, handle: str) -> tuple[str, ...]:
    """Return the cases of a case's person, joined here: the ended ones first, the newest last.

    So the last one is the newest open case, if the person has any.
    """
    group = working_set.cases.same_person(handle)
    if len(group) == 1:
        return group
    learned = {each: place for place, each in enumerate(working_set.cases.handles())}

    def order(each: str) -> tuple[bool, int]:
        works = each in working_set.cases and is_open(working_set, each, case_of(working_set, each))
        return works, learned.get(each, -1)

    return tuple(sorted(group, key=order))


def newest_description(working_set: WorkingSet, cases: Iterable[str]) -> Description:
    """Return the description of a person with these cases, from the case that was learned last."""
    people = [person_of(working_set, handle) for handle in cases]
    descriptions = (each for person in reversed(people) for each in person.descriptions)
    return CasePerson(tuple(descriptions)).newest


def matches_of_case(working_set: WorkingSet, handle: str) -> tuple[PossibleMatch, ...]:
    """Return the people who may be the person of a case, without those told apart or joined."""
    links = working_set.cases.links(handle)
    apart = [other for other, link in links.items() if link.does == DIFFERENT]
    besides = [*working_set.cases.same_person(handle), *apart]
    return match_people(working_set, person_of(working_set, handle).descriptions, besides=besides)


def undecided_matches(working_set: WorkingSet, handle: str) -> tuple[str, ...]:
    """Return the cases that may be of the same person, as noted when this case was opened.

    A case whose referral was asked back is left out, and has no matches itself: there is nothing
    in it to join.
    """
    if handle in working_set.cases and is_withdrawn(working_set, handle):
        return ()
    links = working_set.cases.links(handle)
    return tuple(
        other
        for other, link in links.items()
        if link.does == POSSIBLE
        and link.first == handle
        and not (other in working_set.cases and is_withdrawn(working_set, other))
    )


# Finding a case

SHORTEST_PREFIX, _HANDLE_LENGTH = 4, 32


def find_case(
    working_set: WorkingSet, prefix: str, may_find: Callable[[str], bool] = lambda _: True
) -> str:
    """Return the case whose handle starts with `prefix`, at least 4 hexadecimal digits.

    Spaces and dashes between the digits don't matter. A whole handle is returned as it is, known
    here or not. Otherwise, only the cases are compared that the person who asks `may_find`. A case
    in which nothing is left is found only where the digits name no other one. Raises `AgencyError`
    `no-such-case`, `ambiguous-case`.
    """
    digits = re.sub("[ -]", "", prefix).lower()
    is_hexadecimal = set(digits) <= set("0123456789abcdef")
    if is_hexadecimal and len(digits) == _HANDLE_LENGTH:
        return digits
    matches = [
        handle for handle in handles(working_set) if handle.startswith(digits) and may_find(handle)
    ]
    if not is_hexadecimal or len(digits) < SHORTEST_PREFIX or not matches:
        raise AgencyError(
            "no-such-case",
            f"this agency knows no case `{prefix[:40]}`",
            fix=f"give at least {SHORTEST_PREFIX} digits of a handle from `agency cases`",
        )
    matches = [handle for handle in matches if not is_empty(working_set, handle)] or matches
    if len(matches) > 1:
        listed = ", ".join(_case_with_name(working_set, handle) for handle in matches)
        raise AgencyError(
            "ambiguous-case",
            f"`{digits}` is the start of {len(matches)} cases: {listed}",
            fix="give more digits of the handle",
        )
    return matches[0]


def _case_with_name(working_set: WorkingSet, handle: str) -> str:
    name = person_name(working_set, handle)
    return f"`{handle}` ({name})" if name else f"`{handle}`"
