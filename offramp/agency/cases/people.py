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

from offramp.agency.cases.caseload import case_of, handles, void_details
from offramp.agency.cases.empty_cases import is_empty, is_open, is_withdrawn
from offramp.agency.cases.matching import Description, compare, strength
from offramp.agency.cases.positions import note_position
from offramp.agency.cases.stated import StatedContent, stated_contents
from offramp.agency.errors import AgencyError
from offramp.agency.folder.case_index import DIFFERENT, POSSIBLE
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.journal import Event
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

_MEMBERS = ("given_name", "family_name", "birth_date", "phone")
GIVEN_NAME, FAMILY_NAME = "contact.given_name", "contact.family_name"
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


@frozen
class SignedName:
    """The name on a consent form that the person signed here, and the day of the signature.

    `at` is the record's event in the journal.
    """

    name: str
    on: str
    at: int


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
    notes = working_set.cases.records(handle).notes
    noted = [
        (note_position(working_set, note), contact)
        for note in notes
        if (contact := _noted_contact(working_set, note))
    ]
    # Somebody has to find and call the person before a correction is opened, too.
    shown = _described(stated_contents(working_set, handle, case, with_unopened=True), noted)
    is_being_corrected = shown != _described(stated_contents(working_set, handle, case), noted)
    numbers = [str(note.body["report_number"]) for note in notes if note.body.get("report_number")]
    return CasePerson(shown, tuple(dict.fromkeys(numbers)), is_being_corrected), None


def _noted_contact(working_set: WorkingSet, note: Event) -> dict[str, Any]:
    """Return the contact details that a note corrects, by member. A withdrawn one is None."""
    void = void_details(working_set, note)
    return {
        name.removeprefix("contact."): value
        for name, value in note.body.get("members", {}).items()
        if name.startswith("contact.") and name not in void
    }


def _described(
    stated: Iterable[StatedContent], noted: Iterable[tuple[float, Mapping[str, Any]]]
) -> tuple[Description, ...]:
    """Return each spelling of the contact details once, the newest first.

    `noted` are this agency's own corrections with their positions. What a correction doesn't name
    stays as the details before it have it.
    """
    contents = [(part.position, part.content.get("contact") or {}, False) for part in stated]
    contents += [(position, contact, True) for position, contact in noted]
    newest: dict[str, str] = {}
    descriptions: list[Description] = []
    for _, contact, is_correction in sorted(contents, key=lambda content: content[0]):
        members = {name: str(contact[name]) for name in _MEMBERS if contact.get(name)}
        if is_correction:
            before = {name: newest[name] for name in newest if name not in contact}
            members = {**before, **members}
        newest |= members
        if members:
            descriptions.append(Description(**members))
    return tuple(dict.fromkeys(reversed(descriptions)))


# The name that the person signed with


def signed_name(working_set: WorkingSet, handle: str) -> SignedName | None:
    """Return the name on the newest consent form that was signed here. None without one."""
    for outgoing in reversed(tuple(working_set.cases.records(handle).sent)):
        form = outgoing.form if outgoing.kind == "consent" else None
        if form and outgoing.replaced_by is None:
            return SignedName(str(form["name"]), str(form["signed_on"]), outgoing.at)
    return None


def name_on_forms(working_set: WorkingSet, handle: str) -> str | None:
    """Return the name with which a form begins: as last signed, or as corrected here since."""
    signed = signed_name(working_set, handle)
    if signed is None or _is_name_settled(working_set, handle, signed):
        return person_name(working_set, handle)
    return signed.name


def unsettled_name(working_set: WorkingSet, handle: str) -> SignedName | None:
    """Return the last signed name where the case has another one, and nobody chose one since."""
    signed, name = signed_name(working_set, handle), person_name(working_set, handle)
    if signed is None or name is None or same_letters(signed.name, name):
        return None
    return None if _is_name_settled(working_set, handle, signed) else signed


def split_name(name: str, given_before: str) -> tuple[str, str]:
    """Return a whole name as a first and a last one.

    The first name has as many words as the one before it, and leaves one for the last name.
    """
    pieces = name.split()
    count = max(1, min(len(given_before.split()), len(pieces) - 1))
    return " ".join(pieces[:count]), " ".join(pieces[count:])


def contact_on_forms(working_set: WorkingSet, handle: str) -> Mapping[str, str]:
    """Return the contact details with which a form begins, by question. The name is as signed."""
    described, signed = person_of(working_set, handle).newest, unsettled_name(working_set, handle)
    details = {name: getattr(described, name) for name in _MEMBERS}
    if signed is not None:
        given_name, family_name = split_name(signed.name, described.given_name or "")
        details |= {"given_name": given_name, "family_name": family_name}
    return {f"contact.{name}": text for name, text in details.items() if text}


def same_letters(left: str, right: str) -> bool:
    """Report whether two names are written alike, with the same accents and capitals."""
    return " ".join(left.split()) == " ".join(right.split())


def _is_name_settled(working_set: WorkingSet, handle: str, signed: SignedName) -> bool:
    """Report whether a person here corrected or kept the name after it was signed."""
    return any(
        note.at > signed.at and GIVEN_NAME in note.body.get("members", {})
        for note in working_set.cases.records(handle).notes
    )


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
