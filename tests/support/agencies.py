"""Agencies in folders, and a hub in memory that answers the same requests as a server."""

from __future__ import annotations

import atexit
import re
from collections.abc import Mapping
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp
from urllib.parse import parse_qs, urlsplit

from exchange.consent.disclosure import Judges, judges_of
from exchange.errors import ExchangeError, NotPassed, RequestRefused
from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Acceptance, Hub
from exchange.hub.rebuilding import Restoration
from exchange.hub.store import Store
from exchange.log.checkpoints import with_cosignatures
from exchange.membership.directory import read_directory, write_document
from exchange.membership.proposal import apply_change
from exchange.membership.signatures import SignedPayload, sign_directory
from exchange.protocol import request
from exchange.records.building import Part
from exchange.records.bundle import parse_bundle
from exchange.records.ids import new_id
from exchange.records.record import hash_statement
from exchange.standards import base64, i_json
from exchange.standards.notes import COSIGNATURE, Note, Signature, derive_note_key, read_note
from offramp.adoption import PackFiles, collect_pack, path_of
from offramp.agency.errors import HubAway
from offramp.agency.folder.office import PACKS, Office, init
from offramp.agency.hub_link.client import Answer, Client
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import HubLink
from offramp.agency.operations import end_due
from offramp.hub import restore_state
from rules.packs.digest import digest
from tests.support.chance import chance
from tests.support.parties import LOG, document, ed25519
from tests.support.simulator import START, judges, part
from tests.support.staff import OTHERS, list_people

# The head of a made-up city's pack.
RIO_VERDE = """
id: rio-verde
extends: lead
title: Rio Verde LEAD
time_zone: America/Denver
program: {from: 2014-04-01, source: county}
sources: {county: {title: The county, address: here, confidence: high}}
"""
PASSPHRASE = b"a passphrase for tests"
ROLES = {
    "police": "police",
    "prosecutor": "prosecutor",
    "defender": "defender",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
}


