"""Typed trees to Python functions: what decides in earnest.

A decision on a day becomes one function that gives its possible outcomes, highest first, and each rule one that gives True,
False or None. The generated code does what `walk` does, with the three-valued connectives written out inline so that a
decided operand ends the work at once. Names from a pack never reach the source: constants and keys are passed in by number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rules.decide.explain import Names
from rules.decide.walk import compared, computed, disjunction, total
from rules.input.facts import PLAIN, plain
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.exact import Interval, add
from rules.packs.resolve import DecisionInForce

Read = Callable[[str], str | None]
Condition = Callable[[Mapping[str, Any], Read, Read], bool | None]
Shown = Callable[[Mapping[str, Any], Read, Read], dict[str, Any]]
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
        for condition in sorted((rule.condition for rule in rules), key=_cost):
            lines += [
                f"value = {writer.expression(condition)}",
                f"if value: possible.append({named}); return possible",
                "if value is None: unknown = True",
            ]
        lines.append(f"if unknown: possible.append({named})")
    last, order = decision.otherwise.outcome, decision.decision.outcomes.index
    lines.append(
        f"if {writer.constant(last)} not in possible: possible.append({writer.constant(last)})"
    )
    if any(order(outcome) > order(last) for outcome, _ in decision.ranks):
        lines.append(f"possible.sort(key={writer.constant(order)})")
    settle: Settle = writer.compiled([*lines, "return possible"])
    return settle


def compile_shown(named: Names) -> Shown:
    """What `explain.known` finds of these names, none of which is a variable's field: as JSON holds it, sorted by path."""
    writer = _Writer({})

    def shown(found: str, at: str) -> str:
        return f"if (value := {found}) is not None: shown[{at}] = value if value.__class__ in PLAIN else plain(value)"

    pieces: dict[str, list[str]] = {}
    for path in named.facts:
        pieces[path] = [shown(f"facts.get({writer.constant(path)})", writer.constant(path))]
    for decision in named.decisions:
        path = f"decisions.{decision}"
        pieces[path] = [shown(f"outcome({writer.constant(decision)})", writer.constant(path))]
    for clock in named.clocks:
        pieces[f"clocks.{clock}"] = [
            shown(f"status({writer.constant(clock)})", writer.constant(f"clocks.{clock}"))
        ]
    for path, fields in named.lists:
        whole, opened = writer.constant(path), writer.constant(f"{path}[")
        read = [(writer.constant(name), writer.constant(f"].{name}")) for name in fields]
        pieces[path] = [
            f"records = facts.get({whole})",
            "if records is not None:",
            f"    if not records or {not fields}: shown[{whole}] = plain(records); ordered = False",
            "    if len(records) > 10: ordered = False",
            "    for index, record in enumerate(records):",
            "        at = str(index)",
            *(
                f"        {shown(f'record.get({name})', f'{opened} + at + {closed}')}"
                for name, closed in read
            ),
        ]
    lines = [
        "shown = {}; ordered = True",
        *(line for path in sorted(pieces) for line in pieces[path]),
    ]
    lines.append("return shown if ordered else dict(sorted(shown.items()))")
    compiled: Shown = writer.compiled(lines)
    return compiled


def _cost(node: tree.Tree) -> int:
    """How much work the condition takes: what reads a record is done before what walks a list or asks another decision.

    Conditions are total and their connectives commute, so the order in which parts are looked at changes no value.
    """
    parts = list(tree.nodes(node))
    walks = sum(
        isinstance(part, (tree.Quantifier, tree.Total, tree.OutcomeOf, tree.StatusOf))
        for part in parts
    )
    return 100 * walks + len(parts)


def _found(among: Iterable[Any], held: Any) -> bool | None:
    """Whether a number that may be an interval is among these."""
    return disjunction([compared("==", held, one) for one in among])


