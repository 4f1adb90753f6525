"""A hub after a restore: what its members hold of the log beyond the backup, and how the log is put together from that.

Every agency's gateway keeps the blinded entries of the tree that it witnessed. With the entries of the largest such tree the
hub has its own log again, leaf by leaf under the same root: it can't fork, nor leave a place out. What stood under the leaves
comes from whoever holds it opened: records from their issuers, hand-outs and withdrawals from their recipients, versions of the
directory from everybody. What comes back so goes to its old place, with its old number and time. Nothing is handed out before
every agency has been heard, or the threshold has signed who wasn't, and what nobody could open (`exchange.log.generation`).

Beyond the largest tree there is no root to hold a leaf to. There a record counts only if it hides its number as this hub alone
can, a hand-out only if its recipient says so, and every gap stays one.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field

from exchange.agency.gateway import Gateway
from exchange.consent.accounting import EntryShape
from exchange.consent.reduction import DECISIVE, Committed, known_of
from exchange.errors import DirectoryError, ExchangeError, LogError
from exchange.hub.hub import Hub, history_of
from exchange.hub.store import HANDED, WAITING, WITHDRAWN, Text
from exchange.log import generation, log
from exchange.log.generation import Terms, TreeAt
from exchange.log.log import Leaf, Receipt, leaf_of, read_inbox_line
from exchange.membership import directory
from exchange.membership.directory import Directory, History, Signed
from exchange.models import AgencyId, Handle, Listed, Shape, ShortId, Word, agency_of, held
from exchange.records.manifest import Entry
from exchange.records.record import (
    Bundle,
    Record,
    check_entries,
    path_text,
    read_path,
    statement,
    verify,
)
from exchange.records.sealing import Sealed
from exchange.standards import base64, i_json, sd_jwt
from exchange.standards.merkle import HASH_BYTES, Tree, leaf_hash
from exchange.standards.notes import Checkpoint, open_checkpoint
from rules.frozen import frozen

# Known of a hub that was restored, until it hands out again.
CLOSED = "closed"
_HELD, _TERMS, _ASIDE = "held ", "terms", "aside"
LARGEST_PIECE = 4 * 1024 * 1024
MOST_PIECES = 10_000
# So far beyond the last thing that the hub signed may a leaf be that a member says it was told of.
MOST_BEYOND = 65_536


# What an agency sends


class _SealedShape(Shape):
    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Word
    basis: Word
    ct: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _RecordShape(Shape):
    record: str
    labels: Listed[str]
    sealed: Annotated[tuple[_SealedShape, ...], Field(strict=False, max_length=128)]
    pads: Annotated[tuple[str, ...], Field(strict=False, max_length=128)]


class _GivenEntry(EntryShape):
    path: Annotated[str, Field(max_length=512)]


class _GivenShape(Shape):
    record: str
    labels: Listed[str]
    entries: Listed[_GivenEntry]


class _MemberShape(Shape):
    leaf: dict[str, Any]
    signed: dict[str, Any] | None = None
    announced: str | None = None
    generation: dict[str, Any] | None = None


_Some = Annotated[tuple[Any, ...], Field(strict=False, max_length=65_536)]


class _ItemShape(Shape):
    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    issuer: AgencyId
    record: Handle | Annotated[str, Field(max_length=0)]


class Piece(Shape):
    """One of an agency's pieces. `entries` are those from `start` on, end to end; `done` stands in the last one."""

    n: Annotated[int, Field(ge=0, lt=MOST_PIECES)]
    done: bool = False
    checkpoint: Annotated[str, Field(max_length=65_536)] | None = None
    line: Annotated[str, Field(max_length=65_536)] | None = None
    start: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    entries: str = ""
    items: Annotated[tuple[_ItemShape, ...], Field(strict=False, max_length=65_536)] = ()
    leaves: _Some = ()
    members: Annotated[tuple[_MemberShape, ...], Field(strict=False, max_length=65_536)] = ()
    given: Annotated[tuple[_GivenShape, ...], Field(strict=False, max_length=65_536)] = ()
    records: Annotated[tuple[_RecordShape, ...], Field(strict=False, max_length=65_536)] = ()


