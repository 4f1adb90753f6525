"""Find people in this agency's own records, and join the cases of one person.

Nothing of this leaves the agency: no function here sends or composes a record.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from exchange.errors import shorten
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.caseload import answers_enrollment, case_of
from offramp.agency.cases.empty_cases import is_withdrawn
from offramp.agency.cases.enrollment import awaits_enrollment
from offramp.agency.cases.matching import (
    Description,
    is_like_word,
    name_words,
)
from offramp.agency.cases.people import (
    PossibleMatch,
    cases_of_person,
    match_people,
    matches_of_case,
    newest_description,
    person_of,
    undecided_matches,
)
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.errors import AgencyError, refuse_hidden_name
from offramp.agency.folder.case_index import DIFFERENT, POSSIBLE, SAME, SPLIT
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import (
    CASE,
    CASES,
    GLASS,
    OFFER,
    check_glass,
    needs,
    visible,
)
from offramp.phone_numbers import NATIONAL_DIGITS, read_phone
from rules.frozen import frozen
from rules.input.characters import refuse_hidden
from rules.input.printing import printable
from rules.input.typed_days import possible_days

# How long two joined cases can be split again, in seconds.
SPLIT_WITHIN = 30 * 24 * 3600
LONGEST_SEARCH = 200
_CONTACT = ("given_name", "family_name", "birth_date", "phone")
# What a name has beside letters: apostrophes, a hyphen, a period, and a comma.
_IN_NAMES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}`-.,"
# What people write in a report number, such as `RPT #26-00123`: letters, digits, and these marks.
_IN_REPORT_NUMBERS = frozenset(" #-./_:,;()&+*'\N{EN DASH}\N{RIGHT SINGLE QUOTATION MARK}")
_LONGEST_REPORT_NUMBER = 60  # characters

_ENROLLMENT: Subject[bool | None] = Subject(
    "enrollment", write=lambda enrolled: enrolled, read=lambda written: written
)


@frozen
class PersonCase:
    """A case of a person.

    `state` is `referred`, `admitted`, `enrolled`, `ended`, or `asked back` for a case whose
    referral was.
    """

    case: str
    state: str
    report_numbers: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency find`."""
        return {
            "case": self.case,
            "state": self.state,
            "report_numbers": list(self.report_numbers),
        }


@frozen
class Person:
    """A person of this agency, with the cases that were joined, and the reasons for showing them.

    The last of the `cases` is the newest open one, or the newest if all have ended.
    `reasons` are words of `offramp.agency.cases.matching`. They are empty for a search.
    `is_being_corrected` is true while nobody opened a correction that may change name or phone.
    """

    name: str | None
    birth_date: str | None
    cases: tuple[PersonCase, ...]
    reasons: tuple[str, ...] = ()
    is_being_corrected: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the person's JSON in `offramp agency find` and `offramp agency same`."""
        return {
            "name": self.name,
            "birth_date": self.birth_date,
            "cases": [case.as_json() for case in self.cases],
            "reasons": list(self.reasons),
        }


