"""Numbers in text: one value for each text, whichever reader reads it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import Refusal
from rules.input.json_text import parse_json
from rules.input.number_text import read_number_text
from rules.input.yaml import read_text

NUMERAL = st.from_regex(r"[+-]?[0-9]{0,6}(\.[0-9]{0,4})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
OTHERS = st.text("0123456789.,_eE+-xXnaifNIF ½٣１²\n", max_size=8)


def test_only_plain_digits_are_a_number() -> None:
    for text in (
        *("", " ", "1_0", "½", "٣", "１", "²", "0x10", "0b1", "NaN", "inf", "1,800", "1 800"),
        *("1.", ".", "+", "--1", "1e", "1e1000", "1e400", "1\n", " 1", "1.8g", "1" * 41),
    ):
        assert read_number_text(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("029", 29), ("29.0", 29), (".5", Decimal("0.5")), ("-1", -1), ("1e0", 1), ("+4", 4)],
)
def test_a_number(text: str, value: Decimal) -> None:
    assert read_number_text(text) == value


@given(st.decimals(-(10**11), 10**11, places=6))
def test_what_is_accepted_reads_back_to_the_same_value(number: Decimal) -> None:
    read = read_number_text(format(number, "f"))
    assert read == number
    assert read_number_text(str(read)) == read


@given(st.one_of(NUMERAL, OTHERS))
def test_no_two_readers_of_numbers_differ(text: str) -> None:
    """JSON and YAML allow fewer spellings. What they accept has the same value here."""
    number = read_number_text(text)
    if number is not None:
        try:
            assert Decimal(text) == number
        except InvalidOperation:
            pytest.fail("Python's own reader refuses it")
    for read in (parse_json, lambda text: read_text(text, "f").data()):
        try:
            value = read(text)
        except Refusal:
            continue
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            if abs(Decimal(value).adjusted()) <= 30 and text.strip() == text:
                assert number == value


@given(st.integers(0, 10**9), st.sampled_from([",", ".", "'", " "]))
def test_groups_of_thousands_are_read_where_they_are_asked_for(number: int, mark: str) -> None:
    text = f"{number:,}".replace(",", mark)
    point = "." if mark != "." else ","
    assert read_number_text(text, thousands=mark, point=point) == number
    if number > 999 and mark != ".":
        assert read_number_text(text) is None
