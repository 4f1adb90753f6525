"""English as a target: a condition as sentences that a person reads, made from the same tree as everything that runs.

The sentences are controlled English. Every kind of node has its phrase, and no two trees share a sentence but those that
differ in the name of a bound variable alone; the tests read each one back, and find that it can be read in one way only:

* `A, and B` and `A, or B` stand between single statements; what is put together is put in brackets, or made a list
  (`all of these hold:`);
* a record's field is `its weight`, or follows `whose`; where lists are walked inside one another, records have numbers
  (`drug 1's weight`, `drug 2's weight`);
* a choice stands in plain words, a text in straight quotes, a parameter's label in curly ones, its value after it in brackets.

Pure: phrases for facts come in as a mapping (`rules.shelf.english`), a day's values with the segment.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from datetime import date, timedelta
from typing import Any

from rules.frozen import frozen
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.tree import (
    And,
    Arithmetic,
    Choose,
    Compare,
    Constant,
    FactOf,
    FieldOf,
    Member,
    Not,
    Or,
    OutcomeOf,
    ParameterOf,
    Quantifier,
    StatusOf,
    Total,
    Tree,
    Years,
)
from rules.packs.resolve import Segment

Phrase = str | tuple[str, str]
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
ARITHMETIC = {"+": "plus", "-": "minus", "*": "times"}
FOR = {"exists": "for at least one", "all": "for every"}
ALL, ANY, NOT_ALL, NONE, NOT = (
    "all of these hold:",
    "any of these holds:",
    "not all of these hold:",
    "none of these holds:",
    "this does not hold:",
)
DEPENDS, QUESTION, IF_YES, IF_NO = (
    "this hangs on a question:",
    "the question: ",
    "if yes: ",
    "if no: ",
)
_LONGEST_LINE = 150


@frozen
class Passage:
    """A line, and the lines that it introduces: a plain line has none."""

    text: str
    items: tuple[Passage, ...] = ()


@frozen
class Words:
    """What things are called. `parameters` maps a name to its label, `values` to its value with the unit, if it has one that
    day; `outcomes` a decision to its outcomes; facts are in `phrases` by path, and by their question where they aren't.
    """

    phrases: Mapping[str, Phrase]
    parameters: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def words_of(segment: Segment, phrases: Mapping[str, Phrase]) -> Words:
    """The words for one day's rules; `phrases` as `rules.shelf.english` reads them."""
    pack = segment.pack
    times = Counter(one.label for one in pack.parameters.values())
    labels = {
        name: one.label if times[one.label] == 1 else f"{one.label}, {name}"
        for name, one in pack.parameters.items()
    }
    values = {
        name: with_unit(value, pack.parameters[name].unit)
        for name, value in segment.parameters.items()
        if not isinstance(value, tuple)
    }
    units = {name: one.unit for name, one in pack.parameters.items()}
    outcomes = {name: decision.outcomes for name, decision in pack.decisions.items()}
    return Words(complete(pack.vocabulary.facts, phrases), labels, values, units, outcomes)


def complete(facts: Mapping[str, Fact], phrases: Mapping[str, Phrase]) -> dict[str, Phrase]:
    """A phrase for every fact and field: the given one, its own, else of its question, or its path if others ask the same."""
    every = [one for fact in facts.values() for one in (fact, *fact.fields.values())]
    asked = Counter(one.question for one in every if one.path not in phrases and one.says is None)
    found: dict[str, Phrase] = {}
    for one in every:
        given = phrases.get(one.path) or one.says
        found[one.path] = given or _made_up(
            one, one.question if asked[one.question] == 1 else one.path
        )
    return found


def _made_up(fact: Fact, said: str) -> Phrase:
    noun = f"answer to “{said}”"
    if fact.type == "list":
        return f"entry under “{said}”", f"entries under “{said}”"
    if fact.type == "bool":
        of = "its" if fact.of else "the"
        return f"{of} {noun} is yes", f"{of} {noun} is no"
    return noun if fact.of else f"the {noun}"


def passage(node: Tree, words: Words) -> Passage:
    """The condition as a line, or as a line with those it introduces."""
    return _Sentences(words).passage(node, {})


def line(node: Tree, words: Words) -> str:
    """The condition on one line, with brackets where a passage has lists."""
    return _Sentences(words).sentence(node, {})


# What stands alone


