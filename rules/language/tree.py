"""The typed tree: the meaning of a condition, and the source of every compiled form.

`check` builds it from the surface tree, and makes it smaller. `filter` and `map` are folded into
the part that uses them: a list is walked only by a `Quantifier` (`exists`, `all`) or a `Total`
(`size`, `sum`), directly over a list of facts. `a in list` is a `Member` of written texts, or a
quantifier. A section of law in a list is `Cited`.

`text` prints a node as a condition in one canonical way. A pack's digest hashes that text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial

from rules.frozen import fields, frozen, replace
from rules.input.citations import Section
from rules.input.finer_words import WordTree
from rules.input.vocabulary import Fact

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LENGTHS = ("hours", "days", "weeks", "months", "years")
PARTS = ("day", "time", "weekday")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLOCK_STATUSES = ("not_started", "running", "met", "late", "overdue", "unknown")


@frozen
class Constant:
    """A bool, int, Decimal, text, date, time of day, timedelta, or `Months`."""

    value: Any


@frozen
class Months:
    """So many calendar months. A year is twelve of them.

    A day that the month lacks becomes the month's last day: March 31 less a month is February 28
    or 29.
    """

    number: int


@frozen
class FactOf:
    """A fact by its path. It is never a list: quantifiers and totals walk those."""

    fact: Fact


@frozen
class FieldOf:
    """A field of the record in `variable`."""

    variable: str
    fact: Fact


@frozen
class ParameterOf:
    """A parameter's value on the day (a number, or a list of texts inside `Member`)."""

    name: str


@frozen
class LengthOf:
    """A length of time as long as a parameter in that very unit: `days(lookback_days)`."""

    unit: str
    amount: ParameterOf


@frozen
class PartOf:
    """A part of a date or timestamp in the pack's time zone: its `day`, `time`, or `weekday`."""

    part: str
    moment: Tree


@frozen
class RowOf:
    """The row of a table for the word of a choice: `name[key]`.

    `key` is the fact or the field by which the parameter has its rows.
    """

    name: str
    key: Tree


@frozen
class OutcomeOf:
    """Another decision's outcome, unknown while undetermined."""

    decision: str


@frozen
class StatusOf:
    """A clock's status, unknown only without `now`."""

    clock: str


@frozen
class IfKnown:
    """`if_known(condition)`: true where the condition is surely true, else false.

    Only an offer's rules have it, where a true part can only make the rule true. On complete facts
    it is the condition itself.
    """

    condition: Tree


@frozen
class Not:
    """`!operand`."""

    operand: Tree


@frozen
class And:
    """`item && item && …`, two items or more."""

    items: tuple[Tree, ...]


@frozen
class Or:
    """`item || item || …`, two items or more."""

    items: tuple[Tree, ...]


@frozen
class Compare:
    """`left operator right`, the operator one of `== != < <= > >=`."""

    operator: str
    left: Tree
    right: Tree


@frozen
class Member:
    """`item in values`: values written out, or a parameter's list of texts."""

    item: Tree
    values: tuple[Any, ...] | ParameterOf


@frozen
class IsOne:
    """`item == "word"` or `item in values`, of a choice that has finer words.

    It is unknown where `item` is a coarse word of which some finest words are meant and some not.
    """

    item: Tree
    values: tuple[Any, ...] | ParameterOf
    word_tree: WordTree


@frozen
class Alike:
    """`left == right` of two choices that have finer words."""

    left: Tree
    right: Tree
    word_tree: WordTree


@frozen
class Cited:
    """`item in values` of a citation: it cites one of the sections, or one below it.

    `item == "RCW 69.50.4013"` has one section. A parameter's list has those of its day.
    """

    item: Tree
    values: tuple[Section, ...] | ParameterOf


@frozen
class Choose:
    """`condition ? then : otherwise`."""

    condition: Tree
    then: Tree
    otherwise: Tree


@frozen
class Arithmetic:
    """`left operator right`, the operator one of `+ - *`.

    Both sides are numbers, or the left is a date or timestamp and the right a length of time.
    """

    operator: str
    left: Tree
    right: Tree


