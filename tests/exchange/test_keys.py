"""Keys: P-256 with its use, and nothing else passes for one."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from exchange.standards.keys import from_scalar, read_private_key, read_public_key
from tests.conftest import shared
from tests.support.keys import key
from tests.support.refused import refused
from tests.support.vectors import Case, numbered, wycheproof

JWK = wycheproof("json_web_key")
ECDH = wycheproof("ecdh_secp256r1_webcrypto")
SYMMETRIC = "symmetric keys: nothing here is signed with a shared secret"
RSA = "RSA: nothing here is signed with it"
SKIPPED = {SYMMETRIC: 4, RSA: 1}

SIGNING = key("police.s1").public.as_jwk()
PRIVATE = key("police.s1").as_jwk()


def kind_of_skip(group_and_case: tuple[Case, Case]) -> str | None:
    group, case = group_and_case
    kinds = {jwk["kty"] for jwk in group["private"]["keys"]}
    if case["result"] == "valid" and kinds == {"oct"}:
        return SYMMETRIC
    if case["result"] == "valid" and kinds == {"RSA"}:
        return RSA
    return None


@pytest.mark.parametrize("group_and_case", JWK, ids=numbered)
def test_published_key_set(group_and_case: tuple[Case, Case]) -> None:
    """A key set is refused if one of its keys is.

    Every valid one of the file is of a kind that isn't used here.
    """
    group, case = group_and_case
    kind = kind_of_skip(group_and_case)
    assert (case["result"] == "valid") == (kind is not None)
    with refused():
        for jwk in group["private"]["keys"]:
            (read_private_key if "d" in jwk else read_public_key)(jwk, "sig")
    if kind:
        pytest.skip(kind)


def test_each_kind_of_skip_is_used_as_often_as_listed() -> None:
    shared("vectors/wycheproof/json_web_key_test.json")
    kinds = [kind_of_skip(group_and_case) for group_and_case in JWK]
    assert len(kinds) == 26
    assert {kind: kinds.count(kind) for kind in kinds if kind} == SKIPPED


@pytest.mark.parametrize("group_and_case", ECDH, ids=numbered)
def test_published_key_agreement(group_and_case: tuple[Case, Case]) -> None:
    """The vectors' keys name no use, so the test adds that of a sealing key."""
    _, case = group_and_case
    mine = read_private_key({**case["private"], "use": "enc"}, "enc")
    if case["result"] == "valid":
        theirs = read_public_key({**case["public"], "use": "enc"}, "enc")
        assert mine.scalar.exchange(ec.ECDH(), theirs.point).hex() == case["shared"]
    else:
        with refused("bad-point", "wrong-kind", "not-a-key"):
            read_public_key({**case["public"], "use": "enc"}, "enc")


def test_the_published_key_agreements_are_all_here() -> None:
    shared("vectors/wycheproof/ecdh_secp256r1_webcrypto_test.json")
    assert len(ECDH) == 353


def test_the_thumbprint_is_rfc_7638_s() -> None:
    from hashlib import sha256

    from exchange.standards.base64 import encode_url

    plain = f'{{"crv":"P-256","kty":"EC","x":"{SIGNING["x"]}","y":"{SIGNING["y"]}"}}'
    assert key("police.s1").public.thumbprint == encode_url(sha256(plain.encode()).digest())


@pytest.mark.parametrize("use", ["sig", "enc"])
def test_a_key_is_read_back_as_it_was_written(use: Any) -> None:
    made = key("police.k", use)
    assert read_public_key(made.public.as_jwk(), use).as_jwk() == made.public.as_jwk()
    assert read_private_key(made.as_jwk(), use).as_jwk() == made.as_jwk()


def test_a_private_part_is_refused_where_a_public_key_is_wanted() -> None:
    with refused("private-part"):
        read_public_key(PRIVATE, "sig")
    with refused("not-a-key"):
        read_private_key(SIGNING, "sig")


def test_a_private_key_isn_t_shown() -> None:
    assert PRIVATE["d"] not in repr(key("police.s1")) + str(key("police.s1").__dict__)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kty": "RSA"}, "wrong-kind"),
        ({"kty": "oct"}, "wrong-kind"),
        ({"kty": "OKP", "crv": "Ed25519"}, "wrong-kind"),
        ({"crv": "P-384"}, "wrong-kind"),
        ({"crv": "secp256k1"}, "wrong-kind"),
        ({"use": "enc"}, "wrong-use"),
        ({"alg": "ES384"}, "wrong-use"),
        ({"alg": "none"}, "wrong-use"),
        ({"use": None}, "not-a-key"),
        ({"kid": ""}, "not-a-key"),
        ({"kid": "a b"}, "not-a-key"),
        ({"x5c": "…"}, "not-a-key"),
        ({"key_ops": ["sign"]}, "not-a-key"),
        ({"x": SIGNING["y"], "y": SIGNING["x"]}, "bad-point"),
        ({"x": SIGNING["x"] + "="}, "bad-point"),
        ({"x": "AA" + SIGNING["x"]}, "bad-point"),
        ({"x": "A" * 43, "y": "A" * 43}, "bad-point"),
        ({"y": SIGNING["y"][:-1] + "_"}, "bad-point"),
        ({"x": "_" * 42 + "8"}, "bad-point"),
    ],
    ids=str,
)
def test_anything_else_is_refused(change: dict[str, Any], code: str) -> None:
    with refused(code):
        read_public_key({**SIGNING, **change}, "sig")


@pytest.mark.parametrize("missing", sorted(SIGNING))
def test_a_missing_member_is_refused(missing: str) -> None:
    with refused("not-a-key", "wrong-kind", "wrong-use"):
        read_public_key({name: value for name, value in SIGNING.items() if name != missing}, "sig")


@pytest.mark.parametrize("no_key", [None, [], "key", 3, {}, {1: 2}, {"kty": {}}], ids=repr)
def test_what_is_no_object_of_texts_is_no_key(no_key: object) -> None:
    with refused("not-a-key", "wrong-kind"):
        read_public_key(no_key, "sig")


def test_a_private_part_of_another_key_is_refused() -> None:
    for other in (key("police.s2").as_jwk()["d"], "A" * 43, "_" * 42 + "8"):
        with refused("bad-point"):
            read_private_key({**PRIVATE, "d": other}, "sig")


def test_a_new_key_on_another_curve_is_refused() -> None:
    with refused("wrong-kind"):
        from_scalar(ec.generate_private_key(ec.SECP384R1()), "police.s1", "sig")