@frozen
class Comparison:
    """Two cases side by side. `reasons` are what the descriptions have in common.

    `link` is the newest word on the two: `possible`, `same`, `different`, `split`, or None.
    `split_until` is the last time at which a join can be undone, in seconds since 1970.
    """

    first: Person
    second: Person
    reasons: tuple[str, ...]
    link: str | None
    split_until: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency same`."""
        return {
            "first": self.first.as_json(),
            "second": self.second.as_json(),
            "reasons": list(self.reasons),
            "link": self.link,
            "split_until": self.split_until,
        }


@needs(CASES, look="search")
def find(office: Office, text: str) -> tuple[Person, ...]:
    """Find people by name, birth date, phone number, report number, or the start of a handle.

    A name is compared without accents, spelling, or order, and may be cut off. A birth date is
    written as people write it, with month and day in either order. Several words must all fit.
    Only the caseload of the person who asks is searched. Raises `AgencyError` `nothing-to-find`;
    `FactsError` `hidden-character`.
    """
    working_set = office.working_set()
    return _find_among(working_set, text, visible(office, working_set))


def _find_among(
    working_set: WorkingSet, text: str, sees: Callable[[str], bool]
) -> tuple[Person, ...]:
    search_words = [_SearchWord(search_word) for search_word in _search_words(text)]
    # A report number may have spaces, such as `RPT #26-00123`.
    as_number = _plain(text)
    is_number = len(as_number) >= 4 and any(map(str.isdigit, as_number))
    groups: dict[tuple[str, ...], None] = {}
    for handle in filter(sees, working_set.cases.handles()):
        person = person_of(working_set, handle)
        numbers = person.report_numbers
        if (is_number and any(as_number in _plain(number) for number in numbers)) or any(
            all(search_word.fits(handle, description, numbers) for search_word in search_words)
            for description in person.descriptions or (Description(),)
        ):
            groups[cases_of_person(working_set, handle)] = None
    return tuple(_person(working_set, cases) for cases in groups)


@frozen
class ColleaguesPerson:
    """A person of a colleague's case, with the newest case and its owner."""

    name: str | None
    birth_date: str | None
    case: str
    owner: str


@needs(GLASS, look="search")
def find_beyond(office: Office, text: str) -> tuple[ColleaguesPerson, ...]:
    """Find people of this agency of whose case somebody else is the owner, for an emergency.

    It shows name, birth date, and owner, and nothing of a case. Police and prosecutors have no such
    way. Raises `AgencyError` `no-glass`, `nothing-to-find`; `FactsError` `hidden-character`.
    """
    working_set = office.working_set()
    check_glass(office, working_set)
    assert office.acting is not None, "an operation with a need has a person"
    name, assignments = office.acting.name, working_set.staff.assignments
    return tuple(
        ColleaguesPerson(person.name, person.birth_date, newest.case, assigned.owner)
        for person in _find_among(working_set, text, lambda case: case in assignments)
        if (assigned := assignments.get((newest := person.cases[-1]).case)) is not None
        and name not in assigned.carers
    )


@needs(OFFER, look="search")
def possible_duplicates(office: Office, contact: Mapping[str, Any]) -> tuple[Person, ...]:
    """Return the people of this agency who may be the described one, the likeliest first.

    `contact` is the content of a `contact` part that isn't sent yet: `given_name`, `family_name`,
    `birth_date`, `phone`, each of which may be missing.
    """
    members = {name: str(contact[name]) for name in _CONTACT if contact.get(name)}
    working_set = office.working_set()
    return _people(working_set, match_people(working_set, (Description(**members),)))


@needs(CASE, look="case")
def duplicates_of(office: Office, case: str) -> tuple[Person, ...]:
    """Return the people who may be the person of a case, without those told apart.

    Raises `AgencyError` `no-such-case`.
    """
    working_set = office.working_set()
    case_of(working_set, case)
    return _people(working_set, matches_of_case(working_set, case))


def undecided(office: Office, case: str) -> tuple[Person, ...]:
    """Return the people who may be the person of a case, as noted when it was opened.

    Raises `AgencyError` `no-such-case`.
    """
    working_set = office.working_set()
    case_of(working_set, case)
    groups = {
        cases_of_person(working_set, possible_case): None
        for possible_case in undecided_matches(working_set, case)
    }
    return tuple(_person(working_set, cases) for cases in groups)


@needs(CASE, look="case")
def same_person(office: Office, first: str, second: str) -> Comparison:
    """Return two cases side by side, to decide if they are of one person.

    Raises `AgencyError` `no-such-case`, `one-case`.
    """
    working_set = office.working_set()
    _check_pair(working_set, first, second)
    link = working_set.cases.links(first).get(second)
    matches = match_people(
        working_set,
        person_of(working_set, first).descriptions,
        besides=(handle for handle in working_set.cases.handles() if handle != second),
    )
    until = link.at + SPLIT_WITHIN if link is not None and link.does == SAME else None
    return Comparison(
        _person(working_set, (first,)),
        _person(working_set, (second,)),
        matches[0].reasons if matches else (),
        link.does if link is not None else None,
        until,
    )


