"""Readers of parameters, of the offense table, and of clocks, which run for a parameter's time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from functools import partial
from typing import Any

from rules.errors import PackError, nearest
from rules.frozen import replace
from rules.input import keys
from rules.input.amounts import fault_of, fits
from rules.input.citations import Section, how_to_cite, reader_of
from rules.input.printing import printable
from rules.input.vocabulary import Fact, read_range
from rules.input.yaml import Node
from rules.language import tree
from rules.language.times import LONGEST, TIME_OF_DAY, read_time_of_day
from rules.packs.draft import Draft, find_folder, merge_items, refuse_unusable
from rules.packs.faults import gather
from rules.packs.pack import Clock, Invariant, Pack, Parameter, Value
from rules.packs.tables import read_key, read_rows

# The greatest amount of each unit. No law has a larger one: a larger number is a typo. Lengths of
# time end at 200 years, as in conditions.
GREATEST = {
    "g": 1_000_000,
    "dosage units": 1_000_000,
    "years": LONGEST["years"],
    "months": LONGEST["months"],
    "days": LONGEST["days"],
    "hours": LONGEST["hours"],
    "weeks": LONGEST["weeks"],
    "count": 1_000_000,
    "USD": 1_000_000_000,
}
WHOLE_UNITS = ("years", "months", "days", "weeks", "count")
LISTS = ("codes", "citations")  # units of lists
UNITS = (*GREATEST, *LISTS, TIME_OF_DAY)
CLOCK_UNITS = ("days", "hours", "weeks")
DAY_UNITS = ("days", "weeks", "months", "years")
COUNTS = ("days",)


def read_parameters(draft: Draft) -> None:
    """Read the pack's parameters into the draft, in place of the parent's or beside them."""
    parents = draft.parameters
    replaced = draft.overrides("parameters")
    draft.parameters = merge_items(
        "parameter",
        parents,
        draft.section("parameters"),
        replaced,
        lambda name, node: _read_parameter(draft, name, node),
        draft.faults,
    )
    for name, node in replaced.items():
        if name in parents and draft.parameters[name] is not parents[name]:
            with draft.faults.collect():
                _refuse_other_parameter(draft, name, node, parents[name])


def _refuse_other_parameter(draft: Draft, name: str, node: Node, parent: Parameter) -> None:
    """Refuse an override that is in another unit, or that a floor of the parent's excludes."""
    if parent.unit != draft.parameters[name].unit:
        node.fail("wrong-unit", f"`{name}` is in `{parent.unit}` in the parent", "keep the unit")
    if parent.by != draft.parameters[name].by:
        node.fail(
            "wrong-type",
            f"`{name}` has {f'rows by `{parent.by}`' if parent.by else 'one value'} in the parent",
            f"keep `by: {parent.by}`" if parent.by else "leave `by` out",
        )
    invariant = fixed_by(draft.parent, name) if draft.parent else None
    if invariant is not None:
        node.fail(
            "floor-lifted",
            f"the invariant `{invariant.id}` of the parent reads `{name}`, "
            "and another value would change which cases it protects",
            "keep the parent's value",
        )


def fixed_by(parent: Pack, name: str) -> Invariant | None:
    """Return an invariant that selects its cases by a parameter, so that no child may change it.

    A `when` of parameters alone, such as `intake_days > 30`, selects no case. It bounds them.
    """
    leaves = (tree.FactOf, tree.FieldOf, tree.Quantifier, tree.Total, tree.OutcomeOf, tree.StatusOf)
    for invariant in parent.invariants.values():
        when = invariant.when
        if when is not None and name in parameters_in(when):
            if any(isinstance(part, leaves) for part in tree.nodes(when)):
                return invariant
    return None


def parameters_in(condition: tree.Tree) -> set[str]:
    """Return the names of the parameters that a condition reads."""
    parts = (
        part.values if isinstance(part, (tree.Member, tree.IsOne)) else part
        for part in tree.nodes(condition)
    )
    return {part.name for part in parts if isinstance(part, (tree.ParameterOf, tree.RowOf))}


