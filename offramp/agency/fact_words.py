"""Facts in words: the question that a fact answers, and its value by labels and units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.cases.form_terms import form_terms, question_text
from rules.author.spoken_dates import spoken_moment
from rules.input.vocabulary import Fact
from rules.shelf import choice_labels, vocabulary

YES_AND_NO: Mapping[str, tuple[str, str]] = {"en": ("no", "yes"), "es": ("no", "sí")}


def fact_label(path: str, language: str = "en") -> str:
    """Return the question that a fact answers. A path that no fact has is its own label."""
    fact = vocabulary().facts.get(path)
    return question_text(fact.question, language) if fact else path


def fact_text(path: str, value: Any, language: str, zone: ZoneInfo) -> str:
    """Return the whole value of a fact in words, a list with its entries."""
    fact = vocabulary().facts.get(path)
    if fact is None or not isinstance(value, list | tuple):
        return value_text(path, value, language, zone, fact.unit if fact else None)
    entries = [", ".join(field_texts(entry, fact, language, zone)) or "–" for entry in value]
    return "; ".join(entries) or form_terms().label("unit", "none", language)


def field_texts(
    entry: Mapping[str, Any], fact: Fact, language: str, zone: ZoneInfo
) -> Iterator[str]:
    """Yield the fields of a list's entry in words."""
    for name, field in fact.fields.items():
        value = entry.get(name)
        if value is not None:
            text = value_text(field.path, value, language, zone, field.unit)
            is_bool = isinstance(value, bool)
            yield f"{question_text(field.question, language)} {text}" if is_bool else text


def value_text(
    path: str, value: Any, language: str, zone: ZoneInfo, unit: str | None = None
) -> str:
    """Return an answer in words: a choice by its label, a number with its unit, a local time."""
    if isinstance(value, bool):
        return YES_AND_NO[language][value]
    if isinstance(value, list | tuple):
        return ", ".join(value_text(path, item, language, zone) for item in value)
    terms = form_terms()
    is_choice = value in choice_labels().get(path, {}) or value in terms.labels.get(path, {})
    text = terms.label(path, value, language) if is_choice else str(value)
    if isinstance(value, str):
        text = spoken_moment(text, zone, language)
    return f"{text} {terms.label('unit', unit, language)}" if unit else text
