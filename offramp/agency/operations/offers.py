"""The offer at the scene: what an officer is asked, what the rules answer, and what is kept of it.

`read_scene` asks only what still matters to the adopted pack's decision `offer`, and only what can
be seen or asked at the scene. It keeps nothing. `draft_referral` makes the referral from the same
answers. `note_declined` and `note_not_offered` record that there is none, without a person's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.records.ids import new_id
from offramp.agency.cases.answering import check_decided_here, defaults_today
from offramp.agency.cases.case import ACCEPTED
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.odd_amounts import odd_amounts
from offramp.agency.cases.pack_terms import noun_of, pack_terms
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import GATEWAY, OFFER, needs
from offramp.agency.operations.code_words import in_words
from offramp.agency.operations.decisions import NEW_CASE, Determination, determine
from offramp.agency.operations.telling import FormDraft, OpenedForm, draft_form, open_form
from offramp.asking import (
    AnswerForm,
    Choice,
    Dialog,
    Question,
    collect_answers,
    fault_text,
    read_texts,
)
from rules.decide.decision import Decision
from rules.decide.next_step import PERSON_NAMES
from rules.decide.program import Program
from rules.decide.wording import list_contrary
from rules.errors import Refusal
from rules.frozen import frozen, replace
from rules.input.facts import Facts
from rules.input.vocabulary import Fact, nested
from rules.language import tree
from rules.packs.pack import Pack, conditions
from rules.packs.resolve import Segment
from rules.unknown import UNKNOWN

ROUTES = ("arrest", "social_contact")
NONE = "none"
_OFFER, _ROUTE, _DAY = "offer", "encounter.route", "encounter.date"
_DRUGS, _POLICE = "encounter.drugs", "police"
_NUMBERS = ("int", "decimal")
# The title while something is missing, for several things and for one.
_FIRST = ("Find this out first", "Ask one thing first")
_MAY_OFFER = ("must_offer", "may_offer")
_REASONS = ("rules", "safety", "victim", "health", "capacity", "absent", "discretion")
# The field of a list that tells its entries apart at the scene.
_NAMING = ("conduct", "kind")


@frozen
class ToFindOut:
    """A fact that an offer still depends on: its question, and the source to ask.

    `about` names the charge or drug that it is about, if it is one of several. `path` is the
    question's at the scene, None for what is answered elsewhere.
    """

    source: str
    question: str
    about: str | None
    path: str | None


@frozen
class StatedNumber:
    """A number that was typed at the scene: its question's path, and a sentence with it.

    `about` names the charge or drug that it is about, if it is one of several. `is_odd` is true for
    an amount that is more likely a slip of the decimal point.
    """

    path: str
    text: str
    about: str | None
    is_odd: bool


@frozen
class SceneAnswer:
    """What the rules say of an offer, in the pack's words.

    `kind` is `go`, `stop`, or `wait` for an answer that still depends on something. `instructions`
    are then the pack's step for the meantime. `find_out` are the missing facts, `says` what to tell
    the person in English and Spanish, and `because` the reasons with their sources. `but` is what
    other sources say.
    `could_change` are what nobody has to find out at the scene, and changes the answer if it is
    known, such as a weight. `numbers` are those that decided, and every unusual amount.
    """

    kind: str
    outcome: str | None
    title: str
    instructions: tuple[str, ...]
    find_out: tuple[ToFindOut, ...]
    says: tuple[str, str] | None
    because: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]
    phone: str | None
    could_change: tuple[ToFindOut, ...] = ()
    numbers: tuple[StatedNumber, ...] = ()
    but: tuple[str, ...] = ()

    @property
    def answer_at(self) -> str:
        """The question at the scene that is answered next, empty if there is none."""
        return next((fact.path for fact in self.find_out if fact.path), "")

    @property
    def may_offer(self) -> bool:
        """True if the rules let the officer make the offer now."""
        return self.kind == "go"


@frozen
class Scene:
    """The answers at a scene so far.

    `asked` are the questions that have an answer, `open` those that still matter. `faults` are
    sentences by question. `facts` are what the answers state, nested. `by_chance` are questions
    that need no answer: a weight changes the answer only where it is known already.
    """

    route: str
    asked: tuple[Question, ...]
    open: tuple[Question, ...]
    faults: Mapping[str, str]
    facts: Mapping[str, Any]
    answer: SceneAnswer
    by_chance: tuple[Question, ...] = ()

    @property
    def lacks_amount(self) -> bool:
        """True if a drug has no amount, which somebody may ask for later."""
        drugs = self.facts.get("encounter", {}).get("drugs") or ()
        return any(not {"grams", "units"} & {*drug} for drug in drugs)


@frozen
class OfferInForce:
    """The adopted pack with the rules of an offer, its digest, and the day of today."""

    pack: Pack
    digest: str
    day: date


@needs(GATEWAY)
def offer_in_force(office: Office) -> OfferInForce:
    """Return the rules of an offer now. They are no secret, and nothing of a case is in them.

    Raises `AgencyError` `no-directory`, `unknown-pack`.
    """
    working_set = office.working_set()
    defaults_today(office, working_set)  # refuses an office without a directory
    program = office.program(working_set)
    return OfferInForce(program.pack, program.digest, _today(office, working_set))


def _today(office: Office, working_set: WorkingSet) -> date:
    gateway = working_set.gateway
    return day_of(gateway.hub_time(office.clock()), gateway.history.newest.zone)


@needs(OFFER)
def read_scene(office: Office, route: str, answers: Mapping[str, Sequence[str]]) -> Scene:
    """Return what is asked at the scene after some answers, and what the rules say.

    `answers` are typed texts by question, several for a list of ticks. No text, and `not known`,
    leave the fact unknown. Raises `AgencyError` `not-here-decided`; `RequestError` for a route that
    there isn't.
    """
    working_set = office.working_set()
    program = office.program(working_set)
    check_decided_here(working_set, _OFFER, program)
    today = _today(office, working_set).isoformat()
    walk = _Walk(program, {_DAY: today, _ROUTE: route})
    return walk.read(answers)


class _Walk:
    """Applies the answers of a scene, one page after the other."""

    def __init__(self, program: Program, facts: dict[str, Any]) -> None:
        self.program, self.terms = program, pack_terms(program.pack)
        self.route = str(facts[_ROUTE])
        self.values = facts
        self.unknown: set[str] = set()
        self.asked: list[Question] = []
        self.faults: dict[str, str] = {}

    def read(self, answers: Mapping[str, Sequence[str]]) -> Scene:
        """Apply the answers until a question has none."""
        decision, questions = self._walk(answers)
        by_chance = self._by_chance(decision)
        for question in by_chance:
            if question.name in answers:
                self._apply(question, answers[question.name])
        self._refuse_bare_amounts()
        if by_chance:
            decision, questions = self._walk(answers)
        left = tuple(question for question in questions if question.name not in answers)
        facts: dict[str, Any] = nested(self.values)
        missing = () if decision.status == "decided" else tuple(self._missing(decision))
        answer = replace(
            _answer_of(decision, self.program, missing),
            could_change=tuple(
                ToFindOut("", question.text, question.help, question.name)
                for question in self._by_chance(decision)
            ),
            numbers=tuple(self._numbers(decision)),
        )
        return Scene(self.route, tuple(self.asked), left, self.faults, facts, answer, by_chance)

    def _walk(self, answers: Mapping[str, Sequence[str]]) -> tuple[Decision, list[Question]]:
        """Apply the answers of the interview until a question has none."""
        applied = {question.name for question in self.asked}
        while True:
            decision, questions = self._ask()
            answered = [
                question
                for question in questions
                if question.name in answers and question.name not in applied
            ]
            if not answered:
                return decision, questions
            for question in answered:
                self._apply(question, answers[question.name])
            self.asked += answered
            applied |= {question.name for question in answered}

    def _by_chance(self, decision: Decision) -> tuple[Question, ...]:
        """Return the questions whose answers would change what is decided, also a no.

        Nobody has to ask them at the scene. What only another agency knows isn't among them.
        """
        if decision.status != "decided":
            return ()
        paths = dict.fromkeys(path for rule in decision.would_bar for path in rule["facts"])
        asked = {question.name for question in self.asked}
        questions = []
        for path in paths:
            fact = self.terms.fact(path)
            if fact is None or fact.known_by != _POLICE or fact.type == "list" or path in asked:
                continue
            labels = self.terms.choices(fact.path, fact.choices, "en") if fact.choices else ()
            form = AnswerForm(fact.type, labels, fact.unit, example=self.terms.section)
            text = self.terms.text(fact, "en")
            questions.append(Question(path, text, form, self._entry(path)))
        return tuple(questions)

    def _numbers(self, decision: Decision) -> Iterator[StatedNumber]:
        """Yield the stated numbers that the deciding rules read, and every unusual amount."""
        decided_by = {path for reason in decision.reasons for path in reason.get("facts", ())}
        amounts = odd_amounts(self.values.items(), self.terms)
        odd = {amount.path: amount for amount in amounts}
        for path, value in _leaves(self.values):
            fact = self.terms.fact(path)
            if path in odd:
                text = odd[path].text("en").replace("`", "")
                yield StatedNumber(path, _capital(text), self._entry(path), is_odd=True)
            elif fact is not None and fact.type in _NUMBERS and path in decided_by:
                name = noun_of(self.terms.vocabulary, path)
                unit = f" {fact.unit}" if fact.unit else ""
                text = _capital(f"{name} is {value:,}{unit}")
                yield StatedNumber(path, text, self._entry(path), is_odd=False)

    def _refuse_bare_amounts(self) -> None:
        """Ask for the form of each drug that has an amount. The rules read no amount without it."""
        for index, drug in enumerate(self.values.get(_DRUGS) or ()):
            if {"grams", "units"} & {*drug} and "form" not in drug:
                form = f"{_DRUGS}[{index}].form"
                asked = self.terms.question(form, "en")
                drug = f"{named}: answer" if (named := self._entry(form)) else "Answer"
                self.faults[form] = f"{drug} “{asked}” too. The amount needs it"

    def _ask(self) -> tuple[Decision, list[Question]]:
        from rules.decide.interview import Interview  # the search is needed here alone

        facts: Facts = self.program.read(nested(self.values))
        interview = Interview(self.program, _OFFER, facts, frozenset(self.unknown))
        decision = interview.decision
        questions = [
            question
            for asked in interview.questions
            if (question := self._question(asked.fact, asked.choices, decision)) is not None
        ]
        return decision, questions

    def _question(self, path: str, choices: tuple[str, ...], decision: Decision) -> Question | None:
        """Return a question that can be asked at the scene, None for any other."""
        fact = self.terms.fact(path)
        if fact is None or not fact.scene:
            return None
        text = self.terms.text(fact, "en")
        if fact.type != "list":
            labels = self.terms.choices(fact.path, choices, "en")
            form = AnswerForm(fact.type, labels, fact.unit, example=self.terms.section)
            return Question(path, text, form, self._entry(path))
        naming = _naming_field(fact)
        assert decision.segment is not None
        if naming is None or _is_counted(decision.segment.segment, fact):
            return Question(path, text, AnswerForm("size"))
        labels = (*self.terms.choices(naming.path, naming.choices, "en"), Choice(NONE, "None"))
        return Question(path, text, AnswerForm("choices", labels))

    def _entry(self, path: str) -> str | None:
        """Return the entry of a list that a question is about, as people name it."""
        over, is_entry, rest = path.partition("[")
        if not is_entry:
            return None
        entries = self.values[over]
        entry = entries[int(rest.partition("]")[0])]
        named = next((name for name in _NAMING if entry.get(name)), None)
        if named is None and any(each.get(name) for each in entries for name in _NAMING):
            return "The one you can’t tell"
        if named is None:
            return f"Number {int(rest.partition(']')[0]) + 1}"
        return self.terms.label(f"{over}.{named}", str(entry[named]), "en")

    def _missing(self, decision: Decision) -> Iterator[ToFindOut]:
        """Yield the facts on which an undetermined offer still depends."""
        asked = {question.name for question in self.asked}
        for needed in decision.needed:
            path = str(needed["fact"])
            yield ToFindOut(
                _source_to_ask(path, str(needed["ask"]), needed.get("of")),
                self.terms.question(path, "en"),
                self._entry(path),
                next((name for name in (path, path.partition("[")[0]) if name in asked), None),
            )

    def _apply(self, question: Question, texts: Sequence[str]) -> None:
        """Take an answer, or say what is wrong with it. A fault leaves the fact unknown."""
        self.unknown.add(question.name)
        if not any(text.strip() for text in texts):
            return
        before = dict(self.values)
        dialog = Dialog("en", self.program.pack.time_zone)
        try:
            value = read_texts(question, texts, dialog)
            if value is UNKNOWN or value is None:
                return
            self._state(question, value)
            self.program.read(nested(self.values))
        except Refusal as refusal:
            self.values = before
            self.faults[question.name] = fault_text(refusal, partial(in_words, names={}))
        else:
            self.unknown.discard(question.name)

    def _state(self, question: Question, value: Any) -> None:
        over, is_entry, rest = question.name.partition("[")
        if is_entry:
            index, _, field = rest.partition("].")
            entries = [dict(entry) for entry in self.values[over]]
            entries[int(index)][field] = value
            self.values = {**self.values, over: entries}
            return
        fact = self.terms.facts[question.name]
        if fact.type == "list":
            naming = _naming_field(fact)
            if isinstance(value, int) or naming is None:
                value = [{} for _ in range(value)]
            else:
                # What can't be told beside what is known is one more entry, whose name isn't known.
                self.unknown |= {
                    f"{question.name}[{index}].{naming.name}"
                    for index, word in enumerate(value)
                    if word is UNKNOWN
                }
                value = [{} if word is UNKNOWN else {naming.name: word} for word in value]
        self.values = {**self.values, question.name: value}


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each stated value with its path, in a list with the entry's number."""
    for path, value in values.items():
        if not isinstance(value, list):
            yield path, value
            continue
        for index, entry in enumerate(value):
            yield from ((f"{path}[{index}].{name}", inner) for name, inner in entry.items())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _naming_field(fact: Fact) -> Fact | None:
    """Return the field by which an officer ticks the entries of a list, None if it has none."""
    named = (fact.fields.get(name) for name in _NAMING)
    return next((field for field in named if field and field.scene and field.choices), None)


