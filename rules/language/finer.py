"""Fit a typed tree to the words of a pack: its facts, and comparisons of choices with finer words.

A pack may refine the words of a choice that the conditions of its parent compare. Then a word is no
longer one value, and equality is three-valued even on known facts.
"""

from __future__ import annotations

from rules.errors import PackError
from rules.input.finer_words import WordTree
from rules.input.vocabulary import Fact, Vocabulary
from rules.language import tree
from rules.language.tree import Alike, Choose, Compare, Constant, FactOf, FieldOf, IsOne, Member


def fitted(node: tree.Tree, vocabulary: Vocabulary) -> tree.Tree:
    """Return the tree with the facts of this vocabulary, and with comparisons of finer words.

    Raises `PackError` without a place for a comparison of two choices that differ in their words.
    """

    def fit(part: tree.Tree) -> tree.Tree:
        """Fit one node, of which the parts fit already."""
        match part:
            case FactOf(fact):
                return FactOf(vocabulary.facts[fact.path])
            case FieldOf(variable, fact):
                return FieldOf(variable, vocabulary.facts[str(fact.of)].fields[fact.name])
            case tree.Quantifier(kind, over, variable, body):
                return tree.Quantifier(kind, vocabulary.facts[over.path], variable, body)
            case tree.Total(over, variable, keep, value, low, high):
                listed = vocabulary.facts[over.path]
                return tree.Total(listed, variable, keep, value, low, high)
            case Compare("==" | "!=" as operator, left, right):
                alike = _alike(left, right)
                return part if alike is None else alike if operator == "==" else tree.Not(alike)
            case Member(item, values):
                return _is_one(item, values) or part
            case IsOne(item, values):
                return _is_one(item, values) or part
            case Alike(left, right):
                return _alike(left, right) or part
        return part

    return tree.changed(node, fit)


def _refined(node: tree.Tree) -> Fact | None:
    """Return the fact that a value is, if it is a choice with finer words."""
    if isinstance(node, (FactOf, FieldOf)) and node.fact.finer:
        return node.fact
    return None


def _reads_refined(node: tree.Tree) -> bool:
    """Return True if a value may be the word of a choice with finer words."""
    if isinstance(node, Choose):
        return _reads_refined(node.then) or _reads_refined(node.otherwise)
    return _refined(node) is not None


def _alike(left: tree.Tree, right: tree.Tree) -> tree.Tree | None:
    """Return the equality of two values, if one of them may be a refined word."""
    if not (_reads_refined(left) or _reads_refined(right)):
        return None
    for side, opposite in ((left, right), (right, left)):
        if isinstance(side, Choose):
            # A constant in a branch is a word that is asked for, and a fact is what is known.
            return Choose(
                side.condition, _equal(side.then, opposite), _equal(side.otherwise, opposite)
            )
    for side, opposite in ((left, right), (right, left)):
        fact = _refined(opposite)
        if isinstance(side, Constant) and fact is not None:
            return IsOne(opposite, (side.value,), fact.word_tree)
    word_tree = _words_of(left)
    if word_tree is None or word_tree != _words_of(right):
        raise PackError(
            "wrong-type",
            f"`{tree.text(left)} == {tree.text(right)}` compares words that only one side refines",
            fix="refine both choices alike, or compare each with a word",
        )
    return Alike(left, right, word_tree)


def _equal(left: tree.Tree, right: tree.Tree) -> tree.Tree:
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(left.value == right.value)
    return _alike(left, right) or Compare("==", left, right)


def _words_of(node: tree.Tree) -> WordTree | None:
    return node.fact.word_tree if isinstance(node, (FactOf, FieldOf)) else None


def _is_one(item: tree.Tree, values: tuple[object, ...] | tree.ParameterOf) -> tree.Tree | None:
    """Return the membership of a value in a list, if the value may be a refined word."""
    if isinstance(item, Choose) and _reads_refined(item):
        then, otherwise = (
            _is_one(branch, values) or _member(branch, values)
            for branch in (item.then, item.otherwise)
        )
        return Choose(item.condition, then, otherwise)
    fact = _refined(item)
    return None if fact is None else IsOne(item, values, fact.word_tree)


def _member(item: tree.Tree, values: tuple[object, ...] | tree.ParameterOf) -> tree.Tree:
    if isinstance(item, Constant) and isinstance(values, tuple):
        return Constant(item.value in values)
    return Member(item, values)
