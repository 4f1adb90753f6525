"""Readers of a pack's invariants: properties that no edit of it or of its children may break."""

from __future__ import annotations

from rules.errors import nearest
from rules.input import keys
from rules.input.yaml import Node
from rules.language import tree
from rules.language.check import check
from rules.packs.draft import Draft, read_id, read_items
from rules.packs.pack import Invariant


def read_invariants(draft: Draft) -> dict[str, Invariant]:
    """Return the invariants of the pack and of its parent, by id."""
    parents = draft.parent.invariants if draft.parent else {}
    invariants = dict(parents)
    for node in read_items(draft.entry, "invariants"):
        with draft.faults.collect():
            invariant = _read_invariant(draft, node)
            if invariant.id in parents:
                node.fail(
                    "floor-lifted",
                    f"the invariant `{invariant.id}` is the parent's",
                    "add one with another id",
                )
            if invariant.id in invariants:
                node.fail(
                    "duplicate-id",
                    f"the invariant `{invariant.id}` appears twice",
                    "choose another id",
                )
            invariants[invariant.id] = invariant
    return invariants


def _read_invariant(draft: Draft, node: Node) -> Invariant:
    fields = node.mapping("an invariant", keys.INVARIANT.names, ("id",))
    invariant_id = read_id(fields["id"])
    subject = f"the invariant `{invariant_id}`"
    node.mapping(subject, (), keys.INVARIANT.required)
    decision = fields["decision"].text("`decision`")
    if decision not in draft.terms:
        fields["decision"].fail(
            "unknown-decision",
            f"there is no decision `{decision}`",
            nearest(decision, tuple(draft.terms)),
        )
    if ("always" in fields) == ("independent_of" in fields):
        node.fail(
            "wrong-shape",
            f"{subject} needs either `always` or `independent_of`",
            "say what must hold",
        )
    return Invariant(
        id=invariant_id,
        decision=decision,
        when=_read_condition(draft, fields["when"], subject) if "when" in fields else None,
        always=_read_condition(draft, fields["always"], subject) if "always" in fields else None,
        independent_of=_read_paths(draft, fields["independent_of"])
        if "independent_of" in fields
        else (),
        because=draft.read_wording(fields["because"]) if "because" in fields else "",
        **draft.read_item(node, fields, subject),
    )


def _read_condition(draft: Draft, node: Node, subject: str) -> tree.Tree:
    condition = check(node, draft.scope)
    if any(isinstance(part, tree.IfKnown) for part in tree.nodes(condition)):
        node.fail(
            "if-known",
            f"{subject} asks `if_known(…)`, and only the condition of a rule of `offer` may",
            "write the condition itself",
        )
    return condition


def _read_paths(draft: Draft, node: Node) -> tuple[str, ...]:
    """Read paths of facts, where `group.*` is every fact of a group."""
    facts = draft.vocabulary.facts
    paths = tuple(path.text("a path") for path in node.items("`independent_of`"))
    for path in paths:
        group = path.removesuffix("*")
        is_group = path.endswith(".*") and any(fact.startswith(group) for fact in facts)
        if path not in facts and not is_group:
            node.fail("unknown-fact", f"there is no fact `{path}`", nearest(path, tuple(facts)))
    return paths
