"""Selective disclosure: the RFC's examples, refusals, and that a subset discloses only itself."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.standards import base64, i_json, jws
from exchange.standards.keys import read_public_key
from exchange.standards.sd_jwt import (
    DEEPEST,
    MOST,
    SIZES,
    digest,
    disclose_element,
    disclose_property,
    hide_elements,
    hide_properties,
    join,
    process,
    read,
    split,
)
from tests.conftest import shared
from tests.support.chance import chance
from tests.support.keys import key
from tests.support.refused import refused
from tests.support.vectors import vectors

FILE = "rfc9901-sd-jwt.json"
VECTORS = vectors(FILE)
EXAMPLES: dict[str, dict[str, Any]] = VECTORS.get("examples", {})
# SD-JWTs in a form that records don't use. Their payloads and disclosures are processed here.
JSON_SERIALIZATION = "the JSON serialization"
# Records don't prove their presenter, so a presentation with a key binding is refused.
KEY_BINDING = "key binding"
KINDS = {JSON_SERIALIZATION: 4, KEY_BINDING: 6}


def kind_of(name: str) -> str | None:
    if "sd_jwt_presentation.json" in EXAMPLES[name]:
        return JSON_SERIALIZATION
    return None if EXAMPLES[name]["sd_jwt_presentation.txt"].strip().endswith("~") else KEY_BINDING


def parts_of(name: str, which: str) -> tuple[str, list[str]]:
    """JWS and disclosures of an example, issued or presented."""
    example = EXAMPLES[name]
    if kind_of(name) == JSON_SERIALIZATION:
        whole = json.loads(example[f"sd_jwt_{which}.json"])
        protected = whole if "protected" in whole else whole["signatures"][0]
        return f"{protected['protected']}.{whole['payload']}.{protected['signature']}", protected[
            "header"
        ]["disclosures"]
    issuer_jwt, *disclosures = example[f"sd_jwt_{which}.txt"].strip().split("~")
    return issuer_jwt, disclosures[:-1]


def payload_of(issuer_jwt: str) -> dict[str, Any]:
    return i_json.read_object(base64.decode_url(issuer_jwt.split(".")[1]))


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example(name: str) -> None:
    issuer_jwt, disclosures = parts_of(name, "presentation")
    assert (
        process(payload_of(issuer_jwt), disclosures).payload
        == EXAMPLES[name]["verified_contents.json"]
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example_with_everything_disclosed_has_no_closed_digests_but_decoys(
    name: str,
) -> None:
    issuer_jwt, disclosures = parts_of(name, "issuance")
    assert process(payload_of(issuer_jwt), disclosures).closed == len(
        EXAMPLES[name].get("decoy_digests.json", [])
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example_is_split_or_refused_as_a_text(name: str) -> None:
    kind = kind_of(name)
    if kind == JSON_SERIALIZATION:
        pytest.skip(JSON_SERIALIZATION)
    text = EXAMPLES[name]["sd_jwt_presentation.txt"].strip()
    if kind == KEY_BINDING:
        with refused("not-an-sd-jwt"):
            split(text)
    else:
        assert join(*split(text)) == text


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example_is_signed_by_its_issuer(name: str) -> None:
    if kind_of(name) == JSON_SERIALIZATION:
        pytest.skip(JSON_SERIALIZATION)
    (issuer,) = VECTORS["settings"]["key_settings"]["issuer_keys"]
    held = {name: value for name, value in issuer.items() if name != "d"}
    signed, _, signature = parts_of(name, "issuance")[0].rpartition(".")
    signer = read_public_key({**held, "kid": "issuer", "use": "sig", "alg": "ES256"}, "sig")
    assert jws.is_valid_signature(signer, signed.encode(), base64.decode_url(signature))


def test_each_kind_is_used_as_often_as_listed() -> None:
    shared(f"vectors/{FILE}")
    kinds = [kind_of(name) for name in EXAMPLES]
    assert len(kinds) == 32
    assert {kind: kinds.count(kind) for kind in kinds if kind} == KINDS


def test_a_digest_is_over_the_text_and_not_over_what_it_says() -> None:
    shared(f"vectors/{FILE}")
    for case in VECTORS["rfc9901_4.2.3"].values():
        assert digest(case["disclosure"]) == case["digest"]


# A record as the exchange builds it: labels in `parts`, content in each label's `_sd`.


def record(count: int, seed: int = 0) -> tuple[dict[str, Any], list[str], list[str]]:
    """A payload of so many parts, their labels, and their contents, in one order."""
    random = chance(seed)
    contents = [
        disclose_property("content", {"said": f"part {number}"}, random) for number in range(count)
    ]
    labels = [
        disclose_element(hide_properties({"id": f"p{number}"}, [content]), random)
        for number, content in enumerate(contents)
    ]
    payload = {"iss": "police", "parts": hide_elements(labels, random), "_sd_alg": "sha-256"}
    return payload, labels, contents


def expected(number: int, opened: bool) -> dict[str, Any]:
    return {"id": f"p{number}", **({"content": {"said": f"part {number}"}} if opened else {})}


counts = st.integers(0, 32)


@given(counts, st.integers(0, 99))
def test_a_record_has_8_16_or_32_digests_whatever_it_holds(count: int, seed: int) -> None:
    payload, labels, _ = record(count, seed)
    digests = [each["..."] for each in payload["parts"]]
    assert len(digests) == len(set(digests)) == next(size for size in SIZES if count <= size)
    assert set(map(digest, labels)) <= set(digests)
    assert all(len(base64.decode_url(each)) == 32 for each in digests)


def test_the_place_of_a_digest_says_nothing() -> None:
    places = set()
    for seed in range(200):
        payload, labels, _ = record(1, seed)
        places.add([each["..."] for each in payload["parts"]].index(digest(labels[0])))
    assert places == set(range(8))


@given(st.data())
def test_any_subset_shows_exactly_itself(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 16))
    payload, labels, contents = record(count)
    shown = data.draw(st.sets(st.integers(0, count - 1))) if count else set()
    opened = data.draw(st.sets(st.sampled_from(sorted(shown)))) if shown else set()
    given_ = data.draw(
        st.permutations([labels[one] for one in shown] + [contents[one] for one in opened])
    )
    processed = process(payload, given_)
    got = sorted(processed.payload["parts"], key=lambda part: int(part["id"][1:]))
    assert got == [expected(one, one in opened) for one in sorted(shown)]
    # Whatever is withheld is counted, and can't be told from a decoy.
    assert processed.closed == len(payload["parts"]) - len(shown) + len(shown) - len(opened)
    assert processed.payload["iss"] == "police" and "_sd_alg" not in processed.payload


@given(st.data())
def test_a_disclosure_more_is_refused(data: st.DataObject) -> None:
    payload, labels, contents = record(3)
    whole = [*labels, *contents]
    extra = data.draw(
        st.sampled_from(
            [
                disclose_element({"id": "p9"}, chance(9)),
                disclose_property("content", 1, chance(9)),
                *record(3, 9)[1],
            ]
        )
    )
    with refused("unused"):
        process(payload, [*whole, extra])
    with refused("disclosure-twice"):
        process(payload, [*whole, data.draw(st.sampled_from(whole))])


def test_a_content_without_its_label_belongs_to_nothing() -> None:
    payload, labels, contents = record(2)
    with refused("unused"):
        process(payload, [labels[0], contents[1]])


@given(st.data())
def test_any_flipped_bit_in_a_disclosure_is_refused(data: st.DataObject) -> None:
    payload, labels, contents = record(2)
    whole = [*labels, *contents]
    which = data.draw(st.integers(0, 3))
    raw = bytearray(whole[which].encode())
    place, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 6))
    raw[place] ^= 1 << bit
    with refused():
        process(payload, [*whole[:which], raw.decode(), *whole[which + 1 :]])


def text(content: Any) -> str:
    return base64.encode_url(content if isinstance(content, bytes) else i_json.write(content))


SALT = base64.encode_url(bytes(16))


@pytest.mark.parametrize(
    ("disclosure", "code"),
    [
        ("", "not-a-disclosure"),
        ("~", "not-a-disclosure"),
        (text([SALT, "a", 1]) + "=", "not-a-disclosure"),
        (text(b'["' + SALT.encode() + b'",{"a":1,"a":2}]'), "not-a-disclosure"),
        (text([SALT]), "not-a-disclosure"),
        (text([SALT, "a", 1, 2]), "not-a-disclosure"),
        (text({"salt": SALT}), "not-a-disclosure"),
        (text([SALT, 5, 1]), "not-a-disclosure"),
        (text([SALT, None, 1]), "not-a-disclosure"),
        (text([5, "a", 1]), "bad-salt"),
        (text(["", 1]), "bad-salt"),
        (text([base64.encode_url(bytes(15)), 1]), "bad-salt"),
        (text([base64.encode_url(bytes(17)), 1]), "bad-salt"),
        (text([SALT + "==", 1]), "bad-salt"),
        (text([SALT, "_sd", ["x"]]), "reserved-name"),
        (text([SALT, "...", "x"]), "reserved-name"),
        ("A" * 400_000, "too-large"),
    ],
    ids=lambda value: value[:20],
)
def test_a_malformed_disclosure_is_refused(disclosure: str, code: str) -> None:
    with refused(code):
        read(disclosure)


PROPERTY, ELEMENT = disclose_property("a", 1, chance(1)), disclose_element("x", chance(2))
D, E = digest(PROPERTY), digest(ELEMENT)


@pytest.mark.parametrize(
    ("payload", "disclosures", "code"),
    [
        ({"_sd": [D], "_sd_alg": "sha-512"}, [PROPERTY], "wrong-hash"),
        ({"_sd": [D], "_sd_alg": None}, [PROPERTY], "wrong-hash"),
        ({"_sd": [D, D]}, [PROPERTY], "digest-twice"),
        ({"_sd": [D], "more": {"_sd": [D]}}, [], "digest-twice"),
        ({"_sd": [D], "list": [{"...": D}]}, [], "digest-twice"),
        ({"_sd": [D], "a": 2}, [PROPERTY], "name-taken"),
        ({"_sd": [E]}, [ELEMENT], "wrong-place"),
        ({"list": [{"...": D}]}, [PROPERTY], "wrong-place"),
        ({"_sd": D}, [PROPERTY], "bad-digest"),
        ({"_sd": None}, [], "bad-digest"),
        ({"_sd": [5]}, [], "bad-digest"),
        ({"_sd": [D[:-1]]}, [], "bad-digest"),
        ({"_sd": [D + "="]}, [], "bad-digest"),
        ({"_sd": ["_" * 43]}, [], "bad-digest"),
        ({"list": [{"...": None}]}, [], "bad-digest"),
        ({"list": [{"...": E, "more": 1}]}, [ELEMENT], "reserved-name"),
        ({"...": E}, [], "reserved-name"),
        ({"inner": {"...": E}}, [ELEMENT], "reserved-name"),
        ({"inner": {"_sd_alg": "sha-256"}}, [], "reserved-name"),
        ({}, [PROPERTY], "unused"),
        ({"a": D, "b": [D]}, [PROPERTY], "unused"),
        ({"_sd": [D]}, [PROPERTY, PROPERTY], "disclosure-twice"),
        ({"_sd": [D]}, [PROPERTY] * (MOST + 1), "too-many"),
    ],
    ids=str,
)
def test_a_payload_that_doesn_t_fit_is_refused(
    payload: dict[str, Any], disclosures: list[str], code: str
) -> None:
    with refused(code):
        process(payload, disclosures)


def test_two_disclosures_of_one_name_are_refused() -> None:
    one, other = disclose_property("a", 1, chance(1)), disclose_property("a", 2, chance(2))
    with refused("name-taken"):
        process({"_sd": [digest(one), digest(other)]}, [one, other])
    assert process({"_sd": [digest(one), digest(other)]}, [other]).payload == {"a": 2}


def test_a_digest_inside_a_disclosure_counts_like_one_outside() -> None:
    inner = disclose_property("a", 1, chance(1))
    outer = disclose_property("b", {"_sd": [digest(inner)]}, chance(2))
    with refused("digest-twice"):
        process({"_sd": [digest(outer), digest(inner)]}, [outer, inner])


def test_disclosures_that_nest_without_end_are_refused() -> None:
    chain = [disclose_property("a", 1, chance(0))]
    for number in range(DEEPEST):
        chain.append(disclose_property("a", {"_sd": [digest(chain[-1])]}, chance(number)))
    with refused("too-deep"):
        process({"_sd": [digest(chain[-1])]}, chain)


def test_names_that_mean_something_else_can_t_be_built() -> None:
    for build in (
        lambda: disclose_property("_sd", 1, chance()),
        lambda: disclose_property("...", 1, chance()),
        lambda: disclose_element({"...": 1}, chance()),
        lambda: disclose_element([{"a": {"_sd_alg": 1}}], chance()),
        lambda: disclose_element([{"...": 1, "b": 2}], chance()),
    ):
        with refused("reserved-name"):
            build()


def test_more_than_32_parts_are_refused() -> None:
    with refused("too-many"):
        record(33)


@pytest.mark.parametrize("text", ["", "~", "~~", "a", "a~b", "~a~", "a~b~c"])
def test_what_is_no_sd_jwt_is_refused(text: str) -> None:
    with refused("not-an-sd-jwt"):
        split(text)


@pytest.mark.skipif(
    importlib.util.find_spec("sd_jwt") is None, reason="sd-jwt isn't installed (the extra `oracle`)"
)
@pytest.mark.parametrize("count", [0, 1, 3, 8, 9])
def test_an_outside_verifier_reads_what_we_build_as_we_do(count: int) -> None:
    from jwcrypto.jwk import JWK
    from sd_jwt.verifier import SDJWTVerifier

    payload, labels, contents = record(count)
    issuer = key("police.s1")
    issuer_jwt = jws.sign(i_json.write(payload), issuer, typ="offramp-record+sd-jwt")
    outside = JWK.from_json(json.dumps(issuer.public.as_jwk()))
    for shown, opened in (
        (0, 0),
        (count, 0),
        (count, count),
        (count, count // 2),
        (count // 2, count // 2),
    ):
        disclosures = [*labels[:shown], *contents[:opened]]
        verified = SDJWTVerifier(
            join(issuer_jwt, disclosures), lambda *_: outside
        ).get_verified_payload()
        assert verified == process(payload, disclosures).payload
