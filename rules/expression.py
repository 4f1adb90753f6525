"""The wider CEL subset, run straight from the surface tree over facts without a vocabulary.

`evaluate("person.age >= 18", {"person": {}})` is `UNKNOWN`: what is unbound, null or missing in the facts is unknown,
and the answer is known only if it is the same whatever the unknown turns out to be, as far as strong Kleene logic sees:

* `&&`, `||`, `!`, `exists` and `all` are those of the logic; an unknown condition of `?:` makes the whole unknown, and
  so does an unknown operand of any other operator or function; `in` is `exists` with `==`;
* `filter` keeps an element surely, perhaps or not at all, so that `filter(p).exists(q)` is `exists(p && q)` and
  `filter(p).all(q)` is `all(!p || q)`; `size` and `sum` of perhaps elements are intervals, and a comparison with an
  interval is decided when all its values agree;
* an error is made up for by `false && …`, `true || …` and their like in `exists` and `all`, and unknown beats error;
* a map from the facts is open: a key that it lacks is unknown. A map that the expression writes is CEL's own.

`null` written in an expression is CEL's null, a value like any other. Packs never use this module: their conditions go
through `check`, which knows every fact's type and range.

No expression can hang or exhaust the stack: its depth is bounded by `parse`, its steps by `_cel_fault.MOST_WORK`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rules import _cel_functions as functions
from rules import _cel_values as values
from rules._cel_fault import Exhausted, Fault, Work, shown
from rules._cel_values import Interval, Map, Perhaps
from rules.errors import EvaluationError, nearest
from rules.language.parse import parse, place_in
from rules.language.syntax import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expression,
    Index,
    ListOf,
    Literal,
    MapOf,
    Name,
    Select,
    Unary,
)
from rules.unknown import UNKNOWN, Unknown

_COMPARISONS = {"<": ("<", False), "<=": ("<=", False), ">": ("<", True), ">=": ("<=", True)}


def evaluate(expression: str, facts: Mapping[str, object]) -> object:
    """The value of a CEL expression over `facts`, or `UNKNOWN`.

    `facts` binds names (also dotted ones, of which the longest that fits counts) to what `json.loads` gives, and to
    `datetime`, `timedelta` and `date`. The value is plain Python (bool, int, float, str, None, list, dict, date, an aware
    `datetime`, `timedelta`); a moment or length finer than a microsecond is a `Timestamp` or `Duration` of `rules._cel_time`.

    Raises `EvaluationError` with a code: `syntax`, `too-long`, `too-deep`, `too-much-work`, `no-such-overload`,
    `no-such-function`, `no-such-key`, `index-out-of-range`, `division-by-zero`, `overflow`, `bad-conversion`,
    `bad-pattern`, `bad-key`, `bad-fact`.
    """
    tree = parse(expression)
    if not isinstance(facts, Mapping):
        raise EvaluationError(
            "bad-fact",
            f"the facts are a Python `{type(facts).__name__}`",
            fix="give a dict of names",
        )
    evaluation = _Evaluation(expression, facts)
    try:
        return evaluation.result(tree)
    except (
        RecursionError
    ):  # only for a caller who has nearly exhausted the stack, or for very deep facts
        raise Exhausted(
            "too-deep", f"`{shown(expression)}` or its facts are too deep", fix="flatten them"
        ) from None


class _Evaluation:
    """One expression over one set of facts. `variables` are those that macros have bound just now."""

    __slots__ = ("bound", "facts", "text", "variables", "work")

    def __init__(self, text: str, facts: Mapping[str, object]) -> None:
        self.text = text
        self.facts = facts
        self.bound: dict[str, object] = {}
        self.variables: dict[str, object] = {}
        self.work = Work(text)

    def result(self, tree: Expression) -> object:
        value = self.value(tree)
        return self.located(tree, values.to_result, value)

    def value(self, node: Expression) -> object:
        self.work.spend()
        return _MEANINGS[type(node)](self, node)

    # Errors

    def located(
        self, node: Expression, operation: Callable[..., object], *operands: object
    ) -> object:
        """What the operation gives; its fault becomes an error about this node."""
        try:
            return operation(*operands)
        except Fault as fault:
            raise self.error(node, fault.code, fault.message, fault.fix) from None

    def error(self, node: Expression, code: str, message: str, fix: str) -> EvaluationError:
        part = f"`{shown(self.text[node.start : node.end])}`"
        return EvaluationError(
            code, message.replace("{}", part, 1), at=place_in(self.text, node.start), fix=fix
        )

    def not_a_bool(self, node: Expression, value: object) -> EvaluationError:
        return self.error(
            node,
            "no-such-overload",
            f"{{}} is {values.kind(value)}, not a yes-or-no question",
            "compare it with something",
        )

    def attempted(self, node: Expression) -> object:
        """A value, or the error in its place."""
        try:
            return self.value(node)
        except Exhausted:
            raise
        except EvaluationError as error:
            return error

    # Values and names

    def literal(self, node: Literal) -> object:
        return float(str(node.value)) if node.kind == "float" else node.value

    def name(self, node: Name) -> object:
        if node.name in self.variables:
            return self.variables[node.name]
        return self.fact(node, node.name.removeprefix("."))

    def fact(self, node: Expression, path: str) -> object:
        if path not in self.bound:
            self.bound[path] = self.located(node, values.from_fact, self.facts.get(path), self.work)
        return self.bound[path]

    def select(self, node: Select) -> object:
        path = self.dotted(node)
        if path is not None:
            value = self.fact(node, path)
            return value if not node.test or value is UNKNOWN else True
        target = self.value(node.operand)
        if target is UNKNOWN or isinstance(target, Interval):
            return UNKNOWN
        if not isinstance(target, Map):
            raise self.error(
                node,
                "no-such-overload",
                f"{{}} asks {values.kind(target)} for a field",
                "leave the field out",
            )
        if node.test and node.field not in target:
            return UNKNOWN if target.open else False
        value = self.located(node, target.get, node.field)
        return value if not node.test or value is UNKNOWN else True

    def dotted(self, node: Select) -> str | None:
        """The whole of `a.b.c` if the facts bind that very name and no variable is called `a`."""
        parts = [node.field]
        operand = node.operand
        while isinstance(operand, Select) and not operand.test:
            parts.append(operand.field)
            operand = operand.operand
        if not isinstance(operand, Name) or operand.name in self.variables:
            return None
        path = ".".join([operand.name.removeprefix("."), *reversed(parts)])
        return path if path in self.facts else None

    def index(self, node: Index) -> object:
        operands = self.operands((node.operand, node.index))
        if operands is None or isinstance(operands[0], Perhaps):
            return UNKNOWN
        return self.located(node, _indexed, *operands)

    def list_of(self, node: ListOf) -> object:
        return [self.value(item) for item in node.items]

    def map_of(self, node: MapOf) -> object:
        written, unknown = Map(open=False), False
        for key_node, value_node in node.entries:
            key, value = self.value(key_node), self.value(value_node)
            if key is UNKNOWN or isinstance(key, Interval):
                unknown = True
            elif not isinstance(key, (bool, int, str)):
                raise self.error(
                    key_node,
                    "bad-key",
                    f"{{}} is {values.kind(key)} and can't be a key",
                    "use a text",
                )
            elif key in written:
                raise self.error(
                    key_node, "bad-key", "the map has the key {} twice", "leave one out"
                )
            else:
                written.put(key, value)
        return UNKNOWN if unknown else written

    # Operators

    def operands(
        self, nodes: Sequence[Expression], *, perhaps: bool = False
    ) -> list[object] | None:
        """The values of all operands; None if any is unknown, which beats an error in another.

        An interval counts as unknown unless the operation says that it can see one (`perhaps`).
        """
        known: list[object] = []
        failed: EvaluationError | None = None
        unknown = False
        for node in nodes:
            value = self.attempted(node)
            if isinstance(value, EvaluationError):
                failed = failed or value
                continue
            if value is UNKNOWN or (isinstance(value, Interval) and not perhaps):
                unknown = True
            known.append(value)
        if unknown:
            return None
        if failed is not None:
            raise failed
        return known

    def unary(self, node: Unary) -> object:
        operands = self.operands((node.operand,))
        if operands is None:
            return UNKNOWN
        if node.operator == "-":
            return self.located(node, functions.negated, operands[0])
        if not isinstance(operands[0], bool):
            raise self.not_a_bool(node.operand, operands[0])
        return not operands[0]

    def binary(self, node: Binary) -> object:
        operator = node.operator
        if operator in ("&&", "||"):
            return self.connected(node)
        if operator == "in":
            return self.member(node)
        comparing = operator in ("==", "!=") or operator in _COMPARISONS
        operands = self.operands((node.left, node.right), perhaps=comparing)
        if operands is None:
            return UNKNOWN
        left, right = operands
        if operator == "==":
            return values.equal(left, right, self.work)
        if operator == "!=":
            same = values.equal(left, right, self.work)
            return UNKNOWN if same is UNKNOWN else not same
        if comparing:
            return self.ordered(node, left, right)
        return self.located(node, functions.arithmetic, operator, left, right, self.work)

    def ordered(self, node: Binary, left: object, right: object) -> object:
        operator, turned = _COMPARISONS[node.operator]
        answer = (
            values.ordered(operator, right, left)
            if turned
            else values.ordered(operator, left, right)
        )
        if answer is None:
            kinds = f"{values.kind(left)} with {values.kind(right)}"
            raise self.error(
                node, "no-such-overload", f"{{}} compares {kinds}", "compare like with like"
            )
        return answer

    def connected(self, node: Binary) -> object:
        """A run of `&&` or `||`, in a loop because it may be long."""
        parts: list[Expression] = []
        rest: Expression = node
        while isinstance(rest, Binary) and rest.operator == node.operator:
            parts.append(rest.right)
            rest = rest.left
        parts.append(rest)
        settled = _Settled(node.operator == "||")
        for part in reversed(parts):
            if self.settles(settled, part, surely=True):
                break
        return settled.value()

    def settles(self, settled: _Settled, node: Expression, *, surely: bool) -> bool:
        """Adds one operand to a disjunction or conjunction; True if it decides the whole."""
        value = self.verdict(node)
        # What an element that is perhaps not there would decide, or fail at, is only perhaps so.
        if not surely and (value is settled.decisive or isinstance(value, EvaluationError)):
            value = UNKNOWN
        return settled.add(value)

    def verdict(self, node: Expression) -> bool | Unknown | EvaluationError:
        """A condition's value, or the error in its place."""
        value = self.attempted(node)
        if isinstance(value, (bool, Unknown, EvaluationError)):
            return value
        return self.not_a_bool(node, value)

    def member(self, node: Binary) -> object:
        """`a in list` is `list.exists(e, e == a)`; `key in map` asks for the key."""
        wanted, within = self.attempted(node.left), self.attempted(node.right)
        if within is UNKNOWN or (wanted is UNKNOWN and isinstance(within, EvaluationError)):
            return UNKNOWN
        for operand in (wanted, within):
            if isinstance(operand, EvaluationError):
                raise operand
        members = values.members_of(within)
        if members is None:
            raise self.error(
                node,
                "no-such-overload",
                f"{{}} looks inside {values.kind(within)}",
                "use `in` with a list or a map",
            )
        settled = _Settled(True)
        for item, surely in members:
            same = values.equal(item, wanted, self.work)
            if settled.add(UNKNOWN if same is True and not surely else same):
                break
        return settled.value()

    def conditional(self, node: Conditional) -> object:
        while True:  # a chain of conditionals hangs to the right, and may be long
            condition = self.value(node.condition)
            if condition is UNKNOWN:
                return UNKNOWN
            if not isinstance(condition, bool):
                raise self.not_a_bool(node.condition, condition)
            if condition:
                return self.value(node.then)
            if not isinstance(node.otherwise, Conditional):
                return self.value(node.otherwise)
            node = node.otherwise

    def call(self, node: Call) -> object:
        name = node.function.removeprefix(".")
        arguments = node.arguments if node.target is None else (node.target, *node.arguments)
        function = functions.FUNCTIONS.get((name, node.target is not None, len(arguments)))
        if function is None:
            raise self.no_such_function(node, name)
        operands = self.operands(arguments)
        if operands is None:
            return UNKNOWN
        if (
            any(isinstance(operand, Perhaps) for operand in operands)
            and function not in functions.SEES_PERHAPS
        ):
            return UNKNOWN
        return self.located(node, function, *operands, self.work)

    def no_such_function(self, node: Call, name: str) -> EvaluationError:
        if name in functions.NAMES:
            return self.error(
                node,
                "no-such-overload",
                f"{{}} calls `{name}` in a way it can't be called",
                "see the page on the language",
            )
        return self.error(
            node,
            "no-such-function",
            f"{{}} calls `{name}`, which there isn't",
            nearest(name, functions.NAMES),
        )

    # Macros

    def comprehension(self, node: Comprehension) -> object:
        target = self.value(node.target)
        if target is UNKNOWN:
            return UNKNOWN
        members = values.members_of(target)
        if members is None:
            raise self.error(
                node.target,
                "no-such-overload",
                f"{{}} is {values.kind(target)}, not a list",
                f"use `{node.kind}` on a list or a map",
            )
        hidden = self.variables
        self.variables = dict(hidden)
        try:
            return _MACROS[node.kind](self, node, members)
        finally:
            self.variables = hidden

    def quantifier(self, node: Comprehension, members: list[tuple[object, bool]]) -> object:
        """`exists` and `all`: an element that is perhaps there can't decide either."""
        settled = _Settled(node.kind == "exists")
        for item, surely in members:
            self.variables[node.variable] = item
            if self.settles(settled, node.body, surely=surely):
                break
        return settled.value()

    def exists_one(self, node: Comprehension, members: list[tuple[object, bool]]) -> object:
        sure = perhaps = 0
        for item, surely in members:
            self.variables[node.variable] = item
            kept = self.verdict(node.body)
            if isinstance(kept, EvaluationError) and surely:
                raise kept
            if kept is True and surely:
                sure += 1
            elif kept is not False:
                perhaps += 1
        if sure > 1:
            return False
        return UNKNOWN if perhaps else sure == 1

    def filter(self, node: Comprehension, members: list[tuple[object, bool]]) -> object:
        return self.filtered(node, node.body, members)

    def filtered(
        self, node: Comprehension, keep: Expression, members: list[tuple[object, bool]]
    ) -> object:
        left: list[tuple[object, bool]] = []
        failed = False
        for item, surely in members:
            self.variables[node.variable] = item
            kept = self.verdict(keep)
            if isinstance(kept, EvaluationError):
                if surely:
                    raise kept
                failed = True
            elif kept is not False:
                left.append((item, surely and kept is True))
        return UNKNOWN if failed else values.collected(left)

    def map(self, node: Comprehension, members: list[tuple[object, bool]]) -> object:
        if node.keep is not None:
            filtered = self.filtered(node, node.keep, members)
            if filtered is UNKNOWN:
                return UNKNOWN
            members = values.members_of(filtered) or []
        mapped: list[tuple[object, bool]] = []
        failed = False
        for item, surely in members:
            self.variables[node.variable] = item
            value = self.attempted(node.body)
            if isinstance(value, EvaluationError):
                if surely:
                    raise value
                failed = True
            mapped.append((value, surely))
        return UNKNOWN if failed else values.collected(mapped)


