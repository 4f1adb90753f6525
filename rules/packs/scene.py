"""Refuse what an offer or a scene decision may not read, and `if_known` where it may not be.

An officer decides an offer at the scene. So it reads facts that can be seen or asked there, and it
waits for each of them. What police may hold by chance, such as a weight, is read with `if_known`,
which never waits. Its places are fenced: only where a true part can make the rule true and never
false. So knowing more can only add an outcome of such a rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.input.vocabulary import DecisionTerms, Fact
from rules.input.yaml import Node
from rules.language import tree
from rules.packs.draft import Draft
from rules.packs.own_reads import SCENE

APPROVAL = "approval.prosecutor"
_SEEN = "an offer reads only what is seen at the scene"
_HELD = (
    f"{_SEEN}, so write `if_known(…)` around what police may hold, and add an `ineligible` rule of "
    "`eligibility` with the same condition, without `if_known`"
)


def refuse_scene_fact(fact: Fact, node: Node) -> None:
    """Refuse `scene: true` on a fact of a pack that nobody can see or ask at the scene."""
    for each in (fact, *fact.fields.values()):
        if each.scene and (each.known_by != "police" or each.kind in ("measurement", "event")):
            why = (
                f"is a {each.kind}"
                if each.known_by == "police"
                else f"is known by {each.known_by.replace('_', ' ')}"
            )
            node.fail(
                "not-at-the-scene",
                f"`{each.path}` has `scene: true` and {why}",
                "leave `scene` out, and read the fact with `if_known(…)`",
            )


def refuse_beyond_scene(
    draft: Draft, node: Node, condition: tree.Tree, terms: DecisionTerms, subject: str, key: str
) -> None:
    """Refuse a condition that reads what its decision may not at the scene.

    `key` is where the condition is: `when` of a rule, `unless`, or an obligation.
    """
    _refuse_offer_by_name(node, condition, terms, subject)
    asked = [part for part in tree.nodes(condition) if isinstance(part, tree.IfKnown)]
    if asked:
        _refuse_if_known(node, condition, terms, subject, key)
    for if_known in asked:
        _refuse_not_held(node, if_known, subject)
    if SCENE not in terms.reads:
        return
    for part in _outside(condition):
        if isinstance(part, tree.OutcomeOf) and not _is_of_scene(draft, part.decision):
            node.fail(
                "reads-too-much",
                f"{subject} reads the decision `{part.decision}`, and `{terms.name}` may not",
                _SEEN,
            )
        for fact in _facts_of(part):
            _refuse_fact(draft, node, fact, terms, subject, condition)


def _refuse_offer_by_name(
    node: Node, condition: tree.Tree, terms: DecisionTerms, subject: str
) -> None:
    """Refuse the outcome of an offer. It is about a moment, and more facts may change it."""
    for part in tree.nodes(condition):
        if isinstance(part, tree.OutcomeOf) and part.decision == "offer":
            node.fail(
                "reads-too-much",
                f"{subject} reads the decision `offer`, and `{terms.name}` may not",
                "read the facts instead",
            )


def _refuse_if_known(
    node: Node, condition: tree.Tree, terms: DecisionTerms, subject: str, key: str
) -> None:
    if not terms.takes_if_known or key != "when":
        node.fail(
            "if-known",
            f"{subject} asks `if_known(…)`, and only the condition of a rule of `offer` may",
            "write the condition itself",
        )
    if not _is_fenced(condition):
        node.fail(
            "if-known",
            f"{subject} has `if_known(…)` in another place than under `&&`, `||` and `exists`",
            "move it there, where knowing more can only make the rule true",
        )


def _is_fenced(node: tree.Tree) -> bool:
    """Return whether each `if_known` is where a true one can only make the condition true."""
    match node:
        case tree.IfKnown(condition):
            return not _has_if_known(condition)
        case tree.And(items) | tree.Or(items):
            return all(_is_fenced(item) for item in items)
        case tree.Quantifier("exists", _, _, body):
            return _is_fenced(body)
    return not _has_if_known(node)


def _has_if_known(node: tree.Tree) -> bool:
    return any(isinstance(part, tree.IfKnown) for part in tree.nodes(node))


def _refuse_not_held(node: Node, asked: tree.IfKnown, subject: str) -> None:
    """Refuse an `if_known` of something that police can't hold."""
    for part in tree.nodes(asked.condition):
        if isinstance(part, (tree.OutcomeOf, tree.StatusOf)):
            name = part.decision if isinstance(part, tree.OutcomeOf) else f"clocks.{part.clock}"
            node.fail(
                "reads-too-much",
                f"{subject} asks if `{name}` is known, which is no fact",
                "ask about facts that police may hold",
            )
    for path, fact in tree.facts_read(asked.condition).items():
        if not (fact.scene or fact.known_by == "police" or fact.category == "enrollment"):
            node.fail(
                "reads-too-much",
                f"{subject} asks if `{path}` is known, and police never hold it",
                "ask about facts of police, or about the enrollment",
            )