def plain(word: str) -> str:
    """A choice as a reader sees it."""
    shown = word.replace("_", " ")
    return f"“{shown}”" if any(joint in shown for joint in (" or ", " and ", ",")) else shown


def day(value: date) -> str:
    return f"{value.day} {value:%B} {value.year}"


def with_unit(value: Any, unit: str | None) -> str:
    """`3 g`, `1 year`, `18 years`; a count has no unit to show."""
    number = tree.constant_text(value)
    if unit is None or unit in ("count", "codes"):
        return number
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def constant(value: Any, choices: tuple[str, ...] = (), unit: str | None = None) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return plain(value) if value in choices else json.dumps(value, ensure_ascii=False)
        case date():
            return day(value)
        case Years(number):
            return f"{number} calendar year{'' if number == 1 else 's'}"
        case timedelta():
            seconds = value.days * 86400 + value.seconds
            number, length = (
                (seconds // 86400, "day") if seconds % 86400 == 0 else (seconds // 3600, "hour")
            )
            return f"{number} {length}{'' if number == 1 else 's'}"
    return with_unit(value, unit)


def listed(values: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(values[:-1]), values[-1]]) if len(values) > 1 else values[0]


Scope = Mapping[str, str]  # each bound variable and what its record is called: "it", or "drug 1"