class _Settled:
    """A disjunction (`decisive` is True) or conjunction (False) while its operands come in."""

    __slots__ = ("decided", "decisive", "error", "unknown")

    def __init__(self, decisive: bool) -> None:
        self.decisive = decisive
        self.decided = self.unknown = False
        self.error: EvaluationError | None = None

    def add(self, value: object) -> bool:
        if value is self.decisive:
            self.decided = True
        elif value is UNKNOWN:
            self.unknown = True
        elif isinstance(value, EvaluationError):
            self.error = self.error or value
        return self.decided

    def value(self) -> object:
        if self.decided:
            return self.decisive
        if self.unknown:
            return UNKNOWN
        if self.error is not None:
            raise self.error
        return not self.decisive


def _indexed(target: object, index: object) -> object:
    if isinstance(target, Map):
        return target.get(index)
    if not isinstance(target, list):
        raise Fault(
            "no-such-overload",
            f"{{}} asks {values.kind(target)} for an element",
            "use a list or a map",
        )
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    if type(index) is not int:
        raise Fault(
            "no-such-overload",
            f"{{}} asks a list for the element at {values.kind(index)}",
            "use an int",
        )
    if not 0 <= index < len(target):
        raise Fault(
            "index-out-of-range",
            f"{{}} asks for the element at {index} of {len(target)}",
            "count from 0",
        )
    return target[index]


_MEANINGS: dict[type, Callable[..., object]] = {
    Literal: _Evaluation.literal,
    Name: _Evaluation.name,
    Select: _Evaluation.select,
    Index: _Evaluation.index,
    Call: _Evaluation.call,
    ListOf: _Evaluation.list_of,
    MapOf: _Evaluation.map_of,
    Unary: _Evaluation.unary,
    Binary: _Evaluation.binary,
    Conditional: _Evaluation.conditional,
    Comprehension: _Evaluation.comprehension,
}
_MACROS: dict[str, Callable[..., object]] = {
    "exists": _Evaluation.quantifier,
    "all": _Evaluation.quantifier,
    "exists_one": _Evaluation.exists_one,
    "filter": _Evaluation.filter,
    "map": _Evaluation.map,
}
