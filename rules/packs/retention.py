"""Readers of a pack's `retention`: how long each kind of agency keeps each kind of information.

A rule is about the agencies of some roles and some categories. On any day at most one applies to a
role and a category. Where none does, the default applies (`rules.decide.retention`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from itertools import combinations

from rules.errors import PackError
from rules.input import keys
from rules.input.vocabulary import Vocabulary
from rules.input.yaml import Node
from rules.packs.draft import Draft, merge_items, refuse_unusable
from rules.packs.faults import gather
from rules.packs.pack import Period, Retention

# Why a case's parts may end before their time: the charge was dismissed, a court sealed the record,
# or the person completed the program.
CAUSES = ("dismissed", "sealed", "completed")
UNITS = ("days", "months", "years")
MOST_DAYS = {"days": 36_600, "months": 1_200, "years": 100}
# No agency of these roles keeps a part.
_NO_AGENCIES = ("hub", "person", "policy_group")


def agency_roles(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the roles of agencies, which may keep parts."""
    return tuple(role for role in vocabulary.roles if role not in _NO_AGENCIES)


def read_retention(draft: Draft) -> dict[str, Retention]:
    """Return the pack's rules on retention and those of its parent, by id."""
    merged = merge_items(
        "rule on retention",
        draft.parent.retention if draft.parent else {},
        draft.section("retention"),
        draft.overrides("retention"),
        partial(_read_rule, draft),
        draft.faults,
    )
    for first, second in combinations(merged.values(), 2):
        with draft.faults.collect(second.id):
            _refuse_overlap(first, second)
    return merged


def _read_rule(draft: Draft, name: str, node: Node) -> Retention:
    subject = f"the rule on retention `{name}`"
    refuse_unusable(name, node)
    fields = node.mapping(subject, keys.RETENTION.names, keys.RETENTION.required)
    parts = gather(
        {
            "says": partial(fields["says"].text, f"`says` of {subject}"),
            "held_by": partial(
                _read_words, fields["held_by"], agency_roles(draft.vocabulary), "role of an agency"
            ),
            "categories": partial(
                _read_words,
                fields["categories"],
                tuple(draft.vocabulary.categories),
                "kind of information",
            ),
            "keep": partial(_read_period, fields["keep"], subject),
            "ends": partial(_read_ends, fields, subject),
            "item": partial(draft.read_item, node, fields, subject),
        }
    )
    return Retention(id=name, **parts.pop("item"), **parts)


def _read_words(node: Node, allowed: Collection[str], noun: str) -> tuple[str, ...]:
    words = tuple(item.text(f"the {noun}") for item in node.items("the list"))
    for item, word in zip(node.items("the list"), words, strict=True):
        if word not in allowed:
            item.fail("unknown-word", f"`{word}` is no {noun}", f"use one of {', '.join(allowed)}")
        if words.count(word) > 1:
            item.fail("duplicate-id", f"`{word}` appears twice", "leave it once")
    if not words:
        node.fail("wrong-shape", f"the rule names no {noun}", "name at least one")
    return words


def _read_period(node: Node, subject: str) -> Period:
    """Read a time such as `{years: 6}`: a whole number of one unit."""
    fields = node.mapping(f"`keep` of {subject}", UNITS)
    if len(fields) != 1:
        node.fail(
            "wrong-shape", f"`keep` of {subject} is no time of one unit", "write `{years: 6}`"
        )
    ((unit, value),) = fields.items()
    return Period(unit, _read_number(value, unit, 1, MOST_DAYS[unit]))


def _read_ends(fields: Mapping[str, Node], subject: str) -> dict[str, int]:
    if "ends" not in fields:
        return {}
    causes = fields["ends"].mapping(f"`ends` of {subject}", CAUSES)
    return {
        cause: _read_number(node, "days", 0, MOST_DAYS["days"]) for cause, node in causes.items()
    }


def _read_number(node: Node, unit: str, least: int, most: int) -> int:
    number = node.data()
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        node.fail(
            "out-of-range",
            f"`{unit}` is no whole number from {least} to {most}",
            f"write a whole number from {least} to {most}",
        )
    return number


def _refuse_overlap(first: Retention, second: Retention) -> None:
    """Refuse two rules that would apply to one role and category on one day."""
    roles = [role for role in first.held_by if role in second.held_by]
    categories = [name for name in first.categories if name in second.categories]
    starts = [item.since for item in (first, second) if item.since is not None]
    ends = [item.until for item in (first, second) if item.until is not None]
    if not roles or not categories or (starts and ends and max(starts) >= min(ends)):
        return
    raise PackError(
        "two-retentions",
        f"the rules on retention `{first.id}` and `{second.id}` both apply to `{categories[0]}` "
        f"at `{roles[0]}`",
        at=second.place,
        fix="name each role and category in one rule, or give the rules days that don't meet",
    )