@needs(CASE, look="act")
def join(office: Office, actor: str, first: str, second: str) -> Comparison:
    """Note that two cases are of one person, in this agency's own index.

    The exchange's handles stay two. Show `same_person` to `actor` first. The join can be undone
    for thirty days. Raises as `same_person`; `AgencyError` `hidden-character`.
    """
    return _link(office, actor, first, second, SAME)


@needs(CASE, look="act")
def tell_apart(office: Office, actor: str, first: str, second: str) -> Comparison:
    """Note that two cases are of two people, so that they aren't shown as duplicates again.

    Raises as `join`; `AgencyError` `joined` for cases that were joined.
    """
    return _link(office, actor, first, second, DIFFERENT)


@needs(CASE, look="act")
def split(office: Office, actor: str, first: str, second: str) -> Comparison:
    """Undo a join within thirty days.

    Raises as `join`; `AgencyError` `not-one-person`, `joined`.
    """
    return _link(office, actor, first, second, SPLIT)


@needs(OFFER, look="act")
def note_same_person(office: Office, case: str, other: str) -> None:
    """Note that the person of a case that was just sent is the person of another case.

    Two encounters are two cases, which are joined here. In one case, the facts of the second would
    replace those of the first, and with them the answers about it. Raises `AgencyError`
    `no-such-case`.
    """
    with office.transaction() as working_set:
        _check_pair(working_set, case, other)
        _append_link(office, working_set, case, other, SAME, None)


@needs(OFFER, look="act")
def note_other_people(office: Office, case: str, others: Iterable[str]) -> None:
    """Note that the person of a case that was just sent is none of the people of other cases.

    Raises `AgencyError` `no-such-case`.
    """
    with office.transaction() as working_set:
        for other_case in others:
            _check_pair(working_set, case, other_case)
            _append_link(office, working_set, case, other_case, DIFFERENT, None)


@needs(OFFER, look="act")
def note_report_number(office: Office, case: str, number: str) -> str:
    """Keep this agency's own report number of a case, to find it by. It is never sent.

    Raises `AgencyError` `no-such-case`, `bad-report-number`, `no-directory`.
    """
    number = read_report_number(number)
    with office.transaction() as working_set:
        case_of(working_set, case)
        line = working_set.gateway.line
        body = {
            "case": case,
            "report_number": number,
            "after": line.size if line else 0,
            "keep_until": defaults_today(office, working_set).keep_until,
        }
        office.append(working_set, "noted", body)
    return number


def read_report_number(text: str) -> str:
    """Return a report number as it was typed, with single spaces. Nothing of it has a meaning here.

    Raises `AgencyError` `bad-report-number`.
    """
    number = " ".join(text.split())
    strange = next(
        (mark for mark in number if not mark.isalnum() and mark not in _IN_REPORT_NUMBERS), None
    )
    if not any(mark.isalnum() for mark in number):
        why = f"`{shorten(number)}` has no letter and no digit" if number else "there is no number"
    elif strange is not None:
        why = f"a report number has no `{printable(strange)}`"
    elif len(number) > _LONGEST_REPORT_NUMBER:
        why = f"a report number of {len(number):,} characters is too long"
    else:
        return number
    raise AgencyError(
        "bad-report-number",
        why,
        fix=f"write it as on the report, in up to {_LONGEST_REPORT_NUMBER} letters, digits, "
        "spaces, and marks such as `#`, `-`, and `/`",
    )


