"""Compile a decision for facts in structs, as long as every fact that it reads is known.

With complete facts, two truth values are enough, and the records of a list are walked once for all
rules. So the functions here take a third of the time of those of `compile`. They read what
`rules.input.typed_facts` reads. Each returns None as soon as anything is not known, and then the
functions of `compile` decide. What they return is what those would return.

INVARIANT: names from a pack never reach the source. Constants and keys are passed in by number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from rules.decide.compile import FunctionWriter, cost
from rules.decide.explain import Names
from rules.frozen import frozen
from rules.input.citations import section_set
from rules.input.printing import plain
from rules.input.vocabulary import Fact, Vocabulary
from rules.language import tree
from rules.packs.law import CHARGES
from rules.packs.resolve import DecisionInForce

# What each struct attribute of a fact's path is, outermost first.
Places = Mapping[str, tuple[str, ...]]
# Both take the case's structs, its charges as the law has them, and the attested outcomes.
SettleComplete = Callable[[Any, Any, Mapping[str, str]], "Settled | None"]
# Takes the same.
FindPossible = Callable[[Any, Any, Mapping[str, str]], list[str]]
ReadComplete = Callable[[Any, Any, Mapping[str, str]], "dict[str, Any] | None"]


_MOST_REMEMBERED = 4096  # decimals


class NotCompiled(Exception):
    """A decision has a part that is left to the functions of `compile`."""


@frozen
class Settled:
    """An outcome, and whether it is the default, because no rule is true."""

    outcome: str
    is_default: bool


def compile_complete(
    decision: DecisionInForce,
    parameters: Mapping[str, Any],
    time_zone: str,
    places: Places,
    inner: Callable[[str], SettleComplete | str | None],
) -> SettleComplete:
    """Compile a decision to a function that settles it, or returns None.

    `inner` returns what another decision is worked out by, its outcome if it has only one, or None
    if it must be attested. Raises `NotCompiled`.
    """
    writer = _CompleteWriter(parameters, time_zone, places, inner)
    lines = []
    for outcome, rules in decision.ranks:
        settled = writer.constant(Settled(outcome, is_default=False))
        lines += writer.rank([rule.condition for rule in rules], settled)
    default = Settled(decision.otherwise.outcome, is_default=True)
    settle: SettleComplete = writer.compiled([*lines, f"return {writer.constant(default)}"])
    return settle


def compile_outcome(
    decision: DecisionInForce,
    parameters: Mapping[str, Any],
    time_zone: str,
    places: Places,
    known: Collection[str],
    inner: Callable[[str], Callable[[Any], str] | str],
) -> Callable[[Any], str]:
    """Compile a decision to a function of the structs of `Needs`, which returns its outcome.

    The facts of `known` are known, and so is each field of a record that the decision reads. The
    function raises KeyError or AttributeError for another one that isn't known. `inner` returns
    the function of another decision, or its outcome if it has only one. Raises `NotCompiled`.
    """
    writer = _OutcomeWriter(parameters, time_zone, places, known, inner)
    lines = []
    for outcome, rules in decision.ranks:
        lines += writer.rank([rule.condition for rule in rules], writer.constant(outcome))
    outcome_of: Callable[[Any], str] = writer.compiled(
        [*lines, f"return {writer.constant(decision.otherwise.outcome)}"]
    )
    return outcome_of


def compile_possible(
    decision: DecisionInForce,
    parameters: Mapping[str, Any],
    time_zone: str,
    places: Places,
    inner: Callable[[str], FindPossible | str],
) -> FindPossible:
    """Compile what `compile.compile_decision` does, for facts in structs that may be unknown.

    `inner` is as for `compile_outcome`. Raises `NotCompiled`.
    """
    writer = _PossibleWriter(parameters, time_zone, places, inner)
    find: FindPossible = writer.compiled(writer.possible(decision))
    return find


def compile_complete_reader(names: Names, vocabulary: Vocabulary, places: Places) -> ReadComplete:
    """Compile what `compile.compile_fact_reader` does, for facts that are all known.

    The function returns None for a list whose records need a closer look.
    """
    if names.clocks:
        raise NotCompiled
    writer = _CompleteWriter({}, "", places, lambda _: None)
    blocks: dict[str, list[str]] = {}
    for path in names.facts:
        blocks[path] = writer.stored(path, writer.fact(path), vocabulary.facts[path])
    for decision in names.decisions:
        path = f"decisions.{decision}"
        blocks[path] = [f"known[{writer.constant(path)}] = {writer.outcome(decision)}"]
    for path, fields in names.lists:
        blocks[path] = writer.stored_list(path, fields, vocabulary.facts[path])
    lines = [line for path in sorted(blocks) for line in blocks[path]]
    read: ReadComplete = writer.compiled(["known = {}", *lines, "return known"])
    return read


def _plain_decimals() -> Callable[[Any], Any]:
    """Return `plain` for numbers, which remembers the floats of decimals."""
    floats: dict[Decimal, float] = {}

    def plain_number(number: int | Decimal) -> Any:
        """Return a number as JSON contains it."""
        if not isinstance(number, Decimal):
            return number
        value = floats.get(number)  # equal decimals have one float
        if value is None:
            value = plain(number)
            if value.__class__ is float:
                if len(floats) == _MOST_REMEMBERED:
                    floats.clear()
                floats[number] = value
        return value

    return plain_number


_PLAIN_NUMBER = _plain_decimals()


def _unknown() -> NoReturn:
    raise KeyError


class _CompleteWriter(FunctionWriter):
    """Writes functions of complete facts. Anything unknown is a `KeyError` or `AttributeError`."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        time_zone: str,
        places: Places,
        inner: Callable[[str], SettleComplete | str | None],
    ) -> None:
        super().__init__(parameters, time_zone)
        self.places = places
        self.inner = inner
        self.outcomes: dict[str, str] = {}

    def compiled(self, lines: list[str], arguments: str = "root, charges, attested") -> Any:
        """Compile the lines as a function's body, after all facts that they read."""
        looked_up = ["try:", *(f"    {line}" for line in self._looked_up())]
        body = [*looked_up, *(f"    {line}" for line in lines)]
        self.facts = {}  # looked up here
        self.constants["unknown"] = _unknown
        unknown = "except (KeyError, AttributeError): return None"
        return super().compiled([*body, unknown], arguments)

    def _looked_up(self) -> Iterator[str]:
        """Write the lines that look up each fact once."""
        if CHARGES in self.facts:
            yield f"{self.facts[CHARGES]} = charges"
        yield from self._facts_in_structs([path for path in self.facts if path != CHARGES])
        if self.facts:
            missing = " or ".join(f"{name} is None" for name in self.facts.values())
            yield f"if {missing}: return None"
        for decision, name in self.outcomes.items():
            key, inner = self.constant(decision), self.inner(decision)
            if inner is None:
                yield f"{name} = attested[{key}]"
                continue
            yield f"{name} = attested.get({key})"
            worked_out = self.constant(inner)
            if not isinstance(inner, str):
                worked_out += "(root, charges, attested).outcome"  # None has no outcome
            yield f"if {name} is None: {name} = {worked_out}"

    def _facts_in_structs(self, paths: list[str]) -> Iterator[str]:
        groups = {"": "root"}
        for path in paths:
            if path not in self.places:
                raise NotCompiled
            *above, attribute = self.places[path]
            for depth in range(len(above)):
                group = "_".join(above[: depth + 1])
                if group not in groups:
                    yield f"g{group} = {groups['_'.join(above[:depth])]}.{above[depth]}"
                    groups[group] = f"g{group}"
            yield f"{self.facts[path]} = {groups['_'.join(above)]}.{attribute}"

    def stored(self, path: str, value: str, fact: Fact) -> list[str]:
        """Write the lines that store a known fact as JSON holds it."""
        return [f"known[{self.constant(path)}] = {self._as_json(value, fact)}"]

    def stored_list(self, path: str, fields: tuple[str, ...], fact: Fact) -> list[str]:
        """Write the lines that store the known fields of the records of a list."""
        if not fields:
            return ["return None"]  # the whole records are shown
        rows = tuple(tuple(f"{path}[{row}].{name}" for name in fields) for row in range(10))
        records, paths = self.fact(path), [f"p{number}" for number in range(len(fields))]
        stores = [
            f"    if (value := record.get({self.constant(name)})) is not None: "
            f"known[{at}] = {self._as_json('value', fact.fields[name])}"
            for name, at in zip(fields, paths, strict=True)
        ]
        unusual = f"not {records} or len({records}) > 10 or {records}.__class__ is not tuple"
        return [
            f"if {unusual}: return None",
            f"for ({', '.join(paths)},), record in zip({self.constant(rows)}, {records}):",
            *stores,
        ]

    def _as_json(self, value: str, fact: Fact) -> str:
        match fact.type:
            case "bool" | "choice" | "text":
                return value
            case "int":
                return value
            case "decimal":
                return f"{self.constant(_PLAIN_NUMBER)}({value})"
            case "citation":
                return f"{value}.given"
        return f"plain({value})"

    def outcome(self, decision: str) -> str:
        """Return the name of the local variable that holds another decision's outcome."""
        name = self.outcomes.setdefault(decision, f"o{len(self.outcomes)}")
        self.read.add(name)
        return name

    def rank(self, conditions: list[tree.Tree], settled: str) -> list[str]:
        """Write the lines that return `settled` if one of the conditions is true.

        Conditions that hold for some record of the same list share a loop.
        """
        lines: list[str] = []
        loops: dict[str, list[tuple[tuple[tree.Tree, ...], tree.Quantifier]]] = {}
        for condition in sorted(_disjuncts(conditions), key=cost):
            items = condition.items if isinstance(condition, tree.And) else (condition,)
            walks = [item for item in items if _is_some(item)]
            others = tuple(item for item in items if not _is_some(item))
            if len(walks) == 1 and isinstance(walks[0], tree.Quantifier):
                loops.setdefault(walks[0].over.path, []).append((others, walks[0]))
            else:
                lines.append(f"if {self.expression(condition)}: return {settled}")
        for path, walked in loops.items():
            self.temporaries += 1
            record = f"v{self.temporaries}"
            tests = [self._of_record(record, others, walk) for others, walk in walked]
            lines += [
                f"for {record} in {self.fact(path)}:",
                f"    if {' or '.join(tests)}: return {settled}",
            ]
        return lines

    def _of_record(self, record: str, others: tuple[tree.Tree, ...], walk: tree.Quantifier) -> str:
        outer = self.variables.get(walk.variable)
        self.variables[walk.variable] = record
        tests = [self.expression(item) for item in sorted((*others, walk.body), key=cost)]
        if outer is not None:
            self.variables[walk.variable] = outer
        return f"({' and '.join(tests)})"

    def expression(self, node: tree.Tree) -> str:
        """Write the condition as an expression."""
        match node:
            case tree.Constant() | tree.FactOf() | tree.ParameterOf() | tree.LengthOf():
                return super().expression(node)
            case tree.FieldOf(variable, fact):
                self.read.add(self.variables[variable])
                return f"{self.variables[variable]}[{self.constant(fact.name)}]"
            case tree.OutcomeOf(decision):
                return self.outcome(decision)
            case tree.IfKnown(condition):
                return self.expression(condition)
            case tree.Not(operand):
                return f"(not {self.expression(operand)})"
            case tree.And(items):
                return f"({' and '.join(map(self.expression, sorted(items, key=cost)))})"
            case tree.Or(items):
                return f"({' or '.join(map(self.expression, sorted(items, key=cost)))})"
            case tree.Compare(operator, left, right):
                return f"({self.expression(left)} {operator} {self.expression(right)})"
            case tree.Member(item, values):
                return f"({self.expression(item)} in {self.members(values)})"
            case tree.Choose(condition, then, otherwise):
                chosen = f"{self.expression(then)} if {self.expression(condition)}"
                return f"({chosen} else {self.expression(otherwise)})"
            case tree.Quantifier(kind, over, variable, body):
                return self.quantifier(kind == "exists", over, variable, body)
            case tree.Total(over, variable, keep, value):
                return self.total(over, variable, keep, value, "")
            case tree.IsOne(item, values, word_tree):
                among: Any = values
                if isinstance(values, tree.ParameterOf):
                    among = self.parameters[values.name]
                surely, perhaps = word_tree.split(among)
                word = self.expression(item)
                if not perhaps:
                    return f"({word} in {self.constant(surely)})"
                local = self.temporary()
                is_open = f"({local} := {word}) in {self.constant(perhaps)}"
                return f"(unknown() if {is_open} else {local} in {self.constant(surely)})"
            case tree.Alike(left, right, word_tree):
                alike = self.constant(word_tree.are_alike)
                return self._sure(f"{alike}({self.expression(left)}, {self.expression(right)})")
            case tree.Cited(item, values):
                sections = (
                    self.parameters[values.name] if isinstance(values, tree.ParameterOf) else values
                )
                has = self.constant(section_set(sections).has)
                return self._sure(f"{has}({self.expression(item)})")
            case tree.PartOf(part, moment):
                zone = self.constant(self.time_zone)
                return self._sure(
                    f"part_of({self.constant(part)}, {self.expression(moment)}, {zone})"
                )
            case tree.Arithmetic(operator, left, right):
                sides = f"{self.expression(left)}, {self.expression(right)}"
                return self._sure(f"computed({operator!r}, {sides})")
        raise NotCompiled

    def _sure(self, value: str) -> str:
        """Write an expression that may be unknown although all its facts are known."""
        local = self.temporary()
        return f"({local} if ({local} := {value}) is not None else unknown())"

    def quantifier(self, exists: bool, over: Fact, variable: str, body: tree.Tree) -> str:
        """Write `exists` or `all`."""

        def lines(record: str, records: str) -> list[str]:
            return [
                f"for {record} in {records}:",
                f"    if {'' if exists else 'not '}{self.expression(body)}: return {exists}",
                f"return {not exists}",
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
        """Write a sum or a size. All amounts are known, so that it needs no bounds."""

        def lines(record: str, records: str) -> list[str]:
            return [
                "known = 0",
                f"for {record} in {records}:",
                f"    if {'True' if keep is None else self.expression(keep)}:",
                f"        amount = {'1' if value is None else self.expression(value)}",
                "        known = add(known, amount) if known else amount",
                "return known",
            ]

        return self.loop(over, variable, lines)


class _OutcomeWriter(_CompleteWriter):
    """Writes functions of the structs of `Needs`, whose records are structs too."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        time_zone: str,
        places: Places,
        known: Collection[str],
        inner: Callable[[str], Callable[[Any], str] | str],
    ) -> None:
        super().__init__(parameters, time_zone, places, lambda _: None)
        self.known = known
        self.inner_outcome = inner

    def compiled(self, lines: list[str], arguments: str = "root") -> Any:
        """Compile the lines as a function's body, after all facts that they read."""
        body = [*self._looked_up(), *lines]
        self.facts = {}
        self.constants["unknown"] = _unknown
        return FunctionWriter.compiled(self, body, arguments)

    def _looked_up(self) -> Iterator[str]:
        yield from self._facts_in_structs(list(self.facts))
        open_facts = [name for path, name in self.facts.items() if path not in self.known]
        if open_facts:
            yield f"if {' or '.join(f'{name} is None' for name in open_facts)}: unknown()"
        for decision, name in self.outcomes.items():
            inner = self.inner_outcome(decision)
            worked_out = self.constant(inner) + ("" if isinstance(inner, str) else "(root)")
            path = f"decisions.{decision}"
            if path not in self.places:  # attested outcomes of other programs are unusual
                yield f"{name} = {worked_out}"
                continue
            group, attribute = self.places[path]
            yield f"{name} = None if root.{group} is None else root.{group}.{attribute}"
            yield f"if {name} is None: {name} = {worked_out}"

    def expression(self, node: tree.Tree) -> str:
        """Write the condition as an expression."""
        if isinstance(node, tree.FieldOf):
            self.read.add(self.variables[node.variable])
            (attribute,) = self.places[node.fact.path]
            return f"{self.variables[node.variable]}.{attribute}"
        return super().expression(node)


class _PossibleWriter(FunctionWriter):
    """Writes functions of facts in structs, any of which may be unknown."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        time_zone: str,
        places: Places,
        inner: Callable[[str], FindPossible | str],
    ) -> None:
        super().__init__(parameters, time_zone)
        self.places = places
        self.inner_outcome = inner

    def compiled(self, lines: list[str], arguments: str = "root, charges, attested") -> Any:
        """Compile the lines as a function's body, after all facts that they read."""
        body = [*self._looked_up(), *lines]
        self.facts = {}  # looked up here
        self.constants["settled"] = _settled
        return super().compiled(body, arguments)

    def _looked_up(self) -> Iterator[str]:
        for path, name in self.facts.items():
            if path == CHARGES:
                yield f"{name} = charges"
                continue
            if path not in self.places:
                raise NotCompiled
            *above, attribute = self.places[path]
            yield "group = root"
            for step in (*above, attribute):
                yield f"if group is not None: group = group.{step}"
            yield f"{name} = group"

    def expression(self, node: tree.Tree) -> str:
        """Write the condition as an expression."""
        match node:
            case tree.OutcomeOf(decision):
                inner = self.inner_outcome(decision)
                worked_out = self.constant(inner)
                if not isinstance(inner, str):
                    worked_out = f"settled({worked_out}(root, charges, attested))"
                self.read |= {"root", "charges", "attested"}
                return f"(attested.get({self.constant(decision)}) or {worked_out})"
            case tree.StatusOf():
                raise NotCompiled
        return super().expression(node)


def _settled(possible: list[str]) -> str | None:
    return possible[0] if len(possible) == 1 else None


def _disjuncts(conditions: list[tree.Tree]) -> Iterator[tree.Tree]:
    """Yield the conditions, each `||` in its parts."""
    for condition in conditions:
        if isinstance(condition, tree.Or):
            yield from _disjuncts(list(condition.items))
        else:
            yield condition


def _is_some(node: tree.Tree) -> bool:
    return isinstance(node, tree.Quantifier) and node.kind == "exists"
