"""Whatever bytes come in from outside: every parser gives a value or refuses, soon, and never fails in another way.

`HYPOTHESIS_PROFILE=ci` is what the gate runs; `deep` looks eighty times longer than the default.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange import _c2sp, _rfc4648, _rfc6962, _rfc7493, _rfc7515, _rfc7517, _rfc9180, _rfc9901, manifest, sealed
from exchange.errors import ExchangeError
from tests.chance import chance
from tests.keys import key
from tests.refused import reads_as_a_refusal
from tests.test_c2sp import CLINIC, DEFENDER, HUB, WITNESSED

# A parser reads at most about a megabyte; a quarter of a second for what a test makes is a hundred times what it takes.
SLOW = 0.25

SIGNING, SEALING = key("police.s1"), key("police.2026-11", "enc")
RECORD = _rfc7515.sign(b'{"parts":[],"_sd_alg":"sha-256"}', SIGNING, typ="t")
DISCLOSURE = _rfc9901.property_("a", {"b": [1, None, "ü"]}, chance())
CT = _rfc9180.seal(SEALING.public, b"info", sealed.padded(b"{}"))
JWK = _rfc7493.write(SIGNING.public.as_jwk())


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def jwk(data: bytes) -> object:
    return _rfc7517.public_key(_rfc7493.read(data), "sig")


def process(data: bytes) -> object:
    """The first line is a payload, the others disclosures."""
    payload, *disclosures = data.split(b"\n")
    return _rfc9901.process(_rfc7493.read_object(payload), [text(each) for each in disclosures])


def inclusion(data: bytes) -> object:
    proof = [data[at : at + 32] for at in range(0, len(data), 32)]
    return _rfc6962.verify_inclusion(bytes(32), len(data) % 7, len(data), proof, bytes(32))


def consistency(data: bytes) -> object:
    proof = [data[at : at + 32] for at in range(0, len(data), 32)]
    return _rfc6962.verify_consistency(len(data) // 3, len(data), proof, bytes(32), bytes(32))


def entry(data: bytes) -> object:
    fields = (text(data).split(",") + [""] * 5)[:5]
    return manifest.rebuilt([manifest.Entry(*fields)], [data[at : at + 32] for at in range(0, 7 * 32, 32)])


def unseal(data: bytes) -> object:
    binding = (text(data[:8]), SEALING.public.kid, text(data[8:16]), text(data[16:24]))
    return sealed.unseal(sealed.Sealed(*binding, data), "0" * 32, SEALING)


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "base64url": (lambda data: _rfc4648.decode_url(text(data)), b"AAAA"),
    "base64": (lambda data: _rfc4648.decode(text(data)), b"AAA="),
    "json": (_rfc7493.read, b'{"a":[1,2.5,null,true,"\\u00e4"]}'),
    "jwk": (jwk, JWK),
    "jws": (lambda data: _rfc7515.verify(text(data), SIGNING.public, typ="t"), RECORD.encode()),
    "disclosure": (lambda data: _rfc9901.read(text(data)), DISCLOSURE.encode()),
    "sd-jwt": (lambda data: _rfc9901.split(text(data)), f"{RECORD}~{DISCLOSURE}~".encode()),
    "disclosures of a payload": (process, b'{"_sd":["%s"]}\n%s' % (_rfc9901.digest(DISCLOSURE).encode(), DISCLOSURE.encode())),
    "sealed text": (lambda data: _rfc9180.unseal(SEALING, b"info", data), CT),
    "sealed entry": (unseal, CT),
    "filling": (sealed.unpadded, sealed.padded(b"{}")),
    "manifest": (entry, b"p,to,care,consent," + b"0" * 64),
    "inclusion proof": (inclusion, bytes(320)),
    "consistency proof": (consistency, bytes(320)),
    "vkey": (lambda data: _c2sp.verifier_key(text(data)), HUB.vkey.encode()),
    "note": (_c2sp.read_note, WITNESSED),
    "checkpoint": (lambda data: _c2sp.read_checkpoint(text(data)), WITNESSED.split(b"\n\n")[0] + b"\n"),
    "witnessed checkpoint": (lambda data: _c2sp.open_checkpoint(data, HUB, [DEFENDER, CLINIC]), WITNESSED),
}
MARKS = [b".", b"~", b"\n", b'"', b"=", b"{", b"[", b"+", b","]
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
@given(data=st.binary(max_size=400) | st.text(max_size=200).map(lambda made: made.encode("utf-8", "surrogatepass")))
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
@pytest.mark.parametrize("piece", [*MARKS, b'{"a":', b"A", b"9", b'"\\u0000', b"\n\n", "— a AAAAAAAA\n".encode()])
def test_a_megabyte_of_one_thing(name: str, piece: bytes) -> None:
    gives_a_value_or_refuses(name, piece * (1_000_000 // len(piece)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "_sd", "...", _rfc9901.digest(DISCLOSURE), "é"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "_sd", "...", "_sd_alg"]), inner, max_size=3)
    ),
    max_leaves=15,
)


payloads = st.dictionaries(st.sampled_from(["a", "_sd", "...", "_sd_alg"]), json_values, max_size=4)


@given(payloads, st.lists(json_values, max_size=4))
def test_any_payload_with_any_disclosures(payload: dict[str, Any], contents: list[Any]) -> None:
    disclosures = [_rfc4648.encode_url(_rfc7493.write(content)).encode() for content in contents]
    gives_a_value_or_refuses("disclosures of a payload", b"\n".join([_rfc7493.write(payload), *disclosures]))
