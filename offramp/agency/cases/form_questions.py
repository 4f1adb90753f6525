"""The questions of a form: those that its parts need, in the words of the vocabulary. Pure.

A part's questions are the members of its category's content, and the facts of the category that
the adopted pack reads. Judgments and events are asked only of the role that knows them. What the
record's kind states, and what this agency stated before, isn't asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cache, partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from exchange.models import Day, describe_fault
from exchange.records.content import content_models, field_type
from exchange.records.field_types import Language
from offramp.agency.cases.case import ACCEPTED, REFERRED
from offramp.agency.cases.contact_words import is_plausible
from offramp.agency.cases.form_terms import (
    Form,
    Member,
    find_form,
    form_terms,
)
from offramp.agency.cases.moments import CaseMoments
from offramp.agency.cases.odd_ages import AGE, age_at_encounter
from offramp.agency.cases.pack_terms import PackTerms, shared_terms
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.asking import UNKNOWN, AnswerForm, Question, flag_of
from rules.decide import explain
from rules.errors import FactsError, Place
from rules.frozen import frozen
from rules.input.printing import plain, printable
from rules.input.vocabulary import Fact, Vocabulary
from rules.packs.pack import Pack, conditions
from rules.shelf import vocabulary

# The facts that a record's kind and its label state.
STATED = {"referral": (ACCEPTED, REFERRED), "exit": (ENROLLED,)}
ABOUT, SAME_ENCOUNTER = "about", "same_encounter"
_ABOUT = {
    "en": "What do you tell about?",
    "es": "¿De qué informa?",
}
_SAME = {
    "en": "Is it about the same encounter as before?",
    "es": "¿Es sobre el mismo encuentro que antes?",
}
_BOUNDS = ("greater_than_equal", "less_than_equal", "greater_than", "less_than")
_SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "nothing": "nothing is chosen",
        "nothing_fix": "choose at least one",
        "no_answer": "{answer} is no answer here",
        "one_unknown": "not known",
        "how": "answer in another way",
        "how_long": "write at most {most:,} characters",
        "how_phone": "write the number in digits, such as 505-555-0100",
        "how_language": "write the name of a language, such as Spanish or Navajo",
        "how_given_name": "write a name of up to five words, without digits",
        "how_family_name": "write a name of up to five words, without digits",
        "how_name": "write a name of up to five words, without digits",
        "how_substance": "write one word without capitals, such as fentanyl",
        "greater_than_equal": "give a number of at least {bound}",
        "less_than_equal": "give a number of at most {bound}",
        "greater_than": "give a number over {bound}",
        "less_than": "give a number under {bound}",
    },
    "es": {
        "nothing": "no eligió nada",
        "nothing_fix": "elija al menos una",
        "no_answer": "{answer} no es una respuesta aquí",
        "one_unknown": "no se sabe",
        "how": "responda de otra manera",
        "how_long": "escriba como mucho {most:,} caracteres",
        "how_phone": "escriba el número en cifras, como 505-555-0100",
        "how_language": "escriba el nombre de un idioma, como español o navajo",
        "how_given_name": "escriba un nombre de hasta cinco palabras, sin cifras",
        "how_family_name": "escriba un apellido de hasta cinco palabras, sin cifras",
        "how_name": "escriba un nombre de hasta cinco palabras, sin cifras",
        "how_substance": "escriba una palabra sin mayúsculas, como fentanyl",
        "greater_than_equal": "dé un número de al menos {bound}",
        "less_than_equal": "dé un número de como mucho {bound}",
        "greater_than": "dé un número de más de {bound}",
        "less_than": "dé un número de menos de {bound}",
    },
}
# Which entry of a list a question is about, beside its kind.
_PLACE = {"en": "{number} of {size}", "es": "{number} de {size}"}
_MORE = {
    "en": "Sent before, and left as it is: {count}. How many more?",
    "es": "Lo que se envió antes ({count}) se queda como está. ¿Cuántas más?",
}


@frozen
class Sheet:
    """A form that was opened for a role and a case, ready to be asked.

    `parts` are the categories to ask for. `reads` are the paths that the adopted pack reads.
    `stated` are the facts that kind and label state. `known` are answers from this agency's earlier
    records of the case, by question. `lists` are the entries of lists that were sent before, and
    are stated again as a whole. `members` are the members to ask for, None for all. With `only`,
    these fields of the earlier entries are asked, and nothing else. `terms` are the words of the
    adopted pack. `filled` are the members of parts that aren't asked.
    """

    form: Form
    role: str
    parts: tuple[str, ...]
    reads: frozenset[str]
    stated: frozenset[str] = frozenset()
    known: Mapping[str, Any] | None = None
    lists: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None
    members: tuple[str, ...] | None = None
    only: tuple[str, ...] = ()
    language: str = "en"
    terms: PackTerms = field(default_factory=shared_terms)
    filled: Mapping[str, Any] = field(default_factory=dict)
    # The case's moments. Nothing that a form states is impossible beside them.
    moments: CaseMoments | None = None

    def questions(
        self, answers: Mapping[str, Any], answered: frozenset[str]
    ) -> tuple[Question, ...]:
        """Return the questions to ask after some answers, in order.

        A question that the pack doesn't need is asked if its fact is in `answered`.
        """
        sheet = self
        if self.moments is not None:
            sheet = replace(self, moments=self.moments.beside(answers))
        return tuple(sheet._questions(answers, answered))

    def _questions(
        self, answers: Mapping[str, Any], answered: frozenset[str]
    ) -> Iterator[Question]:
        if self.form.chooses:
            yield self._about()
            if ABOUT not in answers:
                return
        if self.known:
            same = AnswerForm("bool", may_be_unknown=False)
            yield Question(SAME_ENCOUNTER, _SAME[self.language], same)
            if SAME_ENCOUNTER not in answers:
                return
        for category in self.parts:
            if not self.form.chooses or category in (answers.get(ABOUT) or ()):
                yield from self._of_category(category, answers, answered)

    @property
    def paths(self) -> Iterator[str]:
        """The facts and members that may be asked."""
        for category in self.parts:
            if category in self.form.unasked:
                continue
            if not self.only:
                yield from (member.path for member in self._members(category))
            yield from (fact.path for fact in self.facts_of(category))

    def asks_of(self, category: str) -> bool:
        """Report whether this form asks anything of a category, if somebody may be told."""
        sheet = replace(self, parts=(category,), members=None, known=None)
        return any(True for _ in sheet._of_category(category, {}, frozenset()))

    def _about(self) -> Question:
        terms = form_terms()
        choices = terms.choices(ABOUT, self.parts, self.language)
        form = AnswerForm("choices", choices, may_be_unknown=False)
        check = partial(_refuse_nothing, self.language)
        return Question(ABOUT, _ABOUT[self.language], form, check=check)

    def is_known(self, name: str, answers: Mapping[str, Any]) -> bool:
        """Return True if an earlier record of the case has the answer, and it still holds."""
        if not self.known or name not in self.known:
            return False
        return answers.get(SAME_ENCOUNTER) is True or name.startswith(("contact.", "person."))

    def _of_category(
        self, category: str, answers: Mapping[str, Any], answered: frozenset[str]
    ) -> Iterator[Question]:
        if category in self.form.unasked:
            return
        if not self.only:
            for member in self._members(category):
                if not self.is_known(member.path, answers):
                    yield self._member_question(member)
        for fact in self.facts_of(category):
            is_given = fact.path == AGE and fact.path in answered
            # The age follows from two days. One that is given all the same is compared with it.
            if not is_given and (
                self.is_known(fact.path, answers) or _is_derived(fact.path, answers)
            ):
                continue
            if fact.type == "list":
                yield from self._of_list(fact, answers, answered)
            elif fact.path in answered or (not self.only and self.may_ask(fact)):
                yield self._fact_question(fact, fact.path)

    def _members(self, category: str) -> Iterator[Member]:
        if self.form.own:
            return
        set_here = {*(self.form.fixed or {}), *(self.form.derived or {})}
        for path, member in form_terms().members.items():
            is_asked = self.members is None or path in self.members
            if path.partition(".")[0] == category and path not in set_here and is_asked:
                yield member

    def facts_of(self, category: str) -> Iterator[Fact]:
        """Yield the facts of a category that this role may state in this form.

        The category `operation` has facts about no person. The age is stated in a referral and in
        an answer alone.
        """
        states_contact = self.form.begins or self.form.own or self.form.name == "answer"
        if category == "operation" or (category == "contact" and not states_contact):
            return
        if self.form.own:
            yield from (
                fact
                for fact in own_facts_of(self.terms.vocabulary, self.role)
                if fact.category == category
            )
            return
        needed = {*(self.form.derived or {}).values()}
        for fact in self.terms.facts.values():
            if fact.category != category or fact.path in self.stated or fact.known_by == "hub":
                continue
            if fact.kind in ("judgment", "event") and fact.known_by != self.role:
                if fact.path not in needed:
                    continue
            yield fact

    def may_ask(self, fact: Fact) -> bool:
        """Return True if the pack asks for a fact: its rules read it, or it is the pack's own."""
        return fact.path in self.reads or self.form.own

    # A list

    def _of_list(
        self, fact: Fact, answers: Mapping[str, Any], answered: frozenset[str]
    ) -> Iterator[Question]:
        earlier = (self.lists or {}).get(fact.path, ())
        if self.only:
            for index, entry in enumerate(earlier):
                yield from self._of_entry(fact, index, len(earlier), entry, answered)
            return
        if not self.may_ask(fact) and fact.path not in answered:
            return
        text = self.terms.text(fact, self.language)
        more = _MORE[self.language].format(count=len(earlier)) if earlier else None
        option = self._option(fact.path)
        yield Question(fact.path, text, AnswerForm("size"), help=more, option=option)
        count = answers.get(fact.path)
        size = count if isinstance(count, int) else 0
        for index in range(size):
            yield from self._of_entry(fact, index, size, {}, answered)

    def of_entry(self, fact: Fact, index: int, answered: frozenset[str]) -> Iterator[Question]:
        """Yield the questions of one entry of a list. Those in `answered` are asked, too."""
        yield from self._of_entry(fact, index, 1, {}, answered)

    def _of_entry(
        self,
        fact: Fact,
        index: int,
        size: int,
        entry: Mapping[str, Any],
        answered: frozenset[str],
    ) -> Iterator[Question]:
        name = next((name for name in ("kind", "conduct") if entry.get(name)), None)
        label = (
            self.terms.label(f"{fact.path}.{name}", str(entry[name]), self.language) if name else ""
        )
        number = _PLACE[self.language].format(number=index + 1, size=size) if size > 1 else ""
        place = ", ".join(filter(None, (label, number))) or None
        read = [name for name in fact.fields if f"{fact.path}.{name}" in self.reads]
        for name, member in fact.fields.items():
            path = f"{fact.path}[{index}].{name}"
            if member.kind == "judgment" and member.known_by != self.role:
                continue
            if not self.terms.travels(member):
                continue
            if self._is_asked(member, read) or path in answered:
                yield self._fact_question(member, path, place)

    def _is_asked(self, field: Fact, read: list[str]) -> bool:
        if self.only:
            is_needed = not read or field.name in read or field.kind != "measurement"
            return field.path in self.only and is_needed
        return field.name in read or (not read and field.kind != "measurement")

    def _option(self, path: str) -> str:
        """Return the flag of a fact or member. A fact that only the pack has has no flag."""
        return options_of(self.form.name).get(path) or f"{OWN_FLAG} {path}=…"

    # A question

    def _member_question(self, member: Member) -> Question:
        text = (self.form.instead or {}).get(member.path, member.texts)[self.language]
        type_ = member_type(member.path)
        form = answer_form_of(member.path, type_, self.language)
        return Question(
            member.path,
            text,
            AnswerForm(
                form.type, form.choices, may_be_unknown=False, may_be_empty=member.is_optional
            ),
            check=lambda value: self._check(member.path, type_, value),
            option=options_of(self.form.name)[member.path],
        )

    def _fact_question(self, fact: Fact, name: str, place: str | None = None) -> Question:
        type_ = field_type(fact)
        is_optional = fact.kind == "measurement" or fact.type in ("text", "citation")
        form = AnswerForm(
            fact.type,
            self.terms.choices(fact.path, fact.choices, self.language),
            fact.unit,
            may_be_empty=is_optional,
            example=self.terms.section,
        )
        return Question(
            name,
            self.terms.text(fact, self.language),
            form,
            help=place,
            check=lambda value: self._check(name, type_, value),
            option=self._option(fact.of or fact.path),
        )

    def _check(self, name: str, type_: Any, value: Any) -> None:
        """Check an answer by its type, and that its moment can be. Raises `FactsError`."""
        check_value(name, type_, value, self.language)
        if isinstance(value, str) and not is_plausible(name, value):
            raise _no_answer(name, value, _how(name, self.language), self.language)
        if self.moments is not None:
            self.moments.refuse_impossible(name, value, self.language)


