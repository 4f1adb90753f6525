"""Fields that a pack adds to the records of a list that all packs share.

A list travels as a whole. So a field has its list's category, or one that never travels, and then
it is cut from every part before the part is sealed.
"""

from __future__ import annotations

from rules.frozen import replace
from rules.input.vocabulary import Fact, read_fact
from rules.input.yaml import Node
from rules.packs.draft import Draft


def find_list(draft: Draft, path: str) -> Fact | None:
    """Return the shared list to whose records a path adds a field, if there is one."""
    fact = draft.vocabulary.facts.get(path.rpartition(".")[0])
    return fact if fact is not None and fact.type == "list" else None


def read_field(draft: Draft, over: Fact, path: str, node: Node) -> Fact:
    """Return the list with a field more. Without its own, it has its list's role and category."""
    name = path.rpartition(".")[2]
    if name in over.fields or name in ("id", "finer"):
        node.fail(
            "name-clash", f"`{over.path}` has a field `{name}` already", "choose another name"
        )
    subject = f"the fact `{path}`"
    entry = node.mapping(subject)
    cited = draft.read_citation(node, entry, subject)
    field = read_fact(path, node, draft.vocabulary.roles, draft.vocabulary.categories, over)
    if field.category not in (over.category, *draft.vocabulary.never_travels):
        entry["category"].fail(
            "wrong-category",
            f"{subject} is `{field.category}`, and its list `{over.path}` travels as a whole as "
            f"`{over.category}`",
            f"write `{over.category}`, or a category that never travels",
        )
    own = replace(field, cited=(cited.id, cited.at))
    return replace(over, fields={**over.fields, name: own})
