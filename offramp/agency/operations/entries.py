"""The lists that this agency states in a case, entry by entry: add one, correct one, remove one.

A list is first stated by a form. Later, `open_entry` gives the questions of one entry with what is
known of it, `EntryForm.details` what the answers change, and `preview_entry` the recipients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exchange.records.finer_words import own_form
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.form_parts import form_stating
from offramp.agency.cases.form_questions import Sheet, paths_read
from offramp.agency.cases.form_terms import find_form
from offramp.agency.cases.list_changes import Difference, is_list
from offramp.agency.cases.list_corrections import ListCorrection, no_such_entry
from offramp.agency.cases.moments import moments_of
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.told import OwnList, own_list, own_lists
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import OWN, needs
from offramp.agency.operations.case_file import note_facts
from offramp.agency.operations.mended_words import (
    Consequences,
    describe_correction,
    describe_effects,
)
from offramp.agency.operations.mistakes import correct, effects, list_told
from offramp.agency.operations.value_words import ValueWords
from offramp.asking import UNKNOWN, Question
from rules.frozen import frozen
from rules.input.printing import plain
from rules.input.vocabulary import nested


@frozen
class StatedList:
    """A list that this agency states in a case. `label` is its question.

    `entries` are its entries in words, by place. `form` is the form that adds one, None where
    `open_entry` does.
    """

    path: str
    label: str
    entries: tuple[str, ...]
    form: str | None


@frozen
class EntryForm:
    """One entry of a list, ready to be asked.

    `place` counts from 0, and is that after the last for a new entry. `before` is the entry in
    words, empty for a new one. `values` are its known fields by the names of the `questions`.
    """

    path: str
    place: int
    label: str
    before: str
    questions: tuple[Question, ...]
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The entry's name, such as `encounter.charges[0]`."""
        return f"{self.path}[{self.place}]"

    def details(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the answers change, as `correct` takes it. Empty if they change nothing.

        A field that isn't answered stands as it is. A new entry without any answer is none.
        """
        values = {
            question.name: None if value is UNKNOWN else plain(value)
            for question in self.questions
            if (value := answers.get(question.name)) is not None
        }
        if self.before:
            return {
                name: value
                for name, value in values.items()
                if not same_value(self.values.get(name), value)
            }
        prefix = f"{self.name}."
        fields = {
            name.removeprefix(prefix): value for name, value in values.items() if value is not None
        }
        return {self.name: fields} if fields else {}


@frozen
class EntryPreview:
    """What follows from a change of an entry. `odd` are moments that a person confirms.

    `rows` are the question, the value of before, and the new one of each field in words, and of a
    whole entry the list's question. A value that is missing is empty.
    """

    consequences: Consequences
    rows: tuple[tuple[str, str, str], ...]
    seen_at: int | None
    odd: tuple[str, ...]


@needs(OWN, look="case")
def list_stated_lists(office: Office, case: str) -> tuple[StatedList, ...]:
    """Return the lists that this agency states in a case. Raises `AgencyError` `no-such-case`."""
    working_set = office.working_set()
    pack = office.program(working_set).pack
    terms, role = pack_terms(pack), _role(working_set)
    wording = ValueWords(terms, working_set.gateway.history.newest.zone)
    return tuple(
        StatedList(
            path,
            terms.question(path, "en"),
            tuple(_in_words(wording, path, entry) for entry in own.listing),
            form_stating(pack, role, path),
        )
        for path, own in _own_lists(office, working_set, case).items()
    )


@needs(OWN, look="case")
def open_entry(office: Office, case: str, path: str, place: int | None = None) -> EntryForm:
    """Return the questions of an entry of a list, those of a new one without a `place`.

    Raises `AgencyError` `not-a-detail` for a list that this agency doesn't state, or has no such
    entry of.
    """
    working_set = office.working_set()
    pack = office.program(working_set).pack
    terms = pack_terms(pack)
    own, fact = _own_lists(office, working_set, case).get(path), terms.facts.get(path)
    if own is None or fact is None or (place is not None and place >= len(own.listing)):
        raise no_such_entry(path[:60], len(own.listing) if own else 0, fact)
    at = len(own.listing) if place is None else place
    entry = {} if place is None else own_form(path, [own.listing[at]], terms.vocabulary)[0]
    values = {f"{path}[{at}].{name}": value for name, value in entry.items() if name in fact.fields}
    sheet = Sheet(
        find_form("answer"),
        _role(working_set),
        (),
        paths_read(pack),
        terms=terms,
        moments=moments_of(working_set, pack, CORRECTION, case, office.clock()),
    )
    asked_anyway = frozenset(name for name, value in values.items() if value is not None)
    wording = ValueWords(terms, working_set.gateway.history.newest.zone)
    return EntryForm(
        path,
        at,
        terms.question(path, "en"),
        "" if place is None else _in_words(wording, path, own.listing[at]),
        tuple(sheet.of_entry(fact, at, asked_anyway)),
        values,
    )


@needs(OWN, look="case")
def preview_entry(office: Office, case: str, path: str, details: Mapping[str, Any]) -> EntryPreview:
    """Return what follows from a change of a list. Nothing is sent or kept. Raises as `correct`.

    `details` are those of `EntryForm.details`, or `None` by the name of an entry to remove it.
    """
    working_set = office.working_set()
    terms = pack_terms(office.program(working_set).pack)
    wording = ValueWords(terms, working_set.gateway.history.newest.zone)
    if path in list_told(office, case):
        plan = effects(office, case, details)
        odd = tuple(moment.text("en") for moment in plan.odd)
        consequences, rows = describe_effects(office, plan), _rows(plan.differences, wording)
        return EntryPreview(consequences, rows, plan.seen_at, odd)
    correction = _corrected(office, working_set, case, path, details)
    rows = _rows(correction.differences(), wording)
    return EntryPreview(Consequences((), (), ()), rows, office.at, ())


def _rows(
    differences: Iterable[Difference], wording: ValueWords
) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (
            wording.terms.question(change.name, "en"),
            "" if change.before is None else wording.text(change.name, change.before),
            "" if change.after is None else wording.text(change.name, change.after),
        )
        for change in differences
    )


@needs(OWN, look="act", takes=True)
def change_entry(
    office: Office,
    actor: str,
    case: str,
    path: str,
    details: Mapping[str, Any],
    *,
    seen_at: int | None = None,
    although_odd: bool = False,
) -> tuple[Consequences, bool]:
    """Change a list as it was shown, and tell its holders. Return what was done, and if it waits.

    A list that nobody was told is kept here. Raises as `correct` and `note_facts`.
    """
    if path in list_told(office, case):
        correction = correct(
            office, actor, case, details, seen_at=seen_at, although_odd=although_odd
        )
        waits = any(sent.state.startswith("queued") for sent in correction.sent)
        return describe_correction(office, correction), waits
    working_set = office.working_set()
    changed_list = _corrected(office, working_set, case, path, details)
    terms = pack_terms(office.program(working_set).pack).vocabulary
    value = own_form(path, changed_list.own_value(), terms)
    facts = nested({path: value})
    note = note_facts(office, case, facts, seen_at=seen_at, although_odd=although_odd)
    return Consequences((), (), ()), note.state.startswith("queued")


def _corrected(
    office: Office, working_set: WorkingSet, case: str, path: str, details: Mapping[str, Any]
) -> ListCorrection:
    """Return a list that nobody was told as the details change it. Raises as `correct`."""
    terms = pack_terms(office.program(working_set).pack)
    own = _own_lists(office, working_set, case).get(path)
    if own is None:
        raise no_such_entry(path[:60], 0, terms.facts.get(path))
    correction = ListCorrection(path, own, terms.vocabulary)
    for name, value in details.items():
        at, _, member = name.removeprefix(f"{path}[").partition("]")
        if int(at) == len(own.listing) and isinstance(value, Mapping):
            correction = correction.add(value, office.random)
        else:
            correction = correction.change(int(at), member.removeprefix(".") or None, value)
    return correction


def _own_lists(office: Office, working_set: WorkingSet, case: str) -> dict[str, OwnList]:
    """Return the lists that this agency states, also those that nobody was told."""
    lists = dict(own_lists(working_set, case, list_told(office, case), office.random))
    case_view = case_of(working_set, case)
    for path, fact in pack_terms(office.program(working_set).pack).facts.items():
        if fact.type != "list" or path in lists or fact.known_by != _role(working_set):
            continue
        entries = own_list(working_set, case_view, path)
        if entries and is_list(entries):
            numbered = tuple({**entry, "id": str(place)} for place, entry in enumerate(entries))
            lists[path] = OwnList(numbered, numbered)
    return lists


def _in_words(wording: ValueWords, path: str, entry: Mapping[str, Any]) -> str:
    return wording.text(f"{path}[0]", entry)


def _role(working_set: WorkingSet) -> str:
    role = working_set.gateway.history.newest.role(working_set.agency)
    if role is None:
        raise AgencyError(
            "no-directory", "no directory lists this agency", fix="run its gateway, and join first"
        )
    return role
