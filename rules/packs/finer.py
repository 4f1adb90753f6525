"""Read `refine`: the finer words that a pack adds below the words of shared choices.

The parent's conditions are fitted to the finer words, so that a shared rule keeps its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.errors import PackError, nearest
from rules.frozen import replace
from rules.input.vocabulary import Fact, Vocabulary
from rules.input.yaml import Node
from rules.language import tree
from rules.language.finer import fitted
from rules.packs.draft import Draft
from rules.packs.pack import Decision, Exemption, Invariant, Obligation, Pack, Rule
from rules.packs.tables import REST

_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


def read_finer_words(draft: Draft) -> None:
    """Read `refine` into the draft's vocabulary, and fit the parent's conditions to it."""
    for path, node in draft.section("refine").items():
        with draft.faults.collect(path):
            key = draft.entry["refine"].keys[path]
            draft.vocabulary = draft.vocabulary.with_fact(_read_choice(draft, path, key, node))
    if draft.parent is not None and draft.vocabulary is not draft.parent.vocabulary:
        at = draft.entry["refine"].place if "refine" in draft.entry else draft.top.place
        try:
            draft.parent = _fit_pack(draft.parent, draft.vocabulary)
        except PackError as error:
            raise PackError(error.code, error.message, at=at, fix=error.fix) from None


def _read_choice(draft: Draft, path: str, key: Node, node: Node) -> Fact:
    """Return the choice at a path with its finer words."""
    fact = draft.vocabulary.fact_at(path)
    if fact is None:
        key.fail(
            "unknown-fact",
            f"there is no fact `{path}`",
            nearest(path, tuple(_choices(draft.vocabulary))),
        )
    if fact.type != "choice":
        key.fail("wrong-type", f"`{path}` is no choice, and has no words", "refine a choice")
    finer: dict[str, str] = {}
    entries = node.mapping(f"the finer words of `{path}`")
    for choice, above in entries.items():
        with draft.faults.collect(choice):
            _refuse_bad_word(fact, choice, _key_of(node, choice))
            parent = above.text(f"the word above `{choice}`")
            if parent not in fact.choices and parent not in entries:
                above.fail(
                    "unknown-choice",
                    f"`{parent}` is no choice for `{path}`",
                    nearest(parent, (*fact.choices, *entries)),
                )
            finer[choice] = parent
    for choice in finer:
        _refuse_circle(fact, choice, finer, node)
    # In order of the alphabet, since the order of a mapping's keys means nothing.
    in_order = {choice: finer[choice] for choice in sorted(finer)}
    return replace(fact, choices=(*fact.choices, *in_order), finer={**fact.finer, **in_order})


def _key_of(node: Node, choice: str) -> Node:
    """Return the node of a mapping's key."""
    return node.keys.get(choice, node)


def _refuse_bad_word(fact: Fact, choice: str, node: Node) -> None:
    if choice in fact.choices:
        node.fail(
            "name-clash",
            f"`{choice}` is a choice for `{fact.path}` already",
            "leave it out: a finer word is a new word",
        )
    if not _WORD.fullmatch(choice) or choice == REST:
        node.fail("bad-id", f"`{choice}` is no word", "use small letters, digits and underscores")


def _refuse_circle(fact: Fact, choice: str, finer: Mapping[str, str], node: Node) -> None:
    above, seen = choice, {choice}
    while above in finer:
        above = finer[above]
        if above in seen:
            _key_of(node, choice).fail(
                "unknown-choice",
                f"`{choice}` is below no choice for `{fact.path}`",
                f"put it below one of {', '.join(fact.choices)}",
            )
        seen.add(above)


def _choices(vocabulary: Vocabulary) -> list[str]:
    return [
        entry.path
        for fact in vocabulary.facts.values()
        for entry in (fact, *fact.fields.values())
        if entry.type == "choice"
    ]


# Fit a parent to the words of its child


def _fit_pack(pack: Pack, vocabulary: Vocabulary) -> Pack:
    return replace(
        pack,
        decisions={
            name: _fit_decision(decision, vocabulary) for name, decision in pack.decisions.items()
        },
        invariants={
            name: _fit_invariant(invariant, vocabulary)
            for name, invariant in pack.invariants.items()
        },
    )


def _fit_decision(decision: Decision, vocabulary: Vocabulary) -> Decision:
    def fit_rule(rule: Rule) -> Rule:
        """Fit a rule and its exceptions."""
        unless = tuple(fit_item(exemption) for exemption in rule.unless)
        return replace(rule, when=fitted(rule.when, vocabulary), unless=unless)

    def fit_item(item: Exemption) -> Exemption:
        """Fit an exception."""
        return replace(item, when=fitted(item.when, vocabulary))

    def fit_obligation(item: Obligation) -> Obligation:
        """Fit an obligation."""
        return replace(item, when=fitted(item.when, vocabulary))

    return replace(
        decision,
        rules={name: fit_rule(rule) for name, rule in decision.rules.items()},
        optional={name: fit_rule(rule) for name, rule in decision.optional.items()},
        obligations={name: fit_obligation(item) for name, item in decision.obligations.items()},
    )


def _fit_invariant(invariant: Invariant, vocabulary: Vocabulary) -> Invariant:
    def fit(condition: tree.Tree | None) -> tree.Tree | None:
        """Fit a condition, if there is one."""
        return None if condition is None else fitted(condition, vocabulary)

    return replace(invariant, when=fit(invariant.when), always=fit(invariant.always))


# What `check` warns of


def words_without_rest(pack: Pack) -> tuple[str, ...]:
    """Return a sentence for each coarse word below which no finer word means "another one"."""
    warnings = []
    for fact in pack.vocabulary.facts.values():
        for entry in (fact, *fact.fields.values()):
            for choice in dict.fromkeys(entry.finer.values()):
                below = [finer for finer, above in entry.finer.items() if above == choice]
                if not any("other" in finer.split("_") for finer in below):
                    warnings.append(
                        f"no word below `{choice}` of `{entry.path}` means another one; "
                        f"add a rest, such as `other_{choice}`"
                    )
    return tuple(warnings)


def choices_without_words(pack: Pack) -> tuple[str, ...]:
    """Return a sentence for each fact of the pack's own with choices that have no label."""
    warnings = []
    for fact in pack.vocabulary.facts.values():
        for entry in (fact, *fact.fields.values()):
            if not {fact.path, entry.path} & set(pack.vocabulary.own):
                continue
            labels = pack.words.choices.get(entry.path, {})
            bare = [f"`{choice}`" for choice in entry.choices if choice not in labels]
            if bare:
                warnings.append(
                    f"nobody is shown words for {', '.join(bare)} of `{entry.path}`; "
                    f"add them in English and Spanish to `choices` of `words`"
                )
    return tuple(warnings)
