"""Readers of the sourced amounts of a program, and of what would have to be true of them.

An amount has a low and a high, each with its own source. A break-even sets a total beside the
amount for each person or arrest. It predicts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rules.errors import nearest
from rules.input import keys
from rules.input.amounts import fits
from rules.input.yaml import Node
from rules.packs.draft import Draft, read_id, read_optional_text
from rules.packs.pack import BreakEven, Cost, Figure

TOTALS = ("total", "total_year")
# The amounts for one, by the total that they may be set beside.
ONES = {"total": ("arrest", "client"), "total_year": ("client_year",)}
COST_UNITS = (*TOTALS, *(unit for units in ONES.values() for unit in units))


def read_costs(draft: Draft, nodes: list[Node]) -> tuple[Cost, ...]:
    """Read the amounts of a program. Each has an id of its own."""
    costs: dict[str, Cost] = {}
    for node in nodes:
        fields = node.mapping("a cost", keys.COST.names, ("id",))
        name = read_id(fields["id"])
        subject = f"the cost `{name}`"
        node.mapping(subject, (), keys.COST.required)
        if name in costs:
            fields["id"].fail(
                "duplicate-id", f"the cost `{name}` appears twice", "choose another id"
            )
        unit = fields["unit"].text("`unit`")
        if unit not in COST_UNITS:
            fields["unit"].fail(
                "unknown-word", f"`{unit}` is no unit of a cost", nearest(unit, COST_UNITS)
            )
        low, high = (_read_figure(draft, fields[end], end, subject) for end in ("low", "high"))
        if low.dollars > high.dollars:
            fields["high"].fail(
                "costs-reversed",
                f"{subject} has a low of {low.dollars} dollars above its high of {high.dollars}",
                "swap them",
            )
        statement = fields["says"].text("`says`")
        costs[name] = Cost(
            id=name,
            says=statement,
            unit=unit,
            low=low,
            high=high,
            **draft.read_item(node, fields, subject),
        )
    return tuple(costs.values())


def _read_figure(draft: Draft, node: Node, end: str, subject: str) -> Figure:
    label = f"the {end} of {subject}"
    fields = node.mapping(label, keys.FIGURE.names, keys.FIGURE.required)
    dollars: Any = fields["dollars"].data()
    is_number = isinstance(dollars, (int, Decimal)) and not isinstance(dollars, bool)
    if not is_number or not dollars > 0 or not fits(dollars, "USD"):
        fields["dollars"].fail(
            "wrong-shape",
            f"`dollars` of {label} is no amount above 0",
            "write a number with two digits after the point at most, such as 1558",
        )
    statement = fields["says"].text("`says`")
    return Figure(Decimal(dollars), statement, draft.read_citation(node, fields, label))


def read_break_evens(
    draft: Draft, nodes: list[Node], costs: tuple[Cost, ...]
) -> tuple[BreakEven, ...]:
    """Read which totals are set beside which amounts for one."""
    by_id = {cost.id: cost for cost in costs}
    return tuple(_read_break_even(draft, node, by_id) for node in nodes)


def _read_break_even(draft: Draft, node: Node, costs: Mapping[str, Cost]) -> BreakEven:
    fields = node.mapping("a break-even", keys.BREAK_EVEN.names, keys.BREAK_EVEN.required)
    total, each = (_cost(fields[name], costs) for name in ("total", "each"))
    if total.unit not in TOTALS:
        fields["total"].fail(
            "wrong-unit",
            f"`{total.id}` is for one {total.unit}, and no total",
            f"name a cost whose unit is one of `{'`, `'.join(TOTALS)}`",
        )
    if each.unit not in ONES[total.unit]:
        fields["each"].fail(
            "wrong-unit",
            f"`{total.id}` in `{total.unit}` can't be set beside `{each.id}` in `{each.unit}`",
            f"name a cost whose unit is one of `{'`, `'.join(ONES[total.unit])}`",
        )
    return BreakEven(
        says=fields["says"].text("`says`"),
        total=total,
        each=each,
        note=read_optional_text(fields, "note"),
        **draft.read_item(node, fields, "a break-even"),
    )


def _cost(node: Node, costs: Mapping[str, Cost]) -> Cost:
    name = node.text("the name of a cost")
    if name not in costs:
        node.fail("unknown-cost", f"there is no cost `{name}`", nearest(name, tuple(costs)))
    return costs[name]
