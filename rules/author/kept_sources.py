"""Find the numbers that changed while their source did not, or that changed much.

Then the day and the text of the source are those of the old number. That is no fault, since one
source can state both: it is a slip that a reader should be asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

from rules.author.phrases import format_value
from rules.errors import Place
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary
from rules.language import tree
from rules.packs.digest import canonical
from rules.packs.pack import Citation, Cost, Item, Pack, Places, Value

_ONE_DAY = timedelta(days=1)
LARGE = 5  # times the number before, or a part of it as small: a key that was hit twice, or a zero
_OFFENSE = "offense "
_Kind = TypeVar("_Kind", bound=Item)


@frozen
class SourcedNumber:
    """A number, or a row of the offense table, with its source and the doubt about it.

    `numbers` are what is compared. `text` is how a reader sees them, and is empty for those of a
    condition. A new doubt is one that its author wrote about the new number. `amounts` are the
    numbers with their units, in order.
    """

    source: Citation
    doubt: str | None
    numbers: Any
    text: str
    place: Place
    declared_in: str
    amounts: tuple[tuple[str, Decimal], ...] = ()

    @property
    def basis(self) -> tuple[Citation, str | None]:
        """The source, and the doubt."""
        return self.source, self.doubt


@frozen
class KeptSource:
    """A number that changed while its source did not. `item_name` is the name in a redline."""

    item_name: str
    before: SourcedNumber
    after: SourcedNumber


def kept_sources(old: Pack, new: Pack, days: tuple[date, date]) -> tuple[KeptSource, ...]:
    """Return the numbers of the new pack that differ on these days, and keep the old source.

    A number that the old pack has too, on whatever day, is none: nobody changed it. Of one pack on
    two days, that is so of the offense table, whose sources are acts that state both levels.
    """
    before, after = _numbers(old, days[0]), _numbers(new, days[1])
    every = _numbers(old, None)
    if old is new:
        every = {name: rows for name, rows in every.items() if name.startswith(_OFFENSE)}
    return tuple(
        change
        for item_name, numbers in after.items()
        if item_name in before
        and (change := _kept(item_name, before[item_name], numbers, every.get(item_name, [])))
        is not None
        and old.sources.get(change.after.source.id) is not None
        and canonical(old.sources[change.after.source.id])
        == canonical(new.sources.get(change.after.source.id))
    )


def kept_in(pack: Pack, parent: Pack | None) -> tuple[KeptSource, ...]:
    """Return the numbers of a pack's own that keep the source of the number that they replace.

    That is the earlier value of the same parameter, or the parent's on the same day.
    """
    by_place = {item.after.place: item for item in _successive(pack)}
    if parent is not None:
        for day in _first_days(pack):
            for item in kept_sources(parent, pack, (day, day)):
                if item.after.declared_in == pack.id:
                    by_place.setdefault(item.after.place, item)
    return tuple(by_place.values())


def _first_days(pack: Pack) -> list[date]:
    """Return the days on which rules of a pack begin, and its last one."""
    program = pack.program
    starts = {*pack.boundaries(), *((program.since,) if program.since is not None else ())}
    starts |= {program.until - _ONE_DAY} if program.until is not None else set()
    return sorted(day for day in starts or {date.max} if program.in_force(day))


def _successive(pack: Pack) -> Iterator[KeptSource]:
    for parameter in pack.parameters.values():
        values = [_value(value, parameter.unit) for value in parameter.values]
        for before, after in pairwise(values):
            if (
                after.declared_in == pack.id
                and before.basis == after.basis
                and before.numbers != after.numbers
            ):
                yield KeptSource(f"parameter {parameter.name}", before, after)


def _kept(
    item_name: str,
    before: list[SourcedNumber],
    after: list[SourcedNumber],
    every: list[SourcedNumber],
) -> KeptSource | None:
    """Return the first number that is new, and has the source of one that is gone."""
    now = [(item.source, item.numbers) for item in after]
    earlier = [(item.source, item.numbers) for item in (*before, *every)]
    replaced = [item for item in before if (item.source, item.numbers) not in now]
    for item in after:
        if (item.source, item.numbers) not in earlier:
            for former in replaced:
                if former.basis == item.basis and former.numbers != item.numbers:
                    return KeptSource(item_name, former, item)
    return None


@frozen
class LargeStep:
    """A number that is many times the one before it, or a small part of it.

    `times` is such as `20`, or `1/20` of a number that fell. `item_name` is the name in a redline.
    """

    item_name: str
    before: SourcedNumber
    after: SourcedNumber
    times: str


def large_steps(old: Pack, new: Pack, days: tuple[date, date]) -> tuple[LargeStep, ...]:
    """Return the numbers of the new pack that are far from the old pack's, whatever they cite."""
    before, after = _numbers(old, days[0]), _numbers(new, days[1])
    return tuple(
        LargeStep(item_name, former, number, times)
        for item_name, numbers in after.items()
        if len(numbers) == len(before.get(item_name, ()))
        for former, number in zip(before[item_name], numbers, strict=True)
        if (times := _times(former, number)) is not None
    )


