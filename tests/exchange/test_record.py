"""Records: four views of one signed text, and whatever isn't one refused."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import ExchangeError
from exchange.records import sealing
from exchange.records.building import Part, build_bundle
from exchange.records.bundle import Bundle, check_bundle, read_bundle
from exchange.records.countersignature import COUNTERSIGNATURE_TYP, countersign
from exchange.records.delivery import (
    Delivery,
    check_delivery,
    make_delivery,
    open_part,
    parse_delivery,
    read_path,
)
from exchange.records.presentation import present, verify_presentation
from exchange.records.record import TYP
from exchange.standards import base64, i_json, jws, sd_jwt
from tests.support import forge
from tests.support.chance import chance
from tests.support.forge import bundle, label
from tests.support.keys import key
from tests.support.refused import reads_as_a_refusal, refused
from tests.support.simulator import To, World

WORLD = World()
MEMBERSHIP = WORLD.hub.history.membership_at(WORLD.hub.log.size)
TO_PROSECUTOR = {"prosecutor": ("diversion_coordination", "consent")}
TO_DEFENDER = {"defender": ("legal_representation", "consent")}
KEYS = {name: WORLD.at[name].sealing for name in WORLD.names}


def status(to: To, **members: Any) -> Part:
    members = {
        "category": ("status",),
        "content": {"status": {"engagement": "engaged"}},
        "use": "no_adverse_action",
        **members,
    }
    return Part(to=to, keep_until="2027-11-30", **members)


def built(*parts: Part, kind: str = "status", by: str = "crossroads.s1", seed: int = 0) -> Bundle:
    given_parts = parts or (
        status(TO_PROSECUTOR),
        status(TO_DEFENDER, content={"status": {"engagement": "starting"}}),
    )
    return build_bundle(
        key(by),
        kind,
        given_parts,
        membership=MEMBERSHIP,
        case=forge.CASE,
        iat=1,
        random_bytes=chance(seed),
    )


# The four views


def test_each_party_sees_its_own_and_nothing_else() -> None:
    sent = built()
    at_hub = check_bundle(read_bundle(sent.write()), MEMBERSHIP)
    assert at_hub.issuer == "crossroads" and at_hub.kind == "status" and len(at_hub.labels) == 2
    seen = {}
    for name in ("prosecutor", "defender"):
        own = [entry.part for entry in at_hub.entries if entry.to.startswith(name)]
        arrived = parse_delivery(json.loads(json.dumps(make_delivery(at_hub, name, own).json())))
        mine = check_delivery(arrived, MEMBERSHIP)
        assert list(mine.labels) == own
        opened = open_part(mine, own[0], KEYS[name])
        seen[name] = opened.content
        verified = verify_presentation(
            present(mine, [opened]), MEMBERSHIP, [(opened.entry, arrived.texts[0].path)]
        )
        assert (
            verified.contents == {own[0]: opened.content} and verified.record.issuer == "crossroads"
        )
        # Eight digests, one opened with its content. The other part is among seven possible decoys.
        assert verified.closed == 7
    assert seen == {
        "prosecutor": {"status": {"engagement": "engaged"}},
        "defender": {"status": {"engagement": "starting"}},
    }


def test_the_hub_s_view_holds_no_readable_content() -> None:
    sent = built(
        status(TO_PROSECUTOR, category=("plan",), content={"plan": {"text": "CANARY-7f3a"}}),
        kind="plan",
    )
    for text in (sent.write(), *(entry.ct for entry in sent.sealed)):
        assert b"CANARY" not in text
        for shift in range(3):
            assert base64.encode_url(b"x" * shift + b"CANARY-7f3a")[4:-4].encode() not in text


@pytest.mark.skipif(
    importlib.util.find_spec("sd_jwt") is None, reason="sd-jwt isn't installed (the extra `oracle`)"
)
def test_an_outside_verifier_accepts_what_a_recipient_shows() -> None:
    from jwcrypto.jwk import JWK
    from sd_jwt.verifier import SDJWTVerifier

    sent = built()
    at_hub = check_bundle(sent, MEMBERSHIP)
    part = next(entry.part for entry in at_hub.entries if entry.to.startswith("prosecutor"))
    mine = check_delivery(make_delivery(at_hub, "prosecutor", [part]), MEMBERSHIP)
    opened = open_part(mine, part, KEYS["prosecutor"])
    public = JWK.from_json(json.dumps(key("crossroads.s1").public.as_jwk()))
    payload = SDJWTVerifier(
        present(mine, [opened]), lambda issuer, header: public
    ).get_verified_payload()
    (shown,) = payload["parts"]
    assert shown["id"] == part and shown["content"] == {"status": {"engagement": "engaged"}}
    assert payload["iss"] == "crossroads" and "_sd_alg" not in payload


def test_one_statement_has_one_digest_whichever_signature_it_carries() -> None:
    sent = built()
    header, payload, signature = sent.record.split(".")
    raw = base64.decode_url(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    twin = replace(sent, record=f"{header}.{payload}.{base64.encode_url(other)}")
    assert twin.record != sent.record
    assert check_bundle(twin, MEMBERSHIP).sha256 == check_bundle(sent, MEMBERSHIP).sha256


# What a hub refuses


def without(name: str) -> dict[str, Any]:
    return {name: None}


def turned(text: bytes) -> bytes:
    """Other bytes, by one bit."""
    return text[:-1] + bytes([text[-1] ^ 1])


FORGED: dict[str, tuple[Callable[[], Bundle], str]] = {
    "signed by a key nobody lists": (lambda: bundle(by="stranger.s1"), "unknown-key"),
    "issuer isn't the signer": (lambda: bundle(payload={"iss": "program"}), "wrong-issuer"),
    "another type": (lambda: bundle(typ="offramp-directory+jws"), "wrong-type"),
    "an unknown kind": (lambda: bundle(payload={"kind": "gossip"}), "unknown-kind"),
    "a kind that its role doesn't send": (
        lambda: bundle(payload={"kind": "ejection"}),
        "not-its-kind",
    ),
    "no case": (lambda: bundle(payload=without("case")), "case-missing"),
    "a case where there is none": (
        lambda: bundle(payload={"kind": "pack_adoption"}),
        "case-unasked",
    ),
    "an unknown member of the payload": (lambda: bundle(payload={"note": "psst"}), "wrong-shape"),
    "another hash": (lambda: bundle(payload={"_sd_alg": "sha-512"}), "wrong-shape"),
    "no decoys": (lambda: bundle(payload={"parts": []}), "wrong-shape"),
    "a name for a case": (lambda: bundle(payload={"case": "jane-doe"}), "wrong-shape"),
    "a time that is a text": (lambda: bundle(payload={"iat": "now"}), "wrong-shape"),
    "a wrong root": (lambda: bundle(payload={"manifest": "A" * 43}), "wrong-manifest"),
    "an unknown member of a label": (lambda: bundle(label(note="psst")), "wrong-shape"),
    "a label without category": (lambda: bundle(label(category=None)), "wrong-shape"),
    "a label with no category": (lambda: bundle(label(category=[])), "wrong-shape"),
    "a label without id": (
        lambda: bundle(label(id=None), entry={"part": forge.PART}),
        "wrong-shape",
    ),
    "a label without its day": (lambda: bundle(label(keep_until=None)), "wrong-shape"),
    "a day that isn't": (lambda: bundle(label(keep_until="2027-02-30")), "wrong-shape"),
    "a label without limit": (lambda: bundle(label(use=None)), "wrong-shape"),
    "a label that hides nothing": (lambda: bundle(hide=False), "wrong-shape"),
    "a category that the kind hasn't": (
        lambda: bundle(label(category=["treatment"])),
        "unknown-word",
    ),
    "a category that never travels": (
        lambda: bundle(label(category=["criminal_history"])),
        "unknown-word",
    ),
    "a category twice": (lambda: bundle(label(category=["status", "status"])), "unknown-word"),
    "a statement where there is none": (
        lambda: bundle(label(says={"answer": "accepted"})),
        "says-misplaced",
    ),
    "two parts with one id": (lambda: bundle(label(), label()), "part-twice"),
    "a covered part without notice": (lambda: bundle(label(sensitivity="part2")), "notice-missing"),
    "an unknown purpose": (lambda: bundle(entry={"purpose": "curiosity"}), "unknown-word"),
    "an unknown basis": (
        lambda: read_bundle(bundle(entry={"basis": "trust_me"}).write()),
        "wrong-shape",
    ),
    "a label that isn't in the manifest": (
        lambda: bundle(entry={"part": "f" * 16}),
        "unknown-part",
    ),
    "a text of no size class": (lambda: bundle(filling=lambda text: text), "wrong-size"),
    "sealed to itself": (lambda: bundle(to="crossroads.2026-11"), "sealed-to-self"),
    "sealed to nobody listed": (lambda: bundle(to="nobody.2026-11"), "unknown-recipient"),
    "sealed to a key that isn't open": (lambda: bundle(to="prosecutor.2026-10"), "key-old"),
    "a pad too few": (lambda: bundle(pads=lambda pads: pads[1:]), "manifest-size"),
    "a changed pad": (lambda: bundle(pads=lambda pads: (bytes(32), *pads[1:])), "wrong-manifest"),
    "a label too few": (lambda: replace(bundle(), labels=()), "unknown-part"),
    "a label of another record": (
        lambda: replace(built(seed=1), labels=built(seed=2).labels),
        "unused",
    ),
    "a content among the labels": (
        lambda: replace(
            (one := bundle()),
            labels=(*one.labels, sd_jwt.disclose_property("content", {"status": {}}, chance(3))),
        ),
        "unused",
    ),
    "a text exchanged": (
        lambda: replace(
            one := bundle(), sealed=(replace(one.sealed[0], ct=turned(one.sealed[0].ct)),)
        ),
        "wrong-manifest",
    ),
    "a text for another purpose": (
        lambda: replace(one := bundle(), sealed=(replace(one.sealed[0], purpose="screening"),)),
        "wrong-manifest",
    ),
    "a ghost recipient": (
        lambda: replace(
            one := bundle(),
            sealed=(*one.sealed, bundle(to="program.2026-11").sealed[0]),
            pads=one.pads[1:],
        ),
        "wrong-manifest",
    ),
    "a recipient twice": (
        lambda: replace(one := bundle(), sealed=(*one.sealed, *one.sealed), pads=one.pads[1:]),
        "sealed-twice",
    ),
}


@pytest.mark.parametrize("fault", FORGED)
def test_a_hub_refuses(fault: str) -> None:
    make, code = FORGED[fault]
    with refused(code):
        check_bundle(make(), MEMBERSHIP)


def test_the_forger_s_honest_record_is_taken() -> None:
    assert check_bundle(bundle(), MEMBERSHIP).labels[forge.PART].category == ("status",)


@pytest.mark.parametrize("member", ["zip", "crit", "jku", "jwk", "x5u", "x5c", "b64", "cty"])
def test_a_header_says_nothing_but_what_it_must(member: str) -> None:
    header = {"alg": "ES256", "kid": "crossroads.s1", "typ": TYP, member: "DEF"}
    _, payload, signature = bundle().record.split(".")
    odd = replace(
        bundle(), record=f"{base64.encode_url(i_json.write(header))}.{payload}.{signature}"
    )
    with refused("header-member"):
        check_bundle(odd, MEMBERSHIP)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"record":"a.b.c","labels":[],"sealed":[],"pads":[]}',
        b'{"record":1,"labels":["a"],"sealed":[{}],"pads":[]}',
        b'{"record":"","record":"","labels":[],"sealed":[],"pads":[]}',
        b'{"record":"' + b"A" * 1_100_000 + b'"}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
    ids=lambda data: repr(data[:24]),
)
def test_a_bundle_that_is_none_is_refused(data: bytes) -> None:
    with refused():
        check_bundle(read_bundle(data), MEMBERSHIP)


def test_a_record_that_would_be_too_large_is_refused_before_it_is_sent() -> None:
    long = status(TO_PROSECUTOR, category=("plan",), content={"plan": {"text": "a" * 4000}})
    recipients = dict.fromkeys(("clinic", "program", "hospital"), ("treatment", "consent"))
    parts = [
        replace(long, to=recipients, content={"plan": {"text": "ü" * 4000}}) for _ in range(30)
    ]
    with refused("too-large"):
        built(*parts, kind="plan")


# What a recipient refuses


def delivered(**members: Any) -> Delivery:
    sent = bundle(**members)
    return make_delivery(check_bundle(sent, MEMBERSHIP), "prosecutor", [forge.PART])


def test_what_a_hub_changes_on_the_way_is_refused() -> None:
    good = delivered()
    (handed,) = good.texts
    other = make_delivery(check_bundle(built(seed=4), MEMBERSHIP), "defender", [
        entry.part
        for entry in check_bundle(built(seed=4), MEMBERSHIP).entries
        if entry.to.startswith("defender")
    ])  # fmt: skip
    changed = replace(handed.sealed, ct=handed.sealed.ct[:-1] + bytes([handed.sealed.ct[-1] ^ 1]))
    for bad, code in (
        (replace(good, labels=()), "unknown-part"),
        (replace(good, labels=(*good.labels, other.labels[0])), "unused"),
        (replace(good, texts=()), "part-unsealed"),
        (replace(good, texts=(replace(handed, sealed=changed),)), "proof-fails"),
        (
            replace(
                good, texts=(replace(handed, sealed=replace(handed.sealed, purpose="screening")),)
            ),
            "proof-fails",
        ),
        (
            replace(
                good,
                texts=(replace(handed, path=replace(handed.path, index=handed.path.index ^ 1)),),
            ),
            "proof-fails",
        ),
        (replace(good, texts=other.texts), "unknown-part"),
    ):
        with refused(code):
            check_delivery(bad, MEMBERSHIP)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"plan": {}}, "wrong-content"),
        ({"status": {"engagement": "relapsed"}}, "wrong-content"),
        ({"status": {"text": "free"}}, "wrong-content"),
        ({"status": {}, "plan": {}}, "wrong-content"),
        ([], "wrong-content"),
        ("text", "wrong-content"),
    ],
    ids=str,
)
def test_a_content_that_its_category_does_not_cover_is_refused_by_who_opens_it(
    content: Any, code: str
) -> None:
    mine = check_delivery(delivered(content=content), MEMBERSHIP)
    with refused(code):
        open_part(mine, forge.PART, KEYS["prosecutor"])
    with refused(code):
        built(status(TO_PROSECUTOR, content=content))


def test_another_content_than_the_label_names_is_refused() -> None:
    other = sd_jwt.disclose_property("content", {"status": {}}, chance(99)).encode()
    mine = check_delivery(delivered(filling=lambda text: sealing.pad(other)), MEMBERSHIP)
    with refused("wrong-content"):
        open_part(mine, forge.PART, KEYS["prosecutor"])
    mine = check_delivery(delivered(filling=lambda text: sealing.pad(b"\xff\xfe")), MEMBERSHIP)
    with refused("wrong-content"):
        open_part(mine, forge.PART, KEYS["prosecutor"])


def test_a_part_opens_with_its_own_keys_alone() -> None:
    mine = check_delivery(delivered(), MEMBERSHIP)
    with refused("unknown-part"):
        open_part(mine, forge.PART, KEYS["police"])
    with refused("unknown-part"):
        open_part(mine, "f" * 16, KEYS["prosecutor"])
    stolen = {"prosecutor.2026-11": key("police.2026-11", "enc")}
    with refused("wrong-recipient"):
        open_part(mine, forge.PART, stolen)


# What an outsider refuses


def test_a_changed_presentation_is_refused() -> None:
    mine = check_delivery(delivered(), MEMBERSHIP)
    opened = open_part(mine, forge.PART, KEYS["prosecutor"])
    good = present(mine, [opened])
    assert verify_presentation(good, MEMBERSHIP).contents == {forge.PART: {"status": {}}}
    forged = sd_jwt.disclose_property("content", {"status": {"engagement": "engaged"}}, chance(5))
    for bad in (
        good[:-1],
        good + forged + "~",
        good.replace(opened.disclosure, forged),
        "~",
        "",
        good.replace("~", "~~"),
    ):
        with refused():
            verify_presentation(bad, MEMBERSHIP)
    ghost = replace(opened.entry, to="police.2026-11")
    with refused():
        verify_presentation(good, MEMBERSHIP, [(ghost, delivered().texts[0].path)])


def test_a_retired_key_s_old_records_verify_at_their_index_and_no_later() -> None:
    world = World(seed=3)
    before = world.hub.history.membership_at(world.hub.log.size)
    sent = built()
    assert check_bundle(sent, before).issuer == "crossroads"
    world.retire("crossroads")
    with refused("unknown-key"):
        check_bundle(sent, world.hub.history.membership_at(world.hub.log.size))


@given(st.binary(max_size=300))
def test_whatever_arrives_is_a_value_or_a_refusal(data: bytes) -> None:
    for read in (
        lambda: check_bundle(read_bundle(data), MEMBERSHIP),
        lambda: verify_presentation(data.decode("latin-1"), MEMBERSHIP),
        lambda: read_path(data.decode("latin-1")),
        lambda: parse_delivery(json.loads(data)) if data[:1] in b"{[" else None,
    ):
        try:
            read()
        except (json.JSONDecodeError, UnicodeDecodeError):
            pass
        except ExchangeError as error:
            reads_as_a_refusal(error)


def test_the_second_person_s_signature_is_over_this_report() -> None:
    fields = {
        "jti": forge.JTI,
        "part": forge.PART,
        "told": "hospital",
        "category": "contact",
        "on": "2026-11-02",
    }
    good = countersign(key("crossroads.s1"), **fields)
    assert good.count(".") == 2 and ".." in good
    assert jws.read(good.replace("..", ".e30."), typ=COUNTERSIGNATURE_TYP).kid == "crossroads.s1"