def pieces(gateway: Gateway, *, size: int, items: int, entries: bytes) -> Iterator[bytes]:
    """What an agency holds of a log beyond `size` leaves, and of its inbox beyond `items`, as bodies to send in their order.

    `entries` are the blinded leaves, end to end, from `size` up to the last tree that this gateway saw.
    """
    watch = gateway.watch
    head: dict[str, Any] = {"start": size}
    if watch is not None and watch.note:
        head["checkpoint"] = watch.note.decode()
    if gateway.line_note:
        head["line"] = gateway.line_note.decode()
    piece, weight, n = head, 0, 0
    for name, value in _held(gateway, size, items, entries):
        more = len(i_json.write(value))
        if weight and weight + more > LARGEST_PIECE:
            yield i_json.write({"n": n, **piece})
            piece, weight, n = {"start": size}, 0, n + 1
        if name == "entries":
            at, text = value
            piece |= {"start": at, "entries": text}
            # The next one begins elsewhere, so it is a piece of its own.
            weight = LARGEST_PIECE
        else:
            piece.setdefault(name, []).append(value)
            weight += more
    yield i_json.write({"n": n, "done": True, **piece})


def _held(gateway: Gateway, size: int, items: int, entries: bytes) -> Iterator[tuple[str, Any]]:
    step = HASH_BYTES * 65_536
    for at in range(0, len(entries), step):
        yield "entries", (size + at // HASH_BYTES, base64.encode_url(entries[at : at + step]))
    for number, issuer, record in gateway.items[items:]:
        yield "items", {"number": number, "issuer": issuer, "record": record}
    said: list[tuple[Leaf, dict[str, Any]]] = []
    for leaf, what in gateway.learned:
        said.append(
            (
                leaf,
                {"announced": what}
                if isinstance(what, str)
                else {"signed": i_json.read(what.write())},
            )
        )
    said += [
        (leaf, {"generation": i_json.read(generation.write(signed))})
        for leaf, signed in gateway.generations
    ]
    for leaf, member in sorted(said, key=lambda one: one[0].index):
        if leaf.index >= size:
            yield "members", {"leaf": leaf.json(), **member}
    for leaf in {leaf.index: leaf for leaf in gateway.leaves() if leaf.index >= size}.values():
        yield "leaves", leaf.json()
    for received in gateway.received.values():
        item = received.item
        if item.delivery is not None and item.recorded is not None and item.recorded.index >= size:
            entry_of = [
                (each.sealed.entry(), path_text(each.path)) for each in item.delivery.handed
            ]
            shown = [{**_entry_json(entry), "path": path} for entry, path in entry_of]
            yield (
                "given",
                {
                    "record": item.delivery.record,
                    "labels": list(item.delivery.labels),
                    "entries": shown,
                },
            )
    for bundle in gateway.sent_from(size):
        pads = [base64.encode_url(pad) for pad in bundle.pads]
        sealed = [_sealed_json(each) for each in bundle.sealed]
        yield (
            "records",
            {
                "record": bundle.record,
                "labels": list(bundle.labels),
                "sealed": sealed,
                "pads": pads,
            },
        )


def _entry_json(entry: Entry) -> dict[str, str]:
    return {
        "part": entry.part,
        "to": entry.to,
        "purpose": entry.purpose,
        "basis": entry.basis,
        "sha256": entry.sha256,
    }


def _sealed_json(sealed: Sealed) -> dict[str, str]:
    entry = sealed.entry()
    whole = sha256(sealed.ct).hexdigest() == entry.sha256
    return _entry_json(entry) | ({"ct": base64.encode_url(sealed.ct)} if whole else {})


# What the hub makes of it


@frozen
class Found:
    """What is known of the log from the backup's size on.

    `entries` are those under the largest tree seen, which ends at `proven`; `latest` is the last time that the hub signed;
    `leaves` what was opened, with the agencies that brought each; `said` what versions, keys and generations say; `items`
    whose inbox went on how.
    """

    proven: int
    end: int
    latest: int
    note: str | None
    seen: TreeAt
    entries: tuple[bytes, ...]
    leaves: dict[int, tuple[Leaf, frozenset[str]]]
    said: dict[int, Signed | str]
    records: dict[tuple[str, str], _RecordShape]
    given: dict[tuple[str, str], list[_GivenShape]]
    items: dict[str, tuple[_ItemShape, ...]]


@frozen
class Draft:
    """What is to be signed, and the directory by which it must be."""

    payload: bytes
    terms: Terms
    in_force: Directory

    @property
    def digest(self) -> str:
        return sha256(self.payload).hexdigest()


class Gathering:
    """A closed hub that hears its members. Everything it is told is in the hub's store."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._read: dict[str, Piece] = {}
        self._known: tuple[list[str], History] | None = None
        self._drafted: tuple[frozenset[str], tuple[str, ...], Draft] | None = None

    # Hearing

    def take(self, kid: str, body: bytes) -> int:
        """One piece of what an agency holds, under the key that it signed this with; its number. Whoever was heard to the end
        isn't heard again. Raises `ContentError` `wrong-shape`, `TextError`.
        """
        piece = held(Piece, i_json.read_object(body), "what the agency holds")
        base64.decode_url(piece.entries)
        if agency_of(kid) not in self.heard():
            if piece.n == 0:
                # It begins again, and may cut its pieces otherwise.
                self.hub.store.forget(f"{_HELD}{kid} ")
            name = f"{_HELD}{kid} {piece.n:06d}"
            self.hub.store.know(name, body)
            self._read[name], self._known = piece, None
        return piece.n

    def _pieces(self) -> dict[str, list[Piece]]:
        """What came under each key, in order."""
        names = self.hub.store.names(_HELD)
        self._read = {name: self._read.get(name) or self._piece(name) for name in names}
        found: dict[str, list[Piece]] = defaultdict(list)
        for name in names:
            found[name.split(" ")[1]].append(self._read[name])
        return found

    def _piece(self, name: str) -> Piece:
        return held(
            Piece, i_json.read_object(self.hub.store.known(name) or b""), "what the agency holds"
        )

    def heard(self) -> frozenset[str]:
        """The agencies that have sent all they hold, but for those whom people set aside."""
        return frozenset(self._brought())

    def _brought(self) -> dict[str, list[Piece]]:
        """What those sent who were heard to the end, under a key in force: the backup may not know yet that one has retired."""
        agencies, aside = self.history().newest.agencies, self.aside()
        found: dict[str, list[Piece]] = {}
        for kid, each in self._pieces().items():
            agency = agencies.get(agency_of(kid))
            whole = each[-1].done and each[-1].n == len(each) - 1
            if whole and agency is not None and kid in agency.signing and agency.id not in aside:
                found[agency.id] = each
        return found

    def aside(self) -> tuple[str, ...]:
        """The agencies whose word isn't taken: what one of them sent can't be so, and kept the hub closed."""
        return tuple((self.hub.store.known(_ASIDE) or b"").decode().split())

    def set_aside(self, agencies: Iterable[str]) -> None:
        """Takes nobody else's word out. Whoever signs must know it: these stand in the draft as not heard."""
        self.hub.store.know(_ASIDE, " ".join(sorted(set(agencies))).encode())

    def history(self) -> History:
        """The directory as the members know it, whose keys the hub may not: an agency that joined after the backup."""
        names = self.hub.store.names(_HELD)
        if self._known is not None and self._known[0] == names:
            return self._known[1]
        history = history_of(self.hub.store)
        said = {at: what for at, what in self._said().items() if at >= self.hub.log.size}
        for at in sorted(said):
            for what in said[at]:
                with suppress(ExchangeError):
                    if isinstance(what, str):
                        history.add_sealing(at, what)
                    elif not isinstance(what, _Agreed):
                        history.add(at, what)
        self._known = names, history
        return history

    def _said(self) -> dict[int, list[Signed | str | _Agreed]]:
        found: dict[int, list[Signed | str | _Agreed]] = defaultdict(list)
        for each in self._pieces().values():
            for piece in each:
                for member in piece.members:
                    try:
                        leaf, said = leaf_of(member.leaf), _said_of(member)
                    except ExchangeError:
                        continue
                    if said is not None and said not in found[leaf.index]:
                        found[leaf.index].append(said)
        return found

    def waits_for(self) -> tuple[str, ...]:
        """The agencies that haven't been heard."""
        return tuple(sorted(set(self.history().newest.agencies) - self.heard()))

    # Putting it together

    def found(self) -> Found:
        """What those say who were heard.

        Raises `LogError`: `tree-lacking` (nobody has sent the leaves of the largest tree), `split-view` (two trees, or two
        leaves at one place), `wrong-holding`; `NoteError` for a checkpoint or line that the hub didn't sign.
        """
        hub, brought = self.hub, self._brought()
        key, base = hub.history.newest.log, hub.log.size
        notes = [
            piece.checkpoint
            for each in brought.values()
            for piece in each
            if piece.checkpoint is not None
        ]
        opened = [open_checkpoint(note.encode(), key, ()) for note in notes]
        seen = [(one.checkpoint, note) for one, note in zip(opened, notes, strict=True)]
        largest, note = max(
            seen, key=lambda one: one[0].size, default=(hub.log.checkpoint(hub.name), None)
        )
        tree, entries = self._tree(largest, brought)
        for checkpoint, _ in seen:
            if tree.root(checkpoint.size) != checkpoint.root:
                raise LogError(
                    "split-view",
                    f"members saw two trees of `{checkpoint.size}` leaves",
                    fix=_EVIDENCE,
                )
        lines = [
            read_inbox_line(piece.line.encode(), key, agency)
            for agency, each in brought.items()
            for piece in each
            if piece.line is not None
        ]
        proven = max(base, largest.size)
        signed = max([proven, *(line.size for line in lines)])
        said = self._said()
        leaves = self._leaves(brought, tree, base, signed + MOST_BEYOND)
        return Found(
            proven=proven,
            end=max([signed, *(at + 1 for at in leaves)]),
            latest=max([0, *(one.signed_at for one in opened), *(line.time for line in lines)]),
            note=note,
            seen=TreeAt(size=largest.size, root=largest.root.hex()),
            entries=entries,
            leaves=leaves,
            said={
                at: what
                for at in leaves
                if (what := _fits(leaves[at][0], said.get(at, []))) is not None
            },
            records={
                claims: one
                for agency, each in brought.items()
                for piece in each
                for one in piece.records
                if (claims := _claims(one.record))[0] == agency
            },
            given=_given(brought.values()),
            items=self._items(brought),
        )

    def _tree(
        self, largest: Checkpoint, brought: dict[str, list[Piece]]
    ) -> tuple[Tree, tuple[bytes, ...]]:
        """The tree up to the largest that was seen, and its entries beyond the backup."""
        tree, base = copy.deepcopy(self.hub.log.tree), self.hub.log.size
        if largest.size <= base:
            return tree, ()
        for each in brought.values():
            found = b"".join(base64.decode_url(piece.entries) for piece in each if piece.entries)
            starts = [piece.start for piece in each if piece.entries]
            wanted = found[: (largest.size - base) * HASH_BYTES]
            if not starts or starts[0] != base or len(wanted) < (largest.size - base) * HASH_BYTES:
                continue
            entries = tuple(
                wanted[at : at + HASH_BYTES] for at in range(0, len(wanted), HASH_BYTES)
            )
            tree.extend(leaf_hash(entry) for entry in entries)
            if tree.root() == largest.root:
                return tree, entries
            tree.shrink(base)
        raise LogError(
            "tree-lacking",
            f"nobody has sent the leaves of the tree of size `{largest.size}`",
            fix="wait for more agencies",
        )

    def _leaves(
        self, brought: dict[str, list[Piece]], tree: Tree, base: int, below: int
    ) -> dict[int, tuple[Leaf, frozenset[str]]]:
        """What was opened: under the tree, whatever stands in it; beyond, what nobody else contradicts."""
        found: dict[int, tuple[Leaf, frozenset[str]]] = {}
        for agency, each in brought.items():
            for value in (one for piece in each for one in piece.leaves):
                leaf = _readable(value)
                if leaf is None or not base <= leaf.index < below:
                    continue
                if leaf.index < tree.size:
                    if tree.leaf(leaf.index) != leaf_hash(leaf.entry):
                        continue
                elif (
                    isinstance(body := leaf.body, log.HandedOut | log.Withdrawn)
                    and body.to != agency
                ):
                    continue
                other, by = found.get(leaf.index, (leaf, frozenset[str]()))
                if other != leaf:
                    raise LogError(
                        "split-view", f"members hold two leaves `{leaf.index}`", fix=_EVIDENCE
                    )
                found[leaf.index] = leaf, by | {agency}
        return found

    def _items(self, brought: dict[str, list[Piece]]) -> dict[str, tuple[_ItemShape, ...]]:
        """How each inbox went on: its numbers must follow those that the backup knows."""
        found = {}
        for agency, each in brought.items():
            found[agency] = tuple(item for piece in each for item in piece.items)
            numbers: dict[str, int] = {}
            for item in found[agency]:
                number = numbers.get(item.issuer) or self.hub.store.last_item(agency, item.issuer)
                if item.number != number + 1:
                    raise LogError(
                        "wrong-holding",
                        f"what `{agency}` says it was given isn't numbered on",
                        fix="ask its people to look",
                    )
                numbers[item.issuer] = item.number
        return found

    # Signing

    def draft(self, now: int) -> Draft | None:
        """What the threshold is to sign; None where nobody lacks anything and nobody is missing. Raises as `found`."""
        heard, waits = self.heard(), self.waits_for()
        if self._drafted is not None and self._drafted[:2] == (heard, waits):
            return self._drafted[2]
        found = self.found()
        if found.end == self.hub.log.size and not waits:
            return None
        restored = self.hub.log.checkpoint(self.hub.name)
        hub, terms, in_force = self.hub, None, None
        try:
            with hub.together():
                rebuilding = _Rebuilding(hub, found, now)
                rebuilding.run()
                in_force = hub.history.newest
                terms = Terms(
                    generation=len(hub.generations) + 2,
                    previous=generation.digest(hub.generations[-1][1]) if hub.generations else None,
                    log=hub.name,
                    checkpoint=found.note,
                    seen=found.seen,
                    restored=TreeAt(size=restored.size, root=restored.root.hex()),
                    ends=TreeAt(size=hub.log.size, root=hub.log.tree.root().hex()),
                    directory=in_force.sha256,
                    lost=generation.ranges(rebuilding.lost),
                    torn=generation.ranges(rebuilding.torn),
                    absent=waits,
                )
                raise _Undone
        except _Undone:
            pass
        assert terms is not None and in_force is not None, "it was put together"
        drafted = Draft(i_json.write(terms.model_dump(mode="json")), terms, in_force)
        self._drafted = heard, waits, drafted
        return drafted

    def opened(self, now: int) -> bool:
        """Whether every agency has been heard and none of them has more than the backup: then the hub goes on as it is."""
        if self.draft(now) is not None:
            return False
        self._end()
        return True

    def signatures(self, draft: Draft) -> tuple[str, ...]:
        """Those that the draft has."""
        kept = i_json.read_object(self.hub.store.known(_TERMS) or b"{}")
        return tuple(kept["signatures"]) if kept.get("sha256") == draft.digest else ()

    def signers(self, draft: Draft) -> tuple[str, ...]:
        """The agencies that have signed it."""
        return tuple(
            sorted(
                generation.signer_of(one, draft.payload, draft.in_force)
                for one in self.signatures(draft)
            )
        )

    def sign(self, sha256: str, signature: str, now: int) -> bool:
        """One more signature; True if with it the log's next generation has begun.

        Raises `DirectoryError` `another-draft`, `unknown-key`, `bad-signatures`; `LogError` `wrong-generation` from one that
        wasn't waited for, or where nothing was lost; as `draft`.
        """
        draft = self.draft(now)
        if draft is None:
            raise generation.wrong("nothing was lost")
        if draft.digest != sha256:
            raise _another_draft()
        signer = generation.signer_of(signature, draft.payload, draft.in_force)
        if signer in draft.terms.absent:
            raise generation.wrong("an agency signed it that wasn't waited for")
        # One of each: no two signatures of a text are alike, and a statement with too many can't be read.
        kept = [
            one
            for one in self.signatures(draft)
            if generation.signer_of(one, draft.payload, draft.in_force) != signer
        ]
        signed = Signed(draft.payload, (*kept, signature))
        self.hub.store.know(
            _TERMS, i_json.write({"sha256": sha256, "signatures": list(signed.signatures)})
        )
        try:
            directory.check_threshold(signed, draft.in_force, generation.TYP)
        except DirectoryError as error:
            if error.code != "threshold":
                raise
            return False
        self._go_on(draft, signed, now)
        return True

    def _go_on(self, draft: Draft, signed: Signed, now: int) -> None:
        hub, terms = self.hub, draft.terms
        with hub.together():
            rebuilding = _Rebuilding(hub, self.found(), now)
            rebuilding.run()
            if hub.log.tree.root().hex() != terms.ends.root:
                # What somebody dates ahead may have come to be believed.
                self._drafted = None
                raise _another_draft()
            time = hub.log.stamp(now)
            body = log.Generation(
                number=terms.generation,
                size=terms.seen.size,
                root=terms.seen.root,
                sha256=generation.digest(signed),
                time=time,
            )
            hub._add_generation(hub._append(body).index, signed)
            rebuilding.withdraw(time)
            self._end()

    def _end(self) -> None:
        self.hub.store.forget(_HELD)
        self.hub.store.forget(_TERMS)
        self.hub.store.forget(_ASIDE)
        self.hub.store.know(CLOSED, b"")


def _another_draft() -> DirectoryError:
    return DirectoryError(
        "another-draft",
        "the draft isn't the one that was signed",
        fix="look at it again, then sign",
    )


class _Undone(Exception):
    """What was put together to be looked at is taken apart again."""


@frozen
class _Agreed:
    """A generation, as the threshold signed it."""

    signed: Signed


class _Rebuilding:
    """Leaf by leaf, what a hub did between the backup and its end is done again, as far as anybody can say what it was.

    It reaches into the hub: what it does is the hub's own work, decided long ago.
    """

    def __init__(self, hub: Hub, found: Found, now: int) -> None:
        self.hub = hub
        self.found = found
        self.now = now
        self.lost: list[int] = []
        self.torn: list[int] = []
        # What had to be withdrawn then and may have been, in a leaf that nobody opened.
        self._doomed: set[tuple[str, str, str, str]] = set()
        self._entered: set[tuple[str, str, str]] = set()

    def run(self) -> None:
        """Every leaf up to the end. Within `Hub.together`."""
        hub = self.hub
        for agency, items in self.found.items.items():
            for item in items:
                hub.store.add_item(agency, item.issuer, item.record)
                self._entered.add((agency, item.issuer, item.record))
        for at in range(hub.log.size, self.found.end):
            leaf, _ = self.found.leaves.get(at, (None, None))
            if leaf is None or not self._back(leaf):
                self._lose(at, leaf)

    def _lose(self, at: int, leaf: Leaf | None) -> None:
        """A place of which nobody can say what stood there. What the tree says of it stays."""
        start = self.found.proven - len(self.found.entries)
        if at < self.found.proven:
            entry = self.found.entries[at - start]
        else:
            entry = sha256(f"offramp/1/lost\0{at}".encode()).digest()
        self.hub.log.take_back(Leaf(at, entry, b""))
        self.lost.append(at)

    def _back(self, leaf: Leaf) -> bool:
        """Puts one leaf back, with what follows from it; False where it can't be taken at its word."""
        hub, body = self.hub, leaf.body
        # Beyond the tree, nobody's word sets the log's clock ahead; this hub's may have been set back meanwhile.
        latest = max(self.now, self.found.latest) + log.CLOCKS_APART
        if body.time < hub.log.time or (leaf.index >= self.found.proven and body.time > latest):
            return False
        said = self.found.said.get(leaf.index)
        try:
            if isinstance(body, log.Recorded):
                return self._record_back(leaf, body)
            if isinstance(body, log.DirectoryChanged) and isinstance(said, Signed):
                hub.history.add(leaf.index, said)
                hub.store.add_version(leaf.index, said.write())
            elif isinstance(body, log.KeyOpened) and isinstance(said, str):
                hub.history.add_sealing(leaf.index, said)
                hub.store.add_announced(leaf.index, said)
            elif isinstance(body, log.Generation) and isinstance(said, Signed):
                generation.check(
                    leaf, said, hub.history.newest, (signed for _, signed in hub.generations)
                )
                hub._add_generation(leaf.index, said)
            elif not isinstance(body, log.HandedOut | log.Withdrawn):
                return False
        except ExchangeError:
            return False
        hub.log.take_back(leaf)
        if isinstance(body, log.HandedOut | log.Withdrawn):
            self._passed(leaf, body)
        if isinstance(body, log.DirectoryChanged):
            for case in hub.store.cases_waiting():
                self._doom(case, body.time)
        return True

    def _record_back(self, leaf: Leaf, body: log.Recorded) -> bool:
        hub, claims = self.hub, (body.issuer, body.id)
        record, torn = self._record(body, leaf.index)
        if record is None or hub.store.record(*claims) is not None:
            return False
        nonce = hub._number_nonce(leaf.index, leaf.nonce, record)
        first = hub.store.last_number(record.issuer, record.case) + 1
        # Numbers of records that were lost are used up.
        numbers = range(first, first + 1 + len(self.lost))
        number = next(
            (one for one in numbers if log.commit_number(nonce, one) == body.number), None
        )
        if number is None:
            return False
        hub.log.take_back(leaf)
        committed = known_of(record, leaf.index, body.time)
        before = hub.state(record.case)
        hub.store.add_record(record, Receipt(leaf.index, body.time, number, leaf.nonce, nonce))
        hub._states[record.case] = before.with_(committed)
        for agency in sorted({passage.to for passage in committed.passages}):
            if (agency, *claims) not in self._entered:
                hub.store.add_item(agency, *claims)
        if torn:
            self.torn.append(leaf.index)
        if record.kind in DECISIVE:
            self._doom(record.case, body.time, but=committed)
        return True

    def _record(self, body: log.Recorded, index: int) -> tuple[Record | None, bool]:
        """A record from its issuer, or what its recipients were given of it; True with the latter."""
        standing, claims = self.hub.history.standing(index), (body.issuer, body.id)
        brought = self.found.records.get(claims)
        if brought is not None and statement(brought.record) == body.sha256:
            with suppress(ExchangeError):
                return _whole(brought, standing), False
        given = (
            one for one in self.found.given.get(claims, ()) if statement(one.record) == body.sha256
        )
        return _torn(given, standing), True

    def _passed(self, leaf: Leaf, body: log.HandedOut | log.Withdrawn) -> None:
        """What a leaf says that became of texts. It was so, whatever the rules would say of it now."""
        parts = {one if isinstance(one, str) else one.part for one in body.parts}
        state = HANDED if isinstance(body, log.HandedOut) else WITHDRAWN
        found = self.hub.store.record(body.issuer, body.record)
        for text in self.hub.store.texts(body.issuer, body.record, body.to):
            if found is not None and text.entry.part in parts and text.state == WAITING:
                self.hub.store.becomes(text, found[0].case, state, leaf.index)

    def _doom(self, case: str | None, time: int, but: Committed | None = None) -> None:
        """What waits in a case and may no longer pass was withdrawn at this place, whether anybody was told or not."""
        for committed, agency, texts in self._waiting(case):
            if but is None or (committed.issuer, committed.jti) != (but.issuer, but.jti):
                permitted = self.hub._permitted(
                    committed, agency, frozenset(text.entry.part for text in texts), time
                )
                gone = {text.entry.part for text in texts} - permitted
                self._doomed |= {(committed.issuer, committed.jti, agency, part) for part in gone}

    def withdraw(self, time: int) -> None:
        """After the generation's leaf: what was withdrawn before, or has no text any more, isn't handed out now."""
        for case in self.hub.store.cases_waiting():
            for committed, agency, texts in self._waiting(case):
                gone = [
                    text
                    for text in texts
                    if text.ct is None
                    or (committed.issuer, committed.jti, agency, text.entry.part) in self._doomed
                ]
                self.hub._withdraw(
                    committed,
                    self.hub.store.item(agency, committed.issuer, committed.jti),
                    gone,
                    time,
                )
            self.hub._sweep(case, time)

    def _waiting(self, case: str | None) -> Iterator[tuple[Committed, str, list[Text]]]:
        """What waits in a case, by record and recipient."""
        waiting: dict[tuple[str, str, str], list[Text]] = defaultdict(list)
        for text in self.hub.store.waiting_in(case):
            waiting[text.issuer, text.jti, text.agency].append(text)
        known = {(one.issuer, one.jti): one for one in self.hub.state(case).records}
        for (issuer, jti, agency), texts in waiting.items():
            yield known[issuer, jti], agency, texts


def _whole(shape: _RecordShape, standing: directory.Standing) -> Record:
    """A record as its issuer sent it, of which some texts may be gone. Raises as `record.check_entries`."""
    entries = tuple(
        Entry(one.part, one.to, one.purpose, one.basis, one.sha256) for one in shape.sealed
    )
    pads = tuple(base64.decode_url(pad) for pad in shape.pads)
    record = check_entries(shape.record, shape.labels, entries, pads, standing)
    sealed = [
        Sealed(one.part, one.to, one.purpose, one.basis, base64.decode_url(one.ct))
        for one in shape.sealed
        if one.ct
    ]
    # A text that isn't the one which was signed is as good as gone.
    return replace(record, sealed=tuple(one for one in sealed if one.entry() in entries))


def _torn(given: Iterable[_GivenShape], standing: directory.Standing) -> Record | None:
    """A record as far as its recipients were given it. What one of them got wrong takes nothing from the others'."""
    record: Record | None = None
    for one in given:
        try:
            entries = [
                (
                    Entry(each.part, each.to, each.purpose, each.basis, each.sha256),
                    read_path(each.path),
                )
                for each in one.entries
            ]
            shown = verify(sd_jwt.join(one.record, one.labels), standing, entries).record
        except ExchangeError:
            continue
        known = {entry for entry, _ in entries}
        if record is None:
            record = replace(shown, entries=tuple(sorted(known, key=_by_place)), pads=(), sealed=())
        else:
            record = replace(
                record,
                labels={**record.labels, **shown.labels},
                disclosures={**record.disclosures, **shown.disclosures},
                entries=tuple(sorted({*record.entries, *known}, key=_by_place)),
            )
    return record


def _by_place(entry: Entry) -> tuple[str, str]:
    return entry.part, agency_of(entry.to)


def _given(brought: Iterable[list[Piece]]) -> dict[tuple[str, str], list[_GivenShape]]:
    found: dict[tuple[str, str], list[_GivenShape]] = defaultdict(list)
    for each in brought:
        for one in (given for piece in each for given in piece.given):
            found[_claims(one.record)].append(one)
    return found


def _claims(jws: str) -> tuple[str, str]:
    """Issuer and id that a record claims; nobody's, where it can't be read."""
    try:
        return Bundle(jws, (), (), ()).claims
    except (ExchangeError, KeyError):
        return "", ""


def _said_of(member: _MemberShape) -> Signed | str | _Agreed | None:
    if member.signed is not None:
        return directory.read_signed(i_json.write(member.signed))
    if member.generation is not None:
        return _Agreed(generation.read_signed(member.generation))
    return member.announced


def _fits(leaf: Leaf, said: Iterable[Signed | str | _Agreed]) -> Signed | str | None:
    """What a version's, key's or generation's leaf stands for, of what members say that it does."""
    body = leaf.body
    if not isinstance(body, log.DirectoryChanged | log.KeyOpened | log.Generation):
        return None
    for what in said:
        signed = what.signed if isinstance(what, _Agreed) else what
        if (
            log.digest(signed.encode() if isinstance(signed, str) else signed.payload)
            == body.sha256
        ):
            return signed
    return None


def _readable(value: Any) -> Leaf | None:
    try:
        leaf = leaf_of(value)
        return leaf if leaf.body else None
    except ExchangeError:
        return None


_EVIDENCE = "open nothing, and have people compare what each agency holds"
