"""Facts in words: the question that a fact answers, and its value by labels and units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from exchange.records.finer_words import FINER
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.pack_terms import PackTerms, shared_terms
from rules.author.spoken_dates import spoken_moment
from rules.input.vocabulary import Fact

YES_AND_NO: Mapping[str, tuple[str, str]] = {"en": ("no", "yes"), "es": ("no", "sí")}


def fact_label(path: str, terms: PackTerms, language: str = "en") -> str:
    """Return the question that a fact answers. A path that no fact has is its own label."""
    return terms.question(path, language)


def fact_text(path: str, value: Any, language: str, zone: ZoneInfo, terms: PackTerms) -> str:
    """Return the whole value of a fact in words, a list with its entries."""
    fact = terms.facts.get(path)
    if fact is None or not isinstance(value, list | tuple):
        return value_text(path, value, language, zone, fact.unit if fact else None, terms)
    entries = [", ".join(field_texts(entry, fact, language, zone, terms)) or "–" for entry in value]
    return "; ".join(entries) or form_terms().label("unit", "none", language)


def field_texts(
    entry: Mapping[str, Any], fact: Fact, language: str, zone: ZoneInfo, terms: PackTerms
) -> Iterator[str]:
    """Yield the fields of a list's entry in words, with the pack's finer words."""
    finer = entry.get(FINER) or {}
    for name, field in fact.fields.items():
        value = finer.get(name, entry.get(name))
        if value is not None:
            text = value_text(field.path, value, language, zone, field.unit, terms)
            is_bool = isinstance(value, bool)
            yield f"{terms.text(field, language)} {text}" if is_bool else text


def value_text(
    path: str,
    value: Any,
    language: str,
    zone: ZoneInfo,
    unit: str | None = None,
    terms: PackTerms | None = None,
) -> str:
    """Return an answer in words: a choice by its label, a number with its unit, a local time."""
    if isinstance(value, bool):
        return YES_AND_NO[language][value]
    if isinstance(value, list | tuple):
        return ", ".join(value_text(path, item, language, zone, terms=terms) for item in value)
    words = terms or shared_terms()
    fact = words.fact(path)
    is_choice = (fact is not None and fact.type == "choice") or (
        value in form_terms().labels.get(path, {})
    )
    text = words.label(path, value, language) if is_choice else str(value)
    if isinstance(value, str):
        text = spoken_moment(text, zone, language)
    return f"{text} {form_terms().label('unit', unit, language)}" if unit else text
