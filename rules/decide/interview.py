"""An interview: one question after the other, until a decision is decided or nobody knows more.

Only a question in `Decision.needed` may be asked, so no question is asked that no longer matters.
Of these, the most decisive comes first. Each question is tried with the answers that it can have,
which are those around the values that the conditions name. The next question is the one after which
the fewest outcomes stay open on average. Among equals it is the one that leaves the fewest
questions, then the first by path. The search looks one question ahead.
`tests/offramp/test_interview.py` measures how far that is from the best order.

"Not known" is an answer. Its question is never asked again, and the fact stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.ruling import keeps_its_needs
from rules.decide.search_space import SearchSpace
from rules.errors import FactsError, Place, Refusal
from rules.frozen import frozen, replace
from rules.input.citations import CitationReader, how_to_cite, reader_of
from rules.input.facts import Facts, read_facts
from rules.input.printing import plain, printable
from rules.input.typed_answers import ANY_SECTION, AnswerForm, choices_of, read_typed
from rules.input.values import iso_day
from rules.input.vocabulary import Fact, nested
from rules.unknown import UNKNOWN

_ELEMENT = re.compile(r"(.+)\[(\d+)\](?:\.(.+))?")
_APPROVALS = "approval."
MOST_TRIED = 24  # answers of one question; if conditions name more values, some are left out


@frozen
class Question:
    """A question to ask.

    `type` is the fact's type, `choice` for another decision's outcome, and `size` for a list, whose
    length is asked. `of` is the person whom the role asks. `fact`, `ask`, `kind`, and `rule` are as
    in `Decision.needed`.
    """

    fact: str
    text: str
    ask: str
    kind: str
    rule: str | None
    type: str
    choices: tuple[str, ...] = ()
    unit: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    of: str | None = None
    example: str = ANY_SECTION

    @property
    def form(self) -> AnswerForm:
        """The answers that the question allows. "Not known" is always one."""
        return AnswerForm(self.type, choices_of(self.choices), self.unit, example=self.example)

    @property
    def how(self) -> str:
        """The instruction for an answer."""
        return self.form.how()

    def as_json(self) -> dict[str, Any]:
        """Return `fact`, `question`, `ask`, `kind`, `rule`, `type`, and `how`.

        `of`, `choices`, `unit`, and `range` are added where the fact has them.
        """
        value: dict[str, Any] = {
            "fact": self.fact,
            "question": self.text,
            "ask": self.ask,
            "kind": self.kind,
            "rule": self.rule,
            "type": self.type,
            "how": self.how,
        }
        if self.of:
            value["of"] = self.of
        if self.choices:
            value["choices"] = list(self.choices)
        if self.unit:
            value["unit"] = self.unit
        if self.low is not None or self.high is not None:
            value["range"] = [None if end is None else int(end) for end in (self.low, self.high)]
        return value


@frozen
class Interview:
    """The state of an interview: the facts so far, and the facts that nobody knows.

    With `role`, only the questions of that role are asked.
    """

    program: Program
    name: str
    facts: Facts
    unknowable: frozenset[str] = frozenset()
    role: str | None = None

    @cached_property
    def decision(self) -> Decision:
        """The decision on the facts so far."""
        return self.program.decide(self.name, self.facts)

    @cached_property
    def questions(self) -> list[Question]:
        """Every question that may come next, by path."""
        entries = [entry for entry in self.decision.needed if self._may_ask(entry)]
        # An outcome that the rules can work out is asked for only when nothing else is left,
        # because an attested outcome replaces the rules.
        facts = [
            entry
            for entry in entries
            if entry["kind"] != "decision" or self._keeps_its_needs(entry["fact"])
        ]
        questions = [self._question(entry) for entry in facts or entries]
        return sorted(questions, key=lambda question: _path_order(question.fact))

    @cached_property
    def question(self) -> Question | None:
        """The next question. None when decided, or when nobody asked can add anything."""
        if len(self.questions) < 2:
            return self.questions[0] if self.questions else None
        return min(self.questions, key=self._left_open)

    def answer(self, text: str) -> Interview:
        """Return the interview after a typed answer to the next question.

        Raises `Refusal` if the text is no answer to it.
        """
        assert self.question is not None
        value = read_answer(self.question, text, self.program.pack.time_zone)
        return self.record(self.question, value)

    def record(self, question: Question, value: Any) -> Interview:
        """Return the interview after an answer as JSON holds it, or `UNKNOWN`.

        Raises `Refusal` if the fact can't have this value.
        """
        if value is UNKNOWN or value is None or value == self._given(question.fact):
            return replace(self, unknowable=self.unknowable | {question.fact})
        after = self._with_value(question, value)
        if question.type == "citation":
            reader = reader_of(self.program.pack.vocabulary)
            _refuse_no_citation(question, after.facts.known, value, reader)
        after.decision.status  # noqa: B018  # refuse a day without a program, to ask again
        return after

    def _given(self, path: str) -> Any:
        """Return the value that was given for a fact and can't be used, None if there is none.

        The same value again is no answer, and the question is not asked a third time.
        """
        entries = (entry for entry in self.decision.needed if entry["fact"] == path)
        return next(entries, {}).get("given")

    def as_facts(self) -> dict[str, Any]:
        """Return the facts so far, as `offramp decide` reads them."""
        facts: dict[str, Any] = nested(
            {path: plain(value) for path, value in self.facts.known.items()}
        )
        return facts | ({"decisions": dict(self.facts.attested)} if self.facts.attested else {})

    # Questions that may be asked

    def _may_ask(self, entry: Mapping[str, Any]) -> bool:
        return entry["fact"] not in self.unknowable and self.role in (None, entry["ask"])

    def _keeps_its_needs(self, path: str) -> bool:
        return keeps_its_needs(self.program.pack, path.partition(".")[2])

    def _question(self, entry: Mapping[str, Any]) -> Question:
        path = entry["fact"]
        ask = partial(Question, path, entry["question"], entry["ask"], entry["kind"], entry["rule"])
        if entry["kind"] == "decision":
            return ask("choice", self.program.outcomes(path.partition(".")[2]))
        fact = self._fact(path)
        if fact is None:  # the caller's own `as_of`
            return ask("date")
        answer_type = "size" if fact.type == "list" else fact.type
        coarse = entry.get("given")
        choices = fact.word_tree.below(coarse) if coarse is not None else fact.choices
        offenses = self.program.pack.offenses
        example = offenses.example if offenses is not None else None
        return ask(
            answer_type,
            choices,
            fact.unit,
            fact.low,
            fact.high,
            fact.asks,
            example or ANY_SECTION,
        )

    def _fact(self, path: str) -> Fact | None:
        facts = self.program.pack.vocabulary.facts
        element = _ELEMENT.fullmatch(path)
        return facts[element[1]].fields[element[3]] if element else facts.get(path)

    # Answers

    def _with_value(self, question: Question, value: Any) -> Interview:
        path, facts, attested = question.fact, self.facts.known, self.facts.attested
        if question.kind == "decision":
            name = path.partition(".")[2]
            self.program.read({"decisions": {name: value}})
            return replace(self, facts=Facts(facts, {**attested, name: value}))
        if path == "as_of":
            return replace(self, program=self.program.on(_day(value)))
        vocabulary = self.program.pack.vocabulary
        element = _ELEMENT.fullmatch(path)
        if element is not None:
            over, index, name = element[1], int(element[2]), element[3]
            records = [dict(record) for record in facts[over]]
            records[index][name] = value
            values = [plain(record) for record in records]
            added = read_facts(nested({over: values}), vocabulary).known
        else:
            if question.type == "size":
                value = [{} for _ in range(value)]
            added = read_facts(nested({path: plain(value)}), vocabulary).known
        return replace(self, facts=Facts({**facts, **added}, attested))

    # The most decisive question

    def _left_open(self, question: Question) -> tuple[float, float]:
        """Return the outcomes and the questions that stay open, on average over the answers."""
        outcomes, questions, trials = 0, 0, 0
        for value in self.trial_answers(question):
            try:
                after = self._with_value(question, value)
                decision = after.decision
            except Refusal:  # a day outside the program is no answer
                continue
            trials += 1
            if decision.status == "undetermined":
                outcomes += _count_open(decision)
                questions += sum(map(after._may_ask, decision.needed))
        return (outcomes / trials, questions / trials) if trials else (0.0, 0.0)

    def usual_questions(self) -> list[Question]:
        """Return the questions that decide in a usual case.

        The one that makes most others needless comes first. A question that isn't among them
        matters only after some answers to these. Each is answered by the value that keeps the
        lowest outcome possible and leaves the fewest questions. Somebody's approval comes last.
        """
        usual, state = list[Question](), self
        if self.decision.segment is None:
            return self.questions
        while state.decision.status == "undetermined" and state.questions:
            lowest = state.decision.possible[-1]
            facts = [
                question for question in state.questions if not question.fact.startswith(_APPROVALS)
            ]
            steps = [
                (*state._costs(question, after, lowest), place, question, after)
                for place, question in enumerate(facts or state.questions)
                for after in state._answered(question)
            ]
            if not steps:
                return [*usual, *state.questions]
            *_, question, state = min(steps, key=lambda step: step[:4])
            usual.append(question)
        return usual

    def _answered(self, question: Question) -> Iterator[Interview]:
        for value in self.trial_answers(question):
            try:
                after = self._with_value(question, value)
                after.decision.status  # noqa: B018  # refuse a day outside the program
            except Refusal:
                continue
            yield after

    def _costs(self, question: Question, after: Interview, lowest: str) -> tuple[bool, int, int]:
        """Return if an answer is unusual, and how many questions and open rules it leaves."""
        decision = after.decision
        is_asked = any(entry["fact"] == question.fact for entry in decision.needed)
        open_rules = sum(
            decision.value(rule.condition) is None
            for _, rules in decision.rules_in_force.ranks
            for rule in rules
        )
        return lowest not in decision.possible or is_asked, len(after.questions), open_rules

    def _finest(self, question: Question) -> Iterator[str]:
        """Return the answers to a choice that can be asked for no finer word."""
        fact = None if question.kind == "decision" else self._fact(question.fact)
        for choice in question.choices:
            if fact is None or not fact.word_tree.is_coarse(choice):
                yield choice

    def trial_answers(self, question: Question) -> Iterator[Any]:
        """Return all answers to the question, or those around the values that conditions name."""
        if question.type == "choice":
            yield from self._finest(question)
            return
        fact = self._fact(question.fact)
        assert fact is not None and self.decision.segment is not None
        values = list(SearchSpace(self.decision.segment.segment).values(fact))
        if question.type == "size":
            values = [len(records) for records in values]
        step = -(-len(values) // MOST_TRIED)
        yield from values[::step]


def _count_open(decision: Decision) -> int:
    sure = len(decision.outcome) if isinstance(decision.outcome, list) else 1
    return max(len(decision.possible) - sure, 1)


def _path_order(path: str) -> tuple[Any, ...]:
    """Order paths so that the second element of a list comes before the tenth."""
    return tuple(
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path)
    )


# Typed answers to values


def read_answer(question: Question, typed: str, time_zone: str) -> Any:
    """Return a typed answer as JSON would hold it, `UNKNOWN` for "not known".

    A time without a zone is in `time_zone`. Ranges, digits, and the calendar are checked later by
    `read_facts`. Raises `FactsError`.
    """
    return read_typed(question.fact, question.form, typed, time_zone)


def _refuse_no_citation(
    question: Question, known: Mapping[str, Any], value: Any, reader: CitationReader
) -> None:
    """Refuse an answer that cites no section of law, so that the question is asked again."""
    element = _ELEMENT.fullmatch(question.fact)
    fact = known[element[1]][int(element[2])][element[3]] if element else known[question.fact]
    if fact.section is None or not fact.section.is_whole:
        quoted = f"`{printable(value)[:40]}`"
        message = f"{quoted} cites no section of law"
        at = Place(path=question.fact)
        is_cut_short = bool(reader.meant(fact.given))
        fix = how_to_cite(reader, fact.given) if is_cut_short else f"answer {question.how}"
        raise FactsError("no-citation", message, at=at, fix=fix)


def _day(text: Any) -> date:
    day = iso_day(str(text))
    if day is None:
        raise FactsError(
            "no-such-day",
            f"`{printable(text)}` is no day",
            at=Place(path="as_of"),
            fix="write it as 2014-04-01",
        )
    return day
