"""A part's content under seal: five sizes and no other, and bound to what the issuer signed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.records.sealing import (
    CLASSES,
    LARGEST_CONTENT,
    Sealed,
    pad,
    seal,
    seal_info,
    unpad,
    unseal,
)
from exchange.standards import hpke
from tests.support.keys import key
from tests.support.refused import refused

JTI, MINE, OTHER = "0" * 31 + "1", key("defender.2026-11", "enc"), key("defender.2026-12", "enc")


def one(content: bytes = b'{"a":1}') -> Sealed:
    return seal(content, JTI, "00000000000000aa", MINE.public, "coordination", "consent")


@given(st.binary(max_size=5000))
def test_content_is_filled_to_a_class_and_comes_back(content: bytes) -> None:
    filled = pad(content)
    assert len(filled) in CLASSES and unpad(filled) == content
    assert all(len(content) + 4 > size for size in CLASSES if size < len(filled)), (
        "the smallest class that holds it"
    )


@pytest.mark.parametrize("size", CLASSES)
def test_the_edge_of_each_class(size: int) -> None:
    assert len(pad(bytes(size - 4))) == size
    assert unpad(pad(b"\xff" * (size - 4))) == b"\xff" * (size - 4)
    if size < CLASSES[-1]:
        assert len(pad(bytes(size - 3))) == size * 4


def test_one_byte_more_than_the_largest_class_holds_is_refused() -> None:
    with refused("content-too-large"):
        pad(bytes(LARGEST_CONTENT + 1))


def test_all_contents_of_a_class_are_sealed_to_one_length() -> None:
    assert {len(one(bytes(length)).ct) for length in (0, 1, 500, 1020)} == {1024 + hpke.OVERHEAD}


@given(st.data())
def test_filling_with_anything_but_zeros_is_refused(data: st.DataObject) -> None:
    filled = bytearray(pad(b"content"))
    place = data.draw(st.integers(11, 1023))
    filled[place] ^= data.draw(st.integers(1, 255))
    with refused("bad-padding"):
        unpad(bytes(filled))


@pytest.mark.parametrize(
    "filled", [b"", bytes(4), bytes(1023), bytes(4096), b"\0\0\4\0" + bytes(1020), b"\xff" * 1024]
)
def test_no_other_size_is_unfilled(filled: bytes) -> None:
    with refused("bad-padding"):
        unpad(filled)


def test_the_info_is_the_contract_s() -> None:
    assert (
        seal_info(JTI, "p", "a.2026-11", "care", "consent")
        == b"offramp/1/part\0" + JTI.encode() + b"\0p\0a.2026-11\0care\0consent"
    )


@pytest.mark.parametrize("field", ["", "a\0b", "a b", "a\n", "é", "x" * 129])
def test_a_field_can_t_reach_into_the_next(field: str) -> None:
    for fields in ((field, "b", "c", "d"), ("a", "b", "c", field)):
        with refused("bad-binding"):
            seal_info(JTI, *fields)


@pytest.mark.parametrize("jti", ["", "0" * 31, "0" * 33, "A" * 32, "0" * 31 + "\n", "０" * 32])
def test_a_record_s_id_is_32_hex_digits(jti: str) -> None:
    with refused("bad-binding"):
        seal_info(jti, "p", "to", "care", "consent")


@given(st.binary(max_size=2000))
def test_what_is_sealed_to_a_recipient_opens(content: bytes) -> None:
    assert unseal(one(content), JTI, MINE) == content


@pytest.mark.parametrize("name", ["part", "purpose", "basis"])
def test_a_seal_can_t_be_moved_to_another(name: str) -> None:
    with refused("does-not-open"):
        unseal(replace(one(), **{name: "another"}), JTI, MINE)


def test_a_seal_can_t_be_moved_to_another_record_or_recipient() -> None:
    with refused("does-not-open"):
        unseal(one(), "0" * 32, MINE)
    with refused("does-not-open"):
        unseal(replace(one(), to=OTHER.public.kid), JTI, OTHER)
    with refused("wrong-recipient"):
        unseal(one(), JTI, OTHER)


def test_what_isn_t_filled_isn_t_opened() -> None:
    bound = seal_info(JTI, "p", MINE.public.kid, "care", "consent")
    for text in (b"", b"{}", bytes(1025)):
        with refused("bad-padding"):
            unseal(
                Sealed(
                    "p", MINE.public.kid, "care", "consent", hpke.seal(MINE.public, bound, text)
                ),
                JTI,
                MINE,
            )


def test_a_part_too_large_is_refused() -> None:
    with refused("content-too-large"):
        one(bytes(LARGEST_CONTENT + 1))
