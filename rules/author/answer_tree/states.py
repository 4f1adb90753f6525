"""The values that the statements about one thing can have together, each with facts that show it.

A thing is a fact, a list, or several of them that one statement compares. Its values are those
around the ones that the rules name. Of a list's records, one of each class is tried, unknown fields
among them, and lists grow from them until no new values of the statements appear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from rules.author.answer_tree.formula import Value
from rules.decide.compile import compile_condition
from rules.decide.program import Program
from rules.decide.ruling import CaseFacts
from rules.decide.search_space import SearchSpace
from rules.decide.tried_values import TriedValues, points_of
from rules.decide.value_classes import Answers, reached, tests_in
from rules.decide.walk import conjunction, disjunction
from rules.errors import RequestError
from rules.frozen import frozen
from rules.input.citations import GivenCitation
from rules.input.facts import Facts
from rules.input.vocabulary import Fact
from rules.language import tree

DAY, CHARGES, CODE = "encounter.date", "encounter.charges", "encounter.charges.code"
MOST_STATES = 4_000
MOST_TRIED = 60_000
_LONGEST = 4  # records of a list whose statements count or add
_WITNESSES = 2  # lists that are kept for equal values of such statements
Values = tuple[Value, ...]


@frozen
class State:
    """The values of a thing's statements, and known facts that show them."""

    values: Values
    known: Mapping[str, Any]


@frozen
class Thing:
    """Facts that statements read together: their paths, the statements, and the states."""

    paths: tuple[str, ...]
    statements: tuple[int, ...]
    states: tuple[State, ...]

    @property
    def is_one_fact(self) -> bool:
        """True if the thing is a single fact and no list."""
        return len(self.paths) == 1 and not any(
            isinstance(value, tuple) for state in self.states for value in state.known.values()
        )


class TooLarge(RequestError):
    """A decision that has too many cases to be drawn."""


def too_large(decision: str, fault: str) -> TooLarge:
    """Return the refusal of a decision that can't be drawn as a tree."""
    return TooLarge(
        "card-too-large",
        f"the tree of `{decision}` is too large: {fault}",
        fix="print the card without `--offline`",
    )


