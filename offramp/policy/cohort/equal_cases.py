"""Cases that have the same answers: they are equal as far as their open rules read them.

Cases are solved once for each key. The first key has all that the open rules read. The second has
only the parts of these rules that the case leaves open, so many first keys have one second key: the
age of a person matters no more once it is above every limit, and neither does a charge that no open
part can be about.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from offramp.policy.cohort.open_clocks import events_known
from offramp.policy.cohort.possible import OpenRules, open_charge, words_left
from rules.decide import explain
from rules.decide.compiled_pack import CompiledPack
from rules.decide.ruling import CHARGES, Ruling
from rules.decide.same_law import law_changes
from rules.decide.scene_day import DAY
from rules.decide.walk import Bound
from rules.input.citations import GivenCitation
from rules.input.kept_records import placed
from rules.language import exact, tree
from rules.packs.law import READ
from rules.prove.list_bounds import numbers_written

_LOOPS = (tree.Quantifier, tree.Total)
_Loop = tree.Quantifier | tree.Total
_Slots = dict[str, dict[int, list[Hashable]]]  # of each list: its records, with an entry a side


def facts_read(rulings: Sequence[Ruling], open_rules: Sequence[OpenRules]) -> Hashable:
    """Return all facts that decide which answers a case can have together.

    Records count in any order, since no condition reads their place.
    """
    sides: list[Hashable] = []
    lists: _Slots = {}
    for number, (ruling, rules) in enumerate(zip(rulings, open_rules, strict=True)):
        read, known_facts = _names(rules), ruling.case.facts.known
        facts = tuple((path, _token(known_facts.get(path))) for path in read.facts)
        sides.append((_side(ruling, rules, read), facts))
        for path, fields in read.lists:
            for place, record in placed(known_facts.get(path, ())):
                slots = lists.setdefault(path, {}).setdefault(place, [None] * len(rulings))
                tokens = tuple((field, _token(record.get(field))) for field in fields)
                law_words: Hashable = ()
                charge = open_charge(ruling, place, record) if path == CHARGES else {}
                if path == CHARGES and "code" in fields and charge.get("code") is None:
                    law_words = _what_a_code_agrees_with(ruling, charge)
                elif path == CHARGES:
                    law_words = tuple(words_left(ruling, place, record))
                slots[number] = (tokens, law_words)
    return tuple(sides), _in_any_order(lists)


def open_parts(rulings: Sequence[Ruling], open_rules: Sequence[OpenRules]) -> Hashable:
    """Return what is open of the rules, which decides the same. None if a list is in another.

    A part that the case settles has its value in every completion. So what is left are the other
    parts, with the facts that they read. A record of a known list counts only as far as what is
    asked of it is open, and what is certain of a total is added up.
    """
    sides: list[Hashable] = []
    lists: _Slots = {}
    loops: list[_Loop] = []
    for number, (ruling, rules) in enumerate(zip(rulings, open_rules, strict=True)):
        reader = _OpenParts(ruling)
        parts = [tuple(reader.of_condition(rule.condition, {})) for rule in rules.rules]
        if reader.has_inner_lists:
            return None
        for path, place, record_reads in reader.records():
            slots = lists.setdefault(path, {}).setdefault(place, [None] * len(rulings))
            slots[number] = record_reads
        loops += reader.loops.values()
        certain = tuple(sorted(reader.certain.items()))
        sides.append((_side(ruling, rules, _names(rules)), tuple(parts), certain))
    return "open parts", tuple(sides), _in_any_order(lists, _witnesses(loops))


def _side(ruling: Ruling, rules: OpenRules, read: explain.Names) -> Hashable:
    """Return what counts of one side besides facts."""
    known_facts = ruling.case.facts.known
    return (
        id(ruling.segment),
        rules.otherwise,
        tuple((outcome, tuple(map(id, item))) for outcome, item in rules.ranks),
        tuple((name, tuple(_answers(ruling, name))) for name in read.decisions),
        tuple((path, path in known_facts) for path, _ in read.lists),
        # Beside another charge, one of no offense is none.
        len(known_facts.get(CHARGES, ())) > 1,
        tuple((path, _token(event)) for path, event in events_known(ruling, read.clocks)),
    )


def _in_any_order(lists: _Slots, most: Mapping[str, int] | None = None) -> Hashable:
    """Return the records of each list. Of equal ones in `most` there are at most so many."""
    counted = {
        path: Counter(map(tuple, by_place.values())) for path, by_place in sorted(lists.items())
    }
    return tuple(
        (
            path,
            frozenset(
                (record, min(number, (most or {}).get(path, number)))
                for record, number in records.items()
            ),
        )
        for path, records in counted.items()
    )


def _witnesses(loops: Iterable[_Loop]) -> Mapping[str, int]:
    """Return how many equal records of a list are as good as more: a witness a quantifier.

    All records of a list count that is added up.
    """
    added_up = {loop.over.path for loop in loops if isinstance(loop, tree.Total)}
    return Counter(loop.over.path for loop in loops if loop.over.path not in added_up)


def _names(rules: OpenRules) -> explain.Names:
    conditions = [rule.condition for rule in rules.rules]
    return explain.names(conditions[0]) if len(conditions) == 1 else explain.names_of(conditions)


class _OpenParts:
    """Finds the open parts of the rules of one side of a case."""

    def __init__(self, ruling: Ruling) -> None:
        self._ruling = ruling
        self._known = ruling.case.facts.known
        self.loops: dict[int, _Loop] = {}  # over known lists, in open parts
        self.certain: dict[int, Any] = {}  # what is certain of each total
        # A number above each that a total is compared with. None if there is none.
        self._most: dict[int, Any] = {}
        self.has_inner_lists = False

    def of_condition(self, node: tree.Tree, bound: Bound) -> Iterator[Hashable]:
        """Yield the open parts of a condition that is open, each with the facts that it reads.

        They alone say of which parts the condition is: the settled ones decide nothing.
        """
        match node:
            case tree.And(items) | tree.Or(items):
                for item in items:
                    if self._value(item, bound) is None:
                        yield from self.of_condition(item, bound)
            case tree.Not(operand):
                yield from self.of_condition(operand, bound)
            case _:
                yield self._leaf(node, bound)
                for part in tree.nodes(node):
                    if isinstance(part, _LOOPS):
                        yield from self._loop(part, bound, node)

    def _leaf(self, node: tree.Tree, bound: Bound) -> Hashable:
        # INVARIANT: the segment keeps its trees alive, so an id names one tree.
        names = explain.names(node)
        return (
            id(node),
            tuple(_token(self._known.get(path)) for path in names.facts),
            tuple(_token(bound[variable][0].get(name)) for variable, name in names.fields),
        )

    def _loop(self, node: _Loop, bound: Bound, leaf: tree.Tree) -> Iterator[Hashable]:
        """Note a loop of a leaf whose records count. Yield the value of one that is settled."""
        if bound:
            self.has_inner_lists = True
            return
        value = self._value(node, bound)
        if not explain.undecided(value):
            yield id(node), _token(value)
        elif node.over.path in self._known:
            self.loops[id(node)] = node
            if isinstance(node, tree.Total):
                most = self._more_than_compared(node, leaf)
                self._most[id(node)] = most if self._most.get(id(node), most) == most else None

    def _more_than_compared(self, total: tree.Total, leaf: tree.Tree) -> Any:
        """Return a number that is more than each with which a total is compared.

        None if there is none, or if a part of the total may be below 0.
        """
        if not isinstance(leaf, tree.Compare) or (
            total.value is not None and (total.low is None or total.low < 0)
        ):
            return None
        others = [side for side in (leaf.left, leaf.right) if side is not total]
        if len(others) != 1:
            return None
        numbers = numbers_written(others[0], self._ruling.rules_segment)
        return max(numbers) + 1 if numbers else None

    def _least_alike(self, total: tree.Total, amount: Any) -> Any:
        """Return an amount of a total, or the least that compares like it."""
        most = self._most.get(id(total))
        return amount if most is None else min(amount, most)

    def records(self) -> Iterator[tuple[str, int, Hashable]]:
        """Yield the records of known lists that open loops ask something about."""
        paths = dict.fromkeys(loop.over.path for loop in self.loops.values())
        for path in paths:
            for place, entry in placed(self._known[path]):
                is_charge = path == CHARGES
                record = open_charge(self._ruling, place, entry) if is_charge else entry
                reads = {
                    number: parts
                    for number, loop in self.loops.items()
                    if loop.over.path == path
                    and (parts := tuple(self._asked(loop, record, f"{path}[{place}]")))
                }
                if reads:
                    law = self._law_words(place, record) if is_charge else ()
                    yield path, place, (tuple(sorted(reads.items())), law)

    def _asked(self, loop: _Loop, record: Mapping[str, Any], at: str) -> Iterator[Hashable]:
        """Yield what is open of one record. What is certain of a total is added to it."""
        bound = {loop.variable: (record, at)}
        match loop:
            case tree.Quantifier(_, _, _, body):
                if self._value(body, bound) is None:
                    yield from self.of_condition(body, bound)
            case tree.Total(_, _, keep, added):
                kept = True if keep is None else self._value(keep, bound)
                if kept is False:
                    return
                amount = 1 if added is None else self._value(added, bound)
                if kept and not explain.undecided(amount):
                    certain = exact.add(self.certain.get(id(loop), 0), amount)
                    self.certain[id(loop)] = self._least_alike(loop, certain)
                    return
                if keep is not None and not kept:
                    yield from self.of_condition(keep, bound)
                if explain.undecided(amount):
                    assert added is not None
                    yield from self.of_condition(added, bound)
                else:
                    yield self._least_alike(loop, amount)

    def _law_words(self, place: int, charge: Mapping[str, Any]) -> Hashable:
        """Return what the law says about the open fields of a charge."""
        if charge.get("code") is None:
            return _what_a_code_agrees_with(self._ruling, charge)
        return tuple(words_left(self._ruling, place, charge))

    def _value(self, node: tree.Tree, bound: Bound) -> Any:
        """Return the value of a part, None if it is open."""
        if not bound:
            return self._ruling.value(node)
        return explain.value_of(node, self._ruling.world, bound)


def _what_a_code_agrees_with(ruling: Ruling, record: Mapping[str, Any]) -> Hashable:
    """Return what decides which sections a charge without a code may be of."""
    day = ruling.case.facts.known.get(DAY)
    law = ruling.program.as_of or (day and bisect_right(_law_changes(ruling.program), day))
    return law, tuple(_token(record.get(field)) for field in READ)


@lru_cache(maxsize=64)
def _law_changes(program: CompiledPack) -> tuple[date, ...]:
    return law_changes(program)


def _answers(ruling: Ruling, name: str) -> list[str]:
    """Return the answers that another decision can have."""
    outcome = ruling.case.outcome(name)
    return [outcome] if outcome is not None else ruling.case.decide(name).possible


def _token(value: Any) -> Hashable:
    if isinstance(value, GivenCitation):
        return "citation", str(value.section), value.is_recognized
    if isinstance(value, (list, tuple)):
        return tuple(tuple(sorted((name, _token(item[name])) for name in item)) for item in value)
    hashable: Hashable = value
    return hashable