def large_steps_in(pack: Pack, parent: Pack | None) -> tuple[LargeStep, ...]:
    """Return the numbers of a pack's own that are far from the earlier value, or the parent's."""
    by_place: dict[Place, LargeStep] = {}
    for parameter in pack.parameters.values():
        values = [_value(value, parameter.unit) for value in parameter.values]
        for before, after in pairwise(values):
            times = _times(before, after)
            if times is not None and after.declared_in == pack.id:
                item_name = f"parameter {parameter.name}"
                by_place[after.place] = LargeStep(item_name, before, after, times)
    if parent is not None:
        for day in _first_days(pack):
            for item in large_steps(parent, pack, (day, day)):
                if item.after.declared_in == pack.id:
                    by_place.setdefault(item.after.place, item)
    return tuple(by_place.values())


def _times(before: SourcedNumber, after: SourcedNumber) -> str | None:
    """Return how many times the number before a number is, None if it is near it."""
    units = [[unit for unit, _ in item.amounts] for item in (before, after)]
    if units[0] != units[1]:
        return None
    pairs = [
        (old, new)
        for (_, old), (_, new) in zip(before.amounts, after.amounts, strict=True)
        if old > 0 and new > 0
    ]
    steps = [(max(pair) / min(pair), pair) for pair in pairs]
    factor, pair = max(steps, default=(Decimal(1), (Decimal(1), Decimal(1))))
    if factor < LARGE:
        return None
    rounded = format(round(factor, 1).normalize(), "f")
    return rounded if pair[1] > pair[0] else f"1/{rounded}"


Numbers = dict[str, list[SourcedNumber]]


def _numbers(pack: Pack, day: date | None) -> Numbers:
    """Return each number of a pack that has a source, by its item. `day` is None for all days."""
    numbers: Numbers = {}
    for item_name, item in _every_number(pack, day):
        numbers.setdefault(item_name, []).append(item)
    return numbers


def _every_number(pack: Pack, day: date | None) -> Iterator[tuple[str, SourcedNumber]]:
    for parameter in pack.parameters.values():
        for value in _in_force(parameter.values, day):
            yield f"parameter {parameter.name}", _value(value, parameter.unit)
    for name, decision in pack.decisions.items():
        for rule in _in_force(decision.rules.values(), day):
            yield f"rule {name}.{rule.id}", _of_condition(rule, rule.when)
            for exemption in _in_force(rule.unless, day):
                item_name = f"exception {name}.{rule.id}.{exemption.id}"
                yield item_name, _of_condition(exemption, exemption.when)
    if pack.offenses is not None:
        for code, rows in pack.offenses.rows.items():
            for row in _in_force(rows, day):
                content = (row.level, row.conduct, row.drugs, row.homicide)
                yield f"{_OFFENSE}{code}", _sourced(row, content, row.level)
    for retention in _in_force(pack.retention.values(), day):
        kept = (retention.keep, tuple(sorted(retention.ends.items())))
        text = f"{retention.keep.number} {retention.keep.unit}"
        amounts = [(retention.keep.unit, retention.keep.number)]
        yield f"rule on retention {retention.id}", _sourced(retention, kept, text, amounts)
    for subject, item in pack.program.stated():
        yield from ((f"what the pack says of {subject}", number) for number in _stated(item, day))
    yield from _of_facts(pack.vocabulary)


