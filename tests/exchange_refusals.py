"""One way into every refusal of the exchange: what `docs/errors.md` shows for each code is what these give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from exchange import _c2sp, _rfc4648, _rfc6962, _rfc7493, _rfc7515, _rfc7517, _rfc9180, _rfc9901, manifest, sealed
from exchange.errors import ExchangeError
from tests.chance import chance
from tests.keys import key
from tests.test_c2sp import CLINIC, DEFENDER, HUB, POINT, private, signed

JWK = key("police.s1").public.as_jwk()
TEXT = _rfc7515.sign(b"{}", key("police.s1"), typ="record")
POLICE, CLINIC_KEY = key("police.2026-11", "enc"), key("clinic.2026-11", "enc")
JTI = "0" * 32
SEALED = sealed.seal(b"{}", JTI, "p1", POLICE.public, "coordination", "consent")
ENTRY = SEALED.entry()
ROOT, OTHER = bytes(32), b"\1" * 32
PROPERTY = _rfc9901.property_("content", {}, chance())
ELEMENT = _rfc9901.element({"id": "p1"}, chance())
DIGEST = _rfc9901.digest(PROPERTY)


def header(**members: object) -> str:
    return f"{_rfc4648.encode_url(_rfc7493.write(members))}.e30.{'A' * 86}"


def disclosure(*content: object) -> str:
    return _rfc4648.encode_url(_rfc7493.write(list(content)))


def borrowed() -> _c2sp.NoteKey:
    return _c2sp.note_key("clinic.w2", 4, DEFENDER.public)


def twice() -> bytes:
    note = _c2sp.read_note(signed(HUB.name, DEFENDER.name))
    return _c2sp.Note(note.text, (*note.signatures, note.signatures[1])).encoded()


def forged() -> bytes:
    note = _c2sp.read_note(signed(HUB.name, DEFENDER.name))
    return _c2sp.Note(note.text, (note.signatures[0], replace(note.signatures[1], signature=bytes(72)))).encoded()


def other_log() -> bytes:
    return signed(HUB.name, text=_c2sp.Checkpoint("other.example/log", 5, POINT.root).text)


CASES: list[Callable[[], object]] = [
    lambda: _rfc4648.decode_url("e30="),
    lambda: _rfc7493.read(b'{"a":1,"a":2}'),
    lambda: _rfc7493.read(b"{'a':1}"),
    lambda: _rfc7493.read(b"9007199254740993"),
    lambda: _rfc7493.read(b"[" * 40 + b"]" * 40),
    lambda: _rfc7517.public_key({**JWK, "y": JWK["x"]}, "sig"),
    lambda: _rfc7517.public_key({**JWK, "x5u": "https://…"}, "sig"),
    lambda: _rfc7517.public_key(key("police.s1").as_jwk(), "sig"),
    lambda: _c2sp.verifier_key(HUB.vkey.replace(HUB.id.hex(), "00000000")),
    lambda: _rfc7517.public_key({**JWK, "crv": "P-384"}, "sig"),
    lambda: _rfc7517.public_key({**JWK, "use": "enc"}, "sig"),
    lambda: _rfc7515.read(header(alg="ES256", typ="record"), typ="record"),
    lambda: _rfc7515.verify(TEXT[:-86] + "A" * 86, key("police.s1").public, typ="record"),
    lambda: _rfc7515.read(header(alg="ES256", kid="police.s1", typ="record", jku="…"), typ="record"),
    lambda: _rfc7515.read("e30.e30", typ="record"),
    lambda: _rfc7515.read("." * 300_000, typ="record"),
    lambda: _rfc7515.read(header(alg="none", kid="police.s1", typ="record"), typ="record"),
    lambda: _rfc7515.verify(TEXT, key("police.s2").public, typ="record"),
    lambda: _rfc7515.verify(TEXT, key("police.s1").public, typ="request"),
    lambda: sealed.info("17", "p1", "police.2026-11", "coordination", "consent"),
    lambda: sealed.unpadded(bytes(1000)),
    lambda: sealed.padded(bytes(300_000)),
    lambda: sealed.unseal(SEALED, "1" * 32, POLICE),
    lambda: _rfc9180.seal(key("police.s1").public, b"", b""),
    lambda: _rfc9180.unseal(POLICE, b"", bytes(80)),
    lambda: sealed.unseal(SEALED, JTI, CLINIC_KEY),
    lambda: _rfc9901.process({"_sd": ["abc"]}, []),
    lambda: _rfc9901.read(disclosure("abc", 1)),
    lambda: _rfc9901.process({"_sd": [DIGEST, DIGEST]}, []),
    lambda: _rfc9901.process({"_sd": [DIGEST]}, [PROPERTY, PROPERTY]),
    lambda: _rfc9901.process({"_sd": [DIGEST], "content": 1}, [PROPERTY]),
    lambda: _rfc9901.read("e30"),
    lambda: _rfc9901.split("eyJ.e30.sig"),
    lambda: _rfc9901.property_("_sd", 1, chance()),
    lambda: _rfc9901.process(nested(), []),
    lambda: _rfc9901.read("A" * 400_000),
    lambda: _rfc9901.hidden_elements([ELEMENT] * 33, chance()),
    lambda: _rfc9901.process({}, [PROPERTY]),
    lambda: _rfc9901.process({"_sd_alg": "sha-512"}, []),
    lambda: _rfc9901.process({"parts": [{"...": DIGEST}]}, [PROPERTY]),
    lambda: _rfc6962.verify_inclusion(b"", 0, 1, (), ROOT),
    lambda: replace(ENTRY, purpose="two\nlines").line(),
    lambda: manifest.rebuilt([ENTRY], [bytes(31)] * 7),
    lambda: manifest.rebuilt([ENTRY], []),
    lambda: manifest.rebuilt([ENTRY], [bytes(32)] * 7),
    lambda: _rfc6962.verify_inclusion(ROOT, 5, 5, (), ROOT),
    lambda: _rfc6962.verify_consistency(0, 5, (), ROOT, ROOT),
    lambda: manifest.padded([], chance()).path(ENTRY),
    lambda: _rfc6962.verify_inclusion(ROOT, 0, 2, (OTHER,), ROOT),
    lambda: _rfc6962.verify_inclusion(ROOT, 0, 2, (), ROOT),
    lambda: _rfc6962.verify_consistency(7, 5, (), ROOT, ROOT),
    lambda: _c2sp.open_checkpoint(forged(), HUB, [DEFENDER]),
    lambda: _c2sp.cosign(POINT.text, private("a"), "a", -1),
    lambda: _c2sp.open_checkpoint(signed(HUB.name, CLINIC.name), HUB, [DEFENDER, CLINIC]).check_quorum([DEFENDER.name], 2),
    lambda: _c2sp.read_checkpoint("hub.example/log\n05\n"),
    lambda: _c2sp.read_note(b"text\n"),
    lambda: _c2sp.open_checkpoint(twice(), HUB, [DEFENDER]),
    lambda: _c2sp.read_note(bytes(70_000)),
    lambda: _c2sp.open_checkpoint(signed(DEFENDER.name), HUB, [DEFENDER]),
    lambda: _c2sp.open_checkpoint(other_log(), HUB, [DEFENDER]),
    lambda: _c2sp.open_checkpoint(signed(HUB.name), HUB, [DEFENDER, borrowed()]),
]


def nested() -> dict[str, object]:
    """An object in an object, seventy times over."""
    return {"a": nested_once(69)}


def nested_once(levels: int) -> dict[str, object]:
    return {"a": nested_once(levels - 1)} if levels else {}


def given() -> list[ExchangeError]:
    """What each of the cases is refused with."""
    found = []
    for case in CASES:
        try:
            case()
        except ExchangeError as error:
            found.append(error)
        else:
            raise AssertionError(f"case {CASES.index(case)} isn't refused")
    return found
