"""Codes in the words of people: roles, decisions, and the paths of facts.

Sentences for the terminal name them as commands take them. A page has no code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.next_steps import SCREENING
from offramp.agency.cases.pack_terms import noun_of
from offramp.agency.operations.case_file import CaseSummary
from rules.shelf import vocabulary

_TICKED = re.compile(r"`([^`]*)`")
# A word of several parts, or the path of a fact, where no back-ticks are around it.
_BARE = re.compile(r"(?<![\w./:@-])[a-z]+(?:[_.][a-z0-9]+)+(?![\w/:@]|\.\w)")


def in_words(sentence: str, names: Mapping[str, str]) -> str:
    """Return a sentence with each code in words, and without back-ticks.

    `names` are those of agencies by id.
    """
    text = _TICKED.sub(lambda code: names.get(code[1]) or _words_of(code[1]), sentence)
    return _BARE.sub(lambda code: _words_of(code[0]), text)


def _words_of(code: str) -> str:
    """Return the words of a code. What is no code stays as it is."""
    words = _known_codes().get(code)
    if words is not None:
        return words
    group, _, name = code.partition(".")
    if name and group in _groups():
        noun = noun_of(vocabulary(), code)
        return noun if noun != code else name.replace("_", " ").replace(".", " ")
    return code.replace("_", " ") if re.fullmatch("[a-z0-9_]+", code) else code


@cache
def _known_codes() -> Mapping[str, str]:
    """Return the words of each role and decision."""
    terms = form_terms()
    decisions, roles = vocabulary().decisions, vocabulary().roles
    words = {name: _small(terms.label("decision", name, "en")) for name in decisions}
    return words | {role: terms.label("role", role, "en") for role in roles}


@cache
def _groups() -> frozenset[str]:
    """Return the first parts of the paths of facts and of other answers."""
    paths = (*vocabulary().facts, *form_terms().members)
    return frozenset(path.partition(".")[0] for path in paths)


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def outcomes_in_words(case: CaseSummary) -> tuple[str, ...]:
    """Return what people decided in a case, in words, each with its decision.

    The word of a records check comes first.
    """
    terms = form_terms()
    checked = {SCREENING: case.records} if case.records is not None else {}
    return tuple(
        f"{_capital(terms.label('decision', decision, 'en'))}: "
        f"{terms.decided_label(decision, outcome, 'en')}"
        for decision, outcome in {**checked, **case.outcomes}.items()
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
