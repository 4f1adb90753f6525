"""Conditions in plain words, to be read in a hurry, as on a card at the scene.

The sentences are those of `rules.author.english`, but for choices and sections of law: "it is under
federal law" instead of "its lawmaker is federal". Nothing reads them back. A test holds that no two
conditions of a shipped card share a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rules.author.english import Scope, Sentences
from rules.author.phrases import Words
from rules.input.plain_phrases import PlainPhrase
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.tree import (
    And,
    Cited,
    Compare,
    Constant,
    FactOf,
    FieldOf,
    IsOne,
    Member,
    Not,
    Or,
    ParameterOf,
    Quantifier,
    Total,
    Tree,
)
from rules.packs.tables import join_or

# Returns the short label of a choice, by the path of its fact and its word.
LabelOf = Callable[[str, str], str]


def plain_line(
    node: Tree, terms: Words, phrases: Mapping[str, PlainPhrase], label_of: LabelOf
) -> str:
    """Return the condition on one line, in plain words."""
    return _PlainSentences(terms, phrases, label_of).sentence(_flat(node), {})


def _flat(node: Tree) -> Tree:
    """Return the tree with one "and" in place of nested ones, and comparisons of finer words."""

    def change(part: Tree) -> Tree:
        match part:
            case And(items):
                return And(tuple(inner for item in items for inner in _items(item, And)))
            case Or(items):
                return Or(tuple(inner for item in items for inner in _items(item, Or)))
            case IsOne(item, values):
                return Member(item, values)
            case Not(Compare("==", FactOf(fact) | FieldOf(_, fact) as left, right)) if fact.choices:
                return Compare("!=", left, right)
        return part

    return tree.changed(node, change)


def _items(node: Tree, kind: type[And] | type[Or]) -> tuple[Tree, ...]:
    return node.items if isinstance(node, kind) else (node,)


class _PlainSentences(Sentences):
    """A condition in plain words. What has no plain phrase is in the words of documents."""

    def __init__(self, terms: Words, phrases: Mapping[str, PlainPhrase], label_of: LabelOf) -> None:
        super().__init__(terms)
        self.phrases, self.label_of = phrases, label_of

    def comparison(self, node: Compare, scope: Scope) -> str:
        """Return the clause of a choice, or the sentence of a comparison."""
        match node:
            case Compare("==" | "!=" as operator, item, Constant(str() as choice)):
                clause = self.plain_clause(item, (choice,), scope, operator == "==")
                if clause is not None:
                    return clause
        return super().comparison(node, scope)

    def member(self, node: Member, scope: Scope, among: str, on_list: str) -> str:
        """Return the clause of several choices, or the sentence about a value and a list."""
        if not isinstance(node.values, ParameterOf):
            choices = tuple(str(value) for value in node.values)
            clause = self.plain_clause(node.item, choices, scope, among == "one of")
            if clause is not None:
                return clause
        return super().member(node, scope, among, on_list)

    def cited(self, node: Cited, scope: Scope, under: str, on_list: str) -> str:
        """Return the clause of sections of law, or that the section is on a list."""
        if not isinstance(node.values, ParameterOf):
            choices = tuple(section.text for section in node.values)
            clause = self.plain_clause(node.item, choices, scope, under == "is under")
            if clause is not None:
                return clause
        return super().cited(node, scope, under, on_list)

    def plain_clause(
        self, item: Tree, choices: tuple[str, ...], scope: Scope, is_yes: bool
    ) -> str | None:
        """Return the plain clause about a fact or field, None without one."""
        variable, fact = _field_of(item)
        phrase = self.phrases.get(fact.path) if fact is not None else None
        if fact is None or phrase is None or not choices:
            return None
        clause = (phrase.yes if is_yes else phrase.no).format(self.joined(fact, choices, 0))
        record = scope[variable] if variable else "it"
        return clause if record == "it" else f"{record} {clause.removeprefix('it ')}"

    def joined(self, fact: Fact, choices: tuple[str, ...], place: int) -> str:
        """Return choices in words, joined by "or": at place 0 for one entry, at 1 for several."""
        listed = self.phrases[fact.path].words
        texts = (
            listed.get(choice, (self.plain_word(fact, choice),) * 2)[place] for choice in choices
        )
        return join_or(list(texts))

    def plain_word(self, fact: Fact, choice: str) -> str:
        """Return a choice that has no words of its own: its label, or a section as it is."""
        if choice not in fact.choices:
            return choice
        label = self.label_of(fact.path, choice)
        # A name such as `THC` keeps its capitals.
        return label if label[1:2].isupper() else label[:1].lower() + label[1:]

    def quantifier(self, node: Quantifier, there_is: str, lead: str, scope: Scope) -> str:
        """Return `there is …`, or the body with the entry as its subject: "every charge is …"."""
        text = super().quantifier(node, there_is, lead, scope)
        before, comma, body = text.partition(", it is ")
        is_short = before == f"{lead} {self.singular(node.over)}" and not scope
        # "No charge is a felony, and it is …" could mean something else.
        is_clear = lead != "for no" or not isinstance(node.body, And | Or)
        return (
            f"{before.removeprefix('for ')} is {body}" if comma and is_short and is_clear else text
        )

    def relative(self, body: Tree | None, variable: str) -> str:
        """Return what follows "a charge", such as "for theft" or "that is not a felony"."""
        if after := self.after_noun(body, 0):
            return after
        if after := self.after_noun(_denied(body), 0):
            verb, _, rest = after.partition("that is ")
            return f"that is not {rest}" if not verb else f"not {after}"
        return super().relative(body, variable)

    def total(self, node: Total, scope: Scope) -> str:
        """Return the words for a count or a sum of entries, such as "drugs that are opioids"."""
        plural = self.plural(node.over)
        items = node.keep.items if isinstance(node.keep, And) else (node.keep,)
        after = [self.after_noun(item, 1) for item in items]
        if scope or node.keep is None or not all(after):
            return super().total(node, scope)
        records = f"{plural} {' and '.join(text for text in after if text)}"
        match node.value:
            case None:
                return f"the number of {records}"
            case FieldOf(_, fact):
                return f"the total {self.terms.phrases[fact.path]} of {records}"
        return super().total(node, scope)

    def after_noun(self, node: Tree | None, place: int) -> str | None:
        """Return a statement on a field as words after a noun, None where there are none.

        At place 0 the noun is of one entry, and at 1 of several.
        """
        choices: tuple[str, ...]
        match node:
            case Compare("==", FieldOf(_, fact), Constant(str() as choice)):
                choices = (choice,)
            case Member(FieldOf(_, fact), tuple() as values):
                choices = tuple(map(str, values))
            case Cited(FieldOf(_, fact), tuple() as values):
                choices = tuple(section.text for section in values)
            case _:
                return None
        phrase = self.phrases.get(fact.path)
        text = None if phrase is None else (phrase.singular, phrase.plural)[place]
        return None if text is None else text.format(self.joined(fact, choices, place))


def _denied(node: Tree | None) -> Tree | None:
    """Return the condition that a node denies, None if it denies none."""
    match node:
        case Not(operand):
            return operand
        case Compare("!=", left, right):
            return Compare("==", left, right)
    return None


def _field_of(item: Tree) -> tuple[str, Fact | None]:
    match item:
        case FactOf(fact):
            return "", fact
        case FieldOf(variable, fact):
            return variable, fact
    return "", None
