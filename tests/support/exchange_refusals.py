"""A way into every refusal of the exchange. `docs/errors.md` shows the messages that these
produce.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from exchange.agency import gateway
from exchange.consent import accounting
from exchange.consent.account import Account, read_account
from exchange.errors import ExchangeError
from exchange.evidence.confirmations import (
    ConfirmedDraft,
    ShownConfirmation,
    check_confirmations,
)
from exchange.evidence.documents import read_any
from exchange.evidence.verify import verify_exhibit
from exchange.hub import quota
from exchange.hub.store import Store
from exchange.log import generation
from exchange.log.checkpoints import Witness, check_included, check_time
from exchange.log.leaves import HandoutBody, Leaf, RecordBody, commit_number, read_body, write_body
from exchange.log.signed_lines import (
    check_line_order,
    read_account_line,
    read_inbox_line,
    sign_line,
)
from exchange.log.tree import Log
from exchange.membership import proposal
from exchange.membership.directory import read_directory
from exchange.membership.history import History, announce_key
from exchange.membership.signatures import attach
from exchange.protocol import inbox, request
from exchange.records import kinds, manifest, sealing, statements
from exchange.records.bundle import check_bundle, read_bundle
from exchange.records.content_checks import check_content
from exchange.records.countersignature import countersign
from exchange.records.delivery import check_delivery, make_delivery, open_part
from exchange.records.record import Record
from exchange.standards import base64, hpke, i_json, jws, keys, merkle, notes, sd_jwt
from exchange.standards.notes import Checkpoint
from tests.support import exhibits, forge, parties
from tests.support.attack_stories import (
    TO_PROSECUTOR,
    emergency,
    send_status,
    status_grant,
    under_way,
    with_second_key,
)
from tests.support.chance import chance
from tests.support.keys import key
from tests.support.restores import THRESHOLD, Restored, backup
from tests.support.signed_notes import CLINIC, DEFENDER, HUB, POINT, private, signed
from tests.support.simulator import DAY, START, World, judges, part

JWK = key("police.s1").public.as_jwk()
TEXT = jws.sign(b"{}", key("police.s1"), typ="record")
POLICE, CLINIC_KEY = key("police.2026-11", "enc"), key("clinic.2026-11", "enc")
JTI = "0" * 32
SEALED = sealing.seal(b"{}", JTI, "p1", POLICE.public, "coordination", "consent")
ENTRY = SEALED.entry()
ROOT, OTHER_ROOT = bytes(32), b"\1" * 32
PROPERTY = sd_jwt.disclose_property("content", {}, chance())
ELEMENT = sd_jwt.disclose_element({"id": "p1"}, chance())
DIGEST = sd_jwt.digest(PROPERTY)


def header(**members: object) -> str:
    return f"{base64.encode_url(i_json.write(members))}.e30.{'A' * 86}"


def disclosure(*content: object) -> str:
    return base64.encode_url(i_json.write(list(content)))


def borrowed() -> notes.NoteKey:
    return notes.make_note_key("clinic.w2", 4, DEFENDER.public)


def twice() -> bytes:
    note = notes.read_note(signed(HUB.name, DEFENDER.name))
    return notes.Note(note.text, (*note.signatures, note.signatures[1])).encode()


def forged() -> bytes:
    note = notes.read_note(signed(HUB.name, DEFENDER.name))
    return notes.Note(
        note.text, (note.signatures[0], replace(note.signatures[1], signature=bytes(72)))
    ).encode()


def other_log() -> bytes:
    return signed(HUB.name, text=notes.Checkpoint("other.example/log", 5, POINT.root).text)


def confirmed_elsewhere() -> object:
    """A confirmation beside a record that states no decision."""
    draft = ConfirmedDraft(
        act="determine",
        case="new",
        decision="entry",
        outcome="eligible",
        reason="within_the_rules",
        recipient=None,
    )
    shown = ShownConfirmation(by="Nora Gray", method="password", draft=draft)
    return check_confirmations([shown], None, [])


CASES: list[Callable[[], object]] = [
    lambda: base64.decode_url("e30="),
    lambda: i_json.read(b'{"a":1,"a":2}'),
    lambda: i_json.read(b"{'a':1}"),
    lambda: i_json.read(b"9007199254740993"),
    lambda: i_json.read(b"[" * 40 + b"]" * 40),
    lambda: keys.read_public_key({**JWK, "y": JWK["x"]}, "sig"),
    lambda: keys.read_public_key({**JWK, "x5u": "https://…"}, "sig"),
    lambda: keys.read_public_key(key("police.s1").as_jwk(), "sig"),
    lambda: notes.read_verifier_key(HUB.vkey.replace(HUB.id.hex(), "00000000")),
    lambda: keys.read_public_key({**JWK, "crv": "P-384"}, "sig"),
    lambda: keys.read_public_key({**JWK, "use": "enc"}, "sig"),
    lambda: jws.read(header(alg="ES256", typ="record"), typ="record"),
    lambda: jws.verify(TEXT[:-86] + "A" * 86, key("police.s1").public, typ="record"),
    lambda: jws.read(header(alg="ES256", kid="police.s1", typ="record", jku="…"), typ="record"),
    lambda: jws.read("e30.e30", typ="record"),
    lambda: jws.read("." * 300_000, typ="record"),
    lambda: jws.read(header(alg="none", kid="police.s1", typ="record"), typ="record"),
    lambda: jws.verify(TEXT, key("police.s2").public, typ="record"),
    lambda: jws.verify(TEXT, key("police.s1").public, typ="request"),
    lambda: sealing.seal_info("17", "p1", "police.2026-11", "coordination", "consent"),
    lambda: sealing.unpad(bytes(1000)),
    lambda: sealing.pad(bytes(300_000)),
    lambda: sealing.unseal(SEALED, "1" * 32, POLICE),
    lambda: hpke.seal(key("police.s1").public, b"", b""),
    lambda: hpke.unseal(POLICE, b"", bytes(80)),
    lambda: sealing.unseal(SEALED, JTI, CLINIC_KEY),
    lambda: sd_jwt.process({"_sd": ["abc"]}, []),
    lambda: sd_jwt.read(disclosure("abc", 1)),
    lambda: sd_jwt.process({"_sd": [DIGEST, DIGEST]}, []),
    lambda: sd_jwt.process({"_sd": [DIGEST]}, [PROPERTY, PROPERTY]),
    lambda: sd_jwt.process({"_sd": [DIGEST], "content": 1}, [PROPERTY]),
    lambda: sd_jwt.read("e30"),
    lambda: sd_jwt.split("eyJ.e30.sig"),
    lambda: sd_jwt.disclose_property("_sd", 1, chance()),
    lambda: sd_jwt.process(nested(), []),
    lambda: sd_jwt.read("A" * 400_000),
    lambda: sd_jwt.hide_elements([ELEMENT] * 33, chance()),
    lambda: sd_jwt.process({}, [PROPERTY]),
    lambda: sd_jwt.process({"_sd_alg": "sha-512"}, []),
    lambda: sd_jwt.process({"parts": [{"...": DIGEST}]}, [PROPERTY]),
    lambda: merkle.verify_inclusion(b"", 0, 1, (), ROOT),
    lambda: replace(ENTRY, purpose="two\nlines").line(),
    lambda: manifest.rebuild_manifest([ENTRY], [bytes(31)] * 7),
    lambda: manifest.rebuild_manifest([ENTRY], []),
    lambda: manifest.rebuild_manifest([ENTRY], [bytes(32)] * 7),
    lambda: merkle.verify_inclusion(ROOT, 5, 5, (), ROOT),
    lambda: merkle.verify_consistency(0, 5, (), ROOT, ROOT),
    lambda: manifest.build_manifest([], chance()).path(ENTRY),
    lambda: merkle.verify_inclusion(ROOT, 0, 2, (OTHER_ROOT,), ROOT),
    lambda: merkle.verify_inclusion(ROOT, 0, 2, (), ROOT),
    lambda: merkle.verify_consistency(7, 5, (), ROOT, ROOT),
    lambda: notes.open_checkpoint(forged(), HUB, [DEFENDER]),
    lambda: notes.cosign(POINT.text, private("a"), "a", -1),
    lambda: notes.open_checkpoint(
        signed(HUB.name, CLINIC.name), HUB, [DEFENDER, CLINIC]
    ).check_quorum([DEFENDER.name], 2),
    lambda: notes.read_checkpoint("hub.example/log\n05\n"),
    lambda: notes.read_note(b"text\n"),
    lambda: notes.open_checkpoint(twice(), HUB, [DEFENDER]),
    lambda: notes.read_note(bytes(70_000)),
    lambda: notes.open_checkpoint(signed(DEFENDER.name), HUB, [DEFENDER]),
    lambda: notes.open_checkpoint(other_log(), HUB, [DEFENDER]),
    lambda: notes.open_checkpoint(signed(HUB.name), HUB, [DEFENDER, borrowed()]),
]

# Records, directories, the log: a world of agencies in which something is wrong

FOUNDED = World()
MEMBERSHIP = FOUNDED.hub.history.membership_at(10**6)
BUNDLE = forge.bundle()
CHECKED = check_bundle(BUNDLE, MEMBERSHIP)
DELIVERED = make_delivery(CHECKED, "prosecutor", [forge.PART])
STATUS = part("status", {}, to=TO_PROSECUTOR)


def checked(**members: object) -> Record:
    return check_bundle(forge.bundle(**members), MEMBERSHIP)


def labeled(**members: object) -> Record:
    return check_bundle(forge.bundle(forge.label(**members)), MEMBERSHIP)


def in_clear() -> object:
    opened = open_part(
        CHECKED, forge.PART, {"prosecutor.2026-11": key("prosecutor.2026-11", "enc")}
    )
    return check_bundle(replace(BUNDLE, labels=(*BUNDLE.labels, opened.disclosure)), MEMBERSHIP)


def countersigned() -> object:
    world, case = World(), "c" * 32
    fields = {"told": "hospital", "category": "treatment", "on": "2026-11-02"}
    own = countersign(key("crossroads.s1"), jti="a" * 32, part="b" * 16, **fields)
    statement = {**fields, "form": list(statements.EMERGENCY), "countersigned": own}
    emergency_part = part(
        "treatment", {}, to={"hospital": ("medical_emergency", "none")}, says=statement, id="b" * 16
    )
    return world.send("crossroads", "emergency_disclosure", emergency_part, case=case, jti="a" * 32)


def id_taken() -> object:
    world, case = under_way()
    world.send("crossroads", "status", STATUS, case=case, jti="a" * 32)
    return world.send("crossroads", "status", STATUS, case=case, jti="a" * 32)


def refused_uniformly() -> object:
    world, case = under_way()
    return world.hub.account(case, "police", world.witnessed(), world.clock)


def not_mine() -> object:
    world, case = under_way()
    send_status(world, case)
    item = world.inbox("prosecutor").items[-1]
    world.pull("clinic")
    moved = write_body(item.leaf.body.model_copy(update={"to": "clinic"}))
    clinic = world.at["clinic"]
    clinic.line = read_inbox_line(
        world.inbox("clinic").line, world.hub.history.newest.log, "clinic"
    )
    return clinic._checked(replace(item, leaf=replace(item.leaf, stored=moved)))


def wrong_leaf() -> object:
    world, case = under_way()
    send_status(world, case)
    item = world.inbox("prosecutor").items[-1]
    return world.at["prosecutor"]._checked(
        replace(item, recorded=replace(world.hub.log.leaves[0], index=item.leaf.index - 1))
    )


def wrong_content() -> object:
    other_content = sd_jwt.disclose_property("content", {"status": {}}, chance(99)).encode()
    record = checked(filling=lambda text: sealing.pad(other_content))
    return open_part(record, forge.PART, {"prosecutor.2026-11": key("prosecutor.2026-11", "enc")})


def signed_directory(
    value: dict[str, object], by: tuple[str, ...] = tuple(parties.ROLES)
) -> History:
    history = History()
    history.add(0, parties.signed(value, by))
    return history


def later(by: tuple[str, ...], **members: object) -> object:
    history = signed_directory(parties.document())
    return history.check(parties.signed(parties.after(history, **members), by))


def reused() -> object:
    history = signed_directory(parties.document())
    value = parties.after(history)
    value["agencies"][0]["signing"][0] = key("police.s2").public.as_jwk() | {"kid": "police.s1"}
    return history.check(parties.signed(value, ("defender", "clinic", "program")))


def announced(kid: str) -> object:
    return FOUNDED.hub.history.check_sealing(announce_key(key(kid, "enc").public, key("police.s1")))


def old_key() -> object:
    world = World()
    for month in ("2026-12", "2027-01"):
        world.open_key("prosecutor", month)
    return check_bundle(BUNDLE, world.hub.history.membership_at(10**6))


def dated(change: int, shift: int = 0) -> object:
    world, case = under_way()
    newest = world.hub.history.newest
    before = notes.open_checkpoint(world.witnessed(), newest.log, newest.witnesses())
    world.clock += DAY
    send_status(world, case)
    over = notes.open_checkpoint(world.witnessed(), newest.log, newest.witnesses())
    leaf = world.hub.log.leaves[-1 - shift]
    stored = write_body(leaf.body.model_copy(update={"time": leaf.body.time + change}))
    return check_time(replace(leaf, stored=stored), before, over)


def watched(size: int, seed: int = 1, apart: int = 0) -> object:
    """Show a witness more leaves of a log, some blinded by another draw."""
    world, _ = under_way()
    watch = Witness(world.hub.history.newest.log)
    seen = watch.advance(world.hub.checkpoint(world.clock), ()).checkpoint.size
    other_tree = Log(Store())
    for leaf in [*world.hub.log.leaves, *world.hub.log.leaves][:size]:
        other_tree.append(leaf.body.model_copy(update={"time": 0}), chance(seed))
    if not apart:
        world.hub.log = other_tree
    proof = world.hub.log.tree.consistency(min(seen, world.hub.log.size))
    note = world.hub.checkpoint(world.clock)
    return watch.cosign(note, proof, parties.ed25519("police.w1"), "police.w1", world.clock + apart)


def taken(missing: int) -> object:
    world, case = under_way()
    for _ in range(2):
        send_status(world, case)
    answer = world.inbox("prosecutor")
    return world.at["prosecutor"].take(replace(answer, items=answer.items[missing:]), world.clock)


def behind() -> object:
    world, _ = under_way()
    prosecutor = world.at.pop("prosecutor")
    world.retire("crossroads")
    return prosecutor.take(
        world.hub.inbox("prosecutor", world.clock, prosecutor.cursor), world.clock
    )


def older() -> object:
    world, case = under_way()
    old = world.inbox("prosecutor")
    send_status(world, case)
    world.pull("prosecutor")
    return check_line_order(
        world.at["prosecutor"].line,
        read_inbox_line(old.line, world.hub.history.newest.log, "prosecutor"),
    )


def opened(later_by: int, pulled: bool) -> object:
    world, case = under_way()
    sent = world.send("crossroads", "status", STATUS, case=case, jti="a" * 32)
    world.pull("prosecutor")
    world.clock += later_by
    if pulled:
        world.pull("prosecutor")
    return world.open("prosecutor", sent)


def accounted(change: Callable[[Account], Account]) -> accounting.AccountStatement:
    world, case = under_way()
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    return accounting.verify_account(change(account), world.hub.history)


def renumbered(account: Account) -> Account:
    return replace(account, records=(replace(account.records[0], number=7), *account.records[1:]))


def passed_twice() -> object:
    world, case = under_way()
    size = world.hub.log.size
    handed = next(
        leaf
        for leaf in world.hub.log.leaves
        if isinstance(leaf.body, HandoutBody) and leaf.body.to == "clinic"
    )
    again = world.hub.log.append(handed.body.model_copy(update={"time": world.clock}), world.random)
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    line = read_account_line(account.line, world.hub.history.newest.log, case)
    line = line.model_copy(update={"passed": line.passed + 1})
    (repeated,) = [
        record
        for record in account.records
        if any(proved.leaf == handed for proved in record.passed)
    ]
    extended = replace(repeated, passed=(*repeated.passed, world.hub._proved(again, size + 1)))
    records = tuple(extended if record is repeated else record for record in account.records)
    signed = sign_line(line, world.hub._key, world.hub.name)
    return accounting.verify_account(
        replace(account, line=signed, records=records), world.hub.history
    )


def leaf_missing() -> object:
    world, case = under_way()
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    *others, last = account.records
    return accounting.verify_account(
        replace(account, records=(*others, replace(last, passed=()))), world.hub.history
    )


def lost_status() -> tuple[World, Restored]:
    """Restore a hub to a time before a status that the prosecutor has and the witnesses saw."""
    world, case = under_way()
    store = backup(world)
    send_status(world, case)
    world.pull("prosecutor")
    world.witnessed()
    return world, Restored(world, store)


def dropped() -> object:
    world, restored = lost_status()
    restored.report()
    terms = restored.draft().terms
    return world.at["prosecutor"].check_terms(
        terms.model_copy(update={"lost": ((terms.restored.size, terms.restored.size),)})
    )


def unlearned() -> object:
    world, restored = lost_status()
    restored.report()
    restored.sign(*THRESHOLD)
    return world.pull("prosecutor")


def begun_twice() -> object:
    _, restored = lost_status()
    restored.go_on()
    return restored.learn(["police"])


def without_its_tree() -> object:
    world, restored = lost_status()
    restored.entries = {name: [] for name in world.names}
    restored.report()
    return restored.draft()


def numbered_otherwise() -> object:
    world, restored = lost_status()
    (number, issuer, jti), items = world.at["prosecutor"].items[-1], world.at["prosecutor"].items
    items[-1] = number + 1, issuer, jti
    restored.report()
    return restored.draft()


def another_draft() -> object:
    world, restored = lost_status()
    restored.report()
    return restored.restoration.sign("0" * 64, "", world.clock)


def left_out() -> object:
    """Verify an account without a handout of which the reader has the proof."""
    world, case = under_way()
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    statement = accounting.verify_account(account, world.hub.history)
    last = account.records[-1]
    missing = {
        index: entry
        for index, entry in statement.entries.items()
        if index != last.passed[-1].leaf.index
    }
    evidence = accounting.RecordEvidence(last.jws, last.recorded, account.checkpoint, last.passed)
    return replace(statement, entries=missing).check_evidence(evidence, world.hub.history)


def record_twice() -> object:
    """Verify an account that repeats a record under the number of its last one."""
    world, case = under_way()
    send_status(world, case)
    size = world.hub.log.size
    shown_record, hidden = [
        stored_record
        for stored_record in world.hub.store.records()
        if stored_record[0].issuer == "crossroads" and stored_record[0].case == case
    ]
    nonce = bytes(16)
    number = commit_number(nonce, hidden[1].number)
    body = RecordBody(
        id=shown_record[0].jti,
        issuer="crossroads",
        sha256=shown_record[0].sha256,
        time=world.clock,
        number=number,
    )
    leaf = world.hub.log.append(body, world.random)
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    shown_entry = next(entry for entry in account.records if entry.jws == shown_record[0].jws)
    repeated_entry = replace(
        shown_entry,
        recorded=world.hub._proved(leaf, size + 1),
        number=hidden[1].number,
        number_nonce=nonce,
        passed=(),
    )
    records = tuple(entry for entry in account.records if entry.jws != hidden[0].jws)
    return accounting.verify_account(
        replace(account, records=(*records, repeated_entry)), world.hub.history
    )


def without_form() -> object:
    terms = FOUNDED.terms("crossroads", status_grant())
    return FOUNDED.at["crossroads"].compose("consent", [terms], case="c" * 32, now=START)


def second_person() -> object:
    world = with_second_key()
    sent = emergency(world, world.new_case(), "a" * 32, "b" * 16)
    world.settle()
    return world.open("hospital", sent)


def left_the_directory() -> object:
    """Ask an agency that has left to cosign."""
    world = World()
    newest = parties.after(world.hub.history)
    remaining = [entry for entry in newest["agencies"] if entry["id"] != "hospital"]
    world.change_directory(
        parties.signed(newest | {"agencies": remaining}, ("defender", "clinic", "program"))
    )
    return world.at["hospital"].cosign(world.hub.checkpoint(world.clock), (), world.clock)


CASES += [
    lambda: kinds.find_kind("gossip"),
    without_form,
    lambda: FOUNDED.change("c" * 32, "end", agencies=["prosecutor"], grant="1" * 16),
    second_person,
    lambda: check_content("status", ("status",), {"status": {"engagement": "failing"}}),
    lambda: labeled(category=None),
    countersigned,
    lambda: checked(payload={"case": None}),
    lambda: checked(payload={"kind": "pack_adoption"}),
    in_clear,
    id_taken,
    lambda: FOUNDED.at["prosecutor"].open("crossroads", "a" * 32, "b" * 16, by="A. Reader", now=0),
    lambda: checked(payload={"kind": "ejection"}),
    not_mine,
    lambda: FOUNDED.compose("crossroads", "status", STATUS, case="c" * 32),
    lambda: labeled(sensitivity="part2"),
    lambda: check_bundle(forge.bundle(forge.label(), forge.label()), MEMBERSHIP),
    lambda: check_delivery(replace(DELIVERED, texts=()), MEMBERSHIP),
    lambda: labeled(says={"answer": "accepted"}),
    lambda: checked(to="crossroads.2026-11"),
    lambda: check_bundle(
        replace(BUNDLE, sealed=BUNDLE.sealed * 2, pads=BUNDLE.pads[1:]), MEMBERSHIP
    ),
    lambda: read_bundle(bytes(1_100_000)),
    lambda: checked(entry={"part": "f" * 16}),
    lambda: checked(entry={"purpose": "curiosity"}),
    wrong_content,
    lambda: checked(payload={"iss": "program"}),
    lambda: checked(payload={"manifest": "A" * 43}),
    lambda: checked(filling=lambda text: text),
    lambda: announced("police.2026-10"),
    lambda: signed_directory(parties.document(log="no key")),
    lambda: proposal.apply_change(FOUNDED.hub.history.newest, {"version": 9}),
    lambda: attach("a.b.c", b""),
    old_key,
    reused,
    lambda: History().newest,
    lambda: replace(MEMBERSHIP, sealing={}).newest_key("clinic"),
    lambda: read_directory(b"not json"),
    lambda: signed_directory(parties.document(), ("police",)),
    lambda: checked(by="stranger.s1"),
    lambda: checked(to="nobody.2026-11"),
    lambda: later(("defender", "clinic", "program"), version=7),
    lambda: dated(-2 * DAY),
    lambda: watched(12, apart=600),
    lambda: taken(1),
    leaf_missing,
    left_out,
    dropped,
    unlearned,
    begun_twice,
    another_draft,
    without_its_tree,
    numbered_otherwise,
    lambda: generation.to_ranges(range(0, 2 * 2049, 2)),
    lambda: (
        gateway.Gateway(
            "police", key("police.s1"), parties.ed25519("police.w1"), judges, chance()
        ).watching
    ),
    lambda: read_body(b"{}"),
    lambda: read_account(b"{}"),
    lambda: check_included(Leaf(0, bytes(16), b"{}"), (), Checkpoint("hub.example/lead", 1, ROOT)),
    lambda: accounted(lambda account: replace(account, records=account.records[1:])),
    older,
    behind,
    passed_twice,
    record_twice,
    lambda: watched(5),
    lambda: watched(20),
    lambda: opened(DAY + 1, pulled=False),
    lambda: opened(DAY + 1, pulled=True),
    lambda: dated(0, shift=3),
    wrong_leaf,
    lambda: read_inbox_line(FOUNDED.inbox("police").line, FOUNDED.hub.history.newest.log, "clinic"),
    lambda: accounted(renumbered),
    refused_uniformly,
    lambda: stored("PRAGMA user_version = 7", Store),
    lambda: stored("SELECT 1", full),
    lambda: stored("BEGIN IMMEDIATE", held_by_another),
    lambda: stored("SELECT 1", scribbled),
    left_the_directory,
    lambda: inbox.read_inbox(b"{}"),
    lambda: read_any(b"{}"),
    lambda: verify_exhibit(exhibits.told()[1], "0" * 64),
    lambda: verify_exhibit(exhibits.logged({"pack": f"sha256:{'0' * 64}"})),
    lambda: verify_exhibit(exhibits.logged({"to": "clinic"})),
    lambda: verify_exhibit(replace(exhibits.told()[1], relied=())),
    lambda: verify_exhibit(exhibits.late()),
    lambda: verify_exhibit(exhibits.logged(first=exhibits.consented)),
    lambda: verify_exhibit(exhibits.logged(later=400 * DAY)),
    lambda: verify_exhibit(exhibits.logged(first=exhibits.narrowed)),
    lambda: verify_exhibit(exhibits.logged(first=exhibits.said_no)),
    lambda: confirmed_elsewhere(),
    lambda: requested(header="Bearer x"),
    lambda: requested(path="/v1/keys"),
    lambda: requested(hub="hub.example"),
    lambda: requested(body=b"-"),
    lambda: over_quota(),
    lambda: requested(now=START + 900),
]


def stored(statement: str, use_store: Callable[[Path], object]) -> object:
    """Change a hub's database by a statement, then use it."""
    with tempfile.TemporaryDirectory() as folder:
        # The message names the file, so it has the same name in every folder.
        old_folder = Path.cwd()
        os.chdir(folder)
        try:
            Store(Path("hub.db")).close()
            connection = sqlite3.connect("hub.db", isolation_level=None, timeout=0)
            connection.execute(statement)
            return use_store(Path("hub.db"))
        finally:
            os.chdir(old_folder)


