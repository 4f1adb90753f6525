"""The readers of the usual form: each reads what the complete readers read, or leaves it to them.

Every text here is read twice, once with the short way and once without it. The results must be
equal, refusals with code and sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.consent.state import State, committed_record
from exchange.errors import ExchangeError
from exchange.hub.store import row_digest
from exchange.log.leaves import RecordBody, write_body, write_record_body
from exchange.protocol import request
from exchange.records import bundle as bundles
from exchange.records import usual_form
from exchange.records.building import Part, build_bundle
from exchange.records.bundle import Bundle, check_bundle
from exchange.records.record import TYP
from exchange.standards import base64, i_json, jws, sd_jwt
from offramp.hub.api.records import _read_bundles
from tests.support import forge
from tests.support.attack_stories import status_grant
from tests.support.chance import chance
from tests.support.keys import key
from tests.support.simulator import START, World, part

WORLD = World()
MEMBERSHIP = WORLD.hub.history.membership_at(WORLD.hub.log.size)
PIECES = (
    b'"', b'""', b"\\", b"\\u0041", b"\\ud800", b",", b":", b" ", b"\n", b"\t", b"{", b"}", b"[",
    b"]", b"null", b"true", b"0", b"-0", b"1.0", b"1e3", b"01", b"9007199254740993", b"\x7f",
    b"\x00", "ü".encode(), b"\xff", b'"_sd":[]', b'"...":"x"', b'"_sd_alg":"sha-256",',
    b'"says":null,', b'"says":{},', b'"case":null,', b'"iat":1,', b'"id":"0123456789abcdef",',
    b"=", b"+", b"A", b"B",
)  # fmt: skip


@contextmanager
def complete_readers_only() -> Iterator[None]:
    """Read everything by the complete readers, as before there were shorter ways."""
    never = type("Never", (), {"fullmatch": lambda self, text: None, "match": lambda *_: None})()
    with (
        patch.object(usual_form, "_PAYLOAD", never),
        patch.object(usual_form, "_LABEL", never),
        patch.object(bundles, "_USUAL", never),
        patch.object(request, "_USUAL", never),
    ):
        yield


def result(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ExchangeError as error:
        return type(error), error.code, error.message, error.fix


def same_both_ways(read: Callable[[], Any]) -> Any:
    shorter = result(read)
    with complete_readers_only():
        complete = result(read)
    assert shorter == complete
    return shorter


@st.composite
def edited(draw: st.DrawFn, text: bytes) -> bytes:
    """A text with a few pieces cut out, doubled, moved, or put in."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 8, 45])))
        inserted = draw(st.sampled_from([b"", text[start:end] * 2, *PIECES]))
        text = text[:start] + inserted + text[end:]
    return text


def built(kind: str = "status") -> Bundle:
    if kind == "consent":
        terms = WORLD.terms("crossroads", status_grant())
        return WORLD.compose("crossroads", kind, terms, case=forge.CASE)
    to = {"prosecutor": ("diversion_coordination", "consent")}
    own = Part(
        category=("status",),
        content={"status": {"engagement": "engaged"}},
        to=to,
        keep_until="2027-11-30",
        use="no_adverse_action",
    )
    return build_bundle(
        key("crossroads.s1"),
        "status",
        [own, own],
        membership=MEMBERSHIP,
        case=forge.CASE,
        iat=START,
        random_bytes=chance(3),
    )


BUNDLES = {kind: built(kind) for kind in ("status", "consent")}
kinds = pytest.mark.parametrize("kind", BUNDLES)


def signed(payload: bytes) -> str:
    return jws.sign(payload, key("crossroads.s1"), typ=TYP)


def payload_of(bundle: Bundle) -> bytes:
    return jws.read(bundle.record, typ=TYP).unverified_payload


def check(bundle: Bundle) -> Any:
    # A new bundle, since one keeps what it has read.
    return check_bundle(replace(bundle), MEMBERSHIP)