def own_facts_of(pack: Vocabulary, role: str) -> Iterator[Fact]:
    """Yield the facts that a pack adds to the shared ones and that a role knows."""
    yield from (
        fact for path, fact in pack.facts.items() if path in pack.own and fact.known_by == role
    )


def _is_derived(path: str, answers: Mapping[str, Any]) -> bool:
    return path == AGE and age_at_encounter(answers) is not None


def _refuse_nothing(language: str, chosen: Any) -> None:
    if not chosen:
        phrases = _SAID[language]
        raise FactsError(
            "no-answer", phrases["nothing"], at=Place(path=ABOUT), fix=phrases["nothing_fix"]
        )


# The flags


# The flags of every form's command. `OWN_FLAG` answers any question by its name.
OWN_FLAG = "--answer"
RESERVED = (
    "answer",
    "about",
    "answers",
    "case",
    "clock",
    "facts",
    "json",
    "lang",
    "to",
    "yes",
    "by",
)


@cache
def options_of(name: str) -> Mapping[str, str]:
    """Return the flag of each fact and member that a form may ask for, by path.

    It is the last part of the path, or the whole path where two would share it.
    """
    form = find_form(name)
    if form.own:  # no folder is open yet, so no pack
        return {}
    left_out = {
        *STATED.get(form.kind.name, ()),
        *(form.fixed or {}),
        *(form.derived or {}),
    }
    lists = {path.rpartition(".")[0] for path in form.only}
    paths = [
        path
        for category in form.parts
        if category not in form.unasked
        for path in (
            *(path for path in form_terms().members if path.partition(".")[0] == category),
            *(fact.path for fact in vocabulary().facts.values() if fact.category == category),
        )
        if category != "operation" and path not in left_out and (not lists or path in lists)
    ]
    last = [path.rpartition(".")[2] for path in paths]
    return {
        path: flag_of(short if last.count(short) == 1 and short not in RESERVED else path)
        for path, short in zip(paths, last, strict=True)
    }


