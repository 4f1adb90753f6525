"""Readers of a pack's `groups`: the facts by which reports count people, and the groups of each.

A group is counted and never decides anything. Only a fact that agencies keep in a case can form
groups, so no fact of the pack's own, and none that never travels.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from rules.errors import nearest
from rules.input import keys
from rules.input.vocabulary import Fact
from rules.input.yaml import Node
from rules.packs.draft import Draft, merge_items, refuse_unusable
from rules.packs.faults import gather
from rules.packs.pack import Grouping

NOT_KNOWN = "not_known"
_TYPES = ("choice", "bool", "int")


def read_groups(draft: Draft) -> dict[str, Grouping]:
    """Return the pack's groupings and those of its parent, by name."""
    return merge_items(
        "grouping",
        draft.parent.groups if draft.parent else {},
        draft.section("groups"),
        draft.overrides("groups"),
        partial(_read_grouping, draft),
        draft.faults,
    )


def _read_grouping(draft: Draft, name: str, node: Node) -> Grouping:
    subject = f"the grouping `{name}`"
    refuse_unusable(name, node)
    fields = node.mapping(subject, keys.GROUPING.names, keys.GROUPING.required)
    fact = _read_fact(draft, fields["of"])
    parts = gather(
        {
            "says": partial(fields["says"].text, f"`says` of {subject}"),
            "bands": partial(_read_bands, node, fields, fact, subject),
            "item": partial(draft.read_item, node, fields, subject),
        }
    )
    item = parts.pop("item")
    return Grouping(name=name, of=fact.path, **parts, **item)


def _read_fact(draft: Draft, node: Node) -> Fact:
    path = node.text("`of`")
    usable = [fact.path for fact in draft.shared_facts.values() if _is_usable(draft, fact)]
    if path not in draft.vocabulary.facts:
        node.fail("unknown-fact", f"there is no fact `{path}`", nearest(path, tuple(usable)))
    if path not in usable:
        node.fail(
            "wrong-type",
            f"nobody can be counted by `{path}`",
            "name a fact of the vocabulary that agencies keep: a choice, a yes or no, or a whole "
            "number",
        )
    return draft.vocabulary.facts[path]


def _is_usable(draft: Draft, fact: Fact) -> bool:
    return (
        fact.type in _TYPES
        and fact.known_by != "hub"
        and fact.category not in (*draft.vocabulary.never_travels, "operation")
    )


def _read_bands(
    node: Node, fields: Mapping[str, Node], fact: Fact, subject: str
) -> tuple[int, ...]:
    if fact.type != "int":
        if "bands" in fields:
            fields["bands"].fail(
                "wrong-shape",
                f"{subject} has bands, and `{fact.path}` is no number",
                "leave `bands` out",
            )
        return ()
    if "bands" not in fields:
        node.fail(
            "missing-key",
            f"{subject} has no `bands`",
            "write the lowest number of each band but the first, such as [25, 35, 45]",
        )
    bands = tuple(item.data() for item in fields["bands"].items("`bands`"))
    if (
        not bands
        or not all(type(band) is int and band > 0 for band in bands)
        or any(low >= high for low, high in pairwise(bands))
    ):
        fields["bands"].fail(
            "wrong-shape",
            "`bands` are no whole numbers that rise",
            "write the lowest number of each band but the first, such as [25, 35, 45]",
        )
    return bands


def groups_of(grouping: Grouping, fact: Fact) -> tuple[str, ...]:
    """Return the names of a grouping's groups in order, `not_known` last."""
    if fact.type == "choice":
        return (*fact.choices, NOT_KNOWN)
    if fact.type == "bool":
        return ("yes", "no", NOT_KNOWN)
    ends = [f"{low}_to_{high - 1}" for low, high in pairwise(grouping.bands)]
    first, last = grouping.bands[0], grouping.bands[-1]
    return (f"under_{first}", *ends, f"{last}_and_over", NOT_KNOWN)


def group_of(grouping: Grouping, fact: Fact, value: Any) -> str:
    """Return the group of a value. None, and a word that isn't in the grouping, are not known."""
    names = groups_of(grouping, fact)
    if value is None:
        return NOT_KNOWN
    if fact.type == "bool":
        return "yes" if value else "no"
    if fact.type == "choice":
        return value if value in names else NOT_KNOWN
    return names[sum(1 for band in grouping.bands if value >= band)]
