"""Surface tree and vocabulary to typed tree: the stage at which a condition is found to mean something, or refused.

What holds afterwards: every name is a fact, a parameter, a decision, a clock or a bound variable; every comparison is of
like with like, in the same unit, with a choice that exists; nothing is left that could fail on any facts. `filter` and
`map` are folded away (see `tree`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NoReturn

from rules.errors import ConditionError, PackError, Place, nearest
from rules.frozen import frozen
from rules.input.facts import iso_day
from rules.input.vocabulary import Fact, Vocabulary
from rules.input.yaml import Node
from rules.language import syntax, tree
from rules.language.exact import EXACT
from rules.language.parse import parse

NUMBERS = ("int", "decimal")
ORDERED = (*NUMBERS, "date", "timestamp", "duration")
DEEPEST = 80  # Python takes 200 nested brackets, and a compiled condition has two a level
LONGEST = {"days": 73_000, "hours": 1_752_000, "years": 200}


@frozen
class Type:
    """What a part of a condition is. `low` and `high` bound a number; `choices` list a choice's words."""

    name: str
    choices: tuple[str, ...] = ()
    unit: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None


BOOL = Type("bool")


@frozen
class Pipeline:
    """A list while it is being folded: `over.filter(variable, keep).map(variable, item)`."""

    over: Fact
    variable: str
    keep: tree.Tree | None
    item: Typed | None  # None: still the record itself


Typed = tuple[tree.Tree, Type]


@frozen
class Scope:
    """The names that a condition may use. `parameters` maps a name to its unit (`codes` for a list of texts)."""

    vocabulary: Vocabulary
    parameters: Mapping[str, str]
    decisions: Mapping[str, tuple[str, ...]]
    clocks: tuple[str, ...]
    collecting: tuple[str, ...] = ()


def check(condition: Node, scope: Scope) -> tree.Tree:
    """The typed tree of one condition. Raises `PackError` at the line and column of what is wrong."""
    if isinstance(condition.value, (list, dict)):
        condition.fail(
            "wrong-shape", "the condition is not a text", "put the condition in quotes: '…'"
        )
    text = condition.text("the condition")
    before = len(str(condition.value)) - len(str(condition.value).lstrip()) + condition.quoted

    def place(offset: int) -> Place:
        if not condition.verbatim:
            return condition.place
        return Place(condition.file, condition.line, condition.column + before + offset)

    try:
        surface = parse(text)
    except ConditionError as error:
        at = place(error.offset)
        raise PackError(error.code, error.message, at=at, fix=error.fix) from None
    checker = _Checker(scope, text, place)
    node, kind = checker.value(surface, {})
    if kind.name != "bool":
        checker.fail(
            surface,
            "not-a-condition",
            "{} is not a yes-or-no question",
            "compare it with something",
        )
    if _is_deep(node):
        checker.fail(
            surface,
            "too-deep",
            f"{{}} nests more than {DEEPEST} levels",
            "split the rule, or use fewer brackets",
        )
    return node


