"""Parsers of outside bytes: each returns a value or refuses, soon, and never fails otherwise."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.errors import ExchangeError
from exchange.standards import base64, i_json, sd_jwt
from tests.support.outside import DISCLOSURE, MARKS, PARSERS
from tests.support.refused import reads_as_a_refusal

# Seconds. A megabyte of a table, the slowest, needs a third of this.
SLOW = 0.75

names = pytest.mark.parametrize("name", PARSERS)


def gives_a_value_or_refuses(name: str, data: bytes) -> None:
    # A machine may pause once for reasons of its own; what is slow is slow every time.
    assert any(seconds(name, data) < SLOW for _ in range(3))


def seconds(name: str, data: bytes) -> float:
    """The processor time of one parse, which ends in a value or in a readable refusal."""
    began = time.process_time()
    try:
        PARSERS[name][0](data)
    except ExchangeError as error:
        reads_as_a_refusal(error)
    return time.process_time() - began


@names
@given(
    data=st.binary(max_size=400)
    | st.text(max_size=200).map(lambda made: made.encode("utf-8", "surrogatepass"))
)
@example(data=b"")
@example(data=b"\0" * 400)
@example(data="—".encode() * 50)
def test_any_bytes(name: str, data: bytes) -> None:
    gives_a_value_or_refuses(name, data)


@names
@given(data=st.data())
def test_what_is_nearly_right(name: str, data: st.DataObject) -> None:
    """A right text with a few pieces cut out, doubled, or replaced."""
    changed = PARSERS[name][1]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(changed)))
        end = data.draw(st.integers(start, min(len(changed), start + 40)))
        piece = data.draw(st.binary(max_size=8) | st.sampled_from([*MARKS, changed[start:end] * 2]))
        changed = changed[:start] + piece + changed[end:]
    gives_a_value_or_refuses(name, changed)


@names
def test_what_is_right_gives_a_value(name: str) -> None:
    if name not in ("inclusion proof", "consistency proof", "sealed entry", "manifest"):
        parser, right = PARSERS[name]
        parser(right)


@names
@pytest.mark.parametrize(
    "piece", [*MARKS, b'{"a":', b"A", b"9", b'"\\u0000', b"\n\n", "— a AAAAAAAA\n".encode()]
)
def test_a_megabyte_of_one_thing(name: str, piece: bytes) -> None:
    gives_a_value_or_refuses(name, piece * (1_000_000 // len(piece)))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["a", "_sd", "...", sd_jwt.digest(DISCLOSURE), "é"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "_sd", "...", "_sd_alg"]), inner, max_size=3)
    ),
    max_leaves=15,
)


payloads = st.dictionaries(st.sampled_from(["a", "_sd", "...", "_sd_alg"]), json_values, max_size=4)


@given(payloads, st.lists(json_values, max_size=4))
def test_any_payload_with_any_disclosures(payload: dict[str, Any], contents: list[Any]) -> None:
    disclosures = [base64.encode_url(i_json.write(content)).encode() for content in contents]
    gives_a_value_or_refuses(
        "disclosures of a payload", b"\n".join([i_json.write(payload), *disclosures])
    )
