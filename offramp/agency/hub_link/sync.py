"""What a gateway does with its hub, duty by duty. The network is asked outside every transaction; what comes back is taken in
one.

Each duty can be interrupted anywhere and done again: a record is sent under its id until its receipt is on the disk, an answer
is taken only where the last one ended, a proof twice is a proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from exchange.agency.pieces import pieces
from exchange.errors import ExchangeError, LogError
from exchange.log.checkpoints import with_cosignatures
from exchange.log.generation import read_signed as read_signed_generation
from exchange.log.generation import read_terms
from exchange.log.generation import sign as sign_generation
from exchange.log.leaves import KeyBody, parse_leaf, sha256_hex
from exchange.log.receipts import parse_receipt
from exchange.membership import proposal
from exchange.membership.directory import Directory, read_directory
from exchange.membership.history import EPOCHS_OPEN, announce_key
from exchange.membership.signatures import (
    SignedPayload,
    read_signed_directory,
    read_signing_kid,
    sign_directory,
)
from exchange.models import agency_of
from exchange.standards import base64
from exchange.standards.merkle import HASH_BYTES, Frontier, leaf_hash
from exchange.standards.notes import open_checkpoint, read_checkpoint, read_note
from offramp.adoption import Carried, read_carried, taken
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.client import Client, Http
from rules.author.difference import differences
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.pack import Pack

MOST_BUNDLES = 20
# A key that opens seals lives no longer, whatever still waits for it.
LONGEST_EPOCH = timedelta(days=90)


@frozen
class PendingDraft:
    """A draft of the directory's next version that waits for signatures.

    `sha256` is its digest, `changes` has a sentence for each change, `signed` the keys that signed.
    `is_mine` is true while this agency's signature is missing.
    """

    sha256: str
    changes: tuple[str, ...]
    signed: tuple[str, ...]
    is_mine: bool

    def as_json(self) -> dict[str, Any]:
        """Return the draft's JSON in `offramp agency status`."""
        return {
            "sha256": self.sha256,
            "changes": list(self.changes),
            "signed": list(self.signed),
            "yours": self.is_mine,
        }


@frozen
class Adopted:
    """What was proposed: a pack, the digest of the draft that names it, and what it changes, a sentence each."""

    id: str
    pack: str
    draft: str
    changes: tuple[str, ...]


@frozen
class Retired:
    """What came of it: whether it is in force, the digest that others are to sign, and the key that was made."""

    named: str
    at_once: bool
    draft: str | None
    new: str | None


