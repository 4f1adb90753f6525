"""Every question, choice, and reason of the vocabulary and of each shipped pack has its Spanish."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rules.author.translation import (
    label_choice,
    texts_to_translate,
    translate_text,
    untranslated,
)
from rules.input.vocabulary import Fact
from rules.packs.pack import Pack
from rules.shelf import choice_labels, jurisdictions, read_pack, shipped, spanish, vocabulary

# English words that no Spanish text has. A line that was copied has one of them.
_ENGLISH = re.compile(r"\b(the|and|not|person|program|with|does|their|must|only|keeps)\b", re.I)


def entries(pack: Pack) -> Iterator[Fact]:
    for fact in pack.vocabulary.facts.values():
        yield fact
        yield from fact.fields.values()


@pytest.mark.parametrize("name", shipped())
def test_every_question_and_reason_has_its_spanish(name: str) -> None:
    pack = read_pack(name)
    assert untranslated(pack) == ()
    for text in texts_to_translate(pack):
        translated = translate_text(pack, text, "es") or ""
        assert not _ENGLISH.search(translated), translated
        assert text.count("?") == translated.count("?") == translated.count("¿"), translated
        assert translated[-1] == text.strip()[-1], translated


@pytest.mark.parametrize("name", shipped())
def test_every_choice_has_a_short_label_in_both_languages(name: str) -> None:
    pack = read_pack(name)
    for entry in entries(pack):
        for lang in ("en", "es"):
            labels = [label_choice(pack, entry.path, choice, lang) for choice in entry.choices]
            assert None not in labels, entry.path
            assert len(set(labels)) == len(labels), f"two choices of {entry.path} look the same"
            assert all(label and len(label) <= 32 and "_" not in label for label in labels)


def test_no_translation_and_no_label_is_of_what_no_longer_exists() -> None:
    everything = {
        " ".join(text.split())
        for fact in vocabulary().facts.values()
        for text in (fact.question, *(field.question for field in fact.fields.values()))
    } | {terms.asks for terms in vocabulary().decisions.values()}
    assert spanish().keys() == everything
    paths = {
        entry.path: set(entry.choices)
        for fact in vocabulary().facts.values()
        for entry in (fact, *fact.fields.values())
        if entry.choices
    }
    assert {path: set(labels) for path, labels in choice_labels().items()} == paths


def test_a_text_that_changes_loses_its_translation() -> None:
    pack = read_pack("lead")
    text = "The person does not meet the program's test."
    assert translate_text(pack, text, "es") == "La persona no cumple las condiciones del programa."
    assert translate_text(pack, text.replace("test", "tests"), "es") is None
    assert label_choice(pack, "encounter.drugs.kind", "fentanyl", "es") is None
    assert label_choice(pack, "encounter.drugs.kind", "fentanyl", "en") == "fentanyl"


def test_the_spanish_of_a_pack_is_part_of_its_digest() -> None:
    from dataclasses import replace

    from rules.packs.digest import digest

    pack = read_pack("lead")
    assert (jurisdictions() / "lead" / "spanish.csv").is_file()
    assert digest(replace(pack, spanish={})) != digest(pack)
    assert digest(replace(pack, consent_sets={})) != digest(pack)
    assert digest(replace(pack, words=read_pack("drug-court").words)) != digest(pack)
