"""What this agency told in a case, as questions that can be answered anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from offramp.agency.cases.form_questions import answer_form_of, check_value, member_type
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.list_changes import fields_of, has_field, is_list
from offramp.agency.cases.pack_terms import PackTerms, pack_terms
from offramp.agency.cases.told import OwnList, ToldDetail, own_lists
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import OWN, needs
from offramp.agency.operations.mistakes import list_told
from offramp.agency.operations.telling import agency_names
from offramp.agency.operations.value_words import ValueWords
from offramp.asking import AnswerForm, Question
from rules.frozen import frozen
from rules.input.vocabulary import Fact
from rules.unknown import UNKNOWN


@frozen
class Correctable:
    """A detail that other agencies were told, with the question that asks for its new value.

    `name` is the detail's, and of a field of a list's entry `list[0].field`. `value` is in words.
    `holders` are the names of the recipients that have a value of it.
    """

    name: str
    label: str
    value: str
    holders: tuple[str, ...]
    question: Question

    def details(self, answer: Any) -> dict[str, Any]:
        """Return what to correct for an answer, as `correct` takes it. Unknown withdraws it."""
        return {self.name: None if answer is UNKNOWN else answer}


@needs(OWN, look="case")
def list_correctable(office: Office, case: str) -> tuple[Correctable, ...]:
    """Return the details of a case that can be corrected, the fields of lists one by one.

    A field that no entry has at any recipient, and that this agency doesn't know, isn't one. Raises
    as `list_told`.
    """
    working_set = office.working_set()
    terms = pack_terms(office.program(working_set).pack)
    wording = ValueWords(terms, working_set.gateway.history.newest.zone)
    names = agency_names(working_set)
    disclosed = list_told(office, case)
    lists = own_lists(working_set, case, disclosed, office.random)
    details: list[Correctable] = []
    derived = form_terms().derived
    for name, holdings in disclosed.items():
        times = {holding.agency for holding in disclosed.get(derived.get(name, ""), ())}
        if times and all(holding.agency in times for holding in holdings):
            continue  # it is the day of a time, and is corrected with it
        if name in lists and terms.facts[name].type == "list":
            details += _fields(name, lists[name], holdings, names, terms, wording)
        elif (question := _question_about(name, terms)) is not None:
            holders = tuple(names.get(each.agency, each.agency) for each in holdings)
            value = wording.text(name, holdings[0].value)
            details.append(Correctable(name, question.text, value, holders, question))
    return tuple(details)


def _fields(
    name: str,
    own: OwnList,
    holdings: Sequence[ToldDetail],
    names: Mapping[str, str],
    terms: PackTerms,
    wording: ValueWords,
) -> Iterator[Correctable]:
    fields = terms.facts[name].fields
    for place, entry in enumerate(own.listing):
        for field in fields.values():
            if not terms.travels(field):
                continue
            path = f"{name}[{place}].{field.name}"
            holders = tuple(
                names.get(holding.agency, holding.agency)
                for holding in holdings
                if has_field(holding.value, own.listing, place, field.name)
            )
            is_told = any(
                field.name in fields_of(holding.value)
                for holding in holdings
                if is_list(holding.value)
            )
            if not is_told and entry.get(field.name) is None:
                continue
            question = _question_of(path, field, terms)
            label = f"{place + 1}. {question.text}" if len(own.listing) > 1 else question.text
            value = wording.text(field.path, entry.get(field.name))
            yield Correctable(path, label, value, holders, question)


def _question_about(name: str, terms: PackTerms) -> Question | None:
    """Return the question that asks for a detail, None for one that nobody was asked for."""
    fact = terms.facts.get(name)
    if fact is not None:
        return _question_of(name, fact, terms)
    member = form_terms().members.get(name)
    if member is None:
        return None
    type_ = member_type(name)
    check = partial(check_value, name, type_)
    return Question(name, member.texts["en"], answer_form_of(name, type_, "en"), check=check)


def _question_of(name: str, fact: Fact, terms: PackTerms) -> Question:
    choices = terms.choices(fact.path, fact.choices, "en")
    return Question(name, terms.text(fact, "en"), AnswerForm(fact.type, choices, fact.unit))
