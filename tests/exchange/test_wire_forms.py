"""Texts between processes: a signed request, an inbox, and a receipt, read back and fuzzed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import ExchangeError
from exchange.log.receipts import Receipt, parse_receipt
from exchange.protocol import request
from exchange.protocol.inbox import read_inbox
from exchange.standards import i_json
from tests.support.chance import chance
from tests.support.keys import key
from tests.support.simulator import START, World

WORLD = World()
BODY = b'{"records":[]}'


def signed(by: str = "clinic.s1", **more: Any) -> str:
    """Sign a request."""
    values = {
        "method": "POST",
        "path": "/v1/records?x=1",
        "body": BODY,
        "hub": "hub",
        "iat": START,
        **more,
    }
    return request.authorize(
        key(by),
        values["method"],
        values["path"],
        values["body"],
        hub=values["hub"],
        iat=values["iat"],
        random_bytes=chance(),
    )


def checked(
    header: str,
    method: str = "POST",
    path: str = "/v1/records?x=1",
    body: bytes = BODY,
    now: int = START,
) -> Any:
    taken = request.check_head(
        header,
        method,
        path,
        hub="hub",
        membership=WORLD.hub.history.membership_at(WORLD.hub.log.size),
        now=now,
    )
    taken.check_body(body)
    return taken


def test_a_request_says_who_sent_it() -> None:
    assert checked(signed()).agency == "clinic"


@pytest.mark.parametrize("apart", [-300, 300])
def test_a_clock_five_minutes_off_still_does(apart: int) -> None:
    assert checked(signed(iat=START + apart)).iat == START + apart


@pytest.mark.parametrize(
    ("header", "more", "code"),
    [
        ("", {}, "not-signed"),
        ("Bearer abc", {}, "not-signed"),
        ("Offramp", {}, "not-signed"),
        ("Offramp a.b.c", {}, "bad-header"),
        (signed(), {"method": "GET"}, "another-request"),
        (signed(), {"path": "/v1/records"}, "another-request"),
        (signed(), {"body": BODY + b" "}, "another-request"),
        (signed(path="/v1/records?x=1#y"), {"path": "/v1/records?x=1#y"}, "wrong-shape"),
        (signed(hub="other"), {}, "another-hub"),
        (signed(iat=START - 301), {}, "out-of-time"),
        (signed(iat=START + 301), {}, "out-of-time"),
        (signed("stranger.s1"), {}, "unknown-key"),
        (signed().rpartition(".")[0] + "." + "A" * 86, {}, "bad-signature"),
    ],
)
def test_another_request_is_refused(header: str, more: dict[str, Any], code: str) -> None:
    with pytest.raises(ExchangeError) as refused:
        checked(header, **more)
    assert refused.value.code == code


def test_nobody_signs_for_another_agency() -> None:
    import exchange.standards.jws as jws

    claims = i_json.read_object(
        jws.read(signed().split(" ")[1], typ=request.TYP).unverified_payload
    )
    forged = jws.sign(i_json.write(claims | {"iss": "defender"}), key("clinic.s1"), typ=request.TYP)
    with pytest.raises(ExchangeError) as refused:
        checked(f"Offramp {forged}")
    assert refused.value.code == "another-request"


def test_an_inbox_is_read_as_it_was_written() -> None:
    world = World()
    world.refer(world.new_case())
    answer = world.inbox("crossroads")
    assert answer.items and answer.items[0].delivery
    assert read_inbox(answer.write()) == answer
    world.pull("crossroads")
    again = world.inbox("crossroads")
    assert read_inbox(again.write()) == again


def test_a_receipt_is_read_as_it_was_written() -> None:
    receipt = Receipt(7, START, 3, bytes(16), b"\1" * 16)
    assert parse_receipt(i_json.read(i_json.write(receipt.json()))) == receipt


@given(st.binary(max_size=200))
def test_junk_is_no_inbox(data: bytes) -> None:
    with pytest.raises(ExchangeError):
        read_inbox(data)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"items": {}, "line": ""},
        {"items": [1], "line": ""},
        {"items": [{"number": 0, "issuer": "clinic", "leaf": {}}], "line": ""},
        {"items": [{"number": 1, "issuer": "clinic", "leaf": {}}], "line": ""},
        {"items": [], "line": "", "more": 1},
    ],
)
def test_what_isn_t_quite_an_inbox_is_refused(answer: Any) -> None:
    with pytest.raises(ExchangeError) as refused:
        read_inbox(i_json.write(answer))
    assert refused.value.code == "not-an-inbox"
