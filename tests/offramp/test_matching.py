"""Test the comparison of people: accents, order, spelling, dates, twins, and hostile text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.agency.cases.matching import (
    LIKE_DATE,
    LIKE_NAME,
    PART_OF_NAME,
    SAME_DATE,
    SAME_NAME,
    SAME_PHONE,
    SWAPPED_DATE,
    Description,
    compare,
    name_words,
    strength,
)
from offramp.phone_numbers import call_address, read_phone


def person(name: str, born: str | None = None, phone: str | None = None) -> Description:
    given, _, family = name.partition(" ")
    return Description(given or None, family or None, born, phone)


BORN = "1990-01-05"

ALIKE = [
    # Accents, letters of other scripts, and apostrophes
    ("María Peña", "Maria Pena", SAME_NAME),
    ("Łukasz Müller", "Lukasz Muller", SAME_NAME),
    ("Иван Петров", "Ivan Petrov", SAME_NAME),
    ("Sean O’Brien", "Sean OBrien", SAME_NAME),
    # Order, and two family names of which one is left out
    ("Delgado Ana", "Ana Delgado", SAME_NAME),
    ("María García López", "Maria Garcia", LIKE_NAME),
    ("Juan Carlos Ortiz", "Juan Ortiz", LIKE_NAME),
    ("Ana García-López", "Ana Lopez", LIKE_NAME),
    # Particles, and words that are written apart or together
    ("José de la Cruz", "Jose Cruz", SAME_NAME),
    ("José de la Cruz", "Jose Delacruz", SAME_NAME),
    ("Maria Jose Rael", "Mariajose Rael", LIKE_NAME),
    # Spelling, initials, short forms, and suffixes
    ("Juan Gonzales", "Juan González", LIKE_NAME),
    ("Jhon Smith", "John Smyth", LIKE_NAME),
    ("J. Ortiz", "Jesus Ortiz", LIKE_NAME),
    ("Pepe Ortiz", "José Ortiz", LIKE_NAME),
    ("Lupe Ortiz", "Guadalupe Ortiz", LIKE_NAME),
    ("Bill Begay", "William Begay", LIKE_NAME),
    ("Robert Begay Jr", "Robert Begay", SAME_NAME),
    # One word
    ("Prince", "prince", SAME_NAME),
]


@pytest.mark.parametrize(("first", "second", "reason"), ALIKE)
@pytest.mark.parametrize("born", [None, BORN])
def test_one_name_written_in_two_ways_is_alike(
    first: str, second: str, reason: str, born: str | None
) -> None:
    reasons = compare(person(first, born), person(second, born))
    assert reasons[:1] == (reason,), reasons
    assert (SAME_DATE in reasons) == (born is not None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Ana Delgado", "Luis Ortiz"),
        ("Ana Delgado", "Ana Ortiz"),
        ("Juan Ortiz", "Juana Begay"),
        ("Prince", "Prince Nelson"),
    ],
)
def test_other_names_without_a_date_are_not_alike(first: str, second: str) -> None:
    assert compare(person(first), person(second)) == ()


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("1990-01-05", "1990-05-01", SWAPPED_DATE),
        ("1990-01-05", "1991-01-05", LIKE_DATE),
        ("1990-01-05", "1990-01-06", LIKE_DATE),
        ("1990-01-15", "1990-01-51", "different"),
        ("1990-01-05", "1973-11-28", "different"),
    ],
)
def test_a_birth_date_may_be_swapped_or_mistyped(first: str, second: str, reason: str) -> None:
    reasons = compare(person("Ana Delgado", first), person("Ana Delgado", second))
    assert reasons == (() if reason == "different" else (SAME_NAME, reason))


def test_people_who_share_a_common_name_are_told_apart_by_their_birth_dates() -> None:
    assert compare(person("José García", "1980-01-01"), person("Jose Garcia", "1991-07-23")) == ()
    # Three same words are no coincidence, whatever the date.
    whole = "José García Montoya"
    assert compare(person(whole, "1980-01-01"), person(whole, "1991-07-23")) == (SAME_NAME,)


def test_twins_are_shown_as_a_possibility_and_weaker_than_one_name() -> None:
    ana, eva = person("Ana Delgado", BORN), person("Eva Delgado", BORN)
    assert compare(ana, eva) == (PART_OF_NAME, SAME_DATE)
    assert strength(compare(ana, eva)) < strength(compare(ana, ana))


def test_a_telephone_number_is_compared_by_its_last_digits() -> None:
    first = person("Ana Delgado", None, "+1 505 555 0142")
    assert compare(first, person("Pat Chee", None, "505-555-0142")) == (SAME_PHONE,)
    assert compare(first, person("Pat Chee", None, "(505) 555-0142 ext. 3")) == (SAME_PHONE,)
    assert compare(first, person("Pat Chee", None, "505-555-0143")) == ()
    assert compare(person("", None, "911"), person("", None, "911")) == ()


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("(505) 555-0142 x3", "tel:+15055550142;ext=3"),
        ("505/555-0142 ext. 12", "tel:+15055550142;ext=12"),
        ("1-505-555-0142", "tel:+15055550142"),
        ("+1 (505) 555-0142", "tel:+15055550142"),
        ("+52 55 1234 5678", "tel:+525512345678"),
        ("011 52 55 1234 5678", "tel:+525512345678"),
        ("555-0142", "tel:5550142"),
        ("911", "tel:911"),
    ],
)
def test_a_telephone_number_is_called_with_its_country_and_extension(
    text: str, called: str
) -> None:
    """The form of the address is that of RFC 3966."""
    assert call_address(text) == called


@given(st.text(max_size=30))
def test_what_is_no_telephone_number_has_none_of_its_digits(text: str) -> None:
    number = read_phone(text)
    assert number is None or re.fullmatch(r"tel:[+]?\d+(;ext=\d+)?", number.address)


def test_what_is_not_known_speaks_for_nothing() -> None:
    nobody = Description()
    assert compare(nobody, nobody) == compare(nobody, person("Ana Delgado", BORN)) == ()
    assert compare(person("", BORN), person("Ana Delgado", BORN)) == (SAME_DATE,)
    assert not person("Prince", BORN).is_complete and not person("Ana Delgado").is_complete


names = st.text(max_size=60)
dates = st.one_of(st.none(), st.dates().map(str), st.text(max_size=10))
people = st.builds(
    Description, st.none() | names, st.none() | names, dates, st.none() | st.text(max_size=20)
)


@given(people, people)
def test_any_text_is_compared_in_both_directions(first: Description, second: Description) -> None:
    assert compare(first, second) == compare(second, first)
    if first.words and first.birth_date:
        assert SAME_DATE in compare(first, first)


@given(names)
def test_the_words_of_any_name_are_small_latin_letters(name: str) -> None:
    assert all(
        word.isalpha() and word.isascii() and word.islower()
        for words in name_words(name)
        for word in words
    )
