"""A pack's texts in the language of a reader: questions, reasons, and short labels of choices.

A text without a translation is None, never its English: the caller decides how to show that.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.author.phrases import spell_name
from rules.packs.pack import LANGUAGES, Pack
from rules.shelf import choice_labels, spanish

__all__ = ["LANGUAGES", "label_choice", "texts_to_translate", "translate_text", "untranslated"]


def translate_text(pack: Pack, text: str, lang: str) -> str | None:
    """Return a question, reason, or step of a pack in a language, None if it has no translation.

    `text` is as the pack has it, with names of parameters in braces.
    """
    english = " ".join(text.split())
    if lang == "en":
        return english
    return pack.spanish.get(english) or spanish().get(english)


def texts_to_translate(pack: Pack) -> Iterator[str]:
    """Yield every question and every reason of a pack, as forms and letters show them."""
    for fact in pack.vocabulary.facts.values():
        yield from (entry.question for entry in (fact, *fact.fields.values()))
    for decision in pack.decisions.values():
        yield from (decision.asks, decision.otherwise.because)
        for rule in (*decision.rules.values(), *decision.optional.values()):
            yield rule.because
            yield from (exemption.because for exemption in rule.unless)
    yield from (each.because for each in pack.invariants.values() if each.because)


def untranslated(pack: Pack) -> tuple[str, ...]:
    """Return the texts of a pack that readers of Spanish are shown in English, each once."""
    texts = (" ".join(text.split()) for text in texts_to_translate(pack))
    return tuple(text for text in dict.fromkeys(texts) if translate_text(pack, text, "es") is None)


def label_choice(pack: Pack, path: str, choice: str, lang: str) -> str | None:
    """Return the short label of a choice, None if it has none in that language.

    `path` is that of a fact or of a field of a list. In English, a choice without a label is its
    own word.
    """
    for labels in (pack.words.choices, choice_labels()):
        label = labels.get(path, {}).get(choice)
        if label is not None:
            return label.text(lang)
    return spell_name(choice) if lang == "en" else None