class StateFinder:
    """Finds the states of each thing that a decision's statements read."""

    def __init__(self, program: Program, decision: str, day: Any, statements: Sequence[tree.Tree]):
        self.program, self.decision, self.day = program, decision, day
        self.segment = program.segment(day).segment
        self.statements = statements
        self.space = SearchSpace(self.segment)
        self.conditions = [
            condition for statement in statements for condition in reached(self.segment, statement)
        ]
        self.answers = Answers(lambda test: self.space.clause(test).evaluate)
        parameters, zone = self.segment.parameters, program.pack.time_zone
        self._compiled = [compile_condition(node, parameters, zone) for node in statements]
        self._tried = TriedValues(self.segment, points_of(self.conditions, parameters), {DAY: day})

    def things(self) -> Iterator[Thing]:
        """Yield the things in the order in which the statements name them."""
        merged: list[tuple[dict[str, None], list[int]]] = []
        for index, statement in enumerate(self.statements):
            paths = dict.fromkeys(self._base_paths(statement))
            own = [index]
            for overlapping in [group for group in merged if group[0].keys() & paths.keys()]:
                merged.remove(overlapping)
                paths, own = {**overlapping[0], **paths}, [*overlapping[1], *own]
            merged.append((paths, own))
        for paths, own in merged:
            yield Thing(
                tuple(paths), tuple(sorted(own)), tuple(self._states(tuple(paths), sorted(own)))
            )

    def _base_paths(self, statement: tree.Tree) -> Iterator[str]:
        """Yield the facts and lists that a statement reads. The day of the card is known."""
        for condition in reached(self.segment, statement):
            for path, fact in tree.facts_read(condition).items():
                if (fact.of or path) != DAY:
                    yield fact.of or path

    def values(self, known: Mapping[str, Any], own: Sequence[int]) -> Values:
        """Return the values of statements on known facts of the card's day."""
        case = CaseFacts(self.program, Facts({**known, DAY: self.day}, {}))
        facts = case.facts.known
        return tuple(self._compiled[index](facts, case.outcome, _no_status) for index in own)

    def _states(self, paths: tuple[str, ...], own: Sequence[int]) -> Iterator[State]:
        facts = [self.program.pack.vocabulary.facts[path] for path in paths]
        if len(facts) == 1 and facts[0].type == "list":
            yield from self._list_states(facts[0], own)
            return
        choices = [self._choices(fact) for fact in facts]
        seen: set[Values] = set()
        number = 1
        for tried in choices:
            number *= len(tried)
        if number > MOST_TRIED:
            raise too_large(self.decision, f"`{paths[0]}` has too many values")
        for values in product(*choices):
            known = {
                path: value for path, value in zip(paths, values, strict=True) if value is not None
            }
            state = State(self.values(known, own), known)
            if len(facts) == 1 or state.values not in seen:
                seen.add(state.values)
                yield state

    def _choices(self, fact: Fact) -> list[Any]:
        """Return the values to try for a fact, unknown first."""
        if fact.type != "list":
            return [None, *self._tried.of(fact)]
        records = self._records(fact)
        return [None, (), *((record,) for record in records)]

    # Lists

    def _list_states(self, over: Fact, own: Sequence[int]) -> Iterator[State]:
        statements = [self.statements[index] for index in own]
        path = over.path
        records = self._records(over)
        yield State(self.values({}, own), {})
        yield State(self.values({path: ()}, own), {path: ()})
        if all(_joins(statement) for statement in statements):
            yield from self._joined_states(over, own, records)
        else:
            yield from self._tried_states(over, own, records)

    def _joined_states(
        self, over: Fact, own: Sequence[int], records: list[dict[str, Any]]
    ) -> Iterator[State]:
        """Grow lists by joining the values of their records, which quantifiers allow."""
        singles: dict[tuple[bool, Values], dict[str, Any]] = {}
        for record in records:
            key = self._is_void(over, record), self.values({over.path: (record,)}, own)
            singles.setdefault(key, record)
        joins = [_join_of(self.statements[index]) for index in own]
        seen: set[Values] = set()
        for void in (False, True):
            lists_by_values: dict[Values, tuple[dict[str, Any], ...]] = {}
            own_singles = {
                values: record for (is_void, values), record in singles.items() if is_void is void
            }
            frontier: dict[Values, tuple[dict[str, Any], ...]] = {
                values: (record,) for values, record in own_singles.items()
            }
            while frontier:
                lists_by_values |= frontier
                if len(lists_by_values) > MOST_STATES:
                    raise too_large(self.decision, f"`{over.path}` has too many cases")
                grown: dict[Values, tuple[dict[str, Any], ...]] = {}
                for values, kept in frontier.items():
                    for more, record in own_singles.items():
                        joined = tuple(
                            join([value, added])
                            for join, value, added in zip(joins, values, more, strict=True)
                        )
                        if joined not in lists_by_values and joined not in grown:
                            grown[joined] = (*kept, record)
                frontier = grown
            for values, kept in lists_by_values.items():
                if values not in seen:
                    seen.add(values)
                    yield State(values, {over.path: kept})

    def _tried_states(
        self, over: Fact, own: Sequence[int], records: list[dict[str, Any]]
    ) -> Iterator[State]:
        """Grow lists by deciding, for statements that count or add."""
        counts_by_values: dict[Values, int] = {}
        frontier: list[tuple[dict[str, Any], ...]] = [()]
        tried = 0
        for _ in range(_LONGEST):
            grown: list[tuple[dict[str, Any], ...]] = []
            for kept in frontier:
                for record in records:
                    longer = (*kept, record)
                    tried += 1
                    values = self.values({over.path: longer}, own)
                    if counts_by_values.get(values, 0) < (
                        _WITNESSES if len(longer) < _LONGEST else 1
                    ):
                        if values not in counts_by_values:
                            yield State(values, {over.path: longer})
                        counts_by_values[values] = counts_by_values.get(values, 0) + 1
                        grown.append(longer)
                    if len(counts_by_values) > MOST_STATES or tried > MOST_TRIED:
                        raise too_large(self.decision, f"`{over.path}` has too many cases")
            frontier = grown

    def _is_void(self, over: Fact, record: Mapping[str, Any]) -> bool:
        """Return whether a charge counts for nothing beside another one."""
        code = record.get("code") if over.path == CHARGES else None
        if code is None or code.section is None:
            return False
        return self.program.law._void_row(code.section, self.day) is not None

    def _records(self, over: Fact) -> list[dict[str, Any]]:
        """Return records of a list, one for each combination of classes of its fields' values."""
        read = {
            fact.name
            for condition in self.conditions
            for fact in tree.facts_read(condition).values()
            if fact.of == over.path
        }
        if over.path == CHARGES:
            read.add("code")
        choices = {name: [None, *self._field_values(over.fields[name])] for name in sorted(read)}
        number = 1
        for values in choices.values():
            number *= len(values)
        if number > MOST_TRIED:
            raise too_large(self.decision, f"`{over.path}` has too many kinds of records")
        return [
            {name: value for name, value in zip(choices, values, strict=True) if value is not None}
            for values in islice(product(*choices.values()), MOST_TRIED)
        ]

    def _field_values(self, fact: Fact) -> list[Any]:
        values = list(self._tried.of(fact))
        if fact.path == CODE:
            return self._codes(values)
        return list(self._by_class(fact, values).values()) if fact.type == "choice" else values

    def _by_class(self, fact: Fact, values: Iterable[Any]) -> dict[Any, Any]:
        """Return the first value of each class that no condition tells apart."""
        firsts: dict[Any, Any] = {}
        for value, key in self._class_keys(fact, tuple(values)).items():
            firsts.setdefault(key, value)
        return firsts

    def _class_keys(self, fact: Fact, values: tuple[Any, ...]) -> dict[Any, Any]:
        tests: dict[str, tree.Tree] = {}
        for condition in self.conditions:
            own = tests_in(condition).get(fact.path, {})
            if own is None:
                return {value: value for value in values}
            tests |= own
        by_test = [self.answers.of(test, fact, values) for test in tests.values()]
        return {value: tuple(answers[i] for answers in by_test) for i, value in enumerate(values)}

    def _codes(self, named_codes: list[Any]) -> list[Any]:
        """Return one section of law of each class: what the rules and the law say of it."""
        law = self.program.law
        table = law.table.sections.values() if law.table is not None else ()
        table_codes = (GivenCitation(section.text, section) for section in table)
        codes = tuple(dict.fromkeys([*named_codes, *table_codes]))
        of_list = self.program.pack.vocabulary.facts[CHARGES].fields
        keys = self._class_keys(of_list["code"], codes)
        firsts: dict[Any, Any] = {}
        for code in codes:
            filled = law.filled(Facts({CHARGES: ({"code": code},), DAY: self.day}, {})).known[
                CHARGES
            ][0]
            classes = tuple(
                self._class_keys(of_list[name], (filled[name],))[filled[name]]
                if name in filled
                else None
                for name in ("level", "conduct", "authority", "violent")
            )
            recognized = getattr(filled.get("code"), "is_recognized", None)
            key = (
                keys[code],
                classes,
                recognized,
                self._is_void(self.program.pack.vocabulary.facts[CHARGES], {"code": code}),
            )
            firsts.setdefault(key, code)
        return list(firsts.values())


def _no_status(_: str) -> None:
    """Name no clock's status: without `now` each is unknown."""


def _joins(statement: tree.Tree) -> bool:
    """Return whether a statement's value for a list follows from those for its records."""
    if isinstance(statement, tree.Quantifier):
        return not any(
            isinstance(part, (tree.Quantifier, tree.Total)) for part in tree.nodes(statement.body)
        )
    return _is_emptiness(statement)


def _is_emptiness(statement: tree.Tree) -> bool:
    """Return whether a statement asks if a list has a record."""
    match statement:
        case tree.Compare(">" | "==" | "!=", tree.Total(_, _, None, None), tree.Constant(0)):
            return True
    return False


def _join_of(statement: tree.Tree) -> Any:
    if isinstance(statement, tree.Quantifier) and statement.kind == "exists":
        return disjunction
    return conjunction  # every record says of emptiness what the list does
