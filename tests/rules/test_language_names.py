"""Test that a language is read by each of its names, and shown by its name."""

from __future__ import annotations

import pytest

from rules.input.language_names import language_name, read_language, similar_languages


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        *((word, "es") for word in ("Spanish", "español", "Espanol", "castellano", "es", "ES")),
        *((word, "es") for word in ("spa", " spanish. ")),
        *((word, "en") for word in ("English", "inglés", "ingles", "eng")),
        *((word, "nv") for word in ("Navajo", "Diné", "Diné Bizaad")),
        ("Tiếng Việt", "vi"),
        ("中文", "zh"),
        ("Q'anjob'al", "kjb"),
        ("Haitian Creole", "ht"),
        ("es-MX", "es-MX"),
        ("es_mx", "es-MX"),
        ("ga", "ga"),  # Irish
        ("Ga", "gaa"),  # of Ghana
        ("xyz", "xyz"),  # ISO 639-3 has more codes than there are names here
        ("isiNdebele", None),  # two languages are called so
        ("Spansih", None),
        ("xx", None),
        ("", None),
    ],
)
def test_a_language_is_read_by_its_name_in_english_in_spanish_in_itself_and_by_its_code(
    typed: str, code: str | None
) -> None:
    assert read_language(typed) == code


def test_a_language_is_shown_by_its_name() -> None:
    assert language_name("es") == "Spanish" and language_name("es", "es") == "español"
    assert language_name("es-MX") == "Spanish (MX)" and language_name("xyz") == "xyz"


def test_the_names_that_somebody_may_have_meant_are_suggested() -> None:
    assert similar_languages("Spansih") == ("Spanish",)
    assert similar_languages("inglish", "es")[0] == "inglés"
    assert similar_languages("Keres")[:2] == ("Eastern Keres", "Western Keres")
    assert similar_languages("isiNdebele") == ("North Ndebele", "South Ndebele")
    assert similar_languages("") == similar_languages("%%%%") == ()


def test_the_table_is_that_of_the_installed_names() -> None:
    pytest.importorskip("babel", reason="Babel isn't installed (the extra `console`)")
    from tests.support.language_names import TABLE, table

    assert TABLE.read_text(encoding="utf-8") == table(), "python -m tests.support.language_names"


def test_each_name_of_the_table_reads_as_its_language() -> None:
    from rules.input.language_names import _by_name

    read = {name: read_language(name) for name, codes in _by_name().items() if len(codes) == 1}
    differ = {name: code for name, code in read.items() if code not in _by_name()[name]}
    # A name of three letters that is another language's code, in small letters.
    assert all(len(name) <= 3 for name in differ), differ
