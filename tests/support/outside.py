"""Parsers of bytes from outside, each with a valid text, for tests that send invalid ones."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from exchange.agency.gateway import Gateway
from exchange.consent import accounting
from exchange.consent.account import read_account
from exchange.log.leaves import parse_leaf, read_body
from exchange.log.signed_lines import read_inbox_line
from exchange.membership.history import History, announce_key
from exchange.membership.signatures import read_signed_directory
from exchange.protocol import inbox, request
from exchange.records import manifest, sealing, statements
from exchange.records.bundle import check_bundle, read_bundle
from exchange.records.content_checks import check_content
from exchange.records.delivery import check_delivery, parse_delivery, read_path
from exchange.records.presentation import present, verify_presentation
from exchange.standards import base64, hpke, i_json, jws, keys, merkle, notes, sd_jwt
from offramp.agency.folder.archive import read_archive, write_archive
from offramp.policy.case_table import read_cases
from offramp.policy.table_map import TableMap, read_map_text
from rules.errors import FactsError, RequestError
from rules.input.facts import read_facts
from rules.input.yaml import read_text
from rules.shelf import vocabulary
from tests.support import forge, parties
from tests.support.attack_stories import send_status, under_way
from tests.support.chance import chance
from tests.support.keys import key
from tests.support.signed_notes import CLINIC, DEFENDER, HUB, WITNESSED
from tests.support.simulator import START, World, grant, judges

SIGNING, SEALING = key("police.s1"), key("police.2026-11", "enc")
RECORD = jws.sign(b'{"parts":[],"_sd_alg":"sha-256"}', SIGNING, typ="t")
DISCLOSURE = sd_jwt.disclose_property("a", {"b": [1, None, "ü"]}, chance())
CT = hpke.seal(SEALING.public, b"info", sealing.pad(b"{}"))
JWK = i_json.write(SIGNING.public.as_jwk())


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def jwk(data: bytes) -> object:
    return keys.read_public_key(i_json.read(data), "sig")


def process(data: bytes) -> object:
    """Process a payload (the first line) with disclosures (the other lines)."""
    payload, *disclosures = data.split(b"\n")
    return sd_jwt.process(i_json.read_object(payload), [text(line) for line in disclosures])


def inclusion(data: bytes) -> object:
    proof = [data[at : at + 32] for at in range(0, len(data), 32)]
    return merkle.verify_inclusion(bytes(32), len(data) % 7, len(data), proof, bytes(32))


def consistency(data: bytes) -> object:
    proof = [data[at : at + 32] for at in range(0, len(data), 32)]
    return merkle.verify_consistency(len(data) // 3, len(data), proof, bytes(32), bytes(32))


def entry(data: bytes) -> object:
    fields = (text(data).split(",") + [""] * 5)[:5]
    return manifest.rebuild_manifest(
        [manifest.Entry(*fields)], [data[at : at + 32] for at in range(0, 7 * 32, 32)]
    )


def unseal(data: bytes) -> object:
    binding = (text(data[:8]), SEALING.public.kid, text(data[8:16]), text(data[16:24]))
    return sealing.unseal(sealing.Sealed(*binding, data), "0" * 32, SEALING)


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "base64url": (lambda data: base64.decode_url(text(data)), b"AAAA"),
    "base64": (lambda data: base64.decode(text(data)), b"AAA="),
    "json": (i_json.read, b'{"a":[1,2.5,null,true,"\\u00e4"]}'),
    "jwk": (jwk, JWK),
    "jws": (lambda data: jws.verify(text(data), SIGNING.public, typ="t"), RECORD.encode()),
    "disclosure": (lambda data: sd_jwt.read(text(data)), DISCLOSURE.encode()),
    "sd-jwt": (lambda data: sd_jwt.split(text(data)), f"{RECORD}~{DISCLOSURE}~".encode()),
    "disclosures of a payload": (
        process,
        b'{"_sd":["%s"]}\n%s' % (sd_jwt.digest(DISCLOSURE).encode(), DISCLOSURE.encode()),
    ),
    "sealed text": (lambda data: hpke.unseal(SEALING, b"info", data), CT),
    "sealed entry": (unseal, CT),
    "filling": (sealing.unpad, sealing.pad(b"{}")),
    "manifest": (entry, b"p,to,care,consent," + b"0" * 64),
    "inclusion proof": (inclusion, bytes(320)),
    "consistency proof": (consistency, bytes(320)),
    "vkey": (lambda data: notes.read_verifier_key(text(data)), HUB.vkey.encode()),
    "note": (notes.read_note, WITNESSED),
    "checkpoint": (
        lambda data: notes.read_checkpoint(text(data)),
        WITNESSED.split(b"\n\n")[0] + b"\n",
    ),
    "witnessed checkpoint": (
        lambda data: notes.open_checkpoint(data, HUB, [DEFENDER, CLINIC]),
        WITNESSED,
    ),
}


@cache
def world() -> tuple[World, str]:
    """Return a case under way. Its texts are the valid ones."""
    made, case = under_way()
    send_status(made, case)
    made.settle()
    return made, case


def bundle(data: bytes) -> object:
    return check_bundle(read_bundle(data), world()[0].hub.history.membership_at(10**6))


def delivered(data: bytes) -> object:
    return check_delivery(
        parse_delivery(i_json.read(data)), world()[0].hub.history.membership_at(10**6)
    )


def presented(data: bytes) -> object:
    return verify_presentation(text(data), world()[0].hub.history.membership_at(10**6))


def account(data: bytes) -> object:
    return accounting.verify_account(read_account(data), world()[0].hub.history)


def history(data: bytes) -> object:
    return History().add(0, read_signed_directory(data))


def opened_leaf(data: bytes) -> object:
    return parse_leaf(i_json.read(data)).body


def key_opened(data: bytes) -> object:
    return world()[0].hub.history.check_sealing(text(data))


def line(data: bytes) -> object:
    return read_inbox_line(data, world()[0].hub.history.newest.log, "prosecutor")


def pulled(data: bytes) -> object:
    """Take an inbox as the prosecutor's gateway does: up to its first fault, or to the end."""
    made = world()[0]
    gateway = Gateway(
        "prosecutor", key("prosecutor.s1"), parties.ed25519("prosecutor.w1"), judges, chance()
    )
    gateway.history = made.hub.history
    return gateway.take(inbox.read_inbox(data), made.clock)