def _read_parameter(draft: Draft, name: str, node: Node) -> Parameter:
    subject = f"the parameter `{name}`"
    refuse_unusable(name, node)
    fields = node.mapping(subject, keys.PARAMETER.names, keys.PARAMETER.required)
    unit = fields["unit"].text("`unit`")
    if unit not in UNITS:
        fields["unit"].fail("wrong-unit", f"`{unit}` is no unit", nearest(unit, UNITS))
    low, high = _read_own_range(draft, name, fields, unit)
    by = read_key(draft.vocabulary, fields["by"], subject) if "by" in fields else None
    if by is not None and unit not in (*GREATEST, TIME_OF_DAY):
        fields["by"].fail("wrong-unit", f"{subject} has rows of `{unit}`", "use rows of numbers")
    nodes = fields["values"].items(f"the values of {subject}")
    values = list(
        gather(
            {
                str(index): partial(_read_value, draft, node, unit, subject, (low, high), by)
                for index, node in enumerate(nodes)
            }
        ).values()
    )
    if not values:
        fields["values"].fail("missing-key", f"{subject} has no value", "add one with its source")
    label = fields["label"].text("`label`")
    in_order, path = _in_order(name, values), by.path if by is not None else None
    return Parameter(name, label, unit, in_order, draft.id, node.place, low, high, path)


Range = tuple[Decimal | None, Decimal | None]


def _read_own_range(draft: Draft, name: str, fields: Mapping[str, Node], unit: str) -> Range:
    """Read `range`, or return the parent's. A child may only narrow it."""
    parent = draft.parent.parameters.get(name) if draft.parent else None
    inherited = (parent.low, parent.high) if parent else (None, None)
    if "range" not in fields:
        return inherited
    node, subject = fields["range"], f"the parameter `{name}`"
    if unit not in GREATEST:
        node.fail("wrong-shape", f"{subject} is in `{unit}` and has no range", "leave `range` out")
    low, high = read_range(node, subject, unit)
    for end in (low, high):
        if end is not None:
            _refuse_amount(node, end, unit, f"an end of the `range` of {subject}")
    is_wider = (inherited[0] is not None and (low is None or low < inherited[0])) or (
        inherited[1] is not None and (high is None or high > inherited[1])
    )
    if is_wider:
        node.fail(
            "floor-lifted",
            f"the `range` of {subject} is wider than the parent's {_range_text(inherited)}",
            "narrow it, or leave it out",
        )
    return low, high


def _range_text(ends: Range) -> str:
    low, high = ("null" if end is None else format(end.normalize(), "f") for end in ends)
    return f"`[{low}, {high}]`"


def _read_value(
    draft: Draft, node: Node, unit: str, parameter: str, ends: Range, by: Fact | None
) -> Value:
    subject = f"a value of {parameter}"
    fields = node.mapping(subject, keys.PARAMETER_VALUE.names, keys.PARAMETER_VALUE.required)
    read_one: Any = partial(_read_number, unit=unit, ends=ends)
    if unit == "citations":
        read_one = partial(_read_sections, draft)
    elif unit in ("codes", TIME_OF_DAY):
        read_one = _read_codes if unit == "codes" else _read_time

    def read(node: Node, subject: str) -> Any:
        """Read the value, or the row of a table for each word."""
        if by is None:
            return read_one(node, subject=subject)
        return read_rows(node, by, lambda row, name: read_one(row, subject=name), subject)

    parts = gather(
        {
            "value": partial(read, fields["value"], subject=subject),
            "item": partial(draft.read_item, node, fields, subject),
        }
    )
    return Value(value=parts["value"], **parts["item"])


def _read_codes(node: Node, subject: str) -> tuple[str, ...]:
    codes = tuple(code.text("a code") for code in node.items(subject))
    if not codes:
        node.fail("wrong-shape", f"{subject} is an empty list", "leave the value out")
    return codes


def _read_sections(draft: Draft, node: Node, subject: str) -> tuple[Section, ...]:
    """Read sections of law, each in its canonical form and once."""
    _read_codes(node, subject)
    listed = enumerate(node.items(subject))
    sections = gather({str(at): partial(_read_section, draft, entry) for at, entry in listed})
    return tuple(dict.fromkeys(sections.values()))


def _read_section(draft: Draft, node: Node) -> Section:
    reader, text = reader_of(draft.vocabulary), node.text("a citation")
    section = reader.read(text)
    if section is None:
        message = f"`{printable(text)}` cites no section of law"
        node.fail("no-citation", message, how_to_cite(reader, text))
    return section


def _read_time(node: Node, subject: str) -> time:
    text = node.text(subject)
    value = read_time_of_day(text)
    if value is None:
        node.fail("no-such-time", f"`{text}` is not a time of day", 'write it as "22:00"')
    return value


