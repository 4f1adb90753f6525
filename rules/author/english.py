"""Conditions as English sentences, made from the same tree as everything that runs.

The sentences are controlled English. Every kind of node has its phrase. Two trees share a sentence
only if they differ in the name of a bound variable alone. The tests read each sentence back and
find exactly one meaning:

* `A, and B` and `A, or B` join single statements. A compound statement is put in brackets or
  becomes a list (`all of these are true:`).
* A record's field is `its weight`, or follows `whose`. Nested lists number their records
  (`drug 1's weight`, `drug 2's weight`).
* A part of a moment is `the local time of (…)`, and a length that a parameter gives has the
  parameter's label after it: `30 days (“time to take up the service”)`.
* A choice is in plain words, a text in straight quotes, and a parameter's label in curly quotes
  with its value after it in brackets.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta

from rules.author.phrases import (
    Phrase,
    Words,
    complete_phrases,
    format_constant,
    format_word,
    spell_name,
    with_article,
    words_of,
)
from rules.frozen import frozen
from rules.input.finer_words import WordTree
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.times import TIME_OF_DAY
from rules.language.tree import (
    Alike,
    And,
    Arithmetic,
    Choose,
    Cited,
    Compare,
    Constant,
    FactOf,
    FieldOf,
    IfKnown,
    IsOne,
    LengthOf,
    Member,
    Months,
    Not,
    Or,
    OutcomeOf,
    ParameterOf,
    PartOf,
    Quantifier,
    RowOf,
    StatusOf,
    Total,
    Tree,
)
from rules.packs.tables import join_or

__all__ = ["Passage", "Phrase", "Words", "complete_phrases", "line", "passage", "words_of"]

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
PART = {"day": "the local day of", "time": "the local time of", "weekday": "the weekday of"}
IS_KNOWN = "it is known that "
ALL_KNOWN = "this is known:"
ARITHMETIC = {"+": "plus", "-": "minus", "*": "times"}
FOR = {"exists": "for at least one", "all": "for every"}
ALL, ANY, NOT_ALL, NONE, NOT = (
    "all of these are true:",
    "any of these is true:",
    "not all of these are true:",
    "none of these is true:",
    "this is not true:",
)
DEPENDS, QUESTION, IF_YES, IF_NO = (
    "this depends on a question:",
    "the question: ",
    "if yes: ",
    "if no: ",
)
_LONGEST_LINE = 150


@frozen
class Passage:
    """A line and the lines that it introduces. A plain line introduces none."""

    text: str
    items: tuple[Passage, ...] = ()

    def prefixed(self, lead: str) -> Passage:
        """Return the passage with `lead` before its first line."""
        return Passage(lead + self.text, self.items)


def passage(node: Tree, terms: Words) -> Passage:
    """Return the condition as a line, or as a line with those it introduces."""
    return Sentences(terms).passage(_plain(node), {})


def line(node: Tree, terms: Words) -> str:
    """Return the condition on one line, with brackets where a passage has lists."""
    return Sentences(terms).sentence(_plain(node), {})


def _plain(node: Tree) -> Tree:
    """Return the tree with comparisons of finer words as comparisons: they read alike."""

    def compare(part: Tree) -> Tree:
        """Return one node, of which the parts are plain."""
        match part:
            case IsOne(item, (value,)):
                return Compare("==", item, Constant(value))
            case IsOne(item, values):
                return Member(item, values)
            case Alike(left, right):
                return Compare("==", left, right)
            case Not(Compare("==", FactOf(fact) | FieldOf(_, fact) as left, right)) if fact.finer:
                return Compare("!=", left, right)
        return part

    return tree.changed(node, compare)


# Each bound variable and the name of its record: "it", or "drug 1".
Scope = Mapping[str, str]


class Sentences:
    """A condition put into words; a scope names the records of the lists around a node."""

    def __init__(self, terms: Words) -> None:
        self.terms = terms

    # Lines with lines below them

    def passage(self, node: Tree, scope: Scope) -> Passage:
        """Return the node as a line, or as a line with those it introduces."""
        match node:
            case And(items) | Or(items) if not self.fits_on_line(node, scope):
                return Passage(
                    ALL if isinstance(node, And) else ANY,
                    tuple(self.passage(item, scope) for item in items),
                )
            case Not(And(items) | Or(items) as joined):
                lead = NOT_ALL if isinstance(joined, And) else NONE
                return Passage(lead, tuple(self.passage(item, scope) for item in items))
            case Choose(condition, then, otherwise):
                parts = ((QUESTION, condition), (IF_YES, then), (IF_NO, otherwise))
                return Passage(
                    DEPENDS,
                    tuple(self.passage(part, scope).prefixed(lead) for lead, part in parts),
                )
            case Quantifier(kind, over, variable, body) if not self.is_relative(node, scope):
                return self.quantified(FOR[kind], over, variable, body, scope)
            case Not(Quantifier("exists", over, variable, body) as quantifier) if (
                not self.is_relative(quantifier, scope)
            ):
                return self.quantified("for no", over, variable, body, scope)
            case Not(operand) if not self.is_single(node, scope):
                return Passage(NOT, (self.passage(operand, scope),))
            case IfKnown(condition) if not self.is_single(condition, scope):
                return Passage(ALL_KNOWN, (self.passage(condition, scope),))
        return Passage(self.sentence(node, scope))

    def quantified(self, lead: str, over: Fact, variable: str, body: Tree, scope: Scope) -> Passage:
        """Return the body after a lead such as `for every drug, `."""
        name, inner = self.record(over, variable, (body,), scope)
        return self.passage(body, inner).prefixed(f"{lead} {name}, ")

    def fits_on_line(self, node: And | Or, scope: Scope) -> bool:
        """Return True if the node joins two single statements that fit on one line."""
        if len(node.items) > 2 or not all(self.is_single(item, scope) for item in node.items):
            return False
        return len(self.sentence(node, scope)) <= _LONGEST_LINE

    # Statements

    def is_single(self, node: Tree, scope: Scope) -> bool:
        """Return True if the sentence needs no brackets next to others."""
        match node:
            case And() | Or() | Choose():
                return False
            case Quantifier():
                return self.is_relative(node, scope)
            case Not(FactOf() | FieldOf() | Member() | Cited()):
                return True
            case Not(Quantifier("exists") as inner):
                return self.is_relative(inner, scope)
            case Not():
                return False
        return True

    def bracketed(self, node: Tree, scope: Scope) -> str:
        """Return the sentence, in brackets if it needs them next to others."""
        sentence = self.sentence(node, scope)
        return sentence if self.is_single(node, scope) else f"({sentence})"

    def sentence(self, node: Tree, scope: Scope) -> str:
        """Return the node on one line."""
        match node:
            case Constant(value):
                return "always" if value else "never"
            case FactOf(fact):
                return self.clause(fact, scope, "", is_yes=True)
            case FieldOf(variable, fact):
                return self.clause(fact, scope, variable, is_yes=True)
            case And(items) | Or(items):
                joint = ", and " if isinstance(node, And) else ", or "
                return joint.join(self.bracketed(item, scope) for item in items)
            case Compare():
                return self.comparison(node, scope)
            case Member():
                return self.member(node, scope, "one of", "is on the list")
            case Cited():
                return self.cited(node, scope, "is under", "is on the list")
            case Choose(condition, then, otherwise):
                parts = [self.bracketed(part, scope) for part in (condition, then, otherwise)]
                return f"if {parts[0]}, then {parts[1]}, otherwise {parts[2]}"
            case Quantifier(kind, over):
                return self.quantifier(
                    node, f"there is {with_article(self.singular(over))}", FOR[kind], scope
                )
            case Not(operand):
                return self.denial(operand, scope)
            case IfKnown(condition):
                return f"{IS_KNOWN}{self.bracketed(condition, scope)}"
        raise AssertionError(node)

    def denial(self, node: Tree, scope: Scope) -> str:
        """Return the sentence that denies the node."""
        match node:
            case FactOf(fact):
                return self.clause(fact, scope, "", is_yes=False)
            case FieldOf(variable, fact):
                return self.clause(fact, scope, variable, is_yes=False)
            case Member():
                return self.member(node, scope, "none of", "is not on the list")
            case Cited():
                return self.cited(node, scope, "is not under", "is not on the list")
            case Quantifier("exists", over):
                return self.quantifier(node, f"there is no {self.singular(over)}", "for no", scope)
        return f"it is not true that {self.bracketed(node, scope)}"

    def quantifier(self, node: Quantifier, there_is: str, lead: str, scope: Scope) -> str:
        """Return `there is …`, or the body after a lead such as `for every`."""
        if self.is_relative(node, scope):
            return f"{there_is} {self.relative(node.body, node.variable)}"
        name, inner = self.record(node.over, node.variable, (node.body,), scope)
        return f"{lead} {name}, {self.bracketed(node.body, inner)}"

    def clause(self, fact: Fact, scope: Scope, variable: str, *, is_yes: bool) -> str:
        """Return the clause for yes or no, about the record of `variable` if it has one."""
        phrase = self.terms.phrases[fact.path]
        assert isinstance(phrase, tuple), fact.path
        clause = phrase[0] if is_yes else phrase[1]
        record = scope[variable] if variable else "it"
        if record == "it":
            return clause
        first, _, rest = clause.partition(" ")
        return f"{record}'s {rest}" if first == "its" else f"{record} {rest}"

    def comparison(self, node: Compare, scope: Scope) -> str:
        """Return the sentence of a comparison."""
        match node:
            case Compare(">", Total(over, _, None, None), Constant(0)):
                return f"there is {with_article(self.singular(over))}"
            case Compare("==", Total(over, _, None, None), Constant(0)):
                return f"there is no {self.singular(over)}"
        left, right = node.left, node.right
        verb = self.verbs(left, right)[node.operator]
        return f"{self.side(left, right, scope)} {verb} {self.side(right, left, scope)}"

    def verbs(self, left: Tree, right: Tree) -> Mapping[str, str]:
        """Return the phrases of the operators between two sides."""
        sides = (left, right)
        if any(is_time(side) for side in sides):
            return ORDER_OF_TIMES
        is_clock_time = any(self.is_clock_time(side) for side in sides)
        return ORDER_OF_CLOCK_TIMES if is_clock_time else ORDER

    def is_clock_time(self, node: Tree) -> bool:
        """Return True if the value is a time of day."""
        match node:
            case Constant(value):
                return isinstance(value, time)
            case PartOf(part):
                return part == "time"
            case ParameterOf(name):
                return self.terms.units.get(name) == TIME_OF_DAY
            case Choose(_, then, _):
                return self.is_clock_time(then)
        return False

    def side(self, node: Tree, opposite: Tree, scope: Scope) -> str:
        """Return one side of a comparison. A constant takes the other side's choices and unit."""
        if isinstance(node, Constant) and not isinstance(node.value, bool):
            return self.constant(node.value, opposite)
        return self.value(node, scope)

    def member(self, node: Member, scope: Scope, among: str, on_list: str) -> str:
        """Return the sentence about a value and a list of values."""
        item = self.value(node.item, scope)
        if isinstance(node.values, ParameterOf):
            return f"{item} {on_list} “{self.terms.parameters[node.values.name]}”"
        values = [self.constant(value, node.item) for value in node.values] or ["nothing"]
        if among == "one of" and len(values) > 1:
            return f"{item} is {join_or(values)}"
        return f"{item} is {among} {join_or(values)}"

    def constant(self, value: object, opposite: Tree) -> str:
        """Return a constant in the words and the unit of the value that it is compared with."""
        choices = self.choices(opposite)
        if isinstance(value, str) and value in choices:
            return format_word(value, self.word_tree(opposite))
        return format_constant(value, choices, self.unit(opposite))

    def word_tree(self, node: Tree) -> WordTree:
        """Return the words of the node's value, with those that a pack adds below others."""
        return node.fact.word_tree if isinstance(node, (FactOf, FieldOf)) else WordTree()

    def cited(self, node: Cited, scope: Scope, under: str, on_list: str) -> str:
        """Return the sentence about a citation and sections of law."""
        item = self.value(node.item, scope)
        if isinstance(node.values, ParameterOf):
            return f"{item} {on_list} “{self.terms.parameters[node.values.name]}”"
        return f"{item} {under} {join_or([section.text for section in node.values])}"

    # Records of a list

    def singular(self, over: Fact) -> str:
        """Return the word for a list's record."""
        return self.terms.phrases[over.path][0]

    def plural(self, over: Fact) -> str:
        """Return the word for a list's records."""
        return self.terms.phrases[over.path][1]

    def record(
        self,
        over: Fact,
        variable: str,
        inside: tuple[Tree | None, ...],
        scope: Scope,
        name: str = "",
    ) -> tuple[str, Scope]:
        """Return the words that introduce the record, and the scope in which it has a name."""
        name = name or self.singular(over)
        if not scope and not _binds_variable(inside):
            return name, {variable: "it"}
        record = f"{self.singular(over)} {len(scope) + 1}"
        return f"{name} ({record})", {**scope, variable: record}

    def is_relative(self, node: Quantifier | Total, scope: Scope) -> bool:
        """Return True if one statement about one field is all, so that it can follow `whose`."""
        if scope or (isinstance(node, Quantifier) and node.kind == "all"):
            return False
        body = node.body if isinstance(node, Quantifier) else node.keep
        if _binds_variable((body, getattr(node, "value", None))):
            return False
        match body:
            case (
                Member(FieldOf(variable))
                | Not(Member(FieldOf(variable)))
                | Cited(FieldOf(variable))
                | Not(Cited(FieldOf(variable)))
            ):
                return variable == node.variable
            case Compare(_, FieldOf(variable, fact), right):
                return (
                    variable == node.variable
                    and fact.type != "bool"
                    and isinstance(right, (Constant, FieldOf, ParameterOf, RowOf))
                )
        return False

    def relative(self, body: Tree | None, variable: str) -> str:
        """Return the statement about one field after `whose`."""
        assert body is not None
        return f"whose {self.sentence(body, {variable: 'it'}).removeprefix('its ')}"

    # Values

    def value(self, node: Tree, scope: Scope) -> str:
        """Return the words for a value."""
        if _is_yes_or_no(node):
            return f"whether ({self.sentence(node, scope)})"
        match node:
            case Constant(value):
                return format_constant(value)
            case Choose(condition, then, otherwise):
                if_yes, if_no = self.value(then, scope), self.value(otherwise, scope)
                return f"({if_yes} if {self.bracketed(condition, scope)}, otherwise {if_no})"
            case FactOf(fact):
                return str(self.terms.phrases[fact.path])
            case FieldOf(variable, fact):
                record = scope[variable]
                owner = "its" if record == "it" else f"{record}'s"
                return f"{owner} {self.terms.phrases[fact.path]}"
            case ParameterOf(name):
                value = f" ({self.terms.values[name]})" if name in self.terms.values else ""
                return f"the “{self.terms.parameters[name]}”{value}"
            case LengthOf(_, ParameterOf(name)):
                length = self.terms.values.get(name, "the length")
                return f"{length} (“{self.terms.parameters[name]}”)"
            case PartOf(part, moment):
                return f"{PART[part]} {self.operand(moment, scope)}"
            case RowOf(name, key):
                rows = f" ({self.terms.values[name]})" if name in self.terms.values else ""
                label = self.terms.parameters[name]
                return f"the “{label}” for {self.value(key, scope)}{rows}"
            case OutcomeOf(decision):
                return f"the answer on {spell_name(decision)}"
            case StatusOf(clock):
                return f"the {spell_name(clock)} clock"
            case Arithmetic():
                return self.arithmetic(node, scope)
            case Total():
                return self.total(node, scope)
        raise AssertionError(node)

    def arithmetic(self, node: Arithmetic, scope: Scope) -> str:
        """Return the words for a sum, a difference, or a time before or after another."""
        operator, left, right = node.operator, self.operand(node.left, scope), node.right
        if is_time(node.left) and operator in "+-" and is_length(right):
            side = "after" if operator == "+" else "before"
            return f"{self.value(right, scope)} {side} {left}"
        return f"{left} {ARITHMETIC[operator]} {self.operand(right, scope)}"

    def operand(self, node: Tree, scope: Scope) -> str:
        """Return a value in brackets if it is compound."""
        value = self.value(node, scope)
        return f"({value})" if isinstance(node, (Arithmetic, Total)) else value

    def total(self, node: Total, scope: Scope) -> str:
        """Return the words for a count or a sum over a list."""
        if node.keep is None and node.value is None:
            return f"the number of {self.plural(node.over)}"
        name, inner = self.record(
            node.over, node.variable, (node.keep, node.value), scope, self.plural(node.over)
        )
        if node.keep is None:
            records = f"all {name}"
        elif self.is_relative(node, scope):
            records = f"{name} {self.relative(node.keep, node.variable)}"
        else:
            records = f"{name} for which ({self.sentence(node.keep, inner)})"
        match node.value:
            case None:
                return f"the number of {records}"
            case FieldOf(variable, fact) if inner[variable] == "it":
                return f"the total {self.terms.phrases[fact.path]} of {records}"
        return f"the total of ({self.value(node.value, inner)}) over {records}"

    def choices(self, node: Tree) -> tuple[str, ...]:
        """Return the choices that the node's value is one of, if it is a choice."""
        match node:
            case FactOf(fact) | FieldOf(_, fact):
                return fact.choices
            case OutcomeOf(decision):
                return self.terms.outcomes.get(decision, ())
            case StatusOf():
                return tree.CLOCK_STATUSES
            case PartOf("weekday"):
                return tree.WEEKDAYS
        return ()

    def unit(self, node: Tree) -> str | None:
        """Return the node's unit, if it has one."""
        match node:
            case FactOf(fact) | FieldOf(_, fact) | Total(value=FieldOf(_, fact)):
                return fact.unit
            case ParameterOf(name) | RowOf(name):
                return self.terms.units.get(name)
        return None


