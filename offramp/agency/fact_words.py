"""Facts in words: the question that a fact answers, and its value by labels and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from exchange.records.finer_words import FINER
from offramp.agency.cases.contact_words import LANGUAGE
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.odd_amounts import amount_text
from offramp.agency.cases.pack_terms import PackTerms, shared_terms
from rules.author.spoken_dates import spoken_day, spoken_moment
from rules.input.language_names import language_name
from rules.input.values import iso_day
from rules.input.vocabulary import Fact

# A value that an agency doesn't know, and an entry of which nothing is known.
NOT_KNOWN: Mapping[str, str] = {"en": "not known", "es": "no se sabe"}
_NOTHING_KNOWN: Mapping[str, str] = {"en": "one that isn’t known", "es": "una que no se sabe"}
YES_AND_NO: Mapping[str, tuple[str, str]] = {"en": ("no", "yes"), "es": ("no", "sí")}


def fact_label(path: str, terms: PackTerms, language: str = "en") -> str:
    """Return the question that a fact answers. A path that no fact has is its own label."""
    return terms.question(path, language)


def fact_text(path: str, value: Any, language: str, zone: ZoneInfo, terms: PackTerms) -> str:
    """Return the whole value of a fact in words, a list with its entries."""
    fact = terms.fact(path)
    if fact is None:
        return value_text(path, value, language, zone, None, terms)
    if isinstance(value, Mapping):  # one entry of the list
        return entry_text(value, fact, language, zone, terms) or _NOTHING_KNOWN[language]
    if fact.type != "list" or not isinstance(value, list | tuple):
        return value_text(fact.path, value, language, zone, fact.unit, terms)
    entries = [
        entry_text(entry, fact, language, zone, terms) or _NOTHING_KNOWN[language]
        for entry in value
    ]
    return "; ".join(entries) or form_terms().label("unit", "none", language)


def entry_text(
    entry: Mapping[str, Any], fact: Fact, language: str, zone: ZoneInfo, terms: PackTerms
) -> str:
    """Return a list's entry in words, with the pack's finer words, and yes and no at its end."""
    plain: list[str] = []
    answers: list[str] = []
    finer = entry.get(FINER) or {}
    for name, field in fact.fields.items():
        value = finer.get(name, entry.get(name))
        if value is not None:
            day = iso_day(value) if field.type == "date" else None
            text = (
                spoken_day(day, language)
                if day is not None
                else value_text(field.path, value, language, zone, field.unit, terms)
            )
            if isinstance(value, bool):
                answers.append(f"({terms.text(field, language)} {text.capitalize()})")
            else:
                plain.append(text)
        elif name in entry:
            unknown = NOT_KNOWN[language].capitalize()
            answers.append(f"({terms.text(field, language)} {unknown})")
    return " ".join(filter(None, (", ".join(plain), *answers)))


def value_text(
    path: str,
    value: Any,
    language: str,
    zone: ZoneInfo,
    unit: str | None = None,
    terms: PackTerms | None = None,
) -> str:
    """Return an answer in words: a choice by its label, a number with its unit, a local time.

    An amount over the usual is marked as one.
    """
    if value is None:
        return NOT_KNOWN[language]
    if isinstance(value, bool):
        return YES_AND_NO[language][value]
    if isinstance(value, list | tuple):
        return ", ".join(value_text(path, item, language, zone, terms=terms) for item in value)
    if path == LANGUAGE:
        return language_name(str(value), language)
    words = terms or shared_terms()
    fact = words.fact(path)
    is_choice = (fact is not None and fact.type == "choice") or (
        value in form_terms().labels.get(path, {})
    )
    text = words.label(path, value, language) if is_choice else str(value)
    if isinstance(value, str):
        text = spoken_moment(text, zone, language)
    if unit is None:
        return text
    return amount_text(text, unit, form_terms().label("unit", unit, language), language)