@frozen
class Quantifier:
    """`list.exists(variable, body)` or `list.all(variable, body)` over a list of facts."""

    kind: str
    over: Fact
    variable: str
    body: Tree


@frozen
class Total:
    """`size(list.filter(variable, keep))`, or a sum of `value` over the same records.

    `low` and `high` bound an unknown `value`, by the ranges in the vocabulary. None is no bound.
    """

    over: Fact
    variable: str
    keep: Tree | None
    value: Tree | None
    low: Decimal | None
    high: Decimal | None


Tree = (
    Constant
    | FactOf
    | FieldOf
    | ParameterOf
    | LengthOf
    | PartOf
    | RowOf
    | OutcomeOf
    | StatusOf
    | IfKnown
    | Not
    | And
    | Or
    | Compare
    | Member
    | IsOne
    | Alike
    | Cited
    | Choose
    | Arithmetic
    | Quantifier
    | Total
)


def children(node: Tree) -> list[Tree]:
    """Return the node's direct parts that are trees."""
    direct: list[Tree] = []
    for name in _PARTS[node.__class__]:
        value = getattr(node, name)
        # To look a class up takes a tenth of the time of comparing it with each of the union's.
        if value.__class__ in _PARTS:
            direct.append(value)
        elif value.__class__ is tuple:
            direct += [part for part in value if part.__class__ in _PARTS]
    return direct


# The classes of the union.
NODES: Any = Tree.__args__
_PARTS = {
    kind: tuple(
        field.name
        for field in fields(kind)
        if field.name not in ("fact", "over", "kind", "operator", "variable")
    )
    for kind in NODES
}


def places(node: Tree) -> Iterator[tuple[Tree, Callable[[Tree], Tree]]]:
    """Yield the node's direct parts, each with a function that puts another in its place."""
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, NODES):
            yield value, partial(_with_part, node, name)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, NODES):
                    yield item, partial(_with_item, node, name, index)


def _with_part(node: Tree, name: str, part: Tree) -> Tree:
    parts: dict[str, Any] = {name: part}
    return replace(node, **parts)


def _with_item(node: Tree, name: str, index: int, item: Tree) -> Tree:
    items = getattr(node, name)
    parts: dict[str, Any] = {name: (*items[:index], item, *items[index + 1 :])}
    return replace(node, **parts)