def _outside(node: tree.Tree) -> Iterator[tree.Tree]:
    """Yield the node and everything below it, but for what is inside an `if_known`."""
    if isinstance(node, tree.IfKnown):
        return
    yield node
    for child in tree.children(node):
        yield from _outside(child)


def _facts_of(part: tree.Tree) -> Iterator[Fact]:
    if isinstance(part, (tree.Quantifier, tree.Total)):
        yield part.over
    elif isinstance(part, (tree.FactOf, tree.FieldOf)):
        yield part.fact


def _is_of_scene(draft: Draft, name: str) -> bool:
    """Return whether a decision is the pack's own and reads only what is seen at the scene."""
    terms = draft.terms.get(name)
    return (
        terms is not None
        and SCENE in terms.reads
        and not terms.takes_if_known
        and terms.governed_by == "encounter.date"
    )


def _refuse_fact(
    draft: Draft,
    node: Node,
    fact: Fact,
    terms: DecisionTerms,
    subject: str,
    condition: tree.Tree,
) -> None:
    if fact.scene:
        if fact.category in draft.vocabulary.never_travels and not terms.takes_if_known:
            node.fail(
                "reads-too-much",
                f"{subject} reads `{fact.path}`, which never leaves the office that knows it",
                "read it in `offer`",
            )
        return
    if fact.path == APPROVAL and terms.takes_if_known:
        if _is_guarded(condition, guarded=False):
            return
        node.fail(
            "reads-too-much",
            f"{subject} asks the prosecutor in every case",
            "write `condition && …` with a condition that is seen at the scene",
        )
    may_hold = fact.known_by == "police" or fact.category == "enrollment"
    node.fail(
        "reads-too-much",
        f"{subject} reads `{fact.path}`, and `{terms.name}` may not",
        _HELD if may_hold and terms.takes_if_known else _SEEN,
    )


def _is_guarded(node: tree.Tree, *, guarded: bool) -> bool:
    """Return whether each reading of the approval is under `&&` with a condition on the scene."""
    if isinstance(node, tree.FactOf) and node.fact.path == APPROVAL:
        return guarded
    if isinstance(node, tree.And):
        of_scene = [_reads_scene(item) for item in node.items]
        return all(
            _is_guarded(
                item, guarded=guarded or any(of_scene[:index]) or any(of_scene[index + 1 :])
            )
            for index, item in enumerate(node.items)
        )
    return all(_is_guarded(child, guarded=guarded) for child in tree.children(node))


def _reads_scene(node: tree.Tree) -> bool:
    """Return whether a condition reads facts of the scene and no others, without `if_known`."""
    facts = tree.facts_read(node).values()
    return bool(facts) and all(fact.scene for fact in facts) and not _has_if_known(node)
