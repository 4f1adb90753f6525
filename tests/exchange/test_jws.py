"""Signed texts: the published vectors, and everything that a lax reader lets pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import ExchangeError
from exchange.standards import base64, i_json
from exchange.standards.jws import LARGEST, is_valid_signature, read, sign, verify
from exchange.standards.keys import PublicKey, read_public_key
from tests.conftest import shared
from tests.support.keys import key
from tests.support.refused import refused
from tests.support.vectors import Case, numbered, vectors, wycheproof

JWS = wycheproof("json_web_signature")
MIX = wycheproof("json_web_crypto")
ECDSA = wycheproof("ecdsa_secp256r1_sha256_p1363")
COOKBOOK = vectors("jose-cookbook.json")

SYMMETRIC = "HS256 and its kin: nothing here is signed with a shared secret"
RSA = "RSA signatures: not used here"
OTHER_CURVE = "another curve: every key here is on P-256"
ENCRYPTED = "JWE: what is secret here is sealed with HPKE"
# Valid cases of another kind. Invalid cases of any kind are refused.
SKIPPED_JWS = {SYMMETRIC: 10, RSA: 32, OTHER_CURVE: 2}
SKIPPED_MIX = {SYMMETRIC: 2, RSA: 1, ENCRYPTED: 2}

# Cases of the group about base64. 367 and 370 are labeled as badly padded and have no padding.
# 372 and 373 are labeled as valid and contain a question mark.
EXCEPTIONS = {367, 370, 372, 373}

KEY, TYPE = key("police.s1"), "test+jws"
TEXT = sign(b'{"a":1}', KEY, typ=TYPE)


def kind_of_skip(case: tuple[Case, Case]) -> str | None:
    group, vector = case
    if vector["result"] != "valid":
        return None
    if "jwe" in vector:
        return ENCRYPTED
    keys = group["private"].get("keys", [group["private"]])
    if all(jwk["kty"] == "oct" for jwk in keys):
        return SYMMETRIC
    if all(jwk["kty"] == "RSA" for jwk in keys):
        return RSA
    return OTHER_CURVE if any(jwk.get("crv") != "P-256" for jwk in keys) else None


def keys_of(group: Case) -> list[PublicKey]:
    """Return the group's keys that are valid keys here."""
    key_set = group.get("public", group["private"])
    keys = []
    for jwk in key_set.get("keys", [key_set]):
        try:
            keys.append(read_public_key(jwk, "sig"))
        except ExchangeError:
            continue
    return keys


@pytest.mark.parametrize("case", [*JWS, *MIX], ids=numbered)
def test_published_signed_text(case: tuple[Case, Case]) -> None:
    group, one = case
    text, kind = one.get("jws") or one.get("jwe") or "", kind_of_skip(case)
    # Some are in the JSON serialization, which isn't read here.
    text = text if isinstance(text, str) else json.dumps(text)
    if one["result"] == "valid" and not kind:
        (held,) = keys_of(group)
        verify(text, held, typ=None)
        return
    with refused():
        for held in keys_of(group):
            verify(text, held, typ=None)
        read(text, typ=None).payload(KEY.public)
    if kind:
        pytest.skip(kind)


@pytest.mark.parametrize(
    ("cases", "number", "skipped"),
    [(JWS, 401, SKIPPED_JWS), (MIX, 83, SKIPPED_MIX)],
    ids=["JWS", "mix"],
)
def test_each_kind_of_skip_is_used_as_often_as_listed(
    cases: list[Any], number: int, skipped: dict[str, int]
) -> None:
    shared("vectors/wycheproof/json_web_signature_test.json")
    kinds = [kind_of_skip(case) for case in cases]
    assert len(kinds) == number
    assert {kind: kinds.count(kind) for kind in kinds if kind} == skipped


@pytest.mark.parametrize(
    "case", [case for case in JWS if case[0]["comment"] == "base64"], ids=numbered
)
def test_published_base64url(case: tuple[Case, Case]) -> None:
    """The group is signed with HS256, so the test only decodes its segments."""
    _, vector = case
    right = (vector["result"] == "valid") != (vector["tcId"] in EXCEPTIONS)
    if right:
        assert all(base64.decode_url(segment) is not None for segment in vector["jws"].split("."))
    else:
        with refused("base64", "not-a-jws"):
            segments = vector["jws"].split(".")
            for segment in segments:
                base64.decode_url(segment)
            read(vector["jws"], typ=None)


