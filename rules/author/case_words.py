"""A case's facts in words, as a reader checks them: `the weight is 4 g`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from rules.author.phrases import (
    Phrase,
    complete_phrases,
    format_amount,
    format_day,
    spell_name,
    with_article,
)
from rules.author.spoken_dates import spoken_moment
from rules.frozen import frozen
from rules.input.printing import plain
from rules.input.vocabulary import Fact, Vocabulary
from rules.packs.pack import Pack

_NOBODYS = re.compile("99999")  # in a section that stands for those that no rule names


def case_in_words(facts: Mapping[str, Any], pack: Pack, phrases: Mapping[str, Phrase]) -> str:
    """Return each fact of a case in words, in the order in which it is written."""
    words = _Words(complete_phrases(pack.vocabulary.facts, phrases), ZoneInfo(pack.time_zone))
    return "; ".join(_facts(facts, "", pack.vocabulary, words)) or "no fact is known"


def records_in_words(
    fact: Fact, records: Sequence[Any], phrases: Mapping[str, Phrase], zone: ZoneInfo
) -> str:
    """Return the records of a list in words: `a drug (the kind is opioid, the weight is 4 g)`."""
    phrase = phrases[fact.path]
    one = phrase[0] if isinstance(phrase, tuple) else phrase
    if not records:
        return f"no {one}"
    words = _Words(phrases, zone)
    return "; ".join(f"{with_article(one)} ({_record(fact, record, words)})" for record in records)


def section_in_words(text: str) -> str:
    """Return a section as it is cited. The solver's own section is one that no rule names."""
    return "one that no rule names" if _NOBODYS.search(text) else text


@frozen
class _Words:
    phrases: Mapping[str, Phrase]
    zone: ZoneInfo


def _facts(
    facts: Mapping[str, Any], above: str, vocabulary: Vocabulary, words: _Words
) -> Iterator[str]:
    for name, value in facts.items():
        path = f"{above}{name}"
        fact = vocabulary.facts.get(path)
        if fact is not None:
            yield _fact(fact, value, words)
        elif isinstance(value, Mapping) and path != "decisions":
            yield from _facts(value, f"{path}.", vocabulary, words)
        elif isinstance(value, Mapping):
            yield from (
                f"{spell_name(decision)} is {spell_name(str(outcome))}"
                for decision, outcome in value.items()
            )
        else:
            yield f"{path} is {plain(value)}"


def _fact(fact: Fact, value: Any, words: _Words) -> str:
    phrase = words.phrases[fact.path]
    if fact.type == "list" and isinstance(value, (list, tuple)):
        return records_in_words(fact, value, words.phrases, words.zone)
    if isinstance(value, bool):
        if isinstance(phrase, tuple):
            return phrase[0] if value else phrase[1]
        return f"{phrase} is {'yes' if value else 'no'}"
    noun = phrase if isinstance(phrase, str) else fact.path
    return f"{noun} is {_value(fact, value, words.zone)}"


def _record(fact: Fact, record: Any, words: _Words) -> str:
    if not isinstance(record, Mapping):
        return str(plain(record))
    known = (
        _fact(fact.fields[name], value, words) if name in fact.fields else f"{name} is {value}"
        for name, value in record.items()
    )
    return ", ".join(known) or "nothing is known of it"


def _value(fact: Fact, value: Any, zone: ZoneInfo) -> str:
    text = str(plain(value))
    if fact.type == "citation":
        return section_in_words(text)
    if fact.type == "date":
        return format_day(date.fromisoformat(text))
    if fact.type == "timestamp":
        return spoken_moment(text, zone)
    if fact.unit is not None and not isinstance(value, str):
        return format_amount(value, fact.unit)
    return spell_name(text) if fact.type == "choice" else text