# The types of members


@cache
def member_type(path: str) -> Any:
    """Return the type of a content's member, as pydantic validates it."""
    category, _, name = path.partition(".")
    annotation = content_models()[category].model_fields[name].annotation
    if get_origin(annotation) in (Union, type(int | None)):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    field = content_models()[category].model_fields[name]
    return Annotated[annotation, *field.metadata] if field.metadata else annotation


def answer_form_of(path: str, type_: Any, language: str) -> AnswerForm:
    """Return the form of an answer: a choice, several, a day, a yes or no, or a text."""
    if type_ is bool:
        return AnswerForm("bool")
    if type_ == Day:
        return AnswerForm("date")
    if type_ == Language:
        return AnswerForm("language")
    literals = _literal_words(type_)
    if literals:
        return AnswerForm("choice", form_terms().choices(path, literals, language))
    inner = get_args(get_args(type_)[0])[:1] if get_args(type_) else ()
    literals = _literal_words(inner[0]) if inner else ()
    if literals:
        return AnswerForm("choices", form_terms().choices(path, literals, language))
    return AnswerForm("text")


def _literal_words(type_: Any) -> tuple[str, ...]:
    return get_args(type_) if get_origin(type_) is Literal else ()


def check_value(name: str, type_: Any, value: Any, language: str = "en") -> None:
    """Check an answer by the type of the content's member. Raises `FactsError` `no-answer`.

    The fix says in words what is accepted, never as a pattern.
    """
    if value is UNKNOWN or value is None:
        return
    if isinstance(value, list | tuple) and any(item is UNKNOWN for item in value):
        # No content can state that there is one more, of which nobody knows what it is.
        raise _no_answer(name, _SAID[language]["one_unknown"], _how(name, language), language)
    try:
        TypeAdapter(type_).validate_python(plain(value))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        phrases = _SAID[language]
        fix = _how(name, language)
        if fault["type"] == "string_too_long":
            fix = phrases["how_long"].format(most=fault["ctx"]["max_length"])
        elif fault["type"] in _BOUNDS:
            fix = phrases[fault["type"]].format(bound=next(iter(fault["ctx"].values())))
        elif fault["type"] == "value_error" and language == "en" and fix == phrases["how"]:
            fix = describe_fault(fault)
        raise _no_answer(name, value, fix, language) from None


def _how(name: str, language: str) -> str:
    phrases = _SAID[language]
    return phrases.get(f"how_{name.rpartition('.')[2]}", phrases["how"])


def _no_answer(name: str, value: Any, fix: str, language: str) -> FactsError:
    message = _SAID[language]["no_answer"].format(answer=f"`{printable(str(value))[:40]}`")
    return FactsError("no-answer", message, at=Place(path=name), fix=fix)


# What the rules read


def paths_read(pack: Pack) -> frozenset[str]:
    """Return every fact and list field that a pack's decisions about a person read."""
    paths: set[str] = set()
    for name, decision in pack.decisions.items():
        if name == "disclosure":
            continue
        paths.add(decision.governed_by)
        for rule in decision.rules.values():
            for condition in conditions(rule):
                names = explain.names(condition)
                paths |= {*names.facts}
                for path, fields in names.lists:
                    paths |= {path, *(f"{path}.{field}" for field in fields)}
    for clock in pack.clocks.values():
        events = (clock.start, clock.stop, clock.repeats, clock.tolling)
        paths |= {event for event in events if event}
    if pack.offenses is not None:
        paths.add("encounter.charges.code")
    return frozenset(paths)