class _Checker:
    def __init__(self, scope: Scope, text: str, place: Callable[[int], Place]) -> None:
        self.scope = scope
        self.text = text
        self.place = place

    def fail(self, node: syntax.Expression, code: str, message: str, fix: str = "") -> NoReturn:
        """`message` has `{}` where the part at fault stands."""
        part = self.text[node.start : node.end]
        shown = part if len(part) <= 60 else part[:57] + "…"
        raise PackError(
            code, message.replace("{}", f"`{shown}`"), at=self.place(node.start), fix=fix
        )

    # Values

    def value(self, node: syntax.Expression, bound: Mapping[str, Pipeline]) -> Typed:
        match node:
            case syntax.Literal():
                return self.literal(node)
            case syntax.Name() | syntax.Select():
                return self.named(node, bound)
            case syntax.Unary("!", operand):
                inner, kind = self.value(operand, bound)
                self.must_be_bool(operand, kind)
                return tree.Not(inner), BOOL
            case syntax.Unary("-", operand):
                return self.negative(node, bound)
            case syntax.Binary("&&" | "||" as operator):
                return self.connective(node, operator, bound)
            case syntax.Binary("in"):
                return self.member(node, bound)
            case syntax.Binary("==" | "!=" | "<" | "<=" | ">" | ">="):
                return self.comparison(node, bound)
            case syntax.Binary("+" | "-" | "*"):
                return self.arithmetic(node, bound)
            case syntax.Binary(operator):
                self.fail(
                    node,
                    "not-in-packs",
                    f"`{operator}` in {{}} can fail, and a pack's condition may not",
                    "rewrite it without dividing",
                )
            case syntax.Conditional():
                return self.choice(node, bound)
            case syntax.Comprehension("exists" | "all"):
                return self.quantifier(node, bound)
            case syntax.Comprehension("filter" | "map"):
                self.fail(
                    node,
                    "list-alone",
                    "{} is a list where one value is needed",
                    "ask for its size, sum or exists",
                )
            case syntax.Call():
                return self.call(node, bound)
            case syntax.ListOf():
                self.fail(
                    node,
                    "list-alone",
                    "{} is a list where one value is needed",
                    "write `x in [ … ]`",
                )
            case syntax.Index():
                self.fail_index(node)
            case _:
                self.fail(
                    node,
                    "not-in-packs",
                    "{} is CEL that a pack's condition may not use",
                    "see the page on the language for what it may",
                )

    def fail_index(self, node: syntax.Expression) -> NoReturn:
        self.fail(
            node,
            "not-in-packs",
            "{} picks out one part by its place",
            "ask whether one `exists`, or `all` are so",
        )

    def literal(self, node: syntax.Literal) -> Typed:
        match node.kind:
            case "bool":
                return tree.Constant(node.value), BOOL
            case "int" | "float":
                return self.number(node, Decimal(str(node.value)), whole=node.kind == "int")
            case "text":
                return tree.Constant(node.value), Type("text")
        self.fail(
            node,
            "no-null",
            "a condition can't ask for {}: unknown is not a value",
            "leave the comparison out",
        )

    def number(self, node: syntax.Expression, value: Decimal, *, whole: bool) -> Typed:
        if abs(value) >= 10**12 or value != round(value, 6):
            self.fail(
                node,
                "number-too-fine",
                "{} has over 12 digits before the point or 6 after it",
                "round it",
            )
        constant = int(value) if whole else value
        return tree.Constant(constant), Type("int" if whole else "decimal", low=value, high=value)

    def negative(self, node: syntax.Unary, bound: Mapping[str, Pipeline]) -> Typed:
        inner, kind = self.value(node.operand, bound)
        if kind.name not in NUMBERS:
            self.fail(node, "wrong-type", f"{{}} turns the sign of {_a(kind)}", "use a number")
        flipped = replace(kind, low=_negated(kind.high), high=_negated(kind.low))
        if isinstance(inner, tree.Constant):
            return tree.Constant(-inner.value), flipped
        return tree.Arithmetic("-", tree.Constant(0), inner), flipped

    def connective(
        self, node: syntax.Binary, operator: str, bound: Mapping[str, Pipeline]
    ) -> Typed:
        parts: list[tree.Tree] = []
        joined = tree.And if operator == "&&" else tree.Or
        waiting: list[syntax.Expression] = [node]
        while waiting:
            part = waiting.pop()
            if isinstance(part, syntax.Binary) and part.operator == operator:
                waiting += [part.right, part.left]
                continue
            inner, kind = self.value(part, bound)
            self.must_be_bool(part, kind)
            parts += inner.items if isinstance(inner, joined) else [inner]
        return joined(tuple(parts)), BOOL

    def must_be_bool(self, node: syntax.Expression, kind: Type) -> None:
        if kind.name != "bool":
            self.fail(
                node,
                "wrong-type",
                f"{{}} is {_a(kind)}, not a yes-or-no question",
                "compare it with something",
            )

    def choice(self, node: syntax.Conditional, bound: Mapping[str, Pipeline]) -> Typed:
        condition, kind = self.value(node.condition, bound)
        self.must_be_bool(node.condition, kind)
        then, one = self.value(node.then, bound)
        otherwise, other = self.value(node.otherwise, bound)
        self.must_match(node, one, other)
        joined = replace(
            one,
            name="decimal" if "decimal" in (one.name, other.name) else one.name,
            choices=tuple(dict.fromkeys(one.choices + other.choices)),
            unit=one.unit or other.unit,
            low=None if one.low is None or other.low is None else min(one.low, other.low),
            high=None if one.high is None or other.high is None else max(one.high, other.high),
        )
        return tree.Choose(condition, then, otherwise), joined

    # Names

    def named(self, node: syntax.Name | syntax.Select, bound: Mapping[str, Pipeline]) -> Typed:
        path = _dotted(node)
        if path is None:
            inner: syntax.Expression = node
            while isinstance(inner, syntax.Select):
                inner = inner.operand
            if isinstance(inner, syntax.Index):
                self.fail_index(inner)
            self.fail(node, "not-in-packs", "{} is not a fact", "name the fact by its path")
        if isinstance(node, syntax.Select) and node.test:
            self.fail(
                node,
                "not-in-packs",
                "{} asks whether a fact is known",
                "write the condition on the fact itself",
            )
        first, _, rest = path.partition(".")
        if first in bound:
            return self.of_variable(node, bound, first, rest)
        scope = self.scope
        if first == "clocks":
            if rest not in scope.clocks:
                self.fail(
                    node,
                    "unknown-clock",
                    "there is no clock {}",
                    nearest(path, [f"clocks.{c}" for c in scope.clocks]),
                )
            return tree.StatusOf(rest), Type("choice", tree.CLOCK_STATUSES[:-1])
        if path in scope.vocabulary.facts:
            fact = scope.vocabulary.facts[path]
            if fact.type == "list":
                self.fail(
                    node,
                    "list-alone",
                    "{} is a list where one value is needed",
                    "ask for its size, sum or exists",
                )
            if fact.kind == "event":
                self.fail(
                    node,
                    "reads-event",
                    "the condition reads the event {}, and only clocks may",
                    "read a clock's status",
                )
            return tree.FactOf(fact), fact_type(fact)
        if path in scope.parameters:
            unit = scope.parameters[path]
            if unit == "codes":
                self.fail(
                    node,
                    "list-alone",
                    "{} is a list of codes where one value is needed",
                    f"write `x in {path}`",
                )
            return tree.ParameterOf(path), Type("decimal", unit=unit)
        if path in scope.decisions:
            if path in scope.collecting:
                self.fail(
                    node,
                    "wrong-type",
                    "{} collects many outcomes and can't be compared",
                    "ask the facts instead",
                )
            return tree.OutcomeOf(path), Type("choice", scope.decisions[path])
        if path in scope.vocabulary.decisions:
            self.fail(
                node,
                "unknown-decision",
                "this program has no decision {}",
                "add it under `decisions`, or leave it out",
            )
        known = [
            *scope.vocabulary.facts,
            *scope.parameters,
            *scope.vocabulary.decisions,
            *scope.decisions,
            *bound,
            *(f"clocks.{c}" for c in scope.clocks),
        ]
        what = "fact" if rest else "fact, parameter or decision"
        self.fail(node, "unknown-fact", f"there is no {what} {{}}", nearest(path, known))

    def of_variable(
        self, node: syntax.Expression, bound: Mapping[str, Pipeline], name: str, rest: str
    ) -> Typed:
        pipeline = bound[name]
        if pipeline.item is not None:
            if rest:
                self.fail(
                    node,
                    "unknown-fact",
                    "{} asks a field of something that has none",
                    "leave the point out",
                )
            inside = {
                part.variable
                for part in tree.nodes(pipeline.item[0])
                if isinstance(part, (tree.Quantifier, tree.Total))
            }
            if inside & {one.variable for one in bound.values()}:
                self.fail(node, "name-clash", "{} holds a variable whose name is taken where it is used",
                          "choose another letter")  # fmt: skip
            return pipeline.item
        if not rest:
            self.fail(
                node,
                "record-alone",
                "{} is a whole record where one value is needed",
                "name one of its fields",
            )
        fields = pipeline.over.fields
        if rest not in fields:
            self.fail(
                node,
                "unknown-fact",
                f"`{pipeline.over.path}` has no field {{}}",
                nearest(rest, tuple(fields)),
            )
        fact = fields[rest]
        return tree.FieldOf(pipeline.variable, fact), fact_type(fact)

    # Lists

    def pipeline(self, node: syntax.Expression, bound: Mapping[str, Pipeline]) -> Pipeline:
        if isinstance(node, syntax.Comprehension) and node.kind in ("filter", "map"):
            inner = self.pipeline(node.target, bound)
            if inner.variable == "":
                inner = replace(inner, variable=self.fresh(node.variable, bound))
            within = {**bound, node.variable: inner}
            self.must_be_free(node, bound)
            if node.keep is not None:
                kept, kind = self.value(node.keep, within)
                self.must_be_bool(node.keep, kind)
                inner = replace(inner, keep=_both(inner.keep, kept))
            if node.kind == "map":
                return replace(inner, item=self.value(node.body, within))
            kept, kind = self.value(node.body, within)
            self.must_be_bool(node.body, kind)
            return replace(inner, keep=_both(inner.keep, kept))
        path = _dotted(node)
        fact = self.scope.vocabulary.facts.get(path) if path else None
        if fact is None or fact.type != "list":
            if (
                path
                and fact is None
                and path.partition(".")[0] not in bound
                and path not in self.scope.parameters
            ):
                facts, parameters = self.scope.vocabulary.facts, self.scope.parameters
                known = [path for path, fact in facts.items() if fact.type == "list"]
                known += [name for name, unit in parameters.items() if unit == "codes"]
                self.fail(node, "unknown-fact", "there is no list {}", nearest(path, known))
            self.fail(
                node,
                "not-a-list",
                "{} is not a list of facts",
                "walk a list such as `encounter.charges`",
            )
        return Pipeline(fact, "", None, None)

    def fresh(self, wanted: str, bound: Mapping[str, Pipeline]) -> str:
        taken = {pipeline.variable for pipeline in bound.values()}
        name, count = wanted, 1
        while name in taken or (count > 1 and self.is_taken(name)):
            count += 1
            name = f"{wanted}{count}"
        return name

    def is_taken(self, name: str) -> bool:
        """Whether a fact, parameter or decision begins with this name."""
        scope = self.scope
        first = {path.partition(".")[0] for path in scope.vocabulary.facts} | {"clocks"}
        return name in first or name in scope.parameters or name in scope.decisions

    def must_be_free(self, node: syntax.Comprehension, bound: Mapping[str, Pipeline]) -> None:
        name = node.variable
        if self.is_taken(name) or name in bound:
            self.fail(
                node,
                "name-clash",
                f"the variable `{name}` in {{}} has a name that is taken",
                "choose another letter",
            )

    def quantifier(self, node: syntax.Comprehension, bound: Mapping[str, Pipeline]) -> Typed:
        inner = self.pipeline(node.target, bound)
        self.must_be_free(node, bound)
        if inner.variable == "":
            inner = replace(inner, variable=self.fresh(node.variable, bound))
        body, kind = self.value(node.body, {**bound, node.variable: inner})
        self.must_be_bool(node.body, kind)
        return _quantified(node.kind, inner, body), BOOL

    def call(self, node: syntax.Call, bound: Mapping[str, Pipeline]) -> Typed:
        if node.target is None and node.function in ("size", "sum") and len(node.arguments) == 1:
            inner = self.pipeline(node.arguments[0], bound)
            variable = inner.variable or self.fresh("item", bound)
            if node.function == "size":
                total = tree.Total(inner.over, variable, inner.keep, None, None, None)
                return total, Type("int", unit="count", low=Decimal(0))
            if inner.item is None or inner.item[1].name not in NUMBERS:
                self.fail(
                    node,
                    "wrong-type",
                    "{} sums something other than numbers",
                    "map each record to a number first",
                )
            value, kind = inner.item
            summed = Type(
                kind.name,
                unit=kind.unit,
                low=Decimal(0) if kind.low is not None and kind.low >= 0 else None,
                high=Decimal(0) if kind.high is not None and kind.high <= 0 else None,
            )
            return tree.Total(inner.over, variable, inner.keep, value, kind.low, kind.high), summed
        if node.target is None and node.function in ("date", "days", "hours", "years"):
            return self.written_out(node)
        known = ("size", "sum", "exists", "all", "filter", "map", "date", "days", "hours", "years")
        if node.function in known:
            self.fail(
                node,
                "wrong-arguments",
                "{} has the wrong arguments",
                f"write `{_USES[node.function]}`",
            )
        self.fail(
            node,
            "unknown-function",
            f"there is no function `{node.function}` for a pack's condition",
            nearest(node.function, known),
        )

    def written_out(self, node: syntax.Call) -> Typed:
        """`date("…")`, `days(n)`, `hours(n)`, `years(n)`: of a literal only, so that they can't fail later."""
        argument = node.arguments[0] if len(node.arguments) == 1 else None
        sign = 1
        if isinstance(argument, syntax.Unary) and argument.operator == "-":
            sign, argument = -1, argument.operand
        if node.function == "date":
            if isinstance(argument, syntax.Literal) and argument.kind == "text" and sign == 1:
                day = iso_day(str(argument.value))
                if day is None:
                    self.fail(
                        node, "no-such-day", "{} is not a day", 'write it as `date("2014-04-01")`'
                    )
                return tree.Constant(day), Type("date")
            self.fail(
                node,
                "wrong-arguments",
                "{} is not of a date written out",
                'write it as `date("2014-04-01")`',
            )
        if not (isinstance(argument, syntax.Literal) and argument.kind == "int"):
            self.fail(
                node,
                "wrong-arguments",
                "{} is not of a whole number written out",
                f"write `{node.function}(3)`",
            )
        number = sign * int(str(argument.value))
        if abs(number) > LONGEST[node.function]:
            self.fail(node, "number-too-large", "{} is longer than 200 years", "use a shorter time")
        if node.function == "years":
            return tree.Constant(tree.Years(number)), Type("years")
        length = timedelta(days=number) if node.function == "days" else timedelta(hours=number)
        return tree.Constant(length), Type("duration")

    # Operators

    def comparison(self, node: syntax.Binary, bound: Mapping[str, Pipeline]) -> Typed:
        for side in (node.left, node.right):
            self.refuse_list(side, bound)
        left, one = self.value(node.left, bound)
        right, other = self.value(node.right, bound)
        self.must_match(node, one, other)
        if node.operator not in ("==", "!=") and not (
            one.name in ORDERED and other.name in ORDERED
        ):
            self.fail(
                node, "wrong-type", f"{{}} orders {_a(one)}, which has no order", "use `==` or `in`"
            )
        if node.operator in ("==", "!="):
            self.must_be_choice(node.left, left, other)
            self.must_be_choice(node.right, right, one)
        return tree.Compare(node.operator, left, right), BOOL

    def refuse_list(self, node: syntax.Expression, bound: Mapping[str, Pipeline]) -> None:
        path = _dotted(node)
        fact = self.scope.vocabulary.facts.get(path) if path else None
        listed = isinstance(node, syntax.ListOf) or (fact is not None and fact.type == "list")
        folded = isinstance(node, syntax.Comprehension) and node.kind in ("filter", "map")
        whole = path in bound and bound[path].item is None if path else False
        if listed or folded or whole:
            self.fail(
                node,
                "list-equality",
                "{} is a list or a record and can't be compared as a whole",
                "use `size(…)`, `.exists(…)` or `.all(…)`",
            )

    def must_match(self, node: syntax.Expression, one: Type, other: Type) -> None:
        texts = ("text", "choice")
        same = one.name == other.name or (one.name in NUMBERS and other.name in NUMBERS)
        if not same and not (one.name in texts and other.name in texts):
            self.fail(
                node,
                "wrong-type",
                f"{{}} sets {_a(one)} against {_a(other)}",
                "compare like with like",
            )
        self.must_have_unit(node, one, other)

    def must_have_unit(self, node: syntax.Expression, one: Type, other: Type) -> None:
        if one.unit and other.unit and one.unit != other.unit:
            self.fail(
                node,
                "wrong-unit",
                f"{{}} sets `{one.unit}` against `{other.unit}`",
                "use a value in the same unit",
            )

    def must_be_choice(self, node: syntax.Expression, value: tree.Tree, kind: Type) -> None:
        if isinstance(value, tree.Choose):
            self.must_be_choice(node, value.then, kind)
            self.must_be_choice(node, value.otherwise, kind)
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

    def member(self, node: syntax.Binary, bound: Mapping[str, Pipeline]) -> Typed:
        self.refuse_list(node.left, bound)
        item, kind = self.value(node.left, bound)
        right = node.right
        if isinstance(right, syntax.ListOf):
            values = []
            for part in right.items:
                value, other = self.value(part, bound)
                self.must_match(part, kind, other)
                self.must_be_choice(part, value, kind)
                self.must_be_choice(node.left, item, other)
                values.append(value)
            if all(isinstance(value, tree.Constant) for value in values):
                return tree.Member(
                    item, tuple(v.value for v in values if isinstance(v, tree.Constant))
                ), BOOL
            same = tuple(tree.Compare("==", item, value) for value in values)
            return tree.Or(same) if len(same) > 1 else same[0], BOOL
        path = _dotted(right)
        if path is not None and self.scope.parameters.get(path) == "codes":
            if kind.name not in ("text", "choice"):
                self.fail(
                    node, "wrong-type", f"{{}} looks for {_a(kind)} among texts", "look for a text"
                )
            return tree.Member(item, tree.ParameterOf(path)), BOOL
        inner = self.pipeline(right, bound)
        if inner.item is None:
            self.fail(
                right,
                "record-alone",
                "{} is a list of records",
                "map each record to one of its fields first",
            )
        value, other = inner.item
        self.must_match(node, kind, other)
        self.must_be_choice(node.left, item, other)
        return _quantified("exists", inner, tree.Compare("==", value, item)), BOOL

    def arithmetic(self, node: syntax.Binary, bound: Mapping[str, Pipeline]) -> Typed:
        left, one = self.value(node.left, bound)
        right, other = self.value(node.right, bound)
        operator = node.operator
        if one.name in NUMBERS and other.name in NUMBERS:
            return tree.Arithmetic(operator, left, right), self.number_type(node, one, other)
        if operator == "+" and other.name in ("date", "timestamp"):
            (left, one), (right, other) = (right, other), (left, one)
        moved = {
            ("date", "duration"): "date",
            ("date", "years"): "date",
            ("timestamp", "duration"): "timestamp",
            ("duration", "duration"): "duration",
        }.get((one.name, other.name))
        if operator == "-" and one.name == other.name and one.name in ("date", "timestamp"):
            moved = "duration"
        if moved is None or operator == "*":
            self.fail(
                node,
                "wrong-type",
                f"{{}} has no meaning for {_a(one)} and {_a(other)}",
                "check the two sides",
            )
        if one.name == "date" and other.name == "duration" and not _of_whole_days(right):
            self.fail(node, "wrong-unit", "{} moves a day by hours", "use `days(n)` or a timestamp")
        return tree.Arithmetic(operator, left, right), Type(moved)

    def number_type(self, node: syntax.Binary, one: Type, other: Type) -> Type:
        name = "decimal" if "decimal" in (one.name, other.name) else "int"
        if node.operator == "*":
            if one.unit and other.unit:
                self.fail(
                    node,
                    "wrong-unit",
                    f"{{}} multiplies `{one.unit}` by `{other.unit}`",
                    "leave one unit out",
                )
            ends = [
                None if a is None or b is None else EXACT.multiply(a, b)
                for a in (one.low, one.high)
                for b in (other.low, other.high)
            ]
            known = [end for end in ends if end is not None]
            bounded = len(known) == len(ends)
            positive = all(low is not None and low >= 0 for low in (one.low, other.low))
            low = min(known) if bounded else Decimal(0) if positive else None
            return Type(
                name, unit=one.unit or other.unit, low=low, high=max(known) if bounded else None
            )
        self.must_have_unit(node, one, other)
        if node.operator == "-":
            other = replace(other, low=_negated(other.high), high=_negated(other.low))
        low = None if one.low is None or other.low is None else EXACT.add(one.low, other.low)
        high = None if one.high is None or other.high is None else EXACT.add(one.high, other.high)
        return Type(name, unit=one.unit or other.unit, low=low, high=high)


