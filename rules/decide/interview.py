"""An interview: one question after the other until a decision is decided, or nobody asked knows more.

What may be asked is what `Decision.needed` names, so nothing is asked that no longer matters. Of that, the most decisive comes
first: each question is tried with the answers that it can have (those around the values that the conditions name), and that
after which fewest outcomes stay open on average is asked; of equals the one that leaves least to ask, then the first by path.
It looks one question ahead, no further; how far that is from the best order is measured in `tests/offramp/test_interview.py`.

"Not known" is an answer: it is never asked again and counts neither for nor against anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, NoReturn

from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.search import Search
from rules.errors import FactsError, Place, Refusal, nearest
from rules.frozen import frozen
from rules.input.facts import LONGEST_LIST, Facts, iso_day, plain, printable, read_facts
from rules.input.vocabulary import Fact, nested
from rules.unknown import UNKNOWN

NOT_KNOWN = ("not known", "unknown", "not sure", "don't know", "do not know", "?")
_YES = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_ELEMENT = re.compile(r"(.+)\[(\d+)\](?:\.(.+))?")
_LOCAL_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2})(:[0-9]{2})?")
MOST_TRIED = 24  # answers of one question; a condition that names more values than this is tried at some of them


@frozen
class Question:
    """What to ask next. `type` is a fact's, `choice` for another decision's outcome; of a list its length is asked (`size`).

    `fact`, `ask`, `kind` and `rule` are as in `Decision.needed`.
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

    @property
    def how(self) -> str:
        """How to answer, in words."""
        match self.type:
            case "bool":
                said = "yes or no"
            case "choice":
                said = ", ".join(
                    f"{number} {_words(one)}" for number, one in enumerate(self.choices, 1)
                )
            case "size":
                said = "how many, 0 for none"
            case "date":
                said = "a day such as 2014-06-01"
            case "timestamp":
                said = "a time such as 2014-06-01 16:30"
            case "int" | "decimal":
                said = f"a number{f' of {self.unit}' if self.unit else ''}"
            case _:
                said = "a short text"
        return f"{said}; or not known"

    def as_json(self) -> dict[str, Any]:
        """`fact`, `question`, `ask`, `kind`, `rule`, `type`, `how`; `choices`, `unit`, `range` where there are any."""
        shown: dict[str, Any] = {"fact": self.fact, "question": self.text, "ask": self.ask, "kind": self.kind,
                                 "rule": self.rule, "type": self.type, "how": self.how}  # fmt: skip
        if self.choices:
            shown["choices"] = list(self.choices)
        if self.unit:
            shown["unit"] = self.unit
        if self.low is not None or self.high is not None:
            shown["range"] = [None if end is None else int(end) for end in (self.low, self.high)]
        return shown