def requested(data: bytes) -> object:
    membership = world()[0].hub.history.membership_at(10**6)
    return request.check_head(
        text(data), "GET", "/v1/inbox", hub="hub", membership=membership, now=START
    )


def contact(data: bytes) -> object:
    return check_content("correction", ("contact",), i_json.read(data))


def _delivery() -> bytes:
    """Return the prosecutor's delivery."""
    received = next(iter(world()[0].at["prosecutor"].received.values()))
    assert received.item.delivery is not None
    return i_json.write(received.item.delivery.json())


def _presentation() -> bytes:
    made, _ = world()
    (_, jti) = list(made.at["prosecutor"].received)[-1]
    reading = made.open("prosecutor", jti)
    kept = made.at["prosecutor"].received["crossroads", jti].record
    assert kept is not None
    return present(kept, [reading.opened]).encode()


def _account() -> bytes:
    made, case = world()
    return made.hub.account(case, "crossroads", made.witnessed(), made.clock).write()


PARSERS |= {
    "bundle": (bundle, forge.bundle().write()),
    "delivery": (delivered, _delivery()),
    "presentation": (presented, _presentation()),
    "account": (account, _account()),
    "directory": (history, parties.signed(parties.document()).write()),
    "opened leaf": (opened_leaf, i_json.write(world()[0].hub.log.leaves[-1].json())),
    "leaf": (read_body, world()[0].hub.log.leaves[-1].stored),
    "announced key": (
        key_opened,
        announce_key(key("police.2026-12", "enc").public, SIGNING).encode(),
    ),
    "inbox line": (line, world()[0].inbox("prosecutor").line),
    "grant": (
        lambda data: statements.read_statement("grant", i_json.read(data)),
        i_json.write(grant("clinic", "program", ["status"], ["treatment"])),
    ),
    "inbox": (pulled, world()[0].hub.inbox("prosecutor", world()[0].clock).write()),
    "request": (
        requested,
        request.authorize(
            SIGNING, "GET", "/v1/inbox", b"", hub="hub", iat=START, random_bytes=chance()
        ).encode(),
    ),
    "content": (
        contact,
        b'{"contact":{"given_name":"Ana","phone":"+1 505 555 0142","facts":{"person.age":34}}}',
    ),
    "manifest path": (
        lambda data: read_path(text(data)),
        base64.encode_url(bytes(2 + 3 * 32)).encode(),
    ),
}

TABLE = b"""\
id,day,section,grams,drugs
1,06/01/2015,PL 2200300,"1,800.5","A:1:GM|B:2:XX"
"2
",2015-06-01T00:00:00.000,"a ""quoted"" cell",4g><14g,
"""
MAP = """\
title: a table
id: id
facts:
  encounter.date: {column: day, date: [MM/DD/YYYY, 'YYYY-MM-DDTHH:mm:ss.SSS']}
  encounter.charges: {items: [{code: {column: section}}]}
  encounter.drugs:
    - split: {column: drugs, by: '|', parts: ':', names: [kind, grams, unit]}
      item: {grams: {part: grams, times: {part: unit, values: {GM: 1, XX: unknown}}}}
    - items:
        - grams:
            column: grams
            thousands: ','
            patterns: [{is: '(.+)g><(.+)g', between: ['\\1', '\\2']}]
            else: as-is
"""


@cache
def table_map() -> TableMap:
    """A map of every kind of value."""
    return read_map_text(read_text(MAP, "map.yaml"), vocabulary())


def table(data: bytes) -> object:
    """The facts of each row, or the codes of their refusals."""
    answers: list[object] = []
    try:
        for case in read_cases(table_map(), io.BytesIO(data)):
            try:
                answers.append(read_facts(case.read_facts(), vocabulary()))
            except FactsError as refusal:
                answers.append(refusal.code)
    except RequestError as refusal:
        answers.append(refusal.code)
    return answers


PARSERS["table"] = (table, TABLE)


def stretched(salt: bytes) -> bytes:
    """A stand-in for scrypt, which is too slow to repeat thousands of times."""
    return salt.ljust(32, b"-")[:32]


def archive(data: bytes) -> object:
    """Open an agency's backup of these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup"
        path.write_bytes(data)
        return read_archive(path, stretched)


@cache
def backup() -> bytes:
    """An agency's backup of two files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup"
        header = {"agency": "police", "purpose": "backup", "time": START}
        write_archive(path, header, {"agency.toml": b"id = 1", "agency.db": b"x"}, stretched)
        return path.read_bytes()


PARSERS["archive"] = (archive, backup())

MARKS = [b".", b"~", b"\n", b'"', b"=", b"{", b"[", b"+", b","]
