"""The words of the pack that an agency adopted: its facts beside the shared ones, and its Spanish.

Questions, values, and categories of facts are looked up here, so that a fact which only a city's
pack has is asked, sent, and shown like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from offramp.agency.cases.form_terms import form_terms, question_text
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen
from rules.input.typed_answers import ANY_SECTION, Choice
from rules.input.vocabulary import Fact, Vocabulary
from rules.packs.pack import InBoth, Pack
from rules.shelf import english, vocabulary

_PLACE = re.compile(r"\[[0-9]+\]")


@frozen
class PackTerms:
    """A pack's vocabulary, the Spanish of its own texts, and its labels of choices by path.

    `section` is an example of a section of law.
    """

    vocabulary: Vocabulary
    spanish: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, InBoth]] = field(default_factory=dict)
    section: str = ANY_SECTION

    @property
    def facts(self) -> Mapping[str, Fact]:
        """Every fact by path: the shared ones, and the pack's own."""
        return self.vocabulary.facts

    def fact(self, path: str) -> Fact | None:
        """Return a fact or a list's field by its path, with or without places in a list."""
        return self.vocabulary.fact_at(_PLACE.sub("", path))

    def text(self, fact: Fact, language: str) -> str:
        """Return a fact's question in a language, in English if it has no translation."""
        english = " ".join(fact.question.split())
        if language == "es" and english in self.spanish:
            return self.spanish[english]
        return question_text(fact.question, language)

    def question(self, path: str, language: str) -> str:
        """Return the question that a fact or a member answers. Another path is its own label."""
        fact, member = self.fact(path), form_terms().members.get(path)
        if fact is not None:
            return self.text(fact, language)
        return member.texts[language] if member is not None else path

    def choices(self, path: str, words: tuple[str, ...], language: str) -> tuple[Choice, ...]:
        """Return the choices of a fact with their labels."""
        return tuple(Choice(word, self.label(path, word, language)) for word in words)

    def label(self, path: str, word: str, language: str) -> str:
        """Return the label of a choice. A choice without one shows itself."""
        own = self.labels.get(path, {}).get(word)
        return own.text(language) if own is not None else form_terms().label(path, word, language)

    def travels(self, fact: Fact) -> bool:
        """Return whether a fact is of a category that records may have."""
        return fact.category not in self.vocabulary.never_travels


def noun_of(vocabulary: Vocabulary, name: str) -> str:
    """Return a detail as a noun: `the day of the encounter`, or the answer to its question."""
    fact = vocabulary.fact_at(_PLACE.sub("", name))
    if fact is None:
        member = form_terms().members.get(name)
        return f"the answer to “{member.texts['en']}”" if member is not None else name
    phrase = fact.says or english().get(fact.path)
    if isinstance(phrase, str):
        return phrase
    if fact.type == "list" and phrase is not None:
        return f"the {phrase[1]}"
    return f"the answer to “{' '.join(fact.question.split())}”"


def detail_names(name: str, terms: PackTerms) -> tuple[str, str]:
    """Return a detail in words, in English and Spanish: a noun, or the question that it answers."""
    member = form_terms().members.get(name)
    spanish = member.texts["es"] if member is not None else terms.question(name, "es")
    return noun_of(terms.vocabulary, name), f"“{spanish}”"


def shared_terms() -> PackTerms:
    """Return the words that all packs share, for an agency without a directory."""
    return PackTerms(vocabulary())


def pack_terms(pack: Pack) -> PackTerms:
    """Return the words of a pack."""
    example = pack.offenses.example if pack.offenses is not None else None
    return PackTerms(pack.vocabulary, pack.spanish, pack.words.choices, example or ANY_SECTION)


def terms_of(working_set: WorkingSet) -> PackTerms:
    """Return the words of the pack in force, or the shared ones before the first directory.

    Raises as the gateway's judges do for a pack that isn't kept here.
    """
    gateway = working_set.gateway
    return pack_terms(gateway.pack) if gateway.history.size else shared_terms()
