"""Collect the members' holdings after a hub was restored from a backup.

Every gateway keeps the blinded leaves of the tree that it witnessed. With the leaves of the
largest such tree, the hub has its own log again under the same root. So it can neither fork the
log nor leave out an index. The content of a leaf comes from an agency that has it open: records
from their issuers, hand-outs and withdrawals from their recipients, directory versions from
every member.

Beyond the largest tree, no root confirms a leaf. There, a record counts only if it hides its
number as this hub alone can, a hand-out counts only from its recipient, and a gap stays a gap.

`exchange.hub.rebuilding` puts the log together from the result.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from exchange.errors import ExchangeError, LogError
from exchange.hub.hub import Hub, history_of
from exchange.log import generation
from exchange.log.generation import TreeHead
from exchange.log.leaves import (
    DirectoryBody,
    GenerationBody,
    HandoutBody,
    KeyBody,
    Leaf,
    WithdrawalBody,
    parse_leaf,
    sha256_hex,
)
from exchange.log.signed_lines import InboxLine, read_inbox_line
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload, read_signed_directory
from exchange.models import agency_of, validate
from exchange.protocol.pieces import (
    DeliveredShape,
    ItemShape,
    MemberShape,
    Piece,
    SentShape,
)
from exchange.records.bundle import Bundle
from exchange.standards import base64, i_json
from exchange.standards.merkle import HASH_BYTES, Tree, leaf_hash
from exchange.standards.notes import Checkpoint, WitnessedCheckpoint, open_checkpoint
from rules.frozen import frozen

# Names in the store while a restored hub is closed. `CLOSED` has a value until it hands out again.
CLOSED = "closed"
_PIECE, _ASIDE = "held ", "aside"
# The most indices beyond the hub's last signature at which a member may report a leaf.
MOST_BEYOND = 65_536

_Pieces = dict[str, list[Piece]]


@frozen
class GenerationDocument:
    """A generation of the log as the threshold signed it."""

    signed: SignedPayload


# The document behind a leaf: a directory version, a sealing key, or a generation.
Document = SignedPayload | str | GenerationDocument


@frozen
class Gathered:
    """The members' combined holdings from the backup's size on.

    `entries` are the blinded leaves under the largest tree seen, which ends at `proven`. `end`
    is the size to which the log reaches, and `latest` the last time that the hub signed.
    `leaves` are the open leaves by index, with the agencies that sent each, and `documents` are
    the directory versions, keys, and generations behind them. `records` and `deliveries` are by
    issuer and id, and `items` by agency.
    """

    proven: int
    end: int
    latest: int
    note: str | None
    seen: TreeHead
    entries: tuple[bytes, ...]
    leaves: dict[int, tuple[Leaf, frozenset[str]]]
    documents: dict[int, SignedPayload | str]
    records: dict[tuple[str, str], SentShape]
    deliveries: dict[tuple[str, str], list[DeliveredShape]]
    items: dict[str, tuple[ItemShape, ...]]


class Gathering:
    """A closed hub that receives its members' holdings. The hub's store keeps every piece."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._parsed: dict[str, Piece] = {}
        self._history: tuple[list[str], History] | None = None

    # Receiving

    def take(self, kid: str, body: bytes) -> int:
        """Store a piece under the key that signed its request, and return its number.

        An agency that has reported in full can't report again. Raises `ContentError`
        `wrong-shape`, `TextError`.
        """
        piece = _read_piece(body)
        base64.decode_url(piece.entries)
        if agency_of(kid) not in self.reported():
            if piece.n == 0:
                # The agency starts again, and may divide its holdings in another way.
                self.hub.store.delete_values(f"{_PIECE}{kid} ")
            name = f"{_PIECE}{kid} {piece.n:06d}"
            self.hub.store.set_value(name, body)
            self._parsed[name], self._history = piece, None
        return piece.n

    def reported(self) -> frozenset[str]:
        """Return the agencies that have reported in full, without those set aside."""
        return frozenset(self._reports())

    def missing_agencies(self) -> tuple[str, ...]:
        """Return the listed agencies that have not reported in full."""
        return tuple(sorted(set(self.history().newest.agencies) - self.reported()))

    def agencies_aside(self) -> tuple[str, ...]:
        """Return the agencies that an operator has set aside, with their reports ignored.

        An operator sets an agency aside if its report can't be true and keeps the hub closed.
        """
        return tuple((self.hub.store.value(_ASIDE) or b"").decode().split())

    def set_aside(self, agencies: Iterable[str]) -> None:
        """Ignore the reports of these agencies, and of no others.

        The signers must know of it, so the draft lists these agencies as absent.
        """
        self.hub.store.set_value(_ASIDE, " ".join(sorted(set(agencies))).encode())

    def history(self) -> History:
        """Return the directory as the members know it.

        An agency may have joined after the backup, and its keys are only in the members' reports.
        """
        names = self.hub.store.value_names(_PIECE)
        if self._history is not None and self._history[0] == names:
            return self._history[1]
        history = history_of(self.hub.store)
        for index, documents in sorted(self._documents().items()):
            if index < self.hub.log.size:
                continue
            for document in documents:
                with suppress(ExchangeError):
                    if isinstance(document, str):
                        history.add_sealing(index, document)
                    elif isinstance(document, SignedPayload):
                        history.add(index, document)
        self._history = names, history
        return history

    def end(self) -> None:
        """Delete every piece, since the hub has opened again."""
        self.hub.store.delete_values(_PIECE)
        self.hub.store.delete_values(_ASIDE)
        self.hub.store.set_value(CLOSED, b"")

    def _pieces(self) -> _Pieces:
        """Return the stored pieces by key id, in order."""
        names = self.hub.store.value_names(_PIECE)
        self._parsed = {
            name: self._parsed.get(name) or _read_piece(self.hub.store.value(name) or b"")
            for name in names
        }
        pieces: _Pieces = defaultdict(list)
        for name in names:
            pieces[name.split(" ")[1]].append(self._parsed[name])
        return pieces

    def _reports(self) -> _Pieces:
        """Return the complete reports by agency, each under a key that is in force.

        The backup may not know yet that a key has retired.
        """
        agencies, aside = self.history().newest.agencies, self.agencies_aside()
        reports: _Pieces = {}
        for kid, pieces in self._pieces().items():
            agency = agencies.get(agency_of(kid))
            is_complete = pieces[-1].is_last and pieces[-1].n == len(pieces) - 1
            if is_complete and agency is not None and kid in agency.signing:
                if agency.id not in aside:
                    reports[agency.id] = pieces
        return reports

    def _documents(self) -> dict[int, list[Document]]:
        """Return what members report behind each leaf, by index. Reports may contradict."""
        documents: dict[int, list[Document]] = defaultdict(list)
        for pieces in self._pieces().values():
            for member in (member for piece in pieces for member in piece.members):
                try:
                    leaf, document = parse_leaf(member.leaf), _document_of(member)
                except ExchangeError:
                    continue
                if document is not None and document not in documents[leaf.index]:
                    documents[leaf.index].append(document)
        return documents

    # Combining

    def gather(self) -> Gathered:
        """Combine the reports.

        Raises `LogError`: `tree-lacking` (nobody sent the leaves of the largest tree),
        `split-view` (two trees, or two leaves at one index), `wrong-holding`; `NoteError` for a
        checkpoint or line that the hub didn't sign.
        """
        hub, reports = self.hub, self._reports()
        key, base = hub.history.newest.log, hub.log.size
        checkpoints = [
            (open_checkpoint(piece.checkpoint.encode(), key, ()), piece.checkpoint)
            for pieces in reports.values()
            for piece in pieces
            if piece.checkpoint is not None
        ]
        largest, note = max(
            ((witnessed.checkpoint, note) for witnessed, note in checkpoints),
            key=lambda seen: seen[0].size,
            default=(hub.log.checkpoint(hub.name), None),
        )
        tree, entries = self._tree(largest, reports)
        _check_one_tree(tree, (witnessed for witnessed, _ in checkpoints))
        lines: list[InboxLine] = [
            read_inbox_line(piece.line.encode(), key, agency)
            for agency, pieces in reports.items()
            for piece in pieces
            if piece.line is not None
        ]
        proven = max(base, largest.size)
        signed_size = max([proven, *(line.size for line in lines)])
        leaves = _open_leaves(reports, tree, base, signed_size + MOST_BEYOND)
        times = [witnessed.signed_at for witnessed, _ in checkpoints]
        return Gathered(
            proven=proven,
            end=max([signed_size, *(index + 1 for index in leaves)]),
            latest=max([0, *times, *(line.time for line in lines)]),
            note=note,
            seen=TreeHead(size=largest.size, root=largest.root.hex()),
            entries=entries,
            leaves=leaves,
            documents=self._fitting_documents(leaves),
            records=_sent_records(reports),
            deliveries=_deliveries(reports),
            items=self._items(reports),
        )

    def _fitting_documents(
        self, leaves: dict[int, tuple[Leaf, frozenset[str]]]
    ) -> dict[int, SignedPayload | str]:
        documents = self._documents()
        return {
            index: document
            for index, (leaf, _) in leaves.items()
            if (document := _document_behind(leaf, documents.get(index, []))) is not None
        }

    def _tree(self, largest: Checkpoint, reports: _Pieces) -> tuple[Tree, tuple[bytes, ...]]:
        """Return the largest tree seen, and its blinded leaves beyond the backup."""
        tree, base = copy.deepcopy(self.hub.log.tree), self.hub.log.size
        if largest.size <= base:
            return tree, ()
        wanted_bytes = (largest.size - base) * HASH_BYTES
        for pieces in reports.values():
            starts = [piece.start for piece in pieces if piece.entries]
            joined = b"".join(base64.decode_url(piece.entries) for piece in pieces if piece.entries)
            if not starts or starts[0] != base or len(joined) < wanted_bytes:
                continue
            entries = tuple(
                joined[start : start + HASH_BYTES] for start in range(0, wanted_bytes, HASH_BYTES)
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

    def _items(self, reports: _Pieces) -> dict[str, tuple[ItemShape, ...]]:
        """Return how each inbox continues. Its numbers must follow those in the backup."""
        inboxes: dict[str, tuple[ItemShape, ...]] = {}
        for agency, pieces in reports.items():
            inboxes[agency] = tuple(item for piece in pieces for item in piece.items)
            numbers: dict[str, int] = {}
            for item in inboxes[agency]:
                last = numbers.get(item.issuer) or self.hub.store.last_item(agency, item.issuer)
                if item.number != last + 1:
                    raise LogError(
                        "wrong-holding",
                        f"the items that `{agency}` reports don't continue its numbers",
                        fix="ask its people to look",
                    )
                numbers[item.issuer] = item.number
        return inboxes


def _check_one_tree(tree: Tree, seen: Iterable[WitnessedCheckpoint]) -> None:
    for witnessed in seen:
        checkpoint = witnessed.checkpoint
        if tree.root(checkpoint.size) != checkpoint.root:
            raise LogError(
                "split-view",
                f"members saw two trees of `{checkpoint.size}` leaves",
                fix=_EVIDENCE,
            )


def _open_leaves(
    reports: _Pieces, tree: Tree, base: int, below: int
) -> dict[int, tuple[Leaf, frozenset[str]]]:
    """Return the open leaves from `base` up to `below`, with the agencies that sent each.

    Under the tree, a leaf must match its hash there. Beyond it, no other member may contradict
    it, and a hand-out or withdrawal counts only from its recipient.
    """
    leaves: dict[int, tuple[Leaf, frozenset[str]]] = {}
    for agency, pieces in reports.items():
        for value in (value for piece in pieces for value in piece.leaves):
            leaf = _readable_leaf(value)
            if leaf is None or not base <= leaf.index < below:
                continue
            if not _is_credible(leaf, agency, tree):
                continue
            other, senders = leaves.get(leaf.index, (leaf, frozenset[str]()))
            if other != leaf:
                raise LogError(
                    "split-view", f"members hold two leaves `{leaf.index}`", fix=_EVIDENCE
                )
            leaves[leaf.index] = leaf, senders | {agency}
    return leaves


def _is_credible(leaf: Leaf, agency: str, tree: Tree) -> bool:
    if leaf.index < tree.size:
        return tree.leaf(leaf.index) == leaf_hash(leaf.entry)
    body = leaf.body
    return not isinstance(body, HandoutBody | WithdrawalBody) or body.to == agency


def _sent_records(reports: _Pieces) -> dict[tuple[str, str], SentShape]:
    """Return the records that members report as their own, by issuer and id."""
    return {
        claims: record
        for agency, pieces in reports.items()
        for piece in pieces
        for record in piece.records
        if (claims := _claims(record.record))[0] == agency
    }


def _deliveries(reports: _Pieces) -> dict[tuple[str, str], list[DeliveredShape]]:
    deliveries: dict[tuple[str, str], list[DeliveredShape]] = defaultdict(list)
    for pieces in reports.values():
        for delivery in (delivery for piece in pieces for delivery in piece.deliveries):
            deliveries[_claims(delivery.record)].append(delivery)
    return deliveries


def _claims(jws: str) -> tuple[str, str]:
    """Return the issuer and id that a record claims, empty if it can't be read."""
    try:
        return Bundle(jws, (), (), ()).claims
    except (ExchangeError, KeyError):
        return "", ""


def _read_piece(body: bytes) -> Piece:
    return validate(Piece, i_json.read_object(body), "what the agency holds")


def _document_of(member: MemberShape) -> Document | None:
    if member.signed is not None:
        return read_signed_directory(i_json.write(member.signed))
    if member.generation is not None:
        return GenerationDocument(generation.read_signed(member.generation))
    return member.announced


def _document_behind(leaf: Leaf, documents: Iterable[Document]) -> SignedPayload | str | None:
    """Return the reported document that matches the digest in the leaf."""
    body = leaf.body
    if not isinstance(body, DirectoryBody | KeyBody | GenerationBody):
        return None
    for document in documents:
        signed = document.signed if isinstance(document, GenerationDocument) else document
        payload = signed.encode() if isinstance(signed, str) else signed.payload
        if sha256_hex(payload) == body.sha256:
            return signed
    return None


def _readable_leaf(value: Any) -> Leaf | None:
    try:
        leaf = parse_leaf(value)
        return leaf if leaf.body else None
    except ExchangeError:
        return None


_EVIDENCE = "open nothing, and have people compare what each agency holds"