class _Writer:
    """Writes one expression; `constants` are the values its source names."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = parameters
        self.constants: dict[str, Any] = {}
        self.facts: dict[str, str] = {}
        self.temporaries = 0
        self.variables: dict[str, str] = {}
        self.loops: list[list[str]] = []  # a function each, before the one that calls them
        self.read: set[str] = set()  # names from outside the loop that is being written

    def compiled(self, lines: list[str]) -> Any:
        # A fact is looked up once, however many rules read it.
        looked_up = [
            f"{name} = facts.get({self.constant(path)})" for path, name in self.facts.items()
        ]
        loops = [line for loop in self.loops for line in loop]
        source = [
            *loops,
            "def compiled(facts, outcome, status):",
            *(f"    {line}" for line in (*looked_up, *lines)),
        ]
        names: dict[str, Any] = {
            "compared": compared,
            "computed": computed,
            "add": add,
            "total": total,
            "found": _found,
        }
        names |= {"Interval": Interval, "PLAIN": PLAIN, "plain": plain, **self.constants}
        exec(compile("\n".join(source), "<pack>", "exec"), names)
        return names["compiled"]

    def constant(self, value: Any) -> str:
        if value is None or isinstance(value, (bool, int)):
            return repr(value)
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def fact(self, path: str) -> str:
        name = self.facts.setdefault(path, f"f{len(self.facts)}")
        self.read.add(name)
        return name

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
                self.read.add(self.variables[variable])
                return f"{self.variables[variable]}.get({self.constant(fact.name)})"
            case tree.ParameterOf(name):
                return self.constant(self.parameters[name])
            case tree.OutcomeOf(decision):
                self.read.add("outcome")
                return f"outcome({self.constant(decision)})"
            case tree.StatusOf(clock):
                self.read.add("status")
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
                    return f"found({among}, {looked_for})"
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
                return self.quantifier(kind == "exists", over, variable, body)
            case tree.Total(over, variable, keep, value, low, high):
                return self.total(
                    over, variable, keep, value, f"{self.constant(low)}, {self.constant(high)}"
                )
        raise AssertionError(node)

    def among(self, values: tuple[Any, ...] | tree.ParameterOf) -> str:
        return self.constant(
            self.parameters[values.name] if isinstance(values, tree.ParameterOf) else values
        )

    def connective(
        self, items: tuple[tree.Tree, ...], settles: str, settled: str, otherwise: str
    ) -> str:
        items = tuple(sorted(items, key=_cost))
        held = [self.temporary() for _ in items]
        tests = " or ".join(
            settles.format(f"({name} := {self.expression(item)})")
            for name, item in zip(held, items, strict=True)
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
        return (
            f"(None if {' or '.join(unknown)} else {compared_sides})"
            if unknown
            else f"({compared_sides})"
        )

    # Lists. Each walk of one is a function of the list and of what its condition reads from outside.

    def quantifier(self, exists: bool, over: Fact, variable: str, body: tree.Tree) -> str:
        def lines(record: str, records: str) -> list[str]:
            return [
                "unknown = False",
                f"for {record} in {records}:",
                f"    value = {self.expression(body)}",
                f"    if value is {exists}: return {exists}",
                "    if value is None: unknown = True",
                f"return None if unknown else {not exists}",
            ]

        return self.loop(over, variable, lines)

    def total(
        self,
        over: Fact,
        variable: str,
        keep: tree.Tree | None,
        value: tree.Tree | None,
        bounds: str,
    ) -> str:
        def lines(record: str, records: str) -> list[str]:
            kept = "True" if keep is None else self.expression(keep)
            amount = "1" if value is None else self.expression(value)
            return [
                "known = 0",
                f"for {record} in {records}:",
                f"    kept = {kept}",
                "    if kept is False: continue",
                f"    amount = {amount}",
                "    if kept is None or amount is None or amount.__class__ is Interval: break",
                "    known = add(known, amount) if known else amount",
                "else: return known",
                f"return total([({kept}, {amount}) for {record} in {records}], {bounds})",
            ]

        return self.loop(over, variable, lines)

    def loop(self, over: Fact, variable: str, lines: Callable[[str, str], list[str]]) -> str:
        """Writes the function that walks the list, and the call of it."""
        outer, read = self.variables.get(variable), self.read
        self.temporaries += 1
        number = self.temporaries
        record, self.read = f"v{number}", set()
        self.variables[variable] = record
        written = lines(record, "records")
        given = sorted(self.read - {record})
        self.loops.append(
            [
                f"def loop{number}({', '.join(['records', *given])}):",
                "    if records is None: return None",
                *(f"    {line}" for line in written),
            ]
        )
        if outer is not None:
            self.variables[variable] = outer
        self.read = read | set(given)
        return f"loop{number}({', '.join([self.fact(over.path), *given])})"


def _may_be_interval(node: tree.Tree) -> bool:
    return any(isinstance(part, tree.Total) for part in tree.nodes(node))