def changed(node: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """Return the tree with `change` applied to every node, from the leaves up."""
    return change(with_parts(node, lambda part: changed(part, change)))


def with_parts(node: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """Return the node with `change` applied to its direct parts."""
    parts: dict[str, Any] = {}
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, tuple):
            parts[name] = tuple(change(item) if isinstance(item, NODES) else item for item in value)
        elif isinstance(value, NODES):
            parts[name] = change(value)
    return replace(node, **parts) if parts else node


def nodes(node: Tree) -> Iterator[Tree]:
    """Yield the node and everything below it, top down."""
    still = [node]
    while still:
        part = still.pop()
        yield part
        still += children(part)[::-1]


def facts_read(node: Tree) -> dict[str, Fact]:
    """Return every fact that the tree names, by path. A list and its fields each count."""
    facts: dict[str, Fact] = {}
    for part in nodes(node):
        fact = part.over if isinstance(part, (Quantifier, Total)) else getattr(part, "fact", None)
        if isinstance(fact, Fact):
            facts[fact.path] = fact
    return facts


# The precedence of operators. A part that binds less tightly gets brackets.
_CHOICE, _OR, _AND, _RELATION, _SUM, _PRODUCT, _PREFIX, _WHOLE = range(8)


def text(node: Tree) -> str:
    """Print a tree as its one canonical condition. Parsing and checking it gives the same tree.

    It is printed once for each tree, which keeps its text.
    """
    printed: str | None = node.__dict__.get("_text")
    if printed is None:
        printed = node.__dict__["_text"] = _print(node)[0]
    return printed


def _inside(node: Tree, least: int) -> str:
    printed, binding = _print(node)
    return printed if binding >= least else f"({printed})"


def _print(node: Tree) -> tuple[str, int]:
    match node:
        case Constant(value):
            binding = _WHOLE
            if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value < 0:
                binding = _PREFIX
            return constant_text(value), binding
        case FactOf(fact):
            return fact.path, _WHOLE
        case FieldOf(variable, fact):
            return f"{variable}.{fact.name}", _WHOLE
        case ParameterOf(name) | OutcomeOf(name):
            return name, _WHOLE
        case RowOf(name, key):
            return f"{name}[{_inside(key, _CHOICE)}]", _WHOLE
        case StatusOf(clock):
            return f"clocks.{clock}", _WHOLE
        case LengthOf(unit, ParameterOf(name)):
            return f"{unit}({name})", _WHOLE
        case PartOf(part, moment):
            return f"{part}({_inside(moment, _CHOICE)})", _WHOLE
        case IfKnown(condition):
            return f"if_known({_inside(condition, _CHOICE)})", _WHOLE
        case Not(operand):
            return f"!{_inside(operand, _PREFIX)}", _PREFIX
        case And(items):
            return " && ".join(_inside(item, _AND + 1) for item in items), _AND
        case Or(items):
            return " || ".join(_inside(item, _OR + 1) for item in items), _OR
        case Compare(operator, left, right):
            return f"{_inside(left, _SUM)} {operator} {_inside(right, _SUM)}", _RELATION
        case Member(item, ParameterOf(name)):
            return f"{_inside(item, _SUM)} in {name}", _RELATION
        case Member(item, values):
            assert isinstance(values, tuple)
            return (
                f"{_inside(item, _SUM)} in [{', '.join(constant_text(value) for value in values)}]",
                _RELATION,
            )
        case IsOne(item, (value,)):
            return f"{_inside(item, _SUM)} == {constant_text(value)}", _RELATION
        case IsOne(item, values):
            return _print(Member(item, values))
        case Alike(left, right):
            return _print(Compare("==", left, right))
        case Cited(item, ParameterOf(name)):
            return f"{_inside(item, _SUM)} in {name}", _RELATION
        case Cited(item, (section,)):
            return f"{_inside(item, _SUM)} == {constant_text(section.text)}", _RELATION
        case Cited(item, sections):
            assert isinstance(sections, tuple)
            listed = ", ".join(constant_text(section.text) for section in sections)
            return f"{_inside(item, _SUM)} in [{listed}]", _RELATION
        case Choose(condition, then, otherwise):
            return (
                f"{_inside(condition, _OR)} ? {_inside(then, _OR)} : {_inside(otherwise, _CHOICE)}",
                _CHOICE,
            )
        case Arithmetic(operator, left, right):
            binding = _PRODUCT if operator == "*" else _SUM
            return f"{_inside(left, binding)} {operator} {_inside(right, binding + 1)}", binding
        case Quantifier(kind, over, variable, body):
            return f"{over.path}.{kind}({variable}, {_inside(body, _CHOICE)})", _WHOLE
        case Total(over, variable, keep, value):
            listed = (
                over.path
                if keep is None
                else f"{over.path}.filter({variable}, {_inside(keep, _CHOICE)})"
            )
            if value is None:
                return f"size({listed})", _WHOLE
            return f"sum({listed}.map({variable}, {_inside(value, _CHOICE)}))", _WHOLE
    raise AssertionError(node)


def constant_text(value: Any) -> str:
    """Print a constant as a condition writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Section():
            return json.dumps(value.text, ensure_ascii=False)
        case Decimal():
            return format(value.normalize(), "f")
        case date():
            return f'date("{value.isoformat()}")'
        case time():
            return f'time("{value:%H:%M}")'
        case Months(number):
            return f"months({number})" if number % 12 else f"years({number // 12})"
        case timedelta():
            seconds = value.days * 86400 + value.seconds
            return (
                f"days({seconds // 86400})" if seconds % 86400 == 0 else f"hours({seconds // 3600})"
            )
    return str(value)