class Sync:
    """One agency's duties toward its hub. Raises `HubAway`, `HubRefused`, and whatever the gateway says of the answers."""

    def __init__(self, office: Office, client: Client) -> None:
        self.office = office
        self.client = client
        # Why this agency doesn't cosign, in a sentence.
        self.apart: str | None = None
        # What the hub says that it waits for, if it was restored and is closed.
        self.restored: dict[str, Any] | None = None

    def everything(self) -> None:
        """All duties, once, in an order in which each finds what it needs."""
        self.directory()
        if not self.office.working_set().gateway.history.size or self.restored is not None:
            return
        self.keys()
        self.outbox()
        self.inbox()
        self.witness()
        self.proofs()
        self.office.destroy_due()

    # Membership

    def directory(self) -> int:
        """Learns the versions, keys and generations that are new; how many. A closed hub is sent what it may lack.

        Raises `AgencyError` `not-approved`; `LogError` where the log is to go on without what is held here.
        """
        served = self.client.directory()
        found = sorted(
            [*served.versions, *served.keys, *served.generations],
            key=lambda one: parse_leaf(one.get("leaf")).index,
        )
        dropped: LogError | None = None
        with self.office.transaction() as working_set:
            known = {leaf.index for leaf in working_set.gateway.members}
            if not known and served.versions:
                self._approved(working_set, served.versions)
            new = [one for one in found if parse_leaf(one["leaf"]).index not in known]
            for one in new:
                leaf = parse_leaf(one["leaf"])
                if "generation" in one:
                    try:
                        working_set.gateway.learn_generation(
                            leaf, read_signed_generation(one["generation"])
                        )
                    except LogError as error:
                        if error.code not in ("generation-drops", "split-view"):
                            raise
                        self.office.broken(working_set, error)
                        dropped = error
                        break
                    self.office.append(
                        working_set,
                        "generation",
                        {"leaf": one["leaf"], "generation": one["generation"]},
                    )
                elif "signed" in one:
                    signed = _signed(one["signed"])
                    working_set.gateway.learn_directory(leaf, signed)
                    self.office.append(
                        working_set,
                        "directory",
                        {"leaf": one["leaf"], "signed": signed.write().decode()},
                    )
                else:
                    working_set.gateway.learn_key(leaf, str(one.get("announced")))
                    self.office.append(
                        working_set, "key", {"leaf": one["leaf"], "announced": one["announced"]}
                    )
        if dropped is not None:
            raise dropped
        self.restored = self.hold() if served.closed and known else None
        if (self.office.journal.get("restored") or {}) != (self.restored or {}):
            with self.office.transaction():
                self.office.journal.put("restored", self.restored or {})
        self.take_up_key()
        # Those of earlier versions too: what was passed then is judged by them. Without its pack nothing passes; what is
        # learned of members and keys counts all the same.
        for named in {
            read_directory(_signed(one.get("signed")).payload).pack for one in served.versions
        }:
            if not self.office.keeps(named):
                with suppress(Refusal):
                    self.pack(named)
        return len(new)

    def take_up_key(self) -> None:
        """Signs with the newest key that is here and listed, from the moment on at which this agency knows that it is."""
        if self.office.take_up_key():
            self.client.signing = self.office.signing

    def pack(self, digest: str) -> Pack:
        """An adopted or proposed pack, from this folder or the hub, proved here.

        Raises `HubAway`, `HubRefused`; as `Office.keep_pack`: a hub that gives another pack is believed no more than that.
        """
        try:
            return self.office.pack(digest)
        except AgencyError:
            return self.office.keep_pack(read_carried(self.client.pack(digest)), digest)

    def adopt(self, files: Carried) -> Adopted:
        """Propose that the program adopt a pack, and sign.

        Raises `PackError` where the pack can't be proved, `AgencyError` `adopted`, and as `propose`.
        """
        self.directory()
        newest = self.office.working_set().gateway.history.newest
        pack, digest = taken(files)
        if digest == newest.pack:
            raise AgencyError(
                "adopted",
                f"the pack `{digest[:20]}…` is in force already",
                fix="change the pack first",
            )
        changes = differences(self.pack(newest.pack), pack)
        self.client.send_pack(files.write())
        self.office.keep_pack(files, digest)
        draft = self.propose(
            proposal.apply_change(newest, {"pack": {"id": pack.id, "digest": digest}})
        )
        return Adopted(pack.id, digest, draft, tuple(str(change) for change in changes))

    def _approved(self, working_set: WorkingSet, versions: list[dict[str, Any]]) -> None:
        """The first directory is believed because people here compared its digest, never because a hub serves it."""
        served = {sha256_hex(_signed(one.get("signed")).payload) for one in versions}
        if not served & working_set.approved:
            raise AgencyError(
                "not-approved",
                "nobody here has approved a version of the directory that the hub serves",
                fix="compare its digest by voice, then run `offramp agency approve`",
            )

    def approve(self, digest: str, without: Sequence[str] = ()) -> str:
        """Signs the draft of this digest, and trusts a directory that holds it; what happened, in a word.

        While a restored hub is closed, the draft is of how its log goes on. Raises `AgencyError` `no-draft`, `another-draft`,
        `not-listed`; as `agree`.
        """
        if self.client.directory().closed:
            self.directory()
            return self.agree(self.client.generation(), digest, without)
        waiting = {sha256_hex(payload): payload for payload, _ in self.client.drafts()}
        if digest not in waiting:
            # It may be in force already: what was compared is all that is needed.
            versions = self.client.directory().versions
            if digest in {sha256_hex(_signed(one.get("signed")).payload) for one in versions}:
                with self.office.transaction() as working_set:
                    self.office.append(working_set, "approved", {"sha256": digest})
                return "trusted"
            if not waiting:
                raise AgencyError(
                    "no-draft", "no version of the directory is being drafted", fix="propose one"
                )
            drafted = " or ".join(f"`{one}`" for one in waiting)
            raise AgencyError(
                "another-draft",
                f"the draft has the digest {drafted}",
                fix="compare it with the others again",
            )
        payload, mine = waiting[digest], self.office.signing.public
        history = self.office.working_set().gateway.history
        listed = (history.newest if history.size else read_directory(payload)).agencies.get(
            self.office.agency
        )
        if listed is None or mine.kid not in listed.signing:
            raise AgencyError(
                "not-listed",
                f"the draft doesn't list the key of `{self.office.agency}`",
                fix="join first",
            )
        if listed.signing[mine.kid].thumbprint != mine.thumbprint:
            raise AgencyError(
                "not-listed",
                f"the draft lists another key as `{self.office.agency}`'s",
                fix="tell the others",
            )
        if history.size:
            # Nobody signs for rules that weren't read and proved here.
            self.pack(read_directory(payload).pack)
        with self.office.transaction() as working_set:
            self.office.append(working_set, "approved", {"sha256": digest})
        self.client.sign_draft(digest, sign_directory(payload, self.office.signing))
        return "signed"

    def waiting(self) -> tuple[PendingDraft, ...]:
        """The drafts that can come into force next, each with what it changes and whether it lacks this agency's signature."""
        self.directory()
        history = self.office.working_set().gateway.history
        before = history.newest if history.size else None
        found = []
        for payload, signatures in self.client.drafts():
            drafted = read_directory(payload)
            rules: tuple[str, ...] = ()
            if drafted.document.previous == (before.sha256 if before else None):
                signed = {read_signing_kid(one, payload, before or drafted) for one in signatures}
                signers = before.document.threshold.of if before else tuple(drafted.agencies)
                mine = (
                    self.office.agency in signers and self.office.signing.public.kid not in signed
                )
                if before and before.pack != drafted.pack:
                    rules = tuple(
                        str(one)
                        for one in differences(self.pack(before.pack), self.pack(drafted.pack))
                    )
                changes = (*proposal.describe_changes(before, payload), *rules)
                found.append(PendingDraft(drafted.sha256, changes, tuple(sorted(signed)), mine))
        return tuple(found)

    def propose(self, payload: bytes) -> str:
        """Proposes a next version and signs it; its digest, for the others to compare. Raises as `approve`."""
        self.client.propose(payload)
        digest = sha256_hex(payload)
        self.approve(digest)
        self.directory()
        return digest

    def retire(self, named: str) -> Retired:
        """A signing key retires, or an agency leaves.

        A key of this agency retires at once, by its own signature alone. If it was the last, a new one is made, and proposed to
        the threshold, which has to sign it. Anything else is a draft for the threshold.

        Raises `AgencyError` `no-key-file` (its signature is needed and it isn't here); `DirectoryError` `unknown-key`,
        `bad-directory`.
        """
        self.directory()
        office = self.office
        newest = office.working_set().gateway.history.newest
        if named in newest.agencies:
            return Retired(
                named,
                False,
                self.propose(proposal.apply_change(newest, {"agencies": {named: None}})),
                None,
            )
        payload = proposal.remove_key(newest, named)
        if agency_of(named) != office.agency:
            return Retired(named, False, self.propose(payload), None)
        stolen = office.keys.signing(named)
        draft = new = None
        self.client.propose(payload)
        without = read_directory(payload)
        if not without.agencies[office.agency].signing:
            # It must be on the disk before anybody is asked to list it, and be proposed while the old one still signs requests.
            new, following = self._with_new_key(without)
            self.client.propose(following)
            draft = sha256_hex(following)
        self.client.sign_draft(sha256_hex(payload), sign_directory(payload, stolen))
        self.directory()
        return Retired(named, True, draft, new)

    def spare(self) -> Retired:
        """One more signing key, made here and proposed to the threshold: it takes over at once where another must retire.

        Raises `AgencyError` `not-listed`; `DirectoryError` `no-directory`; as `propose`.
        """
        self.directory()
        newest = self.office.working_set().gateway.history.newest
        if self.office.agency not in newest.agencies:
            raise AgencyError(
                "not-listed", f"the directory doesn't list `{self.office.agency}`", fix="join first"
            )
        new, payload = self._with_new_key(newest)
        return Retired(new, False, self.propose(payload), new)

    def _with_new_key(self, directory: Directory) -> tuple[str, bytes]:
        """A new signing key, on the disk, and the payload that lists it."""
        agency = self.office.agency
        new = f"{agency}.s{int(self.office.numbered('s')[-1].rpartition('s')[2]) + 1}"
        key = self.office.keys.make_signing(new).public.as_jwk()
        listed = [one.as_jwk() for one in directory.agencies[agency].signing.values()]
        return new, proposal.apply_change(
            directory, {"agencies": {agency: {"signing": [*listed, key]}}}
        )

    # After a restore of the hub

    def hold(self) -> dict[str, Any] | None:
        """Sends a closed hub all that is held here and it may lack; what it waits for, None where it is open again."""
        said = self.client.generation()
        if said["closed"] and self.office.agency not in said.get("heard", ()):
            gateway, size = self.office.working_set().gateway, int(said["size"])
            for piece in pieces(
                gateway, size=size, items=int(said["items"]), entries=self.office.journal.seen(size)
            ):
                self.client.hold(piece)
            said = self.client.generation()
        return said if said["closed"] else None

    def agree(self, said: dict[str, Any], digest: str, without: Sequence[str]) -> str:
        """Signs how the log goes on after a restore, if it drops nothing that is held here; what happened, in a word.

        `without` are the agencies that people here know won't be waited for. Raises `AgencyError` `nothing-to-sign`,
        `another-draft`, `not-heard`; as `Gateway.check_terms`.
        """
        if "draft" not in said:
            why = (said.get("lacks") or {}).get("message") or "nothing was lost"
            raise AgencyError(
                "nothing-to-sign",
                f"the hub has nothing to sign: {why}",
                fix="look at `offramp agency status`",
            )
        payload = base64.decode_url(str(said["draft"]))
        drafted = sha256_hex(payload)
        if drafted != digest:
            raise AgencyError(
                "another-draft",
                f"the draft has the digest `{drafted}`",
                fix="compare it with the others again",
            )
        terms = read_terms(payload)
        if unheard := sorted(set(terms.absent) - set(without)):
            raise AgencyError(
                "not-heard",
                f"the hub hasn't heard `{unheard[0]}`, and what only that agency holds would be lost",
                fix="wait for it, or name it with `--without`",
            )
        self.office.working_set().gateway.check_terms(terms)
        begun = self.client.sign_generation(digest, sign_generation(payload, self.office.signing))
        return "begun" if begun else "signed"

    # Keys

    def keys(self) -> None:
        """This month's key is announced, and those that nothing can need any more are destroyed."""
        gateway = self.office.working_set().gateway
        today = datetime.fromtimestamp(
            gateway.hub_time(self.office.clock()) + (self._offset()), UTC
        )
        month = f"{self.office.agency}.{today:%Y-%m}"
        announced = [
            key.kid
            for key in gateway.history.membership_at(2**53 - 1).sealing.get(self.office.agency, ())
        ]
        if not announced or announced[0] < month:
            held = self.office.keys.ids()
            with self.office.transaction():
                key = (
                    self.office.keys.sealing(month)
                    if month in held
                    else self.office.keys.make_sealing(month)
                )
            self.client.announce(announce_key(key.public, self.office.signing))
            self.directory()
        self._destroy_keys(today)

    def _offset(self) -> int:
        """Before the first line only the answers' `Date` tells the hub's time."""
        return 0 if self.office.working_set().gateway.line is not None else self.client.ahead or 0

    def _destroy_keys(self, today: datetime) -> None:
        gateway = self.office.working_set().gateway
        announced = [
            leaf.index
            for leaf in gateway.members
            if isinstance(leaf.body, KeyBody) and leaf.body.agency == self.office.agency
        ]
        mine = sorted(gateway.sealing)
        # Two newer are announced, and the newest answer, which held all there is, was given after the second of them.
        taken = (
            gateway.line is not None
            and len(announced) >= EPOCHS_OPEN
            and gateway.line.size > announced[-1]
        )
        for kid in mine[: -EPOCHS_OPEN or None]:
            year, month = (int(each) for each in kid.partition(".")[2].split("-"))
            over = today - datetime(year, month, 1, tzinfo=UTC) > LONGEST_EPOCH + timedelta(days=31)
            if taken or over:
                self.office.keys.destroy(kid)

    # Records

    def outbox(self) -> int:
        """Sends what waits, in order; how many were taken. What is sealed to an old key is built again under a new id."""
        taken = 0
        while waiting := self.office.working_set().to_send()[:MOST_BUNDLES]:
            again = False
            for out, answer in zip(
                waiting, self.client.submit([out.bundle for out in waiting]), strict=True
            ):
                error = answer.get("error") or {}
                if "receipt" in answer:
                    self.office.receive(out.jti, parse_receipt(answer["receipt"]))
                    taken += 1
                elif answer["status"] == 507 or answer["status"] >= 500:
                    return taken
                elif error.get("code") == "key-old":
                    self.directory()
                    self.office.rebuild(out.jti)
                    again = True
                else:
                    self.office.refused(out.jti, answer["status"], error)
            if not again and len(waiting) < MOST_BUNDLES:
                break
        return taken

    def inbox(self, wait: int = 0) -> int:
        """Takes what came; how many items."""
        taken = 0
        while True:
            gateway = self.office.working_set().gateway
            after, line = gateway.cursor, gateway.line
            answer = self.client.inbox(after, wait)
            try:
                taken += self.office.take(answer, after, line)
            except LogError as error:
                if (
                    error.code not in ("directory-behind", "generation-behind")
                    or not self.directory()
                ):
                    raise
                taken += self.office.take(answer, after, line)
            if not answer.items:
                return taken
            self.client.done(self.office.working_set().gateway.cursor)
            wait = 0

    # The log

    def witness(self) -> bool:
        """Cosigns the newest tree if it grew out of the last and the hub's clock is near; True if it was cosigned."""
        note = self.client.checkpoint()
        assert note is not None, "there is always a newest tree"
        gateway = self.office.working_set().gateway
        last = gateway.watching.last
        new = read_checkpoint(read_note(note).text)
        frontier, entries = self._grown(new.size)
        proof = (
            self.client.consistency(last.size, new.size)
            if last and 0 < last.size < new.size
            else ()
        )
        broken: ExchangeError | None = None
        signature = None
        with self.office.transaction() as working_set:
            watch = working_set.gateway.watching
            if watch.last is not None and (last is None or watch.last.size != last.size):
                # Another program has seen a newer tree meanwhile: the next poll goes on from there.
                return False
            try:
                signature = working_set.gateway.cosign(note, proof, self.office.clock())
                self.apart = None
            except LogError as error:
                if error.code != "clocks-apart":
                    broken = error
                    if error.code in ("rolled-back", "split-view"):
                        self.office.broken(working_set, error)
                else:
                    self.apart = error.message
            if broken is None and frontier.root() != new.root:
                # Kept, they would be of no use to a hub that has lost its own.
                raise LogError(
                    "split-view",
                    "the hub's leaves aren't those of its checkpoint",
                    fix="tell the other agencies",
                )
            if broken is None:
                if entries:
                    self.office.journal.see(new.size - len(entries) // HASH_BYTES, entries)
                hashes = [one.hex() for one in frontier.hashes]
                self.office.journal.put(
                    "tree", {"size": new.size, "note": note.decode(), "hashes": hashes}
                )
        if broken is not None:
            raise broken
        if signature is None:
            return False
        self.client.cosign(with_cosignatures(note, [signature]))
        return True

    def _grown(self, size: int) -> tuple[Frontier, bytes]:
        """The tree as it was last seen here, with the leaves that it has had since, and these, end to end."""
        kept = self.office.journal.get("tree") or {}
        hashes = [bytes.fromhex(one) for one in kept.get("hashes", ())]
        frontier = Frontier(int(kept["size"]) if "hashes" in kept else 0, hashes)
        if size < frontier.size:
            return frontier, b""
        entries = self.client.entries(frontier.size, size)
        for at in range(0, len(entries), HASH_BYTES):
            frontier.append(leaf_hash(entries[at : at + HASH_BYTES]))
        return frontier, entries

    def proofs(self) -> int:
        """Gets the proofs of the leaves that are held here; how many are now witnessed."""
        lacking = self.office.working_set().unproved()
        if not lacking:
            return 0
        note = self.client.checkpoint(witnessed=True)
        if note is None:
            return 0
        newest = self.office.working_set().gateway.history.newest
        size = open_checkpoint(note, newest.log, newest.witnesses()).checkpoint.size
        found = [
            (leaf, self.client.inclusion(leaf.index, size)) for leaf in lacking if leaf.index < size
        ]
        if not found:
            return 0
        with self.office.transaction() as working_set:
            for leaf, path in found:
                working_set.gateway.prove(leaf, path, note)
            leaves = [
                {"leaf": leaf.json(), "path": [base64.encode_url(one) for one in path]}
                for leaf, path in found
            ]
            self.office.append(
                working_set, "proved", {"checkpoint": note.decode(), "leaves": leaves}
            )
        return len(found)


def _signed(value: Any) -> SignedPayload:
    from exchange.standards import i_json

    return read_signed_directory(i_json.write(value))


def sync_of(office: Office) -> Sync:
    """The hub of an office. Raises `AgencyError` `not-joined`."""
    if office.settings.hub is None:
        raise AgencyError(
            "not-joined", f"`{office.agency}` has joined no hub", fix="run `offramp agency join`"
        )
    return Sync(
        office, Client(Http(office.settings.hub), office.signing, office.clock, office.random)
    )


def send_now(office: Office, jti: str | None) -> str:
    """Sends what waits, if the hub is there; how far the record has come, in words, or just that it went."""
    try:
        sync = sync_of(office)
        sync.directory()
        sync.outbox()
    except (HubAway, HubRefused, AgencyError) as error:
        return f"queued: {error.message}"
    if jti is None:
        return "sent"
    out = office.working_set().outbox[jti]
    while out.replaced_by is not None:
        out = office.working_set().outbox[out.replaced_by]
    return out.state if out.refused is None else f"refused: {why(out.refused)}"


def why(refused: Mapping[str, Any]) -> str:
    """Why the hub refused a record, in words."""
    error = refused.get("error") or {}
    if refused.get("status") == 403:
        return "the hub doesn't pass this, and this agency's own check did: a person must look"
    return f"{error.get('message')} [{error.get('code')}]"
