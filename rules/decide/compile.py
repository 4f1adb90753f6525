"""Compile typed conditions to Python functions.

A decision on a day becomes one function that lists its possible outcomes, highest precedence first.
A rule becomes one function that returns True, False, or None. The generated code computes what
`walk` computes, with the three-valued connectives written inline, so that one operand that settles
a connective ends the work at once.

INVARIANT: names from a pack never reach the source. Constants and keys are passed in by number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rules.decide.explain import Names, names
from rules.decide.moments import part_of
from rules.decide.walk import Bound, compared, computed, disjunction, total
from rules.input.citations import GivenCitation, section_set
from rules.input.finer_words import WordTree
from rules.input.interval import Interval
from rules.input.kept_records import placed
from rules.input.printing import PLAIN, plain
from rules.input.vocabulary import Fact, Vocabulary
from rules.language import tree
from rules.language.exact import add
from rules.language.lengths import length_of
from rules.packs.resolve import DecisionInForce

# Each takes the facts by path, other decisions' outcomes by name, and clocks' statuses by name.
Outcomes = Callable[[str], str | None]
Statuses = Callable[[str], str | None]
Condition = Callable[[Mapping[str, Any], Outcomes, Statuses], bool | None]
# A part of a condition also takes the records that its variables are bound to.
Part = Callable[[Mapping[str, Any], Outcomes, Statuses, Bound], Any]
FactReader = Callable[[Mapping[str, Any], Outcomes, Statuses], dict[str, Any]]
Settle = Callable[[Mapping[str, Any], Outcomes, Statuses], list[str]]


def compile_condition(
    node: tree.Tree, parameters: Mapping[str, Any], time_zone: str = "", *, waits: bool = False
) -> Condition:
    """Compile a condition to a function of facts, other decisions' outcomes, and clocks.

    A condition that takes a moment apart needs the pack's `time_zone`. `waits` is as in `World`.
    """
    writer = FunctionWriter(parameters, time_zone, waits=waits)
    compiled: Condition = writer.compiled([f"return {writer.expression(node)}"])
    return compiled


def compile_part(
    node: tree.Tree, parameters: Mapping[str, Any], time_zone: str = "", *, waits: bool = False
) -> Part:
    """Compile a part of a condition, which may read records that are bound outside of it."""
    writer = FunctionWriter(parameters, time_zone, waits=waits)
    outer = list(dict.fromkeys(variable for variable, _ in names(node).fields))
    writer.variables = {variable: f"b{number}" for number, variable in enumerate(outer)}
    records = [
        f"b{number} = bound[{writer.constant(variable)}][0]"
        for number, variable in enumerate(outer)
    ]
    lines = [f"return {writer.expression(node)}"]
    compiled: Part = writer.compiled([*records, *lines], "facts, outcome, status, bound")
    return compiled


def compile_decision(
    decision: DecisionInForce, parameters: Mapping[str, Any], time_zone: str = ""
) -> Settle:
    """Compile a decision to a function that lists its possible outcomes, in order of precedence.

    The function stops at the first outcome with a true rule, since nothing below can apply.
    """
    writer = FunctionWriter(parameters, time_zone)
    settle: Settle = writer.compiled(writer.possible(decision))
    return settle


def compile_fact_reader(names: Names, vocabulary: Vocabulary) -> FactReader:
    """Compile `explain.known` for these names to a function.

    The function returns the known facts as JSON holds them, sorted by path. No name may be a field
    of a variable's record.
    """
    writer = FunctionWriter({})
    blocks: dict[str, list[str]] = {}
    for path in names.facts:
        key = writer.constant(path)
        is_plain = _is_plain(vocabulary, path)
        blocks[path] = [_store(f"facts.get({key})", key, is_plain=is_plain)]
    for decision in names.decisions:
        path = f"decisions.{decision}"
        outcome = f"outcome({writer.constant(decision)})"
        blocks[path] = [_store(outcome, writer.constant(path), is_plain=True)]
    for clock in names.clocks:
        path = f"clocks.{clock}"
        status = f"status({writer.constant(clock)})"
        blocks[path] = [_store(status, writer.constant(path), is_plain=True)]
    for path, fields in names.lists:
        blocks[path] = _list_reader(writer, path, fields, vocabulary)
    lines = [
        "known = {}; ordered = True",
        *(line for path in sorted(blocks) for line in blocks[path]),
        "return known if ordered else dict(sorted(known.items()))",
    ]
    compiled: FactReader = writer.compiled(lines)
    return compiled


def _is_plain(vocabulary: Vocabulary, path: str) -> bool:
    """Return True for a fact whose values are JSON as they are."""
    fact = vocabulary.fact_at(path)
    return fact is not None and fact.type in ("bool", "choice", "text")


def _store(value: str, key: str, *, is_plain: bool) -> str:
    """Write the statement that stores a value under a key, unless it is unknown."""
    as_json = "value"
    if not is_plain:
        as_json += " if (kind := value.__class__) in PLAIN else "
        as_json += "value.given if kind is GivenCitation else plain(value)"
    return f"if (value := {value}) is not None: known[{key}] = {as_json}"


class _FieldPaths(dict[int, str]):
    """The paths of a field in the records of a list, by index. The first ten are kept."""

    def __init__(self, over: str, name: str) -> None:
        self.start, self.end = f"{over}[", f"].{name}"
        super().__init__({index: self[index] for index in range(10)})

    def __missing__(self, index: int) -> str:
        return f"{self.start}{index}{self.end}"


def _list_reader(
    writer: FunctionWriter, path: str, fields: tuple[str, ...], vocabulary: Vocabulary
) -> list[str]:
    """Write the statements that store the known fields of a list's records."""
    whole = writer.constant(path)
    stores = [
        _store(
            f"record.get({writer.constant(name)})",
            f"{writer.constant(_FieldPaths(path, name))}[index]",
            is_plain=_is_plain(vocabulary, f"{path}.{name}"),
        )
        for name in fields
    ]
    return [
        f"records = facts.get({whole})",
        "if records is not None:",
        f"    if not records or {not fields}: known[{whole}] = plain(records); ordered = False",
        "    if len(records) > 10 or records.__class__ is not tuple: ordered = False",
        *(["    for index, record in placed(records):"] if stores else []),
        *(f"        {store}" for store in stores),
    ]