def check_new_person(office: Office, case: str) -> tuple[Person, ...]:
    """Match the person of a case that was just opened, and note what follows.

    Possible matches are noted, so that `tasks` asks a person about them. If there is none, and name
    and birth date of everybody concerned are known, the program notes that the person isn't
    enrolled. Otherwise that stays unknown. Returns the possible matches.
    """
    with office.transaction() as working_set:
        if case not in working_set.cases or not person_of(working_set, case).descriptions:
            return ()
        matches = matches_of_case(working_set, case)
        linked_cases = working_set.cases.links(case)
        for match in matches:
            if not any(handle in linked_cases for handle in match.cases):
                _append_link(office, working_set, case, match.cases[-1], POSSIBLE, None)
        _note_enrollment(office, working_set, case, matches)
        return _people(working_set, matches)


def _note_enrollment(
    office: Office, working_set: WorkingSet, case: str, matches: Iterable[PossibleMatch]
) -> None:
    """Note that a person isn't enrolled, if the agency's own people leave no doubt about it."""
    if not working_set.gateway.history.size or not answers_enrollment(working_set):
        return
    known = case_of(working_set, case)
    if ENROLLED in known.known or awaits_enrollment(working_set, case, known):
        return
    doubtful = {handle for match in matches for handle in match.cases}
    if not newest_description(working_set, (case,)).is_complete:
        return
    for handle in working_set.cases.handles():
        if handle == case or _enrolled(working_set, handle) is not True:
            continue
        if handle in doubtful or not newest_description(working_set, (handle,)).is_complete:
            return
    if any(_enrolled(working_set, handle) is None for handle in doubtful):
        return
    line = working_set.gateway.line
    body = {
        "case": case,
        "facts": {ENROLLED: False},
        # So that a later join of the case counts more than this note.
        "matched": False,
        "after": line.size if line else 0,
        "keep_until": defaults_today(office, working_set).keep_until,
    }
    office.append(working_set, "noted", body)


def _enrolled(working_set: WorkingSet, handle: str) -> bool | None:
    return working_set.memory.recall(
        _ENROLLMENT, handle, 0, partial(_find_enrollment, working_set, handle)
    )


def _find_enrollment(working_set: WorkingSet, handle: str) -> tuple[bool | None, None]:
    case = case_of(working_set, handle)
    source = case.known.get(ENROLLED)
    if awaits_enrollment(working_set, handle, case):
        return None, None  # admitted, and nobody has stated the enrollment
    return (None if source is None else bool(source.value)), None


def _link(office: Office, actor: str, first: str, second: str, does: str) -> Comparison:
    refuse_hidden_name(actor)
    with office.transaction() as working_set:
        _check_pair(working_set, first, second)
        digits = working_set.cases.digits
        link = working_set.cases.links(first).get(second)
        now = working_set.gateway.hub_time(office.clock())
        is_joined = link is not None and link.does == SAME
        if does == SPLIT and (link is None or not is_joined):
            raise AgencyError(
                "not-one-person",
                f"`{digits(first)}` and `{digits(second)}` were not joined with each other",
                fix="see the cases of each person with `offramp agency find DIR TEXT`",
            )
        if link is not None and is_joined and does != SAME:
            if does == DIFFERENT:
                raise AgencyError(
                    "joined",
                    f"`{digits(first)}` and `{digits(second)}` were joined as one person's cases",
                    fix="split them first, within thirty days",
                )
            if now > link.at + SPLIT_WITHIN:
                raise AgencyError(
                    "joined",
                    f"`{digits(first)}` and `{digits(second)}` were joined more than thirty days "
                    "ago",
                    fix="correct or recall what was sent in the wrong case",
                )
        if not (is_joined and does == SAME):
            _append_link(office, working_set, first, second, does, actor)
        for case in (first, second):
            _note_enrollment(office, working_set, case, matches_of_case(working_set, case))
    return same_person(office, first, second)


