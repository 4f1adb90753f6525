"""The types of conditions, the names in scope, and the checks that several parts share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NoReturn

from rules.errors import PackError, Place, nearest
from rules.frozen import field, frozen
from rules.input.amounts import fault_of, fits
from rules.input.vocabulary import Fact, Vocabulary
from rules.language import syntax, tree

NUMBERS = ("int", "decimal")
ORDERED = (*NUMBERS, "date", "timestamp", "time of day", "duration")
LONGEST_SHOWN = 60  # characters of a condition in a message
_TYPE_IN_WORDS = {
    "bool": "a yes or no",
    "int": "a whole number",
    "decimal": "a number",
    "timestamp": "a time",
    "duration": "a length of time",
    "months": "a number of months or years",
}


@frozen
class Type:
    """The type of a part of a condition: a fact's type, or a kind of time that no fact has.

    Those are `time of day`, `duration`, and `months`, a length by the calendar.

    `low` and `high` bound a number, `choices` are the values of a choice.
    """

    name: str
    choices: tuple[str, ...] = ()
    unit: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None

    def __str__(self) -> str:
        return _TYPE_IN_WORDS.get(self.name, f"a {self.name}")

    @property
    def is_number(self) -> bool:
        """True if values of this type are numbers."""
        return self.name in NUMBERS


BOOL = Type("bool")
Typed = tuple[tree.Tree, Type]


@frozen
class Pipeline:
    """A list while it is folded: `over.filter(variable, keep).map(variable, item)`.

    `item` is None while each element is still the record itself.
    """

    over: Fact
    variable: str
    keep: tree.Tree | None
    item: Typed | None


# The variables of the macros around a part, and the lists that they walk.
Bound = Mapping[str, Pipeline]


@frozen
class Scope:
    """The names that a condition may use.

    `parameters` maps a name to its unit (`codes` or `citations` for a list), `decisions` to its
    outcomes. `collecting` are the decisions that collect many outcomes. `tables` maps a parameter
    with rows to the path of the choice that it has its rows by.
    """

    vocabulary: Vocabulary
    parameters: Mapping[str, str]
    decisions: Mapping[str, tuple[str, ...]]
    clocks: tuple[str, ...]
    collecting: tuple[str, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)

    def takes(self, name: str) -> bool:
        """Return whether a fact, parameter, or decision begins with this name."""
        groups = {path.partition(".")[0] for path in self.vocabulary.facts} | {"clocks"}
        return name in groups or name in self.parameters or name in self.decisions


class Checker:
    """One condition while it is checked. `check_part` gives a part its typed tree."""

    def __init__(
        self,
        scope: Scope,
        text: str,
        place: Callable[[int], Place],
        check_part: Callable[[Checker, syntax.Expression, Bound], Typed],
    ) -> None:
        self.scope = scope
        self.text = text
        self.place = place
        self._check_part = check_part

    def value(self, node: syntax.Expression, bound: Bound) -> Typed:
        """Return the typed tree of a part that is one value."""
        return self._check_part(self, node, bound)

    def condition(self, node: syntax.Expression, bound: Bound) -> tree.Tree:
        """Return the typed tree of a part that is a yes-or-no question."""
        condition, kind = self.value(node, bound)
        self.require_bool(node, kind)
        return condition

    def fail(self, node: syntax.Expression, code: str, message: str, fix: str = "") -> NoReturn:
        """Refuse a part, whose text takes the place of `{}` in the message."""
        part = self.text[node.start : node.end]
        quote = part if len(part) <= LONGEST_SHOWN else part[: LONGEST_SHOWN - 3] + "…"
        raise PackError(
            code, message.replace("{}", f"`{quote}`"), at=self.place(node.start), fix=fix
        )

    def require_bool(self, node: syntax.Expression, kind: Type) -> None:
        """Refuse a part that is not a yes-or-no question."""
        if kind.name != "bool":
            self.fail(
                node,
                "wrong-type",
                f"{{}} is {kind}, not a yes-or-no question",
                "compare it with something",
            )

    def require_match(self, node: syntax.Expression, left: Type, right: Type) -> None:
        """Refuse two types, or two units, that can't be compared."""
        texts = ("text", "choice")
        is_alike = left.name == right.name or (left.is_number and right.is_number)
        if not is_alike and not (left.name in texts and right.name in texts):
            is_day_against_time = {left.name, right.name} == {"date", "timestamp"}
            self.fail(
                node,
                "wrong-type",
                f"{{}} sets {left} against {right}",
                "write `day(…)` around the time"
                if is_day_against_time
                else "compare like with like",
            )
        self.require_unit(node, left, right)

    def require_unit(self, node: syntax.Expression, left: Type, right: Type) -> None:
        """Refuse two numbers in different units."""
        if left.unit and right.unit and left.unit != right.unit:
            self.fail(
                node,
                "wrong-unit",
                f"{{}} sets `{left.unit}` against `{right.unit}`",
                "use a value in the same unit",
            )

    def require_fine(
        self, node: syntax.Expression, number: int | Decimal, unit: str | None = None
    ) -> None:
        """Refuse a written number with more digits than an amount in its unit has."""
        if not fits(number, unit):
            fault, fix = fault_of(number, unit)
            self.fail(node, "number-too-fine", f"{{}} {fault}", fix)

    def require_amounts(self, *sides: tuple[syntax.Expression, tree.Tree, Type]) -> None:
        """Refuse a written number that is too fine for the unit of what it is set against.

        Each side has its part, its tree, and the type of the other side.
        """
        for node, value, other in sides:
            if isinstance(value, tree.Choose):
                self.require_amounts((node, value.then, other), (node, value.otherwise, other))
            elif isinstance(value, tree.Constant) and isinstance(value.value, (int, Decimal)):
                self.require_fine(node, value.value, other.unit)

    def require_choice(self, node: syntax.Expression, value: tree.Tree, kind: Type) -> None:
        """Refuse a text that is compared with a choice and is not one of its values."""
        if isinstance(value, tree.Choose):
            self.require_choice(node, value.then, kind)
            self.require_choice(node, value.otherwise, kind)
        if (
            isinstance(value, tree.Constant)
            and kind.name == "choice"
            and value.value not in kind.choices
        ):
            self.fail(
                node,
                "unknown-choice",
                "{} is none of the choices here",
                nearest(str(value.value), kind.choices),
            )

    def refuse_list(self, node: syntax.Expression, bound: Bound) -> None:
        """Refuse a list or a record as one side of a comparison."""
        path = dotted(node)
        fact = self.scope.vocabulary.facts.get(path) if path else None
        is_list = isinstance(node, syntax.ListOf) or (fact is not None and fact.type == "list")
        is_folded = isinstance(node, syntax.Comprehension) and node.kind in ("filter", "map")
        is_record = path in bound and bound[path].item is None if path else False
        if is_list or is_folded or is_record:
            self.fail(
                node,
                "list-equality",
                "{} is a list or a record and can't be compared as a whole",
                "use `size(…)`, `.exists(…)` or `.all(…)`",
            )

    def refuse_index(self, node: syntax.Expression) -> NoReturn:
        """Refuse an element that is picked out by its index."""
        self.fail(
            node,
            "not-in-packs",
            "{} picks out one part by its place",
            "ask whether one `exists`, or `all` are so",
        )


def fact_type(fact: Fact) -> Type:
    """Return the type of a fact's values."""
    return Type(fact.type, fact.choices, fact.unit, fact.low, fact.high)


def negated(bound: Decimal | None) -> Decimal | None:
    """Return a bound with its sign turned. None is no bound."""
    return None if bound is None else bound.copy_negate()


def dotted(node: syntax.Expression) -> str | None:
    """Return the path that a name with its selections spells, such as `encounter.date`."""
    parts: list[str] = []
    while isinstance(node, syntax.Select):
        parts.append(node.field)
        node = node.operand
    if not isinstance(node, syntax.Name):
        return None
    return ".".join([node.name, *reversed(parts)])