def cost(node: tree.Tree) -> int:
    """Estimate the work of a condition: reading a fact is cheaper than a list or a decision.

    INVARIANT: conditions are total and their connectives commute, so the order in which parts are
    evaluated changes no value.
    """
    parts = list(tree.nodes(node))
    walks = sum(
        isinstance(part, (tree.Quantifier, tree.Total, tree.OutcomeOf, tree.StatusOf))
        for part in parts
    )
    return 100 * walks + len(parts)


def _is_member(values: Iterable[Any], item: Any) -> bool | None:
    """Test whether `item`, which may be an interval, is one of the values."""
    return disjunction([compared("==", item, value) for value in values])


class FunctionWriter:
    """Writes the source of one function. `constants` are the values that the source names."""

    def __init__(
        self, parameters: Mapping[str, Any], time_zone: str = "", *, waits: bool = False
    ) -> None:
        self.parameters = parameters
        self.time_zone = time_zone
        self.waits = waits
        self.constants: dict[str, Any] = {}
        self.facts: dict[str, str] = {}
        self.temporaries = 0
        self.variables: dict[str, str] = {}
        self.loops: list[list[str]] = []  # functions, each defined before its caller
        self.read: set[str] = set()  # names from outside the loop that is being written

    def compiled(self, lines: list[str], arguments: str = "facts, outcome, status") -> Any:
        """Compile the lines as a function's body."""
        # A fact is looked up once, however many rules read it.
        looked_up = [
            f"{name} = facts.get({self.constant(path)})" for path, name in self.facts.items()
        ]
        loops = [line for loop in self.loops for line in loop]
        source = [
            *loops,
            f"def compiled({arguments}):",
            *(f"    {line}" for line in (*looked_up, *lines)),
        ]
        names: dict[str, Any] = {
            "compared": compared,
            "computed": computed,
            "add": add,
            "total": total,
            "is_member": _is_member,
            "part_of": part_of,
            "placed": placed,
        }
        names |= {"Interval": Interval, "PLAIN": PLAIN, "plain": plain}
        names |= {"GivenCitation": GivenCitation, **self.constants}
        exec(compile("\n".join(source), "<pack>", "exec"), names)
        return names["compiled"]

    def possible(self, decision: DecisionInForce) -> list[str]:
        """Write the lines that return a decision's possible outcomes, in order of precedence."""
        lines = ["possible = []"]
        for outcome, rules in decision.ranks:
            name = self.constant(outcome)
            lines.append("unknown = False")
            for condition in sorted((rule.condition for rule in rules), key=cost):
                lines += [
                    f"value = {self.expression(condition)}",
                    f"if value: possible.append({name}); return possible",
                    "if value is None: unknown = True",
                ]
            lines.append(f"if unknown: possible.append({name})")
        default, order = decision.otherwise.outcome, decision.decision.outcomes.index
        name = self.constant(default)
        lines.append(f"if {name} not in possible: possible.append({name})")
        if any(order(outcome) > order(default) for outcome, _ in decision.ranks):
            lines.append(f"possible.sort(key={self.constant(order)})")
        return [*lines, "return possible"]

    def constant(self, value: Any) -> str:
        """Return the source of a constant: a literal, or the name by which it is passed in."""
        if value is None or isinstance(value, (bool, int)):
            return repr(value)
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def fact(self, path: str) -> str:
        """Return the name of the local variable that holds a fact."""
        name = self.facts.setdefault(path, f"f{len(self.facts)}")
        self.read.add(name)
        return name

    def temporary(self) -> str:
        """Return a new local name."""
        self.temporaries += 1
        return f"t{self.temporaries}"

    def expression(self, node: tree.Tree) -> str:
        """Write the condition as an expression."""
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
            case tree.LengthOf(unit, tree.ParameterOf(name)):
                return self.constant(length_of(unit, self.parameters[name]))
            case tree.PartOf(part, moment):
                zone = self.constant(self.time_zone)
                return f"part_of({self.constant(part)}, {self.expression(moment)}, {zone})"
            case tree.OutcomeOf(decision):
                self.read.add("outcome")
                return f"outcome({self.constant(decision)})"
            case tree.StatusOf(clock):
                self.read.add("status")
                return f"status({self.constant(clock)})"
            case tree.IfKnown(condition):
                value = self.expression(condition)
                return value if self.waits else f"({value} is True)"
            case tree.Not(operand):
                value = self.temporary()
                tested = f"({value} := {self.expression(operand)}) is None"
                return f"(None if {tested} else not {value})"
            case tree.And(items):
                return self.connective(items, "{} is False", "False", "True")
            case tree.Or(items):
                return self.connective(items, "{} is True", "True", "False")
            case tree.Compare(operator, left, right):
                return self.comparison(operator, left, right)
            case tree.Member(item, values):
                if values == ():
                    return "False"
                local, value = self.temporary(), self.expression(item)
                members = self.members(values)
                if _may_be_total(item) or _may_be_range(item):
                    return f"is_member({members}, {value})"
                return f"(None if ({local} := {value}) is None else {local} in {members})"
            case tree.RowOf(name, key):
                return f"{self.constant(self.parameters[name].by_word.get)}({self.expression(key)})"
            case tree.IsOne(item, values, word_tree):
                return self.is_one(item, values, word_tree)
            case tree.Alike(left, right, word_tree):
                alike = self.constant(word_tree.are_alike)
                return f"{alike}({self.expression(left)}, {self.expression(right)})"
            case tree.Cited(item, values):
                sections = (
                    self.parameters[values.name] if isinstance(values, tree.ParameterOf) else values
                )
                return f"{self.constant(section_set(sections).has)}({self.expression(item)})"
            case tree.Choose(condition, then, otherwise):
                local = self.temporary()
                return (
                    f"(None if ({local} := {self.expression(condition)}) is None else "
                    f"{self.expression(then)} if {local} else {self.expression(otherwise)})"
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

    def is_one(
        self, item: tree.Tree, values: tuple[Any, ...] | tree.ParameterOf, word_tree: WordTree
    ) -> str:
        """Write a membership of a word: in the words that surely count, or in those that may."""
        if values == ():
            return "False"
        among = self.parameters[values.name] if isinstance(values, tree.ParameterOf) else values
        surely, perhaps = map(self.constant, word_tree.split(among))
        local, value = self.temporary(), self.expression(item)
        unknown = f"({local} := {value}) is None or {local} in {perhaps}"
        return f"(None if {unknown} else {local} in {surely})"

    def members(self, values: tuple[Any, ...] | tree.ParameterOf) -> str:
        """Write the values of an `in`."""
        return self.constant(
            self.parameters[values.name] if isinstance(values, tree.ParameterOf) else values
        )

    def connective(
        self, items: tuple[tree.Tree, ...], settles: str, settled: str, otherwise: str
    ) -> str:
        """Write `&&` or `||`. `settles` tests whether an operand settles it as `settled`."""
        items = tuple(sorted(items, key=cost))
        values = [self.temporary() for _ in items]
        tests = " or ".join(
            settles.format(f"({value} := {self.expression(item)})")
            for value, item in zip(values, items, strict=True)
        )
        unknown = " or ".join(f"{value} is None" for value in values)
        return f"({settled} if {tests} else None if {unknown} else {otherwise})"

    def comparison(self, operator: str, left: tree.Tree, right: tree.Tree) -> str:
        """Write a comparison, inline unless it may need `compared`.

        A fact may be an interval, which puts itself in order with numbers. Whether it equals one
        may be unknown, and Python's `==` can't say that.
        """
        is_order = operator not in ("==", "!=")
        if any(
            _may_be_total(side) or (_may_be_range(side) and not is_order) for side in (left, right)
        ):
            return f"compared({operator!r}, {self.expression(left)}, {self.expression(right)})"
        sides, unknown = [], []
        for side in (left, right):
            if isinstance(side, (tree.Constant, tree.ParameterOf, tree.LengthOf)):
                sides.append(self.expression(side))
            else:
                value = self.temporary()
                unknown.append(f"({value} := {self.expression(side)}) is None")
                sides.append(value)
        test = f"{sides[0]} {operator} {sides[1]}"
        return f"(None if {' or '.join(unknown)} else {test})" if unknown else f"({test})"

    # Lists. Each loop is a function of the list and of the names that its condition reads from
    # outside the loop.

    def quantifier(self, exists: bool, over: Fact, variable: str, body: tree.Tree) -> str:
        """Write `exists` or `all`."""

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
        """Write a sum or a size. `bounds` is the source of a value's lowest and highest."""

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
        """Write the function that loops over the list, and return a call of it."""
        outer, read = self.variables.get(variable), self.read
        self.temporaries += 1
        number = self.temporaries
        record, self.read = f"v{number}", set()
        self.variables[variable] = record
        written = lines(record, "records")
        outer_names = sorted(self.read - {record})
        self.loops.append(
            [
                f"def loop{number}({', '.join(['records', *outer_names])}):",
                "    if records is None: return None",
                *(f"    {line}" for line in written),
            ]
        )
        if outer is not None:
            self.variables[variable] = outer
        self.read = read | set(outer_names)
        return f"loop{number}({', '.join([self.fact(over.path), *outer_names])})"


def _may_be_total(node: tree.Tree) -> bool:
    return any(isinstance(part, (tree.Total, tree.RowOf)) for part in tree.nodes(node))


def _may_be_range(node: tree.Tree) -> bool:
    return any(
        isinstance(part, (tree.FactOf, tree.FieldOf)) and part.fact.type in ("int", "decimal")
        for part in tree.nodes(node)
    )