_IN_WORDS = {
    "bool": "a yes or no",
    "int": "a whole number",
    "decimal": "a number",
    "timestamp": "a time",
    "duration": "a length of time",
    "years": "a number of years",
}
_USES = {
    "size": "size(list)",
    "sum": "sum(list.map(x, x.number))",
    "exists": "list.exists(x, …)",
    "all": "list.all(x, …)",
    "filter": "list.filter(x, …)",
    "map": "list.map(x, …)",
    "date": 'date("2014-04-01")',
    "days": "days(7)",
    "hours": "hours(72)",
    "years": "years(10)",
}


def _is_deep(node: tree.Tree) -> bool:
    level = [node]
    for _ in range(DEEPEST):
        level = [child for one in level for child in tree.children(one)]
        if not level:
            return False
    return True


def _a(kind: Type) -> str:
    return _IN_WORDS.get(kind.name, f"a {kind.name}")


def fact_type(fact: Fact) -> Type:
    return Type(fact.type, fact.choices, fact.unit, fact.low, fact.high)


def _of_whole_days(length: tree.Tree) -> bool:
    """Whether a length of time is surely made of whole days: written so, or between two days."""
    match length:
        case tree.Constant(timedelta() as value):
            return not value.seconds
        case tree.Constant(value):
            return type(value) is date
        case tree.FactOf(fact) | tree.FieldOf(_, fact):
            return fact.type == "date"
        case tree.Arithmetic(_, left, right):
            return _of_whole_days(left) and ((isinstance(right, tree.Constant) and isinstance(right.value, tree.Years))
                                             or _of_whole_days(right))  # fmt: skip
        case tree.Choose(_, then, otherwise):
            return _of_whole_days(then) and _of_whole_days(otherwise)
    return False


def _negated(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.copy_negate()


def _dotted(node: syntax.Expression) -> str | None:
    parts: list[str] = []
    while isinstance(node, syntax.Select):
        parts.append(node.field)
        node = node.operand
    if not isinstance(node, syntax.Name):
        return None
    return ".".join([node.name, *reversed(parts)])


def _both(one: tree.Tree | None, other: tree.Tree) -> tree.Tree:
    if one is None:
        return other
    items = (
        *(one.items if isinstance(one, tree.And) else (one,)),
        *(other.items if isinstance(other, tree.And) else (other,)),
    )
    return tree.And(items)


def _quantified(kind: str, inner: Pipeline, body: tree.Tree) -> tree.Tree:
    """`filter(p).exists(q)` is `exists(p && q)`; `filter(p).all(q)` is `all(!p || q)`."""
    if inner.keep is not None:
        if kind == "exists":
            body = _both(inner.keep, body)
        else:
            rest = body.items if isinstance(body, tree.Or) else (body,)
            body = tree.Or((tree.Not(inner.keep), *rest))
    return tree.Quantifier(kind, inner.over, inner.variable, body)