@kinds
def test_what_a_gateway_writes_is_read_by_one_match(kind: str) -> None:
    bundle = BUNDLES[kind]
    claims = usual_form.read_claims(payload_of(bundle))
    assert claims is not None
    assert usual_form.read_labels(claims, bundle.labels) is not None
    assert bundles.read_usual_bundles(bundle.write()) == [bundle]
    assert same_both_ways(lambda: check(bundle)).kind == kind


@kinds
@given(data=st.data())
def test_any_payload(kind: str, data: st.DataObject) -> None:
    bundle = BUNDLES[kind]
    payload = data.draw(edited(payload_of(bundle)))
    changed = replace(bundle, record=signed(payload))
    same_both_ways(lambda: check(changed))
    same_both_ways(lambda: replace(changed).claims)


@kinds
@given(data=st.data())
def test_any_label(kind: str, data: st.DataObject) -> None:
    """A changed label whose digest the issuer signed, so that nothing but its form counts."""
    bundle = BUNDLES[kind]
    before = bundle.labels[0]
    after = base64.encode_url(data.draw(edited(base64.decode_url(before))))
    payload = payload_of(bundle).replace(
        sd_jwt.digest(before).encode(), sd_jwt.digest(after).encode()
    )
    changed = replace(bundle, record=signed(payload), labels=(after, *bundle.labels[1:]))
    same_both_ways(lambda: check(changed))


@kinds
@given(data=st.data())
def test_any_disclosures(kind: str, data: st.DataObject) -> None:
    """Labels left out, doubled, moved, or misspelled, and a content among them."""
    bundle = BUNDLES[kind]
    content = sd_jwt.disclose_property("content", {}, chance())
    letters = base64.encode_url(data.draw(edited(base64.decode_url(bundle.labels[0]))))
    pool = [*bundle.labels, content, letters, bundle.labels[0] + "=", "", "ü"]
    chosen = data.draw(st.lists(st.sampled_from(pool), max_size=4))
    same_both_ways(lambda: check(replace(bundle, labels=tuple(chosen))))