class MemoryHub:
    """A hub in memory as a `Transport` of bytes. While `away` is set, it is unreachable."""

    def __init__(self, judges: Judges = judges) -> None:
        self.hub = Hub(ed25519(LOG), LOG, judges, chance(1))
        self.restoration = Restoration(self.hub)
        self.clock = START
        self.away = False
        # Cuts the line after the hub has done what it was asked.
        self.lost = 0
        self.asked: list[bytes] = []
        self._signatures: dict[str, dict[str, Signature]] = {}
        self._witnessed: bytes | None = None

    def copy(self, judges: Judges) -> MemoryHub:
        """Return a hub in the same state, to continue differently."""
        made, store = MemoryHub(judges), Store()
        self.hub.store._db.backup(store._db)
        made.hub = Hub(ed25519(LOG), LOG, judges, chance(3), store)
        made.restoration = Restoration(made.hub)
        made.clock, made.asked = self.clock, [*self.asked]
        made._signatures = {text: {**found} for text, found in self._signatures.items()}
        made._witnessed = self._witnessed
        return made

    def restore(self, store: Store) -> None:
        """Replace the hub's state by a backup, without all that the hub took since."""
        store.set_value(CLOSED, b"-")
        self.hub = Hub(ed25519(LOG), LOG, judges, chance(2), store)
        self.restoration = Restoration(self.hub)
        self._signatures, self._witnessed = {}, None

    def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], patience: float
    ) -> Answer:
        self.asked.append(path.encode() + body)
        if self.away:
            raise HubAway("hub-away", "the hub doesn't answer", fix="wait")
        try:
            status, given = self._answer(method, path, body, headers)
        except NotPassed as error:
            status, given = 403, i_json.write({"error": error.as_json()})
        except ExchangeError as error:
            status, given = 422, i_json.write({"error": error.as_json()})
        if self.lost:
            self.lost -= 1
            raise HubAway("hub-away", "the answer was lost", fix="wait")
        return Answer(status, given, self.clock)

    def _answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        hub, now = self.hub, self.clock
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if (method, parts.path) == ("GET", "/v1/directory"):
            versions = [
                {"leaf": hub.store.leaf(at).json(), "signed": i_json.read(text)}
                for at, text in hub.store.versions()
            ]
            keys = [
                {"leaf": hub.store.leaf(at).json(), "announced": jws}
                for at, jws in hub.store.announced()
            ]
            said = {
                "versions": versions,
                "keys": keys,
                "generations": restore_state.list_generations(hub),
            }
            return 200, i_json.write({**said, "closed": bool(hub.store.value(CLOSED))})
        closed = bool(hub.store.value(CLOSED))
        membership = (
            self.restoration.gathering.history() if closed else hub.history
        ).membership_at(2**53 - 1)
        asked = request.check_head(
            headers["Authorization"], method, path, hub=LOG, membership=membership, now=now
        )
        asked.check_body(body)
        agency = asked.agency
        if parts.path == "/v1/generation":
            return 200, i_json.write(restore_state.report_state(self.restoration, agency, now))
        if parts.path == "/v1/generation/held":
            return 200, i_json.write(
                {"n": restore_state.take_piece(self.restoration, asked.kid, body, now)}
            )
        if parts.path == "/v1/generation/signatures":
            said = i_json.read_object(body)
            return 200, i_json.write(
                {"begun": self.restoration.sign(said["sha256"], said["signature"], now)}
            )
        if closed:
            raise RequestRefused(
                "closed", "the hub was restored and waits for its members", fix="wait"
            )
        if parts.path == "/v1/log/entries":
            found = [
                leaf.entry for leaf in hub.store.leaves(int(query["start"]), int(query["end"]))
            ]
            entries = [base64.encode_url(one) for one in found]
            return 200, i_json.write({"start": int(query["start"]), "entries": entries})
        if parts.path == "/v1/keys":
            leaf = hub.open_key(str(i_json.read_object(body)["announced"]), now)
            return 201, i_json.write({"leaf": leaf.json()})
        if parts.path == "/v1/records":
            answers = []
            for one in hub.submit([parse_bundle(each) for each in i_json.read(body)], now):
                if isinstance(one, Acceptance):
                    answers.append(
                        {"status": 200 if one.is_repeat else 201, "receipt": one.receipt.json()}
                    )
                else:
                    status = 403 if isinstance(one.error, NotPassed) else 422
                    answers.append({"status": status, "error": one.error.as_json()})
            return 200, i_json.write(answers)
        if found := re.fullmatch("/v1/records/([0-9a-f]{32})/receipt", parts.path):
            stored = hub.store.record(agency, found[1])
            if stored is None:
                return 404, b'{"error":{"code":"no-such-thing"}}'
            sha256 = hash_statement(stored[0].jws)
            return 200, i_json.write({"receipt": stored[1].json(), "sha256": sha256})
        if parts.path == "/v1/inbox":
            return 200, hub.inbox(agency, now, int(query["after"])).write()
        if parts.path == "/v1/inbox/done":
            return 200, body
        if parts.path == "/v1/log/checkpoint":
            if "witnessed" in query:
                return (
                    (200, self._witnessed)
                    if self._witnessed
                    else (404, b'{"error":{"code":"no-such-thing"}}')
                )
            return 200, hub.checkpoint(now)
        if parts.path == "/v1/log/cosignatures":
            self._cosigned(agency, body)
            return 200, b'{"witnessed":false}'
        if parts.path == "/v1/log/consistency":
            return _proof(hub.log.tree.consistency(int(query["first"]), int(query["second"])))
        if parts.path == "/v1/log/inclusion":
            return _proof(hub.log.tree.inclusion(int(query["index"]), int(query["size"])))
        if found := re.fullmatch("/v1/accounting/([0-9a-f]{32})", parts.path):
            assert self._witnessed
            return 200, hub.account(found[1], agency, self._witnessed, now).write()
        raise AssertionError(path)

    def _cosigned(self, agency: str, body: bytes) -> None:
        note = read_note(body)
        name = self.hub.history.newest.agencies[agency].witness.name
        mine = next(one for one in note.signatures if one.name == name)
        found = self._signatures.setdefault(note.text, {})
        found[name] = mine
        if len(found) >= 2 and any(one.startswith("defender.") for one in found):
            own = next(one for one in note.signatures if one.name == LOG)
            self._witnessed = with_cosignatures(Note(note.text, (own,)).encode(), found.values())


def _proof(hashes: tuple[bytes, ...]) -> tuple[int, bytes]:
    return 200, i_json.write({"proof": [digest.hex() for digest in hashes]})


# The folder and the hub of each town that this process founded.
_FOUNDED: dict[object, tuple[Path, MemoryHub]] = {}