@frozen
class Interview:
    """How far an interview has come: what is known, and what those asked don't know. With `role`, only that role is asked."""

    program: Program
    name: str
    facts: Facts
    unknowable: frozenset[str] = frozenset()
    role: str | None = None

    @cached_property
    def decision(self) -> Decision:
        return self.program.decide(self.name, self.facts)

    @cached_property
    def questions(self) -> list[Question]:
        """Every question that may come next, by path."""
        open_ = [one for one in self.decision.needed if self._may_be_asked(one)]
        # What the rules can work out themselves is asked only when nothing else is left: an attested outcome takes their place.
        facts = [
            one for one in open_ if one["kind"] != "decision" or self._keeps_its_needs(one["fact"])
        ]
        return sorted(
            (self._question(one) for one in facts or open_), key=lambda one: _in_order(one.fact)
        )

    @cached_property
    def question(self) -> Question | None:
        """The next question; None when it is decided, or whoever may be asked has nothing more to tell."""
        if len(self.questions) < 2:
            return self.questions[0] if self.questions else None
        return min(self.questions, key=self._left_open)

    def answered(self, words: str) -> Interview:
        """The interview after the answer. Raises a `Refusal`, and stays as it is, if that is none."""
        assert self.question is not None
        return self.told(
            self.question, read_answer(self.question, words, self.program.pack.time_zone)
        )

    def told(self, question: Question, value: Any) -> Interview:
        """The interview after a value as JSON holds it, or `UNKNOWN`. Raises a `Refusal` if the fact can't have it."""
        if value is UNKNOWN or value is None:
            return replace(self, unknowable=self.unknowable | {question.fact})
        after = self._learned(question, value)
        after.decision.status  # noqa: B018  # a day on which there was no program is refused here, and asked again
        return after

    def as_facts(self) -> dict[str, Any]:
        """What is known, as `offramp decide` reads it."""
        known: dict[str, Any] = nested(
            {path: plain(value) for path, value in self.facts.known.items()}
        )
        return known | ({"decisions": dict(self.facts.attested)} if self.facts.attested else {})

    # What may be asked

    def _may_be_asked(self, entry: Mapping[str, Any]) -> bool:
        return entry["fact"] not in self.unknowable and self.role in (None, entry["ask"])

    def _keeps_its_needs(self, path: str) -> bool:
        word = self.program.pack.vocabulary.decisions.get(path.partition(".")[2])
        return word is not None and word.keeps_its_needs

    def _question(self, entry: Mapping[str, Any]) -> Question:
        path = entry["fact"]
        said = {
            "fact": path,
            "text": entry["question"],
            "ask": entry["ask"],
            "kind": entry["kind"],
            "rule": entry["rule"],
        }
        if entry["kind"] == "decision":
            return Question(
                type="choice", choices=self.program.outcomes(path.partition(".")[2]), **said
            )
        fact = self._fact(path)
        if fact is None:  # the caller's own `as_of`
            return Question(type="date", **said)
        kind = "size" if fact.type == "list" else fact.type
        return Question(
            type=kind, choices=fact.choices, unit=fact.unit, low=fact.low, high=fact.high, **said
        )

    def _fact(self, path: str) -> Fact | None:
        facts = self.program.pack.vocabulary.facts
        element = _ELEMENT.fullmatch(path)
        return facts[element[1]].fields[element[3]] if element else facts.get(path)

    # Learning

    def _learned(self, question: Question, value: Any) -> Interview:
        path, known, attested = question.fact, self.facts.known, self.facts.attested
        if question.kind == "decision":
            name = path.partition(".")[2]
            self.program.read({"decisions": {name: value}})
            return replace(self, facts=Facts(known, {**attested, name: value}))
        if path == "as_of":
            return replace(self, program=self.program.on(_day(value)))
        words = self.program.pack.vocabulary
        element = _ELEMENT.fullmatch(path)
        if element is not None:
            over, index, name = element[1], int(element[2]), element[3]
            records = [dict(record) for record in known[over]]
            records[index][name] = value
            learned = read_facts(nested({over: [plain(one) for one in records]}), words).known
        else:
            if question.type == "size":
                value = [{} for _ in range(value)]
            learned = read_facts(nested({path: plain(value)}), words).known
        return replace(self, facts=Facts({**known, **learned}, attested))

    # Which question decides most

    def _left_open(self, question: Question) -> tuple[float, float]:
        """How many outcomes, and how many questions, stay open on average over the answers that the question can have."""
        outcomes, questions, tried = 0, 0, 0
        for value in self.answers(question):
            try:
                after = self._learned(question, value)
                decision = after.decision
            except Refusal:  # a day outside the program is no answer
                continue
            tried += 1
            if decision.status == "undetermined":
                outcomes += _open(decision)
                questions += sum(map(after._may_be_asked, decision.needed))
        return (outcomes / tried, questions / tried) if tried else (0.0, 0.0)

    def answers(self, question: Question) -> Iterator[Any]:
        """The answers that the question is tried with: all that it can have, or those around what the conditions name."""
        if question.type == "choice":
            yield from question.choices
            return
        fact = self._fact(question.fact)
        assert fact is not None and self.decision.segment is not None
        search = Search(self.decision.segment.segment, [])
        values = list(search.values(fact))
        if question.type == "size":
            values = [len(one) for one in values]
        step = -(-len(values) // MOST_TRIED)
        yield from values[::step]


def _open(decision: Decision) -> int:
    sure = len(decision.outcome) if isinstance(decision.outcome, list) else 1
    return max(len(decision.possible) - sure, 1)


def _in_order(path: str) -> tuple[Any, ...]:
    """Paths in order, the second element of a list before the tenth."""
    return tuple(
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path)
    )


# Words to values


def read_answer(question: Question, words: str, time_zone: str) -> Any:
    """An answer as people write it, as JSON would hold it; `UNKNOWN` for "not known". Raises `FactsError`.

    A time without a zone is in `time_zone`. Ranges, digits and the calendar are `read_facts`'s to judge.
    """
    said = " ".join(words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    word = said.casefold().rstrip(".")
    if word in NOT_KNOWN or said == "?":
        return UNKNOWN
    match question.type:
        case "bool":
            if word in _YES:
                return _YES[word]
        case "choice":
            return _choice(question, said, word)
        case "size":
            if re.fullmatch(r"[0-9]{1,4}", said) and int(said) <= LONGEST_LIST:
                return int(said)
            if word in ("none", "no"):
                return 0
        case "int" | "decimal":
            number = _number(said, question.unit)
            if number is not None:
                return number
        case "date":
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", said):
                return said
        case "timestamp":
            return _time(said, time_zone)
        case _:
            if said:
                return said
    _no_answer(question, said)


def _choice(question: Question, said: str, word: str) -> str:
    if re.fullmatch(r"[0-9]{1,3}", said) and 1 <= int(said) <= len(question.choices):
        return question.choices[int(said) - 1]
    chosen = word.replace(" ", "_").replace("-", "_")
    if chosen in question.choices:
        return chosen
    near = nearest(chosen, question.choices) if chosen else ""
    _no_answer(question, said, near if near.startswith("did you") else "")


def _number(said: str, unit: str | None) -> int | Decimal | None:
    bare = said.removesuffix(unit).rstrip() if unit else said
    if not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", bare):
        return None
    try:
        return int(bare) if bare.lstrip("-").isdigit() else Decimal(bare)
    except InvalidOperation:
        return None


def _time(said: str, time_zone: str) -> str:
    local = _LOCAL_TIME.fullmatch(said)
    if local is None:
        return said
    from zoneinfo import ZoneInfo

    try:
        at = datetime.fromisoformat(f"{local[1]}T{local[2]}{local[3] or ':00'}").replace(
            tzinfo=ZoneInfo(time_zone)
        )
        return at.isoformat()
    except (ValueError, OverflowError):
        return f"{local[1]}T{local[2]}{local[3] or ':00'}Z"  # no such day or hour: refused as that


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


def _no_answer(question: Question, said: str, fix: str = "") -> NoReturn:
    shown = f"`{printable(said)[:40]}`" if said else "an empty line"
    message = f"{shown} is no answer to `{question.fact}`"
    raise FactsError(
        "no-answer", message, at=Place(path=question.fact), fix=fix or f"answer {question.how}"
    )


def _words(word: str) -> str:
    return word.replace("_", " ")
