"""Seals: the published vectors, and the library against the RFC by hand."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from exchange.standards.hpke import OVERHEAD, SUITE, seal, unseal
from tests.conftest import shared
from tests.support import hpke_by_hand
from tests.support.keys import key
from tests.support.refused import refused
from tests.support.vectors import Case, numbered, vectors, wycheproof

HPKE = vectors("hpke-base.json").get("cases", [])
AES_GCM = wycheproof("aes_gcm")
HKDF_SHA256 = wycheproof("hkdf_sha256")

# What this product seals with has one suite, one message a context, and no exported secrets.
OTHER_KEM = "another key encapsulation than P-256"
OTHER_KDF = "another key derivation than HKDF-SHA256"
OTHER_AEAD = "another cipher than AES-256-GCM, or export only"
SKIPPED_HPKE = {OTHER_KEM: 36, OTHER_KDF: 5, OTHER_AEAD: 3}
# `cryptography` takes nonces of 8 to 128 bytes; HPKE's has 12.
NONCE = "a nonce of fewer than 8 bytes, or of more than 128"
SKIPPED_AES_GCM = {NONCE: 27}

MINE, OTHER_KEY = key("defender.2026-11", "enc"), key("police.2026-11", "enc")


def kind_of_skip(case: Case) -> str | None:
    if case["kem_id"] != 0x10:
        return OTHER_KEM
    if case["kdf_id"] != 1:
        return OTHER_KDF
    return OTHER_AEAD if case["aead_id"] != 2 else None


@pytest.mark.parametrize(
    "case",
    HPKE,
    ids=lambda case: "-".join(str(case[name]) for name in ("kem_id", "kdf_id", "aead_id")),
)
def test_published_base_mode(case: Case) -> None:
    """Sequence number 0, by the suite that seals here and by hand.

    The vectors have additional data. Records have none.
    """
    kind = kind_of_skip(case)
    if kind:
        pytest.skip(kind)
    private = ec.derive_private_key(int(case["skRm"], 16), ec.SECP256R1())
    ephemeral = ec.derive_private_key(int(case["skEm"], 16), ec.SECP256R1())
    first = {name: bytes.fromhex(text) for name, text in case["encryptions"][0].items()}
    info, sealed = bytes.fromhex(case["info"]), bytes.fromhex(case["enc"]) + first["ct"]
    assert openssl.hpke._decrypt_with_aad(SUITE, sealed, private, info, first["aad"]) == first["pt"]
    assert hpke_by_hand.unseal(private, info, sealed, first["aad"]) == first["pt"]
    assert (
        hpke_by_hand.seal(private.public_key(), ephemeral, info, first["pt"], first["aad"])
        == sealed
    )


def nonce_kind(case: tuple[Case, Case]) -> str | None:
    return NONCE if case[1]["result"] == "valid" and not 64 <= case[0]["ivSize"] <= 1024 else None


@pytest.mark.parametrize("case", AES_GCM, ids=numbered)
def test_published_aes_gcm(case: tuple[Case, Case]) -> None:
    told: dict[str, Any] = {
        name: bytes.fromhex(case[1][name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
    }
    kind = nonce_kind(case)
    if kind:
        with pytest.raises(ValueError):
            AESGCM(told["key"]).decrypt(told["iv"], told["ct"] + told["tag"], told["aad"])
        pytest.skip(kind)
    if case[1]["result"] == "valid":
        assert (
            AESGCM(told["key"]).decrypt(told["iv"], told["ct"] + told["tag"], told["aad"])
            == told["msg"]
        )
        assert (
            AESGCM(told["key"]).encrypt(told["iv"], told["msg"], told["aad"])
            == told["ct"] + told["tag"]
        )
    else:
        with pytest.raises((InvalidTag, ValueError)):
            AESGCM(told["key"]).decrypt(told["iv"], told["ct"] + told["tag"], told["aad"])


@pytest.mark.parametrize("case", HKDF_SHA256, ids=numbered)
def test_published_hkdf(case: tuple[Case, Case]) -> None:
    told = {name: bytes.fromhex(case[1][name]) for name in ("ikm", "salt", "info", "okm")}
    if case[1]["result"] == "valid":
        assert (
            HKDF(hashes.SHA256(), case[1]["size"], told["salt"], told["info"]).derive(told["ikm"])
            == told["okm"]
        )
    else:
        with pytest.raises(ValueError):
            HKDF(hashes.SHA256(), case[1]["size"], told["salt"], told["info"])


def test_each_kind_of_skip_is_used_as_often_as_listed() -> None:
    shared("vectors/hpke-base.json")
    assert (len(HPKE), len(AES_GCM), len(HKDF_SHA256)) == (45, 316, 86)
    hpke, nonces = [kind_of_skip(case) for case in HPKE], [nonce_kind(case) for case in AES_GCM]
    assert {kind: hpke.count(kind) for kind in hpke if kind} == SKIPPED_HPKE
    assert {kind: nonces.count(kind) for kind in nonces if kind} == SKIPPED_AES_GCM


@given(st.binary(max_size=200), st.binary(max_size=2000))
def test_what_is_sealed_opens_and_opens_by_hand_too(info: bytes, text: bytes) -> None:
    sealed = seal(MINE.public, info, text)
    assert len(sealed) == len(text) + OVERHEAD
    assert unseal(MINE, info, sealed) == text == hpke_by_hand.unseal(MINE.scalar, info, sealed, b"")


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(1, 2**200))
def test_what_is_sealed_by_hand_opens(info: bytes, text: bytes, number: int) -> None:
    ephemeral = ec.derive_private_key(number, ec.SECP256R1())
    assert (
        unseal(MINE, info, hpke_by_hand.seal(MINE.public.point, ephemeral, info, text, b"")) == text
    )


def test_the_same_is_never_sealed_alike_twice() -> None:
    assert seal(MINE.public, b"", b"text") != seal(MINE.public, b"", b"text")


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    sealed = bytearray(seal(MINE.public, b"info", b"text"))
    place, bit = data.draw(st.integers(0, len(sealed) - 1)), data.draw(st.integers(0, 7))
    sealed[place] ^= 1 << bit
    with refused("does-not-open"):
        unseal(MINE, b"info", bytes(sealed))


@given(st.data())
def test_any_byte_more_or_less_is_refused(data: st.DataObject) -> None:
    sealed = seal(MINE.public, b"info", b"text")
    place = data.draw(st.integers(0, len(sealed) - 1))
    for changed in (
        sealed[:place],
        sealed[:place] + sealed[place + 1 :],
        sealed + bytes(place + 1),
    ):
        with refused("does-not-open", "too-short"):
            unseal(MINE, b"info", changed)


def test_another_key_or_another_info_doesn_t_open() -> None:
    sealed = seal(MINE.public, b"info", b"text")
    for private, info in ((OTHER_KEY, b"info"), (MINE, b"inf"), (MINE, b"info\0"), (MINE, b"")):
        with refused("does-not-open"):
            unseal(private, info, sealed)


@pytest.mark.parametrize(
    "enc",
    [
        bytes(65),
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
        b"\x02" + b"\x01" * 64,
        b"\x06" + hpke_by_hand.raw(MINE.public.point)[1:],
        b"\x04"
        + hpke_by_hand.raw(MINE.public.point)[1:33]
        + hpke_by_hand.raw(OTHER_KEY.public.point)[33:],
    ],
    ids=["zero", "origin", "beyond the field", "compressed", "hybrid", "off the curve"],
)
def test_a_point_that_is_none_doesn_t_open(enc: bytes) -> None:
    with refused("does-not-open"):
        unseal(MINE, b"info", enc + seal(MINE.public, b"info", b"text")[65:])


def test_a_key_to_sign_with_neither_seals_nor_opens() -> None:
    with refused("not-a-sealing-key"):
        seal(key("police.s1").public, b"", b"")
    with refused("not-a-sealing-key"):
        unseal(key("police.s1"), b"", bytes(100))