class Town:
    """Agencies with folders, and the hub between them. Everybody reads `clock`.

    The town of some agencies and a pack is founded once in a process. Each further one starts from
    a copy of its folders and its hub, with the same keys.
    """

    def __init__(
        self,
        folder: Path,
        roles: Mapping[str, str] = ROLES,
        others: tuple[str, ...] = OTHERS,
        pack: Path | None = None,
    ) -> None:
        """`others` are listed at each agency beside its founder. All share the test's account.

        `pack` is the folder of a sound pack that is adopted instead of `lead`.
        """
        self.folder = folder
        self.others = others
        self.roles = roles
        adopted = collect_pack(str(pack)) if pack is not None else None
        self.packs = [adopted.pack()] if adopted else []
        self._judges = judges_of(self.packs)
        # A pack that is adopted later has its judge too.
        judge = (lambda name: self._judges(name)) if adopted else judges
        self.skew: dict[str, int] = {}
        self.at: dict[str, Office] = {}
        founded = type(self), tuple(roles.items()), others, adopted.write() if adopted else None
        if founded not in _FOUNDED:
            self.folder = Path(mkdtemp(prefix="offramp-town-"))
            atexit.register(rmtree, self.folder, ignore_errors=True)
            self.hub = MemoryHub(judge)
            self._found(adopted)
            for office in self.at.values():
                office.close()
            _FOUNDED[founded] = self.folder, self.hub
        prepared, hub = _FOUNDED[founded]
        self.folder, self.hub = folder, hub.copy(judge)
        copytree(prepared, folder, dirs_exist_ok=True)
        self.at = {name: self.office(name) for name in roles}

    def _found(self, adopted: PackFiles | None) -> None:
        """Make each agency's folder, have all sign the directory, and let all do their duties."""
        for name in self.roles:
            init(self.folder / name, name, PASSPHRASE)
            if adopted is not None:
                (self.folder / name / PACKS).mkdir()
                kept = path_of(self.folder / name / PACKS, digest(adopted.pack()))
                kept.write_bytes(adopted.write())
            self.at[name] = self.office(name)
        named = {"pack": {"id": adopted.id, "digest": digest(adopted.pack())}} if adopted else {}
        payload = write_document(
            document(
                **named,
                agencies=[self._entry(name) for name in self.roles],
                threshold={"signatures": 2, "of": ["prosecutor", "defender", "clinic"]},
            )
        )
        signatures = tuple(sign_directory(payload, each.signing) for each in self.at.values())
        self.hub.hub.change_directory(SignedPayload(payload, signatures), self.hub.clock)
        for each in self.at.values():
            with each.transaction() as working_set:
                each.append(working_set, "approved", {"sha256": read_directory(payload).sha256})
        self.settle()

    def adopt(self, folder: Path) -> None:
        """Everybody signs a version of the directory with this pack, and learns it."""
        adopted = collect_pack(str(folder))
        self.packs.append(adopted.pack())
        self._judges = judges_of(self.packs)
        change = {"pack": {"id": adopted.id, "digest": digest(adopted.pack())}}
        payload = apply_change(self.hub.hub.history.newest, change)
        for name, office in self.at.items():
            path_of(self.folder / name / PACKS, change["pack"]["digest"]).write_bytes(
                adopted.write()
            )
            with office.transaction() as working_set:
                office.append(working_set, "approved", {"sha256": read_directory(payload).sha256})
        signatures = tuple(sign_directory(payload, each.signing) for each in self.at.values())
        self.hub.hub.change_directory(SignedPayload(payload, signatures), self.hub.clock)
        self.settle()

    def office(self, name: str) -> Office:
        """The agency's folder, opened once more: what another program sees."""
        office = Office(
            self.folder / name, PASSPHRASE, lambda: self.hub.clock + self.skew.get(name, 0)
        )
        list_people(office, *self.others)
        return office

    def _entry(self, name: str) -> dict[str, object]:
        office = self.at[name]
        return {
            "id": name,
            "name": name.title(),
            "role": self.roles[name],
            "part2": "no" if name in ("police", "prosecutor", "defender") else "yes",
            "custody": "own",
            "signing": [office.signing.public.as_jwk()],
            "witness": derive_note_key(office.witness, f"{name}.w1", COSIGNATURE).vkey,
        }

    def link(self, name: str) -> HubLink:
        office = self.at[name]
        return HubLink(
            office, Client(self.hub, office.signing, office.clock, office.random, office.hub_name)
        )

    @property
    def now(self) -> int:
        """The hub's time, in seconds since 1970."""
        return self.hub.clock

    def settle(self) -> None:
        """Everybody does all duties, until nobody has anything left to prove."""
        links = [self.link(name) for name in self.at]
        for _ in range(3):
            for link in links:
                run_duties(link)
                end_due(link.office)


def referral(answer: str = "accepted") -> Part:
    to = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
    return part(
        "encounter",
        {"facts": {"encounter.route": "arrest"}},
        to=to,
        says={"answer": answer},
        use="none",
    )


def a_case() -> str:
    return new_id(chance(7))