def _read_number(node: Node, unit: str, subject: str, ends: Range) -> int | Decimal:
    number: Any = node.data()
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        node.fail("wrong-shape", f"{subject} is not a number", f"write the number of {unit}")
    if not fits(number, unit):
        fault, fix = fault_of(number, unit)
        node.fail("number-too-fine", f"{subject} {fault}", fix)
    _refuse_amount(node, number, unit, subject)
    low, high = ends
    if (low is not None and number < low) or (high is not None and number > high):
        node.fail(
            "out-of-range",
            f"{subject} is `{number}`, and the parameter's range is {_range_text(ends)}",
            "check the number",
        )
    # One spelling for one number: 3 for 3.0, and no minus before a zero.
    return int(number) if number == int(number) else Decimal(number).normalize()


def _refuse_amount(node: Node, number: int | Decimal, unit: str, subject: str) -> None:
    """Refuse an amount that no law has: below 0, too great, or a part of a whole unit."""
    amount = f"{number}" if unit == "count" else f"{number} {unit}"
    if not 0 <= number <= GREATEST[unit]:
        node.fail(
            "out-of-range",
            f"{subject} is `{amount}`, and it is always from 0 to {GREATEST[unit]:,}",
            "check the number",
        )
    if unit in WHOLE_UNITS and number != int(number):
        noun = "a count" if unit == "count" else f"a number of {unit}"
        node.fail(
            "out-of-range",
            f"{subject} is `{amount}`, and {noun} is always whole",
            "write a whole number, or use another unit",
        )


def _in_order(name: str, values: list[Value]) -> tuple[Value, ...]:
    """Return the values by date, each ended by the next. Refuse an overlap and a gap."""
    values = sorted(values, key=lambda value: value.since or date.min)
    closed: list[Value] = []
    for value, following in zip(values, [*values[1:], None], strict=True):
        ends = value.until
        if following is not None:
            _refuse_overlap(name, value, following)
            if value.until is not None and following.since and value.until < following.since:
                raise PackError(
                    "gap-in-dates",
                    f"`{name}` has no value from {value.until} to {following.since}",
                    at=following.place,
                    fix="leave out `until`, or move `from`",
                )
            ends = following.since
        closed.append(replace(value, until=ends))
    return tuple(closed)


def _refuse_overlap(name: str, value: Value, following: Value) -> None:
    if (
        following.since is not None
        and following.since != value.since
        and (value.until or date.min) <= following.since
    ):
        return
    day = following.since or value.since
    message = (
        f"two values of `{name}` hold on {day}" if day else f"two values of `{name}` have no `from`"
    )
    raise PackError(
        "overlapping-dates", message, at=following.place, fix="give each its own `from`"
    )


def read_spellings(draft: Draft) -> None:
    """Read how the pack's offense table spells citations, before any citation is read."""
    if "offenses" not in draft.entry:
        return
    from rules.packs.table_head import read_table_head  # a pack without a table doesn't need it

    node = draft.entry["offenses"]
    folder = find_folder(draft.find.table, node, node.text("`offenses`"))
    draft.table_head = read_table_head(folder, draft.vocabulary)
    draft.vocabulary = draft.table_head.vocabulary


def read_offense_table(draft: Draft) -> None:
    """Read the offense table that the pack names into the draft, in place of the parent's.

    The codes that the table lists as no offenses become a parameter.
    """
    if "offenses" not in draft.entry or draft.table_head is None:
        return
    from rules.packs import offenses  # a pack without a table doesn't need it

    node = draft.entry["offenses"]
    name = node.text("`offenses`")
    folder = find_folder(draft.find.table, node, name)
    if draft.find.replaces_shipped(folder):
        draft.local[name] = "offense table"
    own = draft.parameters.get(offenses.NO_OFFENSE)
    if own is not None and (draft.offenses is None or own.declared_in != draft.offenses.id):
        raise PackError(
            "name-clash",
            f"the parameter `{offenses.NO_OFFENSE}` comes from the offense table `{name}`",
            at=own.place,
            fix="rename the parameter, or leave it to the table",
        )
    draft.parameters.pop(offenses.NO_OFFENSE, None)
    draft.offenses, sources = offenses.read_offenses(folder, draft.table_head)
    draft.sources |= sources
    parameter = offenses.no_offense(draft.offenses)
    if parameter is not None:
        draft.parameters[parameter.name] = parameter


# Clocks