class _Sentences:
    def __init__(self, words: Words) -> None:
        self.words = words

    # Lines with lines below them

    def passage(self, node: Tree, scope: Scope) -> Passage:
        match node:
            case And(items) | Or(items) if not self.fits(node, scope):
                return Passage(
                    ALL if isinstance(node, And) else ANY,
                    tuple(self.passage(one, scope) for one in items),
                )
            case Not(And(items) | Or(items) as joined):
                lead = NOT_ALL if isinstance(joined, And) else NONE
                return Passage(lead, tuple(self.passage(one, scope) for one in items))
            case Choose(condition, then, otherwise):
                parts = ((QUESTION, condition), (IF_YES, then), (IF_NO, otherwise))
                return Passage(
                    DEPENDS, tuple(_after(lead, self.passage(one, scope)) for lead, one in parts)
                )
            case Quantifier(kind, over, variable, body) if not self.is_relative(node, scope):
                return self.walked(FOR[kind], over, variable, body, scope)
            case Not(Quantifier("exists", over, variable, body) as quantifier) if (
                not self.is_relative(quantifier, scope)
            ):
                return self.walked("for no", over, variable, body, scope)
            case Not(operand) if not self.is_single(node, scope):
                return Passage(NOT, (self.passage(operand, scope),))
        return Passage(self.sentence(node, scope))

    def walked(self, lead: str, over: Fact, variable: str, body: Tree, scope: Scope) -> Passage:
        called, within = self.record(over, variable, (body,), scope)
        return _after(f"{lead} {called}, ", self.passage(body, within))

    def fits(self, node: And | Or, scope: Scope) -> bool:
        """Whether two single statements fit on one line."""
        if len(node.items) > 2 or not all(self.is_single(one, scope) for one in node.items):
            return False
        return len(self.sentence(node, scope)) <= _LONGEST_LINE

    # Statements

    def is_single(self, node: Tree, scope: Scope) -> bool:
        """Whether the sentence needs no brackets beside others."""
        match node:
            case And() | Or() | Choose():
                return False
            case Quantifier():
                return self.is_relative(node, scope)
            case Not(FactOf() | FieldOf() | Member()):
                return True
            case Not(Quantifier("exists") as inner):
                return self.is_relative(inner, scope)
            case Not():
                return False
        return True

    def bracketed(self, node: Tree, scope: Scope) -> str:
        sentence = self.sentence(node, scope)
        return sentence if self.is_single(node, scope) else f"({sentence})"

    def sentence(self, node: Tree, scope: Scope) -> str:
        match node:
            case Constant(value):
                return "always" if value else "never"
            case FactOf(fact):
                return self.clause(fact, scope, "", 0)
            case FieldOf(variable, fact):
                return self.clause(fact, scope, variable, 0)
            case And(items) | Or(items):
                joint = ", and " if isinstance(node, And) else ", or "
                return joint.join(self.bracketed(one, scope) for one in items)
            case Compare():
                return self.comparison(node, scope)
            case Member():
                return self.member(node, scope, "one of", "is on the list")
            case Choose(condition, then, otherwise):
                parts = [self.bracketed(one, scope) for one in (condition, then, otherwise)]
                return f"if {parts[0]}, then {parts[1]}, otherwise {parts[2]}"
            case Quantifier(kind, over):
                return self.quantifier(
                    node, "there is " + article(self.one(over)), FOR[kind], scope
                )
            case Not(operand):
                return self.denial(operand, scope)
        raise AssertionError(node)

    def denial(self, node: Tree, scope: Scope) -> str:
        match node:
            case FactOf(fact):
                return self.clause(fact, scope, "", 1)
            case FieldOf(variable, fact):
                return self.clause(fact, scope, variable, 1)
            case Member():
                return self.member(node, scope, "none of", "is not on the list")
            case Quantifier("exists", over):
                return self.quantifier(node, f"there is no {self.one(over)}", "for no", scope)
        return f"it is not so that {self.bracketed(node, scope)}"

    def quantifier(self, node: Quantifier, there_is: str, lead: str, scope: Scope) -> str:
        if self.is_relative(node, scope):
            return f"{there_is} {self.relative(node.body, node.variable)}"
        called, within = self.record(node.over, node.variable, (node.body,), scope)
        return f"{lead} {called}, {self.bracketed(node.body, within)}"

    def clause(self, fact: Fact, scope: Scope, variable: str, index: int) -> str:
        phrase = self.words.phrases[fact.path]
        assert isinstance(phrase, tuple), fact.path
        called = scope[variable] if variable else "it"
        if called == "it":
            return phrase[index]
        first, _, rest = phrase[index].partition(" ")
        return f"{called}'s {rest}" if first == "its" else f"{called} {rest}"

    def comparison(self, node: Compare, scope: Scope) -> str:
        match node:
            case Compare(">" | "==" as operator, Total(over, _, None, None), Constant(0)):
                return f"there is {article(self.one(over)) if operator == '>' else f'no {self.one(over)}'}"
        left, right = node.left, node.right
        order = ORDER_OF_TIMES if _is_time(left) or _is_time(right) else ORDER
        return f"{self.side(left, right, scope)} {order[node.operator]} {self.side(right, left, scope)}"

    def side(self, node: Tree, other: Tree, scope: Scope) -> str:
        """One side of a comparison: a constant is shown in the words and the unit of the other side."""
        if isinstance(node, Constant) and not isinstance(node.value, bool):
            return constant(node.value, self.choices(other), self.unit(other))
        return self.value(node, scope)

    def member(self, node: Member, scope: Scope, among: str, on_list: str) -> str:
        item = self.value(node.item, scope)
        if isinstance(node.values, ParameterOf):
            return f"{item} {on_list} “{self.words.parameters[node.values.name]}”"
        choices = self.choices(node.item)
        values = [constant(value, choices, self.unit(node.item)) for value in node.values] or [
            "nothing"
        ]
        if among == "one of" and len(values) > 1:
            return f"{item} is {listed(values)}"
        return f"{item} is {among} {listed(values)}"

    # Records of a list

    def one(self, over: Fact) -> str:
        return self.words.phrases[over.path][0]

    def many(self, over: Fact) -> str:
        return self.words.phrases[over.path][1]

    def record(
        self,
        over: Fact,
        variable: str,
        inside: tuple[Tree | None, ...],
        scope: Scope,
        name: str = "",
    ) -> tuple[str, Scope]:
        """How the record is introduced, and the scope in which it is spoken of."""
        name = name or self.one(over)
        if not scope and not _walks(inside):
            return name, {variable: "it"}
        called = f"{self.one(over)} {len(scope) + 1}"
        return f"{name} ({called})", {**scope, variable: called}

    def is_relative(self, node: Quantifier | Total, scope: Scope) -> bool:
        """Whether one statement about one field says it all, so that it can follow `whose`."""
        body = node.body if isinstance(node, Quantifier) else node.keep
        if (
            scope
            or (isinstance(node, Quantifier) and node.kind == "all")
            or _walks((body, getattr(node, "value", None)))
        ):
            return False
        match body:
            case Member(FieldOf(variable)) | Not(Member(FieldOf(variable))):
                return variable == node.variable
            case Compare(_, FieldOf(variable, fact), right):
                return (
                    variable == node.variable
                    and fact.type != "bool"
                    and isinstance(right, (Constant, FieldOf, ParameterOf))
                )
        return False

    def relative(self, body: Tree | None, variable: str) -> str:
        assert body is not None
        return f"whose {self.sentence(body, {variable: 'it'}).removeprefix('its ')}"

    # Values

    def value(self, node: Tree, scope: Scope) -> str:
        """A value where one is needed."""
        match node:
            case Constant(bool()):
                return f"whether ({self.sentence(node, scope)})"
            case Constant(value):
                return constant(value)
            case Choose(condition, then, otherwise) if not _is_yes_or_no(node):
                branches = [self.value(one, scope) for one in (then, otherwise)]
                return f"({branches[0]} if {self.bracketed(condition, scope)}, otherwise {branches[1]})"
            case _ if _is_yes_or_no(node):
                return f"whether ({self.sentence(node, scope)})"
            case FactOf(fact):
                return str(self.words.phrases[fact.path])
            case FieldOf(variable, fact):
                called = scope[variable]
                return f"{'its' if called == 'it' else called + chr(39) + 's'} {self.words.phrases[fact.path]}"
            case ParameterOf(name):
                held = f" ({self.words.values[name]})" if name in self.words.values else ""
                return f"the “{self.words.parameters[name]}”{held}"
            case OutcomeOf(decision):
                return f"the answer on {decision.replace('_', ' ')}"
            case StatusOf(clock):
                return f"the {clock.replace('_', ' ')} clock"
            case Arithmetic(operator, left, Constant(timedelta() | Years() as length)) if (
                _is_time(left) and operator in "+-"
            ):
                return f"{constant(length)} {'after' if operator == '+' else 'before'} {self.operand(left, scope)}"
            case Arithmetic(operator, left, right):
                return f"{self.operand(left, scope)} {ARITHMETIC[operator]} {self.operand(right, scope)}"
            case Total():
                return self.total(node, scope)
        raise AssertionError(node)

    def operand(self, node: Tree, scope: Scope) -> str:
        value = self.value(node, scope)
        return f"({value})" if isinstance(node, (Arithmetic, Total)) else value

    def total(self, node: Total, scope: Scope) -> str:
        if node.keep is None and node.value is None:
            return f"the number of {self.many(node.over)}"
        called, within = self.record(
            node.over, node.variable, (node.keep, node.value), scope, self.many(node.over)
        )
        if node.keep is None:
            those = f"all {called}"
        elif self.is_relative(node, scope):
            those = f"{called} {self.relative(node.keep, node.variable)}"
        else:
            those = f"{called} for which ({self.sentence(node.keep, within)})"
        match node.value:
            case None:
                return f"the number of {those}"
            case FieldOf(variable, fact) if within[variable] == "it":
                return f"the total {self.words.phrases[fact.path]} of {those}"
        return f"the total of ({self.value(node.value, within)}) over {those}"

    def choices(self, node: Tree) -> tuple[str, ...]:
        match node:
            case FactOf(fact) | FieldOf(_, fact):
                return fact.choices
            case OutcomeOf(decision):
                return self.words.outcomes.get(decision, ())
            case StatusOf():
                return tree.CLOCK_STATUSES
        return ()

    def unit(self, node: Tree) -> str | None:
        match node:
            case FactOf(fact) | FieldOf(_, fact) | Total(value=FieldOf(_, fact)):
                return fact.unit
            case ParameterOf(name):
                return self.words.units.get(name)
        return None


def _after(lead: str, said: Passage) -> Passage:
    return Passage(lead + said.text, said.items)


def _walks(inside: tuple[Tree | None, ...]) -> bool:
    """Whether a list is walked in there with a variable of its own."""
    return any(
        isinstance(part, Quantifier)
        or (isinstance(part, Total) and not part.keep is part.value is None)
        for one in inside
        if one is not None
        for part in tree.nodes(one)
    )


def _is_time(node: Tree) -> bool:
    """Whether the value is a day or a moment."""
    match node:
        case Constant(value):
            return isinstance(value, date)
        case FactOf(fact) | FieldOf(_, fact):
            return fact.type in ("date", "timestamp")
        case Arithmetic(_, left, right):
            return _is_time(left) and not _is_time(right)
        case Choose(_, then, _):
            return _is_time(then)
    return False


def _is_yes_or_no(node: Tree) -> bool:
    match node:
        case Constant(value):
            return isinstance(value, bool)
        case FactOf(fact) | FieldOf(_, fact):
            return fact.type == "bool"
        case Choose(_, then, _):
            return _is_yes_or_no(then)
    return isinstance(node, (Not, And, Or, Compare, Member, Quantifier))