def _append_link(
    office: Office, working_set: WorkingSet, first: str, second: str, does: str, by: str | None
) -> None:
    body: dict[str, Any] = {
        "does": does,
        "cases": [first, second],
        "at": working_set.gateway.hub_time(office.clock()),
    }
    office.append(working_set, "people", body | ({"by": by} if by is not None else {}))


def _check_pair(working_set: WorkingSet, first: str, second: str) -> None:
    for handle in (first, second):
        case_of(working_set, handle)
    if first == second:
        raise AgencyError(
            "one-case",
            f"`{working_set.cases.digits(first)}` is one case",
            fix="name two cases of `agency cases`",
        )


def _people(working_set: WorkingSet, matches: Iterable[PossibleMatch]) -> tuple[Person, ...]:
    return tuple(_person(working_set, match.cases, match.reasons) for match in matches)


def _person(
    working_set: WorkingSet, cases: tuple[str, ...], reasons: tuple[str, ...] = ()
) -> Person:
    description = newest_description(working_set, cases)
    return Person(
        description.name,
        description.birth_date,
        tuple(
            PersonCase(
                handle,
                _state(working_set, handle),
                person_of(working_set, handle).report_numbers,
            )
            for handle in cases
        ),
        reasons,
        any(person_of(working_set, handle).is_being_corrected for handle in cases),
    )


def _state(working_set: WorkingSet, handle: str) -> str:
    case = case_of(working_set, handle)
    if case.is_ended:
        return "ended"
    if is_withdrawn(working_set, handle):
        return "asked back"
    enrolled = case.known.get(ENROLLED)
    if enrolled is not None and enrolled.value:
        return "enrolled"
    return "admitted" if awaits_enrollment(working_set, handle, case) else "referred"


# Searching


def _search_words(text: str) -> tuple[str, ...]:
    refuse_hidden(text, "the search")
    number = read_phone(text)
    if number is not None and number.extension:
        return (number.digits,)
    # A day with its month as a word is one thing to search for, though it has spaces.
    search_words = (
        (text,) if possible_days(text) else tuple(unicodedata.normalize("NFC", text).split())
    )
    if not search_words or len(text) > LONGEST_SEARCH:
        raise AgencyError(
            "nothing-to-find",
            f"`{shorten(text)}` is no name, date, or number to search for",
            fix=f"give at most {LONGEST_SEARCH} characters",
        )
    return search_words


class _SearchWord:
    """One word of a search, read once in each way that it may be meant."""

    def __init__(self, search_word: str) -> None:
        self._word = search_word
        self._lower = search_word.lower() if len(search_word) >= 4 else None
        plain = _plain(search_word)
        self._number = plain if len(plain) >= 4 else None
        digits = "".join(filter(str.isdigit, search_word))
        days = {day.isoformat() for day in possible_days(search_word)} if digits else set()
        self._days = frozenset(days | {search_word} if digits else ())
        has_letters = any(letter.isalpha() for letter in search_word)
        self._phone = digits[-NATIONAL_DIGITS:] if len(digits) >= 3 and not has_letters else None
        is_name = all(letter.isalpha() or letter in _IN_NAMES for letter in search_word)
        self._names = name_words(search_word) if is_name and self._phone is None else ()

    def fits(self, handle: str, description: Description, report_numbers: Iterable[str]) -> bool:
        """Report whether the word fits a case."""
        if self._number and any(self._number in _plain(number) for number in report_numbers):
            return True
        if self._lower and handle.startswith(self._lower):
            return True
        born = description.birth_date
        if self._days and born is not None and (born in self._days or born[:4] == self._word):
            return True
        if self._phone is not None:
            return self._phone in description.digits
        if not self._names:
            return False
        name_parts = [name for names in description.words for name in names]
        return all(
            any(_fits_name(part, name) for part in spelled for name in name_parts)
            for spelled in self._names
        )


def _fits_name(searched: str, name: str) -> bool:
    return name.startswith(searched) or is_like_word(searched, name)


def _plain(number: str) -> str:
    return "".join(filter(str.isalnum, number)).casefold()