def _binds_variable(inside: tuple[Tree | None, ...]) -> bool:
    """Return True if a node inside walks a list with a variable of its own."""
    return any(
        isinstance(part, Quantifier)
        or (isinstance(part, Total) and not part.keep is part.value is None)
        for node in inside
        if node is not None
        for part in tree.nodes(node)
    )


def is_length(node: Tree) -> bool:
    """Return True if the value is a length of time that is written out or a parameter's."""
    if isinstance(node, Constant):
        return isinstance(node.value, (timedelta, Months))
    return isinstance(node, LengthOf)


def is_time(node: Tree) -> bool:
    """Return True if the value is a day or a moment."""
    match node:
        case Constant(value):
            return isinstance(value, date)
        case FactOf(fact) | FieldOf(_, fact):
            return fact.type in ("date", "timestamp")
        case PartOf(part):
            return part == "day"
        case Arithmetic(_, left, right):
            return is_time(left) and not is_time(right)
        case Choose(_, then, _):
            return is_time(then)
    return False


def _is_yes_or_no(node: Tree) -> bool:
    match node:
        case Constant(value):
            return isinstance(value, bool)
        case FactOf(fact) | FieldOf(_, fact):
            return fact.type == "bool"
        case Choose(_, then, _):
            return _is_yes_or_no(then)
    return isinstance(node, (Not, And, Or, Compare, Member, Cited, Quantifier, IfKnown))
