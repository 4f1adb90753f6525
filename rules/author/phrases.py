"""Phrases for facts, choices, amounts, and days: the words that English sentences are made of.

Pure: the phrases for facts are passed in as a mapping (`rules.shelf.english` reads it), and a day's
values come with the segment.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date, time, timedelta

from rules.frozen import field, frozen
from rules.input.finer_words import WordTree
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.tree import Months
from rules.packs.resolve import Segment
from rules.packs.tables import rows_in_words

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# A noun, or a pair: the clauses for yes and no, or a list's singular and plural.
Phrase = str | tuple[str, str]


@frozen
class Words:
    """The names of facts, parameters, and outcomes.

    `phrases` maps a fact's path to its phrase. By parameter name, `parameters` gives the label,
    `values` the value with its unit (if it has one that day), and `units` the unit. `outcomes` maps
    a decision to its outcomes.
    """

    phrases: Mapping[str, Phrase]
    parameters: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def words_of(segment: Segment, phrases: Mapping[str, Phrase]) -> Words:
    """Return the words for one day's rules; `phrases` as `rules.shelf.english` reads them."""
    pack = segment.pack
    label_counts = Counter(parameter.label for parameter in pack.parameters.values())
    labels = {
        name: parameter.label
        if label_counts[parameter.label] == 1
        else f"{parameter.label}, {name}"
        for name, parameter in pack.parameters.items()
    }
    values = {
        name: format_value(value.value, pack.parameters[name].unit)
        for name, value in segment.values.items()
        if not isinstance(value.value, tuple)
    }
    units = {name: parameter.unit for name, parameter in pack.parameters.items()}
    outcomes = {name: decision.outcomes for name, decision in pack.decisions.items()}
    return Words(complete_phrases(pack.vocabulary.facts, phrases), labels, values, units, outcomes)


def complete_phrases(facts: Mapping[str, Fact], phrases: Mapping[str, Phrase]) -> dict[str, Phrase]:
    """Return a phrase for every fact and field.

    The phrase comes from `phrases`, else from the fact's own `says`, else from its question. Two
    facts with the same question are named by their paths.
    """
    everything = [entry for fact in facts.values() for entry in (fact, *fact.fields.values())]
    question_counts = Counter(
        entry.question for entry in everything if entry.path not in phrases and entry.says is None
    )
    complete: dict[str, Phrase] = {}
    for entry in everything:
        is_unique = question_counts[entry.question] == 1
        complete[entry.path] = (
            phrases.get(entry.path)
            or entry.says
            or _phrase_from_question(entry, entry.question if is_unique else entry.path)
        )
    return complete


def _phrase_from_question(fact: Fact, question: str) -> Phrase:
    """Return a phrase that quotes the question, for a fact that has no phrase of its own."""
    noun = f"answer to “{question}”"
    if fact.type == "list":
        return f"entry under “{question}”", f"entries under “{question}”"
    if fact.type == "bool":
        owner = "its" if fact.of else "the"
        return f"{owner} {noun} is yes", f"{owner} {noun} is no"
    return noun if fact.of else f"the {noun}"


def spell_name(name: str) -> str:
    """Return a name of the vocabulary as words: `may_offer` becomes `may offer`."""
    return name.replace("_", " ")


def format_choice(choice: str) -> str:
    """Return a choice as words, in curly quotes if a reader could take it for several."""
    text = choice.capitalize() if choice in tree.WEEKDAYS else spell_name(choice)
    return f"“{text}”" if any(joint in text for joint in (" or ", " and ", ",")) else text


def format_day(day: date) -> str:
    """Return the day in American form: `July 1, 2023`."""
    return f"{day:%B} {day.day}, {day.year}"


def format_amount(value: Any, unit: str | None) -> str:
    """Return `3 g`, `1 year`, `18 years`; a count has no unit to show."""
    if isinstance(value, time):
        return f"{value:%H:%M}"
    number = tree.constant_text(value)
    if unit is None or unit in ("count", "codes", "citations"):
        return number
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def format_value(value: Any, unit: str) -> str:
    """Return a parameter's value with its unit: an amount, a list, or the rows of a table."""
    if isinstance(value, tuple):
        return ", ".join(spell_name(str(entry)) for entry in value)
    if isinstance(value, Mapping):
        return rows_in_words(value, lambda amount: format_amount(amount, unit), spell_name)
    return format_amount(value, unit)


def format_word(choice: str, word_tree: WordTree) -> str:
    """Return a choice as words. A finer word is explained: `fentanyl (a kind of opioid)`."""
    above = word_tree.above(choice)
    kind = f" (a kind of {format_choice(above[0])})" if above else ""
    return format_choice(choice) + kind


def format_constant(value: Any, choices: tuple[str, ...] = (), unit: str | None = None) -> str:
    """Return a constant of a condition as a reader sees it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            if value in choices:
                return format_choice(value)
            return json.dumps(value, ensure_ascii=False)
        case date():
            return format_day(value)
        case time():
            return f"{value:%H:%M}"
        case Months(number) if number % 12:
            return _count(number, "calendar month")
        case Months(number):
            return _count(number // 12, "calendar year")
        case timedelta():
            seconds = value.days * 86400 + value.seconds
            if seconds % 86400 == 0:
                return _count(seconds // 86400, "day")
            return _count(seconds // 3600, "hour")
    return format_amount(value, unit)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def with_article(noun: str) -> str:
    """Return the noun after `a` or `an`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
