"""Every day on which something in a pack began or ended, and the values over time."""

from __future__ import annotations

from collections.abc import Iterator

from offramp.documents.document import Block, Cell, Document, Heading, Table, Text, anchor
from rules.author.phrases import format_day, format_value
from rules.decide.program import Program
from rules.decide.wording import fill_in
from rules.packs.pack import Exemption, Item, Pack, Parameter, Rule, Value
from rules.packs.resolve import resolve


def timeline(pack: Pack) -> Document:
    """Return a table of the days, and a table for each parameter with more than one value."""
    title = f"{pack.title}: what applied when"
    blocks: list[Block] = [
        Heading(1, title, "title"),
        Text(
            f"Rule pack `{pack.id}`, `{Program(pack).digest}`. An item without a day of its own "
            "applies from the program's start."
        ),
        Table(
            "What begins and what ends",
            ("Day", "Begins", "Ends (the day before was its last)"),
            tuple(_day_rows(pack)),
        ),
    ]
    for parameter in pack.parameters.values():
        if len(parameter.values) > 1:
            heading_id = anchor("amount", parameter.name)
            head = ("From", "Until", "Value", "Source", "In doubt")
            blocks.append(Heading(2, parameter.label.capitalize(), heading_id))
            blocks.append(Table(parameter.label, head, tuple(_value_rows(pack, parameter))))
    return Document(title, "en", tuple(blocks))


def _day_rows(pack: Pack) -> Iterator[tuple[Cell, ...]]:
    """Yield one row for each day in order, also where the program and its rules begin together."""
    program, dated = pack.program, list(_dated_items(pack))
    days = {*pack.boundaries(), *(day for day in (program.since, program.until) if day is not None)}
    for day in sorted(days):
        begins = ["the program begins"] if program.since == day else []
        begins += [_line(pack, name, item) for name, item in dated if item.since == day]
        ends = [name for name, item in dated if item.until == day]
        ends += ["the program"] if program.until == day else []
        yield format_day(day), tuple(begins), tuple(ends)


def _value_rows(pack: Pack, parameter: Parameter) -> Iterator[tuple[Cell, ...]]:
    for value in parameter.values:
        yield (
            format_day(value.since) if value.since else "the program's start",
            format_day(value.until) if value.until else _next_start(parameter, value),
            format_value(value.value, parameter.unit),
            pack.sources[value.source.id].title,
            value.provisional or "",
        )


def _next_start(parameter: Parameter, value: Value) -> str:
    later = [
        sibling.since
        for sibling in parameter.values
        if sibling.since and (value.since is None or sibling.since > value.since)
    ]
    return format_day(min(later)) if later else "no end is known"


def _dated_items(pack: Pack) -> Iterator[tuple[str, Item]]:
    yield from pack.items()
    yield from (
        (f"invariant `{invariant.id}`", invariant) for invariant in pack.invariants.values()
    )
    for decision in pack.decisions.values():
        yield from (
            (f"the step after `{outcome}` of `{decision.name}`", step)
            for outcome, step in decision.next.items()
        )
        if decision.while_waiting:
            yield f"the step while `{decision.name}` waits", decision.while_waiting


def _line(pack: Pack, name: str, item: Item) -> str:
    """Return the name of the item that began, and the pack's words for it on that day."""
    text = ""
    if isinstance(item, Value):
        parameter = pack.parameters[name.split("`")[1]]
        name, text = parameter.label, f": {format_value(item.value, parameter.unit)}"
    elif isinstance(item, Rule | Exemption) and item.since is not None:
        text = f": {fill_in(resolve(pack, item.since), item.because)}"
    doubt = f" (in doubt: {item.provisional})" if item.provisional else ""
    return f"{name}{text}{doubt}"