def _is_counted(segment: Segment, fact: Fact) -> bool:
    """Report whether the offer depends on how many entries a list has, beyond having any.

    Then ticks would say too little: two thefts are one tick.
    """
    in_force = segment.decisions[_OFFER]
    compared = (
        part
        for rule in in_force.rules
        for condition in conditions(rule.rule)
        for part in tree.nodes(condition)
        if isinstance(part, tree.Compare)
    )
    return any(
        isinstance(side, tree.Total)
        and side.over.path == fact.path
        and side.value is None
        and not (isinstance(other, tree.Constant) and other.value == 0)
        for part in compared
        for side, other in ((part.left, part.right), (part.right, part.left))
    )


# What the rules answer


def _answer_of(decision: Decision, program: Program, missing: tuple[ToFindOut, ...]) -> SceneAnswer:
    from rules.decide.next_step import find_interim_step

    words = program.pack.words
    outcome = decision.outcome if isinstance(decision.outcome, str) else None
    is_decided = decision.status == "decided"
    step = decision.next if is_decided else find_interim_step(decision)
    kind = "wait" if not is_decided else "go" if outcome in _MAY_OFFER else "stop"
    spoken = words.officer_says.get(outcome) if kind == "go" and outcome else None
    return SceneAnswer(
        kind,
        outcome if is_decided else None,
        _title(outcome, decision) if is_decided else _FIRST[len(missing) == 1],
        tuple(_instruction(step)) if step else (),
        missing,
        (spoken.text.en, spoken.text.es) if spoken else None,
        tuple((reason["text"], reason["source"]["title"]) for reason in decision.reasons),
        tuple(decision.provisional),
        words.phone.number if words.phone is not None else None,
        but=tuple(says for reason in decision.reasons for says, _ in list_contrary(reason)),
    )


