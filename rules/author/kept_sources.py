"""Find the numbers that changed while their source did not.

Then the day and the text of the source are those of the old number. That is no fault, since one
source can state both: it is a slip that a reader should be asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
_OFFENSE = "offense "
_Kind = TypeVar("_Kind", bound=Item)


@frozen
class SourcedNumber:
    """A number, or a row of the offense table, with its source and the doubt about it.

    `numbers` are what is compared. `text` is how a reader sees them, and is empty for those of a
    condition. A new doubt is one that its author wrote about the new number.
    """

    source: Citation
    doubt: str | None
    numbers: Any
    text: str
    place: Place
    declared_in: str

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
            yield f"rule {name}.{rule.id}", _sourced(rule, _constants(rule.when), "")
            for exemption in _in_force(rule.unless, day):
                item_name = f"exception {name}.{rule.id}.{exemption.id}"
                yield item_name, _sourced(exemption, _constants(exemption.when), "")
    if pack.offenses is not None:
        for code, rows in pack.offenses.rows.items():
            for row in _in_force(rows, day):
                content = (row.level, row.conduct, row.drugs, row.homicide)
                yield f"{_OFFENSE}{code}", _sourced(row, content, row.level)
    for retention in _in_force(pack.retention.values(), day):
        kept = (retention.keep, tuple(sorted(retention.ends.items())))
        text = f"{retention.keep.number} {retention.keep.unit}"
        yield f"rule on retention {retention.id}", _sourced(retention, kept, text)
    for subject, item in pack.program.stated():
        yield from ((f"what the pack says of {subject}", number) for number in _stated(item, day))
    yield from _of_facts(pack.vocabulary)


def _stated(item: Item, day: date | None) -> Iterator[SourcedNumber]:
    if day is not None and not item.in_force(day):
        return
    if isinstance(item, Places):
        ends = [item.value, *(() if item.high is None else (item.high,))]
        yield _sourced(item, tuple(ends), " to ".join(map(str, ends)))
    elif isinstance(item, Cost):
        for figure in dict.fromkeys((item.low, item.high)):
            text, place = f"${figure.dollars:,}", item.place
            yield SourcedNumber(
                figure.source, item.provisional, figure.dollars, text, place, item.declared_in
            )


def _of_facts(vocabulary: Vocabulary) -> Iterator[tuple[str, SourcedNumber]]:
    """Yield the range of each fact, or of a field of a list, that a pack adds."""
    for fact in vocabulary.facts.values():
        for entry in (fact, *fact.fields.values()):
            if entry.cited is not None and entry.range_text is not None:
                ends, text = (entry.path, entry.low, entry.high), entry.range_text
                number = SourcedNumber(Citation(*entry.cited), None, ends, text, Place(), "")
                yield f"fact {fact.path}", number


def _in_force(items: Iterable[_Kind], day: date | None) -> list[_Kind]:
    return [item for item in items if day is None or item.in_force(day)]


def _value(value: Value, unit: str) -> SourcedNumber:
    return _sourced(value, canonical(value.value), format_value(value.value, unit))


def _sourced(item: Item, numbers: Any, text: str) -> SourcedNumber:
    return SourcedNumber(item.source, item.provisional, numbers, text, item.place, item.declared_in)


def _constants(condition: tree.Tree) -> tuple[Any, ...]:
    """Return the numbers and lengths of time in a condition, in order."""
    values = [part.value for part in tree.nodes(condition) if isinstance(part, tree.Constant)]
    return tuple(
        value
        for value in values
        if isinstance(value, (int, Decimal, timedelta, tree.Months)) and not isinstance(value, bool)
    )