def _stated(item: Item, day: date | None) -> Iterator[SourcedNumber]:
    if day is not None and not item.in_force(day):
        return
    if isinstance(item, Places):
        ends = [item.value, *(() if item.high is None else (item.high,))]
        yield _sourced(item, tuple(ends), " to ".join(map(str, ends)), _unnamed(ends))
    elif isinstance(item, Cost):
        for figure in dict.fromkeys((item.low, item.high)):
            text, place = f"${figure.dollars:,}", item.place
            yield SourcedNumber(
                figure.source,
                item.provisional,
                figure.dollars,
                text,
                place,
                item.declared_in,
                _decimals([("dollars", figure.dollars)]),
            )


def _of_facts(vocabulary: Vocabulary) -> Iterator[tuple[str, SourcedNumber]]:
    """Yield the range of each fact, or of a field of a list, that a pack adds."""
    for fact in vocabulary.facts.values():
        for entry in (fact, *fact.fields.values()):
            if entry.cited is not None and entry.range_text is not None:
                ends, text = (entry.path, entry.low, entry.high), entry.range_text
                amounts = [("low", entry.low), ("high", entry.high)]
                number = SourcedNumber(
                    Citation(*entry.cited), None, ends, text, Place(), "", _decimals(amounts)
                )
                yield f"fact {fact.path}", number


def _in_force(items: Iterable[_Kind], day: date | None) -> list[_Kind]:
    return [item for item in items if day is None or item.in_force(day)]


def _value(value: Value, unit: str) -> SourcedNumber:
    text = format_value(value.value, unit)
    rows = value.value.items() if isinstance(value.value, Mapping) else [("", value.value)]
    amounts = [(f"{word} {unit}", amount) for word, amount in rows]
    return _sourced(value, canonical(value.value), text, amounts)


def _sourced(
    item: Item, numbers: Any, text: str, amounts: Iterable[tuple[str, Any]] = ()
) -> SourcedNumber:
    basis = item.source, item.provisional
    return SourcedNumber(*basis, numbers, text, item.place, item.declared_in, _decimals(amounts))


def _decimals(amounts: Iterable[tuple[str, Any]]) -> tuple[tuple[str, Decimal], ...]:
    """Return the amounts that are numbers or lengths of time, with their units."""
    decimals = []
    for unit, amount in amounts:
        if isinstance(amount, timedelta):
            decimals.append(("seconds", Decimal(int(amount.total_seconds()))))
        elif isinstance(amount, tree.Months):
            decimals.append(("months", Decimal(amount.number)))
        elif isinstance(amount, (int, Decimal)) and not isinstance(amount, bool):
            decimals.append((unit, Decimal(amount)))
    return tuple(decimals)


def _unnamed(amounts: Iterable[Any]) -> list[tuple[str, Any]]:
    return [("", amount) for amount in amounts]


def _of_condition(item: Item, condition: tree.Tree) -> SourcedNumber:
    constants = _constants(condition)
    return _sourced(item, constants, "", _unnamed(constants))


def _constants(condition: tree.Tree) -> tuple[Any, ...]:
    """Return the numbers and lengths of time in a condition, in order."""
    values = [part.value for part in tree.nodes(condition) if isinstance(part, tree.Constant)]
    return tuple(
        value
        for value in values
        if isinstance(value, (int, Decimal, timedelta, tree.Months)) and not isinstance(value, bool)
    )