@pytest.mark.parametrize("case", ECDSA, ids=numbered)
def test_published_signature(case: tuple[Case, Case]) -> None:
    group, one = case
    point = bytes.fromhex(group["publicKey"]["uncompressed"])
    x, y = base64.encode_url(point[1:33]), base64.encode_url(point[33:])
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": x,
        "y": y,
        "kid": "wycheproof",
        "use": "sig",
        "alg": "ES256",
    }
    told = is_valid_signature(
        read_public_key(jwk, "sig"), bytes.fromhex(one["msg"]), bytes.fromhex(one["sig"])
    )
    assert told == (one["result"] == "valid")


def test_the_published_signatures_are_all_here() -> None:
    shared("vectors/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json")
    assert len(ECDSA) == 262


def compact(value: Any) -> list[str]:
    """Yield the compact serializations in a file of the cookbook."""
    if isinstance(value, dict):
        return [
            text
            for name, segment in value.items()
            for text in ([segment] if name == "compact" else compact(segment))
        ]
    return (
        [text for segment in value for text in compact(segment)] if isinstance(value, list) else []
    )


def test_no_text_of_the_cookbook_passes_since_none_is_es256() -> None:
    shared("vectors/jose-cookbook.json")
    texts = compact(COOKBOOK)
    assert len(texts) == 19
    for text in texts:
        with refused():
            read(text, typ=None)


@given(st.binary(max_size=300), st.sampled_from(["a+jws", "b+jws"]))
def test_what_is_signed_is_read_back(payload: bytes, typ: str) -> None:
    text = sign(payload, KEY, typ=typ)
    assert verify(text, KEY.public, typ=typ) == payload
    assert read(text, typ=typ).kid == "police.s1"


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    raw = bytearray(TEXT.encode())
    place, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 6))
    raw[place] ^= 1 << bit
    with refused():
        verify(raw.decode(), KEY.public, typ=TYPE)


@given(st.data())
def test_any_letter_more_or_less_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TEXT) - 1))
    letter = data.draw(st.sampled_from(list(".=A_~\n \0é")))
    for text in (
        TEXT[:place] + TEXT[place + 1 :],
        TEXT[:place] + letter + TEXT[place:],
        TEXT + letter,
    ):
        with refused():
            verify(text, KEY.public, typ=TYPE)


def with_header(header: bytes, payload: bytes = b"{}") -> str:
    """Return a text with a valid signature over any header."""
    from exchange.standards.jws import _ES256

    signed = f"{base64.encode_url(header)}.{base64.encode_url(payload)}"
    return f"{signed}.{base64.encode_url(_ES256.sign(signed.encode(), KEY.jose))}"


def header(**more: Any) -> bytes:
    return json.dumps({"alg": "ES256", "kid": "police.s1", "typ": TYPE, **more}).encode()


@pytest.mark.parametrize(
    "name", ["zip", "crit", "jku", "jwk", "x5u", "x5c", "b64", "x5t", "cty", "nonce", "ALG"]
)
def test_a_header_with_anything_more_is_refused(name: str) -> None:
    for value in (True, ["exp"], "x", None):
        with refused("header-member"):
            verify(with_header(header(**{name: value})), KEY.public, typ=TYPE)


@pytest.mark.parametrize(
    "alg", ["none", "None", "HS256", "ES384", "EdDSA", "RS256", "es256", "", None, 1, ["ES256"]]
)
def test_the_header_doesn_t_choose_the_algorithm(alg: Any) -> None:
    with refused("wrong-algorithm"):
        verify(with_header(header(alg=alg)), KEY.public, typ=TYPE)