@pytest.mark.parametrize(
    "change",
    [
        lambda label: {**label, "says": {}},
        lambda label: {**label, "says": None},
        lambda label: {**label, "says": {"_sd": []}},
        lambda label: {**label, "keep_until": "2027-02-30"},
        lambda label: {**label, "category": ["status"] * 65},
        lambda label: {**label, "category": []},
        lambda label: {**label, "notice": "own-12345"},
        lambda label: dict(reversed(label.items())),
    ],
)
def test_labels_at_the_edges(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    changed = forge.bundle(change(forge.label()))
    same_both_ways(lambda: check(changed))


@pytest.mark.parametrize("digest_of", ["another part", "itself"])
def test_a_digest_in_two_places(digest_of: str) -> None:
    """One digest as a part and as the content of a label."""
    first, second = BUNDLES["status"].labels
    digest = sd_jwt.digest(second) if digest_of == "another part" else sd_jwt.digest(first)
    salt, label = json.loads(base64.decode_url(first))
    twice = base64.encode_url(i_json.write([salt, {**label, "_sd": [digest]}]))
    payload = json.loads(payload_of(BUNDLES["status"]))
    payload["parts"][0] = {"...": sd_jwt.digest(twice)}
    record = signed(i_json.write(payload))
    changed = replace(BUNDLES["status"], record=record, labels=(twice, second))
    assert isinstance(same_both_ways(lambda: check(changed)), tuple)


@kinds
@given(data=st.data())
def test_any_body(kind: str, data: st.DataObject) -> None:
    one = BUNDLES[kind].write()
    body = data.draw(st.sampled_from([one, b"[%b]" % one, b"[%b,%b]" % (one, one)]))
    body = data.draw(edited(body))

    def read() -> Any:
        is_list, read_bundles = _read_bundles(body, "crossroads")
        return is_list, [
            bundle if isinstance(bundle, Bundle) else (bundle.error.code, bundle.error.message)
            for bundle in read_bundles
        ]

    same_both_ways(read)


@pytest.mark.parametrize("count", [0, 1, 100, 101])
@pytest.mark.parametrize("end", [b"]", b"],", b",]", b"] ", b""])
def test_bodies_of_several(count: int, end: bytes) -> None:
    body = b"[" + b",".join([BUNDLES["status"].write()] * count) + end
    same_both_ways(lambda: _read_bundles(body, "crossroads")[1])


HEAD = request.authorize(
    key("police.s1"),
    "POST",
    "/v1/records?a=b",
    b"body",
    hub="hub.example/lead",
    iat=START,
    random_bytes=chance(),
)


@given(data=st.data())
def test_any_request(data: st.DataObject) -> None:
    claims = jws.read(HEAD.partition(" ")[2], typ=request.TYP).unverified_payload
    assert request._USUAL.fullmatch(claims.decode())
    changed = data.draw(edited(claims))
    header = f"{request.SCHEME} {jws.sign(changed, key('police.s1'), typ=request.TYP)}"
    same_both_ways(
        lambda: request.check_head(
            header,
            "POST",
            "/v1/records?a=b",
            hub="hub.example/lead",
            membership=MEMBERSHIP,
            now=START,
        )
    )


# What else is written or read in a shorter way


@given(st.binary(max_size=70))
def test_base64url_has_one_spelling(data: bytes) -> None:
    assert base64.decode_url(base64.encode_url(data)) == data


@given(st.text(alphabet="ABQgwEz09-_+/= \nü", max_size=9))
def test_any_text_decodes_only_if_it_encodes_back(text: str) -> None:
    decoded = result(lambda: base64.decode_url(text))
    if isinstance(decoded, bytes):
        assert base64.encode_url(decoded) == text
    else:
        assert decoded[1] == "base64"


@given(st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_leaf_is_written_in_the_same_bytes(time: int, digest: bytes) -> None:
    members = {
        "id": digest.hex()[:32],
        "issuer": "case-management",
        "sha256": digest.hex(),
        "time": time,
        "number": digest.hex(),
    }
    assert write_record_body(**members) == write_body(RecordBody(**members))


@given(st.lists(st.none() | st.integers() | st.binary(max_size=5) | st.text(max_size=5)))
def test_a_rows_digest_covers_types_lengths_and_values(values: list[Any]) -> None:
    kinds, texts = [], []
    for value in values:
        kind = {str: "s", bytes: "b", int: "i"}.get(type(value), "n")
        text = value if isinstance(value, bytes) else b"" if value is None else str(value).encode()
        kinds.append(f"{kind}{len(text)}")
        texts.append(text)
    whole = f"table:{','.join(kinds)}:".encode() + b"".join(texts)
    assert row_digest("table", values) == sha256(whole).digest()


def test_states_that_share_records_see_only_their_own() -> None:
    world = World()
    case = world.enrolled(status_grant())
    record = check_bundle(
        world.compose(
            "crossroads",
            "status",
            part(
                "status",
                {"engagement": "engaged"},
                to={"prosecutor": ("diversion_coordination", "consent")},
            ),
            case=case,
        ),
        world.hub.history.membership_at(world.hub.log.size),
    )
    before = world.hub.state(case)
    assert not before.of_id(record.jti)
    one = before.with_(committed_record(record, 1000, START))
    other = before.with_(committed_record(record, 2000, START))
    third = one.with_(committed_record(record, 3000, START))
    assert not before.of_id(record.jti)
    assert [record.index for record in one.of_id(record.jti)] == [1000]
    assert [record.index for record in other.of_id(record.jti)] == [2000]
    assert [record.index for record in third.of_id(record.jti)] == [1000, 3000]
    for state in (before, one, other, third):
        anew = State(state.records)
        assert all(state.of_id(record.jti) == anew.of_id(record.jti) for record in third.records)