def _title(outcome: str | None, decision: Decision) -> str:
    if outcome is None or decision.outcome == "not_part_of_this_program":
        return "This program has no offer at the scene"
    return _capital(form_terms().officer_label(outcome, "en"))


def _instruction(step: Mapping[str, str]) -> Iterator[str]:
    who = "" if step["who"] == "police" else f"{step['who'].replace('_', ' ').capitalize()}: "
    yield f"{who}{step['text']}"


def _source_to_ask(path: str, role: str, person: str | None) -> str:
    """Return the beginning of a sentence: the source that an officer asks for a fact."""
    if role != "police":
        asked = f"Ask the {role.replace('_', ' ')}"
        return asked if person is None else f"{asked}, who asks {PERSON_NAMES[person]}"
    if person is None and path.startswith("person."):
        return "Ask the person, or look at a paper"
    return "Look or ask" if person is None else f"Ask {PERSON_NAMES[person]}"


# What follows


@needs(OFFER)
def open_referral(office: Office) -> tuple[OpenedForm, tuple[Question, ...]]:
    """Open the referral of a person who said yes. Return the questions on who it is.

    Raises as `open_form`.
    """
    opened = open_form(office, "refer")
    return opened, tuple(
        question for question in opened.questions({}) if question.name.startswith("contact.")
    )


