"""Typed trees to Python functions: what decides in earnest.

A decision on a day becomes one function that gives its possible outcomes, highest first, and each rule one that gives True,
False or None. The generated code does what `walk` does, with the three-valued connectives written out inline so that a
decided operand ends the work at once. Names from a pack never reach the source: constants and keys are passed in by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules import tree
from rules.exact import Interval, add
from rules.resolve import DecisionInForce
from rules.walk import compared, computed, total

Read = Callable[[str], str | None]
Condition = Callable[[Mapping[str, Any], Read, Read], bool | None]
Settle = Callable[[Mapping[str, Any], Read, Read], list[str]]


def compile_condition(node: tree.Tree, parameters: Mapping[str, Any]) -> Condition:
    """The condition as a function of facts by path, other decisions' outcomes and clocks' statuses."""
    writer = _Writer(parameters)
    compiled: Condition = writer.compiled([f"return {writer.expression(node)}"])
    return compiled


def compile_decision(decision: DecisionInForce, parameters: Mapping[str, Any]) -> Settle:
    """The decision as a function that gives every possible outcome, in the order of their precedence.

    It stops at the first outcome with a true rule: nothing below that can be the outcome.
    """
    writer = _Writer(parameters)
    lines = ["possible = []"]
    for outcome, rules in decision.ranks:
        named = writer.constant(outcome)
        lines.append("unknown = False")
        for rule in rules:
            lines += [
                f"value = {writer.expression(rule.condition)}",
                f"if value: possible.append({named}); return possible",
                "if value is None: unknown = True",
            ]
        lines.append(f"if unknown: possible.append({named})")
    last = writer.constant(decision.otherwise.outcome)
    order = writer.constant(decision.decision.outcomes.index)
    lines += [f"if {last} not in possible: possible.append({last}); possible.sort(key={order})", "return possible"]
    settle: Settle = writer.compiled(lines)
    return settle


def _exists(records: Any, test: Callable[[Any], bool | None]) -> bool | None:
    if records is None:
        return None
    result: bool | None = False
    for record in records:
        value = test(record)
        if value:
            return True
        if value is None:
            result = None
    return result


def _all(records: Any, test: Callable[[Any], bool | None]) -> bool | None:
    if records is None:
        return None
    result: bool | None = True
    for record in records:
        value = test(record)
        if value is False:
            return False
        if value is None:
            result = None
    return result


def _counted(
    records: Any, keep: Callable[[Any], bool | None] | None, value: Callable[[Any], Any] | None, low: Any, high: Any
) -> Any:
    if records is None:
        return None
    known: Any = 0
    for record in records:
        kept = True if keep is None else keep(record)
        if kept is False:
            continue
        amount = 1 if value is None else value(record)
        if kept is None or amount is None or amount.__class__ is Interval:
            return total(
                [(True if keep is None else keep(one), 1 if value is None else value(one)) for one in records], low, high
            )
        known = add(known, amount) if known else amount
    return known


class _Writer:
    """Writes one expression; `constants` are the values its source names."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = parameters
        self.constants: dict[str, Any] = {}
        self.facts: dict[str, str] = {}
        self.temporaries = 0
        self.variables: dict[str, str] = {}

    def compiled(self, lines: list[str]) -> Any:
        # A fact is looked up once, however many rules read it.
        looked_up = [f"{name} = facts.get({self.constant(path)})" for path, name in self.facts.items()]
        body = "\n".join(f"    {line}" for line in [*looked_up, *lines])
        names: dict[str, Any] = {
            "compared": compared,
            "computed": computed,
            "exists": _exists,
            "all_of": _all,
            "counted": _counted,
            **self.constants,
        }
        exec(compile(f"def compiled(facts, outcome, status):\n{body}\n", "<pack>", "exec"), names)
        return names["compiled"]

    def constant(self, value: Any) -> str:
        if value is None or isinstance(value, (bool, int)):
            return repr(value)
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def fact(self, path: str) -> str:
        return self.facts.setdefault(path, f"f{len(self.facts)}")

    def temporary(self) -> str:
        self.temporaries += 1
        return f"t{self.temporaries}"

    def expression(self, node: tree.Tree) -> str:
        match node:
            case tree.Constant(value):
                return self.constant(value)
            case tree.FactOf(fact):
                return self.fact(fact.path)
            case tree.FieldOf(variable, fact):
                return f"{self.variables[variable]}.get({self.constant(fact.name)})"
            case tree.ParameterOf(name):
                return self.constant(self.parameters[name])
            case tree.OutcomeOf(decision):
                return f"outcome({self.constant(decision)})"
            case tree.StatusOf(clock):
                return f"status({self.constant(clock)})"
            case tree.Not(operand):
                held = self.temporary()
                return f"(None if ({held} := {self.expression(operand)}) is None else not {held})"
            case tree.And(items):
                return self.connective(items, "{} is False", "False", "True")
            case tree.Or(items):
                return self.connective(items, "{} is True", "True", "False")
            case tree.Compare(operator, left, right):
                return self.comparison(operator, left, right)
            case tree.Member(item, values):
                if values == ():
                    return "False"
                held, looked_for = self.temporary(), self.expression(item)
                among = self.among(values)
                if _may_be_interval(item):
                    return f"exists({among}, lambda one, held={looked_for}: compared('==', held, one))"
                return f"(None if ({held} := {looked_for}) is None else {held} in {among})"
            case tree.Choose(condition, then, otherwise):
                held = self.temporary()
                return (
                    f"(None if ({held} := {self.expression(condition)}) is None else "
                    f"{self.expression(then)} if {held} else {self.expression(otherwise)})"
                )
            case tree.Arithmetic(operator, left, right):
                return f"computed({operator!r}, {self.expression(left)}, {self.expression(right)})"
            case tree.Quantifier(kind, over, variable, body):
                name = "exists" if kind == "exists" else "all_of"
                return f"{name}({self.fact(over.path)}, {self.function(variable, body)})"
            case tree.Total(over, variable, keep, value, low, high):
                kept = "None" if keep is None else self.function(variable, keep)
                valued = "None" if value is None else self.function(variable, value)
                bounds = f"{self.constant(low)}, {self.constant(high)}"
                return f"counted({self.fact(over.path)}, {kept}, {valued}, {bounds})"
        raise AssertionError(node)

    def among(self, values: tuple[Any, ...] | tree.ParameterOf) -> str:
        return self.constant(self.parameters[values.name] if isinstance(values, tree.ParameterOf) else values)

    def connective(self, items: tuple[tree.Tree, ...], settles: str, settled: str, otherwise: str) -> str:
        held = [self.temporary() for _ in items]
        tests = " or ".join(
            settles.format(f"({name} := {self.expression(item)})") for name, item in zip(held, items, strict=True)
        )
        unknown = " or ".join(f"{name} is None" for name in held)
        return f"({settled} if {tests} else None if {unknown} else {otherwise})"

    def comparison(self, operator: str, left: tree.Tree, right: tree.Tree) -> str:
        if _may_be_interval(left) or _may_be_interval(right):
            return f"compared({operator!r}, {self.expression(left)}, {self.expression(right)})"
        sides, unknown = [], []
        for side in (left, right):
            if isinstance(side, (tree.Constant, tree.ParameterOf)):
                sides.append(self.expression(side))
            else:
                held = self.temporary()
                unknown.append(f"({held} := {self.expression(side)}) is None")
                sides.append(held)
        compared_sides = f"{sides[0]} {operator} {sides[1]}"
        return f"(None if {' or '.join(unknown)} else {compared_sides})" if unknown else f"({compared_sides})"

    def function(self, variable: str, body: tree.Tree) -> str:
        outer = self.variables.get(variable)
        self.temporaries += 1
        name = f"v{self.temporaries}"
        self.variables[variable] = name
        written = f"lambda {name}: {self.expression(body)}"
        if outer is not None:
            self.variables[variable] = outer
        return f"({written})"


def _may_be_interval(node: tree.Tree) -> bool:
    return any(isinstance(part, tree.Total) for part in tree.nodes(node))