def test_a_public_key_is_no_shared_secret() -> None:
    import hmac

    x, y = (base64.decode_url(KEY.public.as_jwk()[name]) for name in ("x", "y"))
    signed = f"{base64.encode_url(header(alg='HS256'))}.e30"
    tag = hmac.digest(b"\x04" + x + y, signed.encode(), "sha256")
    with refused("wrong-algorithm"):
        verify(f"{signed}.{base64.encode_url(tag + tag)}", KEY.public, typ=TYPE)


@pytest.mark.parametrize(
    "text",
    [
        b'{"alg":"ES256","kid":"police.s1","kid":"police.s1","typ":"test+jws"}',
        b'{"alg":"none","alg":"ES256","kid":"police.s1","typ":"test+jws"}',
        b'{"alg":"ES256","\\u0061lg":"ES256","kid":"police.s1","typ":"test+jws"}',
        b"\xef\xbb\xbf" + header(),
        header() + b"{}",
        header().decode().encode("utf-16"),
        b"[]",
        b'"ES256"',
        b"",
        b'{"alg":"ES256","kid":"\\ud800","typ":"test+jws"}',
        b"[" * 300,
        b'{"alg":"ES256","typ":"test+jws"}',
        b'{"alg":"ES256","kid":5,"typ":"test+jws"}',
    ],
)
def test_a_header_that_readers_could_read_in_two_ways_is_refused(text: bytes) -> None:
    with refused("bad-header"):
        verify(with_header(text), KEY.public, typ=TYPE)


@pytest.mark.parametrize("typ", ["JWT", "TEST+JWS", "application/test+jws", "", None, 3])
def test_a_text_signed_for_another_purpose_is_refused(typ: Any) -> None:
    with refused("wrong-type"):
        verify(with_header(header(typ=typ)), KEY.public, typ=TYPE)
    with refused("wrong-type"):
        verify(TEXT, KEY.public, typ="another+jws")
    with refused("wrong-type"):
        verify(with_header(header(typ=None)), KEY.public, typ=None)


def test_another_key_even_under_the_same_id_is_refused() -> None:
    with refused("wrong-key"):
        verify(TEXT, key("police.s2").public, typ=TYPE)
    impostor = read_public_key({**key("police.s2").public.as_jwk(), "kid": "police.s1"}, "sig")
    with refused("bad-signature"):
        verify(TEXT, impostor, typ=TYPE)


def test_a_key_to_seal_to_neither_signs_nor_verifies() -> None:
    sealing = key("police.s1", "enc")
    with refused("wrong-key"):
        sign(b"{}", sealing, typ=TYPE)
    with refused("wrong-key"):
        verify(TEXT, sealing.public, typ=TYPE)


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    with refused("too-large"):
        read("." * (LARGEST + 1), typ=TYPE)
    with refused("too-large"):
        read(TEXT, typ=TYPE, at_most=len(TEXT) - 1)
    with refused("too-large"):
        read(with_header(header(kid="x" * 600)), typ=TYPE)


def test_whoever_holds_one_signature_can_make_a_second_over_the_same_text() -> None:
    """The second text states nothing new, so signed texts are compared up to the last dot."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signed, _, last = TEXT.rpartition(".")
    raw = base64.decode_url(last)
    other = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    assert verify(f"{signed}.{base64.encode_url(other)}", KEY.public, typ=TYPE) == b'{"a":1}'


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_is_read_back_as_it_was_written(value: Any) -> None:
    assert i_json.read(i_json.write(value)) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"a":1,"a":2}', "duplicate-name"),
        (b'{"a":{"b":1,"b":1}}', "duplicate-name"),
        (b"9007199254740992", "number"),
        (b"1e999", "number"),
        (b"NaN", "number"),
        (b"-Infinity", "number"),
        (b"9" * 5000, "number"),
        (b"[" * 33 + b"]" * 33, "too-deep"),
        (b"[" * 100_000, "too-deep"),
        (b'{"a":' * 100_000, "too-deep"),
        (b'"\\udc00"', "not-json"),
        (b'{"\\ud800":1}', "not-json"),
        (b"\xff", "not-json"),
        (b"{'a':1}", "not-json"),
        (b"1 2", "not-json"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_json_that_readers_could_read_in_two_ways_is_refused(text: bytes, code: str) -> None:
    with refused(code, "not-json"):
        i_json.read(text)