def full(path: Path) -> object:
    store = Store(path)
    store._db.execute("PRAGMA max_page_count = 40")
    with store.commit():
        store.set_value("much", bytes(2**20))


def held_by_another(path: Path) -> object:
    store = Store(path)
    store._db.execute("PRAGMA busy_timeout = 0")
    with store.commit():
        return None


def scribbled(path: Path) -> object:
    path.write_bytes(b"no database" * 1000)
    return Store(path)


def requested(
    header: str | None = None,
    path: str = "/v1/inbox",
    now: int = START,
    hub: str = "other.example",
    body: bytes = b"",
) -> object:
    signed = request.authorize(
        key("clinic.s1"),
        "GET",
        "/v1/inbox",
        b"",
        hub="other.example",
        iat=START,
        random_bytes=chance(),
    )
    taken = request.check_head(
        header or signed, "GET", path, hub=hub, membership=MEMBERSHIP, now=now
    )
    taken.check_body(body)
    return taken


def over_quota() -> None:
    limits = quota.Quota(Store())
    for _ in range(quota.MOST_IN_CASE):
        limits.add("status", "clinic", "c" * 32, START)
    limits.check("status", "clinic", "c" * 32, START)


def nested() -> dict[str, object]:
    """Return seventy nested objects."""
    return {"a": nested_once(69)}


def nested_once(levels: int) -> dict[str, object]:
    return {"a": nested_once(levels - 1)} if levels else {}


@cache
def refusals() -> list[ExchangeError]:
    """Return the refusal that each case produces."""
    errors = []
    for case in CASES:
        try:
            case()
        except ExchangeError as error:
            errors.append(error)
        else:
            raise AssertionError(f"case {CASES.index(case)} isn't refused")
    return errors