def read_clocks(draft: Draft) -> dict[str, Clock]:
    """Return the clocks of the pack and of its parent."""
    return merge_items(
        "clock",
        draft.parent.clocks if draft.parent else {},
        draft.section("clocks"),
        draft.overrides("clocks"),
        lambda name, node: _read_clock(draft, name, node),
        draft.faults,
    )


def _read_clock(draft: Draft, name: str, node: Node) -> Clock:
    subject = f"the clock `{name}`"
    refuse_unusable(name, node)
    fields = node.mapping(subject, keys.CLOCK.names, keys.CLOCK.required)
    if ("stop" in fields) == ("repeats" in fields):
        node.fail(
            "wrong-shape",
            f"{subject} needs either `stop` or `repeats`",
            "say which event ends or renews it",
        )
    counts = _read_counts(fields)
    parts = gather(
        {
            "length": partial(_read_length, draft, fields["length"], counts),
            "label": partial(fields["label"].text, "`label`"),
            "owner": partial(draft.read_role, fields["owner"]),
            "start": partial(read_event, draft, fields["start"]),
            "stop": partial(_read_optional_event, draft, fields, "stop", counts),
            "repeats": partial(_read_optional_event, draft, fields, "repeats"),
            "tolling": partial(_read_pauses, draft, fields),
            "follows": partial(draft.read_wording, fields["follows"]),
            "item": partial(draft.read_item, node, fields, subject),
        }
    )
    return Clock(name=name, counts=counts, **parts.pop("item"), **parts)


def _read_counts(fields: Mapping[str, Node]) -> str | None:
    """Read `counts`: the time is counted in local days, or else it elapses."""
    if "counts" not in fields:
        return None
    counts = fields["counts"].text("`counts`")
    if counts not in COUNTS:
        fields["counts"].fail(
            "unknown-word", f"`{counts}` is nothing that a clock counts", "write `counts: days`"
        )
    return counts


def _read_length(draft: Draft, node: Node, counts: str | None) -> str:
    """Read the name of a parameter that is a length of time."""
    length = node.text("`length`")
    if length not in draft.parameters:
        node.fail(
            "unknown-parameter",
            f"there is no parameter `{length}`",
            nearest(length, tuple(draft.parameters)),
        )
    if draft.parameters[length].by is not None:
        node.fail(
            "wrong-type", f"`{length}` is a table, and a clock has one length", "name another"
        )
    unit = draft.parameters[length].unit
    if unit not in (DAY_UNITS if counts else CLOCK_UNITS):
        is_length = unit in (*CLOCK_UNITS, *DAY_UNITS)
        fault = f"which {'needs' if not counts else 'can have no'} `counts: days`"
        node.fail(
            "wrong-unit",
            f"`{length}` is in `{unit}`, {fault if is_length else 'which is no length of time'}",
            "use a parameter in hours, days or weeks; or in months or years with `counts: days`",
        )
    return length


def _read_optional_event(
    draft: Draft, fields: Mapping[str, Node], key: str, counts: str | None = None
) -> str | None:
    return read_event(draft, fields[key], may_be_day=bool(counts)) if key in fields else None


def read_event(draft: Draft, node: Node, *, may_be_day: bool = False) -> str:
    """Read the path of a fact that is an event: a moment, or the day that stops a clock of days."""
    path = node.text("the event")
    fact = draft.vocabulary.facts.get(path)
    if fact is None or fact.kind != "event":
        facts = draft.vocabulary.facts.values()
        events = tuple(event.path for event in facts if event.kind == "event")
        node.fail("unknown-fact", f"`{path}` is no event", nearest(path, events))
    if fact.type != "timestamp" and not (may_be_day and fact.type == "date"):
        fault = "a day, and only the stop of a clock with `counts: days` may be one"
        if fact.type != "date":
            fault = "no moment"
        node.fail("wrong-type", f"the event `{path}` is {fault}", "name a timestamp")
    return path


def _read_pauses(draft: Draft, fields: Mapping[str, Node]) -> str | None:
    """Read `tolling`: the path of a list of pauses, events with `from` and `until`."""
    if "tolling" not in fields:
        return None
    node = fields["tolling"]
    path = node.text("`tolling`")
    fact = draft.vocabulary.facts.get(path)
    types = {name: field.type for name, field in fact.fields.items()} if fact else {}
    ends = types.get("from"), types.get("until")
    if fact is None or fact.kind != "event" or ends != ("timestamp", "timestamp"):
        node.fail(
            "unknown-fact",
            f"`{path}` is no list of pauses",
            "declare a list with `from` and `until` timestamps",
        )
    return path
