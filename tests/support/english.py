"""Read controlled English back to every tree that a text can mean: `rules.author.english` inverted.

A grammar over the text itself. It keeps every reading of each part, so a sentence with two meanings
yields two trees.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from rules.author import english, phrases
from rules.author.english import Passage, Words
from rules.errors import PackError
from rules.input.citations import reader_of
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.finer import fitted
from rules.shelf import vocabulary

Found = list[tuple[Any, int]]
# Repeated here, so that two operators with swapped phrases in `rules.author.english` are caught.
ORDER = {
    "==": "is",
    "!=": "is not",
    "<": "is under",
    "<=": "is at most",
    ">": "is over",
    ">=": "is at least",
}
ORDER_OF_TIMES = {
    **ORDER,
    "<": "is before",
    "<=": "is on or before",
    ">": "is after",
    ">=": "is on or after",
}
ORDER_OF_CLOCK_TIMES = {
    **ORDER,
    "<": "is before",
    "<=": "is at or before",
    ">": "is after",
    ">=": "is at or after",
}
PARTS = {"day": "the local day of", "time": "the local time of", "weekday": "the weekday of"}
ARITHMETIC = {"plus": "+", "minus": "-", "times": "*"}
LEADS = ("the question: ", "if yes: ", "if no: ")
_DATE = re.compile(r"[A-Z][a-z]+ \d{1,2}, \d{4}")
_LENGTH = re.compile(r"(-?\d+) (calendar year|calendar month|day|hour)s?")
_CLOCK_TIME = re.compile(r"[0-2]\d:[0-5]\d")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Reader:
    def __init__(self, words: Words, facts: Mapping[str, Fact]) -> None:
        self.words = words
        self.facts = facts
        self.lists = {path: fact for path, fact in facts.items() if fact.type == "list"}
        every = [one.unit for fact in facts.values() for one in (fact, *fact.fields.values())]
        self.units = [one for one in {*every, *words.units.values()} if one]
        every_choice = [
            one
            for fact in facts.values()
            for field in (fact, *fact.fields.values())
            for one in field.choices
        ]
        outcomes = [one for those in words.outcomes.values() for one in those]
        self.choices = tuple(
            dict.fromkeys([*every_choice, *outcomes, *tree.CLOCK_STATUSES, *tree.WEEKDAYS])
        )
        self.vocabulary = vocabulary().extended(facts)
        self.parameters = {label: name for name, label in words.parameters.items()}

    def passage(self, said: Passage, scope: tuple[tuple[str, str], ...] = ()) -> list[tree.Tree]:
        """Return all meanings of a line with the lines below it."""
        found: list[tree.Tree] = []
        if not said.items:
            found = [
                node for node, end in _Line(self, said.text, scope).whole() if end == len(said.text)
            ]
        for lead, made in (
            (
                "for at least one ",
                lambda fact, name, body: tree.Quantifier("exists", fact, name, body),
            ),
            ("for every ", lambda fact, name, body: tree.Quantifier("all", fact, name, body)),
            (
                "for no ",
                lambda fact, name, body: tree.Not(tree.Quantifier("exists", fact, name, body)),
            ),
        ):
            if said.text.startswith(lead):
                for (fact, called, name), end in _Line(self, said.text, scope).record(len(lead), 0):
                    if said.text.startswith(", ", end):
                        rest = Passage(said.text[end + 2 :], said.items)
                        found += [
                            made(fact, name, body)
                            for body in self.passage(rest, (*scope, (called, fact.path)))
                        ]
        if found or not said.items:
            return found
        parts = [self.passage(_without_lead(one), scope) for one in said.items]
        if any(len({repr(meaning(node)) for node in one}) != 1 for one in parts):
            return []
        items = tuple(one[0] for one in parts)
        match said.text:
            case "all of these are true:":
                return [tree.And(items)]
            case "any of these is true:":
                return [tree.Or(items)]
            case "not all of these are true:":
                return [tree.Not(tree.And(items))]
            case "none of these is true:":
                return [tree.Not(tree.Or(items))]
            case "this is not true:":
                return [tree.Not(items[0])]
            case "this is known:":
                return [tree.IfKnown(items[0])]
            case "this depends on a question:" if all(
                map(str.startswith, (one.text for one in said.items), LEADS)
            ):
                return [tree.Choose(*items)]
        return []

    def line(self, text: str) -> list[tree.Tree]:
        return self.passage(Passage(text))

    def fitted(self, found: list[tree.Tree]) -> list[tree.Tree]:
        """Return the meanings with comparisons of finer words, which read like all others."""
        readings = []
        for node in found:
            try:
                readings.append(fitted(node, self.vocabulary))
            except PackError:  # no checker would take it
                continue
        return readings


def _without_lead(said: Passage) -> Passage:
    for lead in LEADS:
        if said.text.startswith(lead):
            return Passage(said.text.removeprefix(lead), said.items)
    return said


class _Line:
    """One line, read from every position at most once.

    `scope` holds the name and list of each record around the line, outermost first.
    """

    def __init__(self, reader: Reader, text: str, scope: tuple[tuple[str, str], ...]) -> None:
        self.reader = reader
        self.text = text
        self.scope = scope
        self.memory: dict[Any, Found] = {}
        self.spelled = english.Sentences(reader.words)

    def whole(self) -> Found:
        return self.sentence(0, self.scope)

    def once(self, key: Any, made: Callable[[], Iterator[tuple[Any, int]]]) -> Found:
        if key not in self.memory:
            self.memory[key] = []
            self.memory[key] = list(made())
        return self.memory[key]

    def at(self, words: str, place: int) -> Iterator[int]:
        if self.text.startswith(words, place):
            yield place + len(words)

    def then(self, words: str, found: Found) -> Found:
        return [(node, after) for node, end in found for after in self.at(words, end)]

    # Statements

    def sentence(self, place: int, scope: Any) -> Found:
        return self.once(("sentence", place, scope), lambda: self._sentence(place, scope))

    def _sentence(self, place: int, scope: Any) -> Iterator[tuple[Any, int]]:
        yield from self.single(place, scope)
        yield from self.compound(place, scope)

    def part(self, place: int, scope: Any) -> Found:
        """A single statement, or one in brackets."""
        found = list(self.single(place, scope))
        for start in self.at("(", place):
            found += self.then(")", self.compound(start, scope))
        return found

    def compound(self, place: int, scope: Any) -> Found:
        return self.once(("compound", place, scope), lambda: self._compound(place, scope))

    def _compound(self, place: int, scope: Any) -> Iterator[tuple[Any, int]]:
        for kind, joint in ((tree.And, ", and "), (tree.Or, ", or ")):
            row = [((node,), end) for node, end in self.part(place, scope)]
            while row:
                row = [
                    ((*items, node), after)
                    for items, end in row
                    for start in self.at(joint, end)
                    for node, after in self.part(start, scope)
                ]
                yield from ((kind(items), end) for items, end in row)
        for start in self.at("if ", place):
            for condition, one in self.then(", then ", self.part(start, scope)):
                for then, other in self.then(", otherwise ", self.part(one, scope)):
                    yield from (
                        (tree.Choose(condition, then, last), end)
                        for last, end in self.part(other, scope)
                    )
        for start in self.at("it is not true that ", place):
            yield from ((tree.Not(node), end) for node, end in self.part(start, scope))
        for lead, made in (
            (
                "for at least one ",
                lambda fact, name, body: tree.Quantifier("exists", fact, name, body),
            ),
            ("for every ", lambda fact, name, body: tree.Quantifier("all", fact, name, body)),
            (
                "for no ",
                lambda fact, name, body: tree.Not(tree.Quantifier("exists", fact, name, body)),
            ),
        ):
            for start in self.at(lead, place):
                for (fact, called, name), end in self.record(start, 0, scope):
                    for comma in self.at(", ", end):
                        for body, after in self.part(comma, (*scope, (called, fact.path))):
                            yield made(fact, name, body), after

    def single(self, place: int, scope: Any) -> Found:
        return self.once(("single", place, scope), lambda: self._single(place, scope))

    def _single(self, place: int, scope: Any) -> Iterator[tuple[Any, int]]:
        for word, value in (("always", True), ("never", False)):
            for end in self.at(word, place):
                yield tree.Constant(value), end
        for read, phrase in self.clauses(scope):
            for end in self.at(phrase[0], place):
                yield read, end
            for end in self.at(phrase[1], place):
                yield tree.Not(read), end
        for fact in self.reader.lists.values():
            one, _ = self.reader.words.phrases[fact.path]
            count = tree.Total(fact, "item", None, None, None, None)
            for end in self.at(f"there is {phrases.with_article(one)}", place):
                yield tree.Compare(">", count, tree.Constant(0)), end
                if not scope:
                    for body, after in self.relative(end, fact):
                        yield tree.Quantifier("exists", fact, "v1", body), after
            for end in self.at(f"there is no {one}", place):
                yield tree.Compare("==", count, tree.Constant(0)), end
                if not scope:
                    for body, after in self.relative(end, fact):
                        yield tree.Not(tree.Quantifier("exists", fact, "v1", body)), after
        for start in self.at("it is known that ", place):
            yield from ((tree.IfKnown(node), end) for node, end in self.part(start, scope))
        for left, end in self.value(place, scope):
            yield from self.compared(left, end, scope, plain_right=False)
        for value, end in self.constants(place):
            for node, after in self.compared(tree.Constant(value), end, scope, plain_right=False):
                # A constant is spelled in the words and the unit of the other side.
                compared = isinstance(node, tree.Compare)
                if self.text[place:end] != (
                    self.spelled.side(node.left, node.right, {})
                    if compared
                    else phrases.format_constant(value)
                ):
                    continue
                yield node, after

    def compared(
        self, left: tree.Tree, place: int, scope: Any, *, plain_right: bool
    ) -> Iterator[tuple[Any, int]]:
        orders = (ORDER, ORDER_OF_TIMES, ORDER_OF_CLOCK_TIMES)
        for operator in ORDER:
            for phrase in {order[operator] for order in orders}:
                for start in self.at(f" {phrase} ", place):
                    sides: Found = [
                        (tree.Constant(value), end) for value, end in self.constants(start, left)
                    ]
                    if plain_right:
                        sides += self.named(start, scope)
                    else:
                        sides += self.value(start, scope)
                    for right, end in sides:
                        by_day = english.is_time(left) or english.is_time(right)
                        by_clock = any(map(self.spelled.is_clock_time, (left, right)))
                        order = orders[1] if by_day else orders[2] if by_clock else orders[0]
                        if phrase == order[operator]:
                            yield tree.Compare(operator, left, right), end
        is_cited = isinstance(left, (tree.FactOf, tree.FieldOf)) and left.fact.type == "citation"
        listed = tree.Cited if is_cited else tree.Member
        for start in self.at(" is on the list “", place):
            for name, end in self.label(start):
                yield listed(left, tree.ParameterOf(name)), end
        for start in self.at(" is not on the list “", place):
            for name, end in self.label(start):
                yield tree.Not(listed(left, tree.ParameterOf(name))), end
        for start in self.at(" is under ", place) if is_cited else ():
            for sections, end in self.sections(start):
                yield tree.Cited(left, sections), end
        for start in self.at(" is not under ", place):
            for sections, end in self.sections(start):
                yield tree.Not(tree.Cited(left, sections)), end
        for start in self.at(" is ", place):
            for values, end in self.several(start, left):
                if len(values) > 1:
                    yield tree.Member(left, values), end
        for start in self.at(" is one of ", place):
            for values, end in self.several(start, left):
                if len(values) == 1:
                    yield tree.Member(left, values), end
            for end in self.at("nothing", start):
                yield tree.Member(left, ()), end
        for start in self.at(" is none of ", place):
            for values, end in self.several(start, left):
                yield tree.Not(tree.Member(left, values)), end
            for end in self.at("nothing", start):
                yield tree.Not(tree.Member(left, ())), end

    def sections(self, place: int) -> Found:
        """Read sections of law: `A`, `A or B`, or `A, B or C`. The longest run is the only one."""
        one = r"[A-Z0-9][A-Za-z0-9. ]*? [0-9][0-9A-Z.:/-]*[0-9A-Z](?:\([0-9a-z]+\))*"
        match = re.compile(rf"{one}(?:(?:, {one})* or {one})?").match(self.text, place)
        if match is None:
            return []
        cited = [reader_of(vocabulary()).read(text) for text in re.split(", | or ", match.group())]
        sections = tuple(section for section in cited if section is not None)
        return [(sections, match.end())] if len(sections) == len(cited) else []

    def several(self, place: int, left: tree.Tree) -> Found:
        row: Found = [((value,), end) for value, end in self.constants(place, left, bools=True)]
        found = list(row)
        while row:
            found += self._more(row, " or ", left)
            row = self._more(row, ", ", left)
        # `a, b` without an `or` is no list
        return [
            (values, end)
            for values, end in found
            if len(values) == 1 or self._ends_with_or(values, place, end)
        ]

    def _more(self, row: Found, joint: str, left: tree.Tree) -> Found:
        return [
            ((*values, value), after)
            for values, end in row
            for start in self.at(joint, end)
            for value, after in self.constants(start, left, bools=True)
        ]

    def _ends_with_or(self, values: Any, place: int, end: int) -> bool:
        return " or " in self.text[place:end]

    # Records

    def record(
        self, place: int, which: int, scope: Any = None
    ) -> Iterator[tuple[tuple[Fact, str, str], int]]:
        """Read a list's record after its lead: the list, the record's name, and its variable."""
        scope = self.scope if scope is None else scope
        number = len(scope) + 1
        for fact in self.reader.lists.values():
            name = self.reader.words.phrases[fact.path][which]
            one = self.reader.words.phrases[fact.path][0]
            for end in self.at(str(name), place):
                for after in self.at(f" ({one} {number})", end):
                    yield (fact, f"{one} {number}", f"v{number}"), after
                if not scope:
                    yield (fact, "it", "v1"), end

    def relative(self, place: int, fact: Fact) -> Iterator[tuple[Any, int]]:
        scope = (("it", fact.path),)
        for start in self.at(" whose ", place):
            for field in fact.fields.values():
                if field.type == "bool":
                    continue
                for end in self.at(str(self.reader.words.phrases[field.path]), start):
                    yield from self.compared(
                        tree.FieldOf("v1", field), end, scope, plain_right=True
                    )

    def clauses(self, scope: Any) -> Iterator[tuple[tree.Tree, tuple[str, str]]]:
        for fact in self.reader.facts.values():
            if fact.type == "bool":
                # A pair.
                yield tree.FactOf(fact), self.reader.words.phrases[fact.path]  # type: ignore[misc]  # a phrase has a path
        for number, (called, path) in enumerate(scope, start=1):
            for field in self.reader.lists[path].fields.values():
                if field.type == "bool":
                    yes, no = self.reader.words.phrases[field.path]
                    yield tree.FieldOf(f"v{number}", field), (_of(called, yes), _of(called, no))

    # Values

    def label(self, place: int) -> Iterator[tuple[str, int]]:
        for label, name in self.reader.parameters.items():
            for end in self.at(f"{label}”", place):
                yield name, end

    def word(self, choice: str, left: tree.Tree | None) -> str:
        """A choice as it is spelled beside a value: a finer word with the one above it."""
        spelled = phrases.format_choice(choice)
        finer = left.fact.finer if isinstance(left, (tree.FactOf, tree.FieldOf)) else {}
        if choice not in finer:
            return spelled
        return f"{spelled} (a kind of {phrases.format_choice(finer[choice])})"

    def constants(self, place: int, left: tree.Tree | None = None, *, bools: bool = False) -> Found:
        found: Found = []
        choices = self.reader.choices if left is None else self.spelled.choices(left)
        units = (
            self.reader.units
            if left is None
            else [one for one in (self.spelled.unit(left),) if one]
        )
        found += [
            (choice, end) for choice in choices for end in self.at(self.word(choice, left), place)
        ]
        if bools:
            found += [
                (value, end)
                for word, value in (("yes", True), ("no", False))
                for end in self.at(word, place)
            ]
        if self.text.startswith('"', place):
            value, end = json.JSONDecoder().raw_decode(self.text, place)
            found.append((value, end))
        if day := _DATE.match(self.text, place):
            found.append((datetime.strptime(day[0], "%B %d, %Y").date(), day.end()))
        elif (left is None or not units) and (
            length := _LENGTH.match(self.text, place)
        ):  # an amount is held against no length
            number = int(length[1])
            made: Any = {
                "calendar year": tree.Months(12 * number),
                "calendar month": tree.Months(number),
                "day": timedelta(days=number),
                "hour": timedelta(hours=number),
            }
            found.append((made[length[2]], length.end()))
        if clock := _CLOCK_TIME.match(self.text, place):
            return [*found, (time.fromisoformat(clock[0]), clock.end())]
        if number_ := _NUMBER.match(self.text, place):
            value = Decimal(number_[0])
            spelled = [one for unit in units for one in (unit, unit.removesuffix("s"))]
            ends = {after for unit in spelled for after in self.at(f" {unit}", number_.end())}
            found += [(value, end) for end in (ends or {number_.end()})]
        return found

    def value(self, place: int, scope: Any) -> Found:
        return self.once(("value", place, scope), lambda: self._value(place, scope))

    def _value(self, place: int, scope: Any) -> Iterator[tuple[Any, int]]:
        yield from self.operand(place, scope)
        yield from self.totals(place, scope)
        for left, end in self.operand(place, scope, constants=True):
            for word, operator in ARITHMETIC.items():
                for start in self.at(f" {word} ", end):
                    for right, after in self.operand(start, scope, constants=True):
                        if _can_combine(left, right):
                            yield tree.Arithmetic(operator, left, right), after
        if length := _LENGTH.match(self.text, place):
            for span, end in self.constants(place):
                for operator, word in (("+", "after"), ("-", "before")):
                    for start in self.at(f" {word} ", end):
                        for left, after in self.operand(start, scope, constants=True):
                            if (
                                english.is_time(left)
                                and isinstance(span, (timedelta, tree.Months))
                                and end == length.end()
                            ):
                                yield tree.Arithmetic(operator, left, tree.Constant(span)), after
        for span, end in self.lengths(place):
            for operator, word in (("+", "after"), ("-", "before")):
                for start in self.at(f" {word} ", end):
                    for left, after in self.operand(start, scope, constants=True):
                        if english.is_time(left):
                            yield tree.Arithmetic(operator, left, span), after

    def operand(self, place: int, scope: Any, *, constants: bool = False) -> Found:
        return self.once(
            ("operand", place, scope, constants), lambda: self._operand(place, scope, constants)
        )

    def _operand(self, place: int, scope: Any, constants: bool) -> Iterator[tuple[Any, int]]:
        yield from self.named(place, scope)
        if constants:
            yield from ((tree.Constant(value), end) for value, end in self.constants(place))
        for start in self.at("whether (", place):
            yield from self.then(")", self.sentence(start, scope))
        for start in self.at("(", place):
            branches: Found = [
                *self.value(start, scope),
                *((tree.Constant(value), end) for value, end in self.constants(start)),
            ]
            if constants:
                yield from (
                    (node, end)
                    for node, end in self.then(")", branches)
                    if isinstance(node, (tree.Arithmetic, tree.Total))
                )
            for then, end in self.then(" if ", branches):
                for condition, comma in self.then(", otherwise ", self.part(end, scope)):
                    last: Found = [
                        *self.value(comma, scope),
                        *((tree.Constant(v), e) for v, e in self.constants(comma)),
                    ]
                    yield from (
                        (tree.Choose(condition, then, one), after)
                        for one, after in self.then(")", last)
                    )

    def lengths(self, place: int) -> Found:
        """Lengths that parameters give: the value that day, then the label."""
        words = self.reader.words
        return [
            (tree.LengthOf(words.units[name], tree.ParameterOf(name)), end)
            for name, label in words.parameters.items()
            if words.units.get(name) in tree.LENGTHS
            for end in self.at(f"{words.values.get(name, 'the length')} (“{label}”)", place)
        ]

    def named(self, place: int, scope: Any) -> Found:
        found: Found = self.lengths(place)
        for part, phrase in PARTS.items():
            for start in self.at(f"{phrase} ", place):
                found += [
                    (tree.PartOf(part, moment), end)
                    for moment, end in self.operand(start, scope, constants=True)
                ]
        words = self.reader.words
        for fact in self.reader.facts.values():
            if fact.type not in ("bool", "list"):
                found += [
                    (tree.FactOf(fact), end)
                    for end in self.at(str(words.phrases[fact.path]), place)
                ]
        for number, (called, path) in enumerate(scope, start=1):
            for field in self.reader.lists[path].fields.values():
                if field.type != "bool":
                    owner = "its" if called == "it" else f"{called}'s"
                    noun = f"{owner} {words.phrases[field.path]}"
                    found += [
                        (tree.FieldOf(f"v{number}", field), end) for end in self.at(noun, place)
                    ]
        for start in self.at("the “", place):
            for name, end in self.label(start):
                held = f" ({words.values[name]})" if name in words.values else ""
                found += [(tree.ParameterOf(name), after) for after in self.at(held, end)]
                for begin in self.at(" for ", end):
                    found += [
                        (tree.RowOf(name, key), after)
                        for key, stop in self.named(begin, scope)
                        if isinstance(key, (tree.FactOf, tree.FieldOf))
                        for after in self.at(held, stop)
                    ]
        for decision in words.outcomes:
            found += [
                (tree.OutcomeOf(decision), end)
                for end in self.at(f"the answer on {decision.replace('_', ' ')}", place)
            ]
        for start in self.at("the ", place):
            if clock := re.compile(r"([a-z ]+?) clock").match(self.text, start):
                found.append((tree.StatusOf(clock[1].replace(" ", "_")), clock.end()))
        return found

    def totals(self, place: int, scope: Any) -> Iterator[tuple[Any, int]]:
        for start in self.at("the number of ", place):
            for fact in self.reader.lists.values():
                for end in self.at(str(self.reader.words.phrases[fact.path][1]), start):
                    yield tree.Total(fact, "item", None, None, None, None), end
            for (fact, name, keep), end in self.those(start, scope, all_of="no such list"):
                yield tree.Total(fact, name, keep, None, None, None), end
        for fact in self.reader.lists.values():
            for field in fact.fields.values():
                for start in self.at(
                    f"the total {self.reader.words.phrases[field.path]} of ", place
                ):
                    if not scope:
                        for (over, name, keep), end in self.those(start, scope, unnumbered=True):
                            if over is fact:
                                yield (
                                    tree.Total(
                                        over, name, keep, tree.FieldOf(name, field), None, None
                                    ),
                                    end,
                                )
        for start in self.at("the total of (", place):
            # The records are named after their value is spoken of.
            number = len(scope) + 1
            for fact in self.reader.lists.values():
                one = str(self.reader.words.phrases[fact.path][0])
                for called in (f"{one} {number}", *(() if scope else ("it",))):
                    within = (*scope, (called, fact.path))
                    values: Found = [
                        *self.value(start, within),
                        *((tree.Constant(v), e) for v, e in self.constants(start)),
                    ]
                    for value, end in self.then(") over ", values):
                        for (over, name, keep), after in self.those(
                            end, scope, unnumbered=called == "it", numbered=called != "it"
                        ):
                            if over is fact:
                                yield tree.Total(over, name, keep, value, None, None), after

    def those(
        self,
        place: int,
        scope: Any,
        *,
        all_of: str = "all ",
        unnumbered: bool = False,
        numbered: bool = False,
    ) -> Iterator[tuple[tuple[Fact, str, tree.Tree | None], int]]:
        for start in self.at(all_of, place):
            for (fact, called, name), end in self.record(start, 1, scope):
                if not (unnumbered and called != "it") and not (numbered and called == "it"):
                    yield (fact, name, None), end
        for (fact, called, name), end in self.record(place, 1, scope):
            if (unnumbered and called != "it") or (numbered and called == "it"):
                continue
            if called == "it":
                for body, after in self.relative(end, fact):
                    yield (fact, name, body), after
            for start in self.at(" for which (", end):
                for body, after in self.then(
                    ")", self.sentence(start, (*scope, (called, fact.path)))
                ):
                    yield (fact, name, body), after


def _can_combine(left: tree.Tree, right: tree.Tree) -> bool:
    """Whether arithmetic may take both: `2 days` is a length of time, or a number of days."""
    kinds = (_kind(left), _kind(right))
    if english.is_time(left):
        return kinds[1] != "number"
    return None in kinds or kinds[0] == kinds[1]


def _kind(node: tree.Tree) -> str | None:
    match node:
        case tree.Constant(value):
            return "number" if _is_number(value) else "length"
        case tree.LengthOf():
            return "length"
        case tree.Arithmetic(_, left, right) if not english.is_time(left):
            return _kind(left) or _kind(right)
    return None


def _of(called: str, clause: str) -> str:
    if called == "it":
        return clause
    first, _, rest = clause.partition(" ")
    return f"{called}'s {rest}" if first == "its" else f"{called} {rest}"


def meaning(node: Any, depth: int = 0, names: Mapping[str, str] | None = None) -> Any:
    """Return the part of a tree that a reader can know.

    Bound variables are numbered from the outside, numbers are decimals, and bounds are left out.
    """
    names = names or {}
    match node:
        case tree.Constant(value):
            return ("constant", Decimal(value).normalize() if _is_number(value) else value)
        case tree.Member(item, values) if isinstance(values, tuple):
            return (
                "member",
                meaning(item, depth, names),
                tuple(Decimal(v).normalize() if _is_number(v) else v for v in values),
            )
        case tree.Cited(item, values):
            return ("cited", meaning(item, depth, names), values)
        case tree.Quantifier(kind, over, variable, body):
            return (
                "quantifier",
                kind,
                over.path,
                meaning(body, depth + 1, {**names, variable: f"v{depth}"}),
            )
        case tree.Total(over, variable, keep, value):
            inner = {**names, variable: f"v{depth}"}
            return (
                "total",
                over.path,
                *(one and meaning(one, depth + 1, inner) for one in (keep, value)),
            )
        case tree.FieldOf(variable, fact):
            return ("field", names.get(variable, f"free {variable}"), fact.path)
        case tree.FactOf(fact):
            return ("fact", fact.path)
        case tree.ParameterOf() | tree.OutcomeOf() | tree.StatusOf() | tree.LengthOf():
            return node
        case tree.PartOf(part, moment):
            return ("part", part, meaning(moment, depth, names))
        case tree.And(items) | tree.Or(items):
            return (type(node).__name__, *(meaning(one, depth, names) for one in items))
        case tree.Compare(operator, left, right) | tree.Arithmetic(operator, left, right):
            return (
                type(node).__name__,
                operator,
                meaning(left, depth, names),
                meaning(right, depth, names),
            )
        case tree.Member(item, values) | tree.IsOne(item, values):
            return (type(node).__name__, meaning(item, depth, names), values)
        case tree.RowOf(name, key):
            return ("row", name, meaning(key, depth, names))
    return (type(node).__name__, *(meaning(one, depth, names) for one in tree.children(node)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, (bool, date))