@needs(OFFER)
def draft_referral(
    office: Office, opened: OpenedForm, scene: Scene, contact: Mapping[str, Any]
) -> FormDraft:
    """Draft a referral from the answers at the scene and on who the person is.

    `contact` are answers by question. What nobody answered stays unknown. Raises as `draft_form`;
    `RequestError` `answers-missing` without a name.
    """
    given = {name: value for name, value in contact.items() if value not in (None, "", UNKNOWN)}
    given |= dict(_stated(scene.facts, opened))
    names = frozenset(given)
    dialog = Dialog("en", opened.zone)
    answers = collect_answers(
        lambda so_far: opened.questions(so_far, names), given, dialog, rest_unknown=True
    )
    return draft_form(office, opened, answers)


def _stated(facts: Mapping[str, Any], opened: OpenedForm) -> Iterator[tuple[str, Any]]:
    """Yield the facts that the form states as answers to its questions."""
    for group, members in facts.items():
        for name, value in members.items():
            path = f"{group}.{name}"
            if path not in opened.paths:
                continue
            if not isinstance(value, list):
                yield path, value
                continue
            yield path, len(value)
            for index, entry in enumerate(value):
                yield from ((f"{path}[{index}].{field}", each) for field, each in entry.items())


@needs(OFFER, look="act")
def note_declined(office: Office) -> None:
    """Note that a person said no to an offer. No name is kept, and nobody is told."""
    with office.transaction() as working_set:
        defaults = defaults_today(office, working_set)
        line = working_set.gateway.line
        now = working_set.gateway.hub_time(office.clock())
        day = day_of(now, working_set.gateway.history.newest.zone)
        body = {
            "case": new_id(office.random),
            "facts": {ACCEPTED: False, _DAY: day.isoformat()},
            "after": line.size if line else 0,
            "keep_until": defaults.keep_until,
        }
        office.append(working_set, "noted", body)


def reasons_for_no_offer() -> tuple[Choice, ...]:
    """Return the reasons of an officer who makes no offer, with their labels."""
    return form_terms().choices("determination.reason", _REASONS, "en")


@needs(OFFER)
def note_not_offered(office: Office, actor: str, reason: str) -> Determination:
    """Record that an officer made no offer, with a reason's code. Raises as `determine`."""
    return determine(office, actor, NEW_CASE, _OFFER, "may_not_offer", reason)
