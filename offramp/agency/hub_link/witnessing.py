"""Cosign the hub's log as one of its witnesses, and fetch the proofs of what is stored here."""

from __future__ import annotations

from exchange.errors import LogError
from exchange.log.checkpoints import with_cosignatures
from exchange.standards import base64
from exchange.standards.merkle import HASH_BYTES, Frontier, leaf_hash
from exchange.standards.notes import Signature, open_checkpoint, read_checkpoint, read_note
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.link import HubLink


def cosign_tree(link: HubLink) -> bool:
    """Cosign the newest tree if it grew out of the last and the hub's clock is near.

    Returns whether it was cosigned. Raises `LogError` `rolled-back`, `split-view`, after which the
    log is believed no more.
    """
    note = link.client.checkpoint()
    assert note is not None, "there is always a newest tree"
    last = link.office.working_set().gateway.watching.last
    new = read_checkpoint(read_note(note).text)
    frontier, entries = _grow(link, new.size)
    proof = (
        link.client.consistency(last.size, new.size) if last and 0 < last.size < new.size else ()
    )
    broken: LogError | None = None
    signature = None
    with link.office.transaction() as working_set:
        watch = working_set.gateway.watching
        if watch.last is not None and (last is None or watch.last.size != last.size):
            # Another program has seen a newer tree meanwhile: the next poll goes on from there.
            return False
        try:
            signature = _cosign(link, working_set, note, proof)
        except LogError as error:
            broken = error
        if broken is None:
            if frontier.root() != new.root:
                # Kept, they would be of no use to a hub that has lost its own.
                raise LogError(
                    "split-view",
                    "the hub's leaves aren't those of its checkpoint",
                    fix="tell the other agencies",
                )
            _keep_tree(link, new.size, note, frontier, entries)
    if broken is not None:
        raise broken
    if signature is None:
        return False
    link.client.cosign(with_cosignatures(note, [signature]))
    return True


def _cosign(
    link: HubLink, working_set: WorkingSet, note: bytes, proof: tuple[bytes, ...]
) -> Signature | None:
    """Return the cosignature, None while the two clocks are apart. Notes a log that is broken."""
    try:
        signature = working_set.gateway.cosign(note, proof, link.office.clock())
    except LogError as error:
        if error.code == "clocks-apart":
            link.apart = error.message
            return None
        if error.code in ("rolled-back", "split-view"):
            link.office.broken(working_set, error)
        raise
    link.apart = None
    return signature


def _keep_tree(link: HubLink, size: int, note: bytes, frontier: Frontier, entries: bytes) -> None:
    if entries:
        link.office.journal.see(size - len(entries) // HASH_BYTES, entries)
    hashes = [node.hex() for node in frontier.hashes]
    link.office.journal.put("tree", {"size": size, "note": note.decode(), "hashes": hashes})


def _grow(link: HubLink, size: int) -> tuple[Frontier, bytes]:
    """Return the last tree grown to a size, and the leaf entries that are new, end to end."""
    kept = link.office.journal.get("tree") or {}
    hashes = [bytes.fromhex(node) for node in kept.get("hashes", ())]
    frontier = Frontier(int(kept["size"]) if "hashes" in kept else 0, hashes)
    if size < frontier.size:
        return frontier, b""
    entries = link.client.entries(frontier.size, size)
    for start in range(0, len(entries), HASH_BYTES):
        frontier.append(leaf_hash(entries[start : start + HASH_BYTES]))
    return frontier, entries


def fetch_proofs(link: HubLink) -> int:
    """Fetch the proofs of the leaves stored here, and return how many are now witnessed."""
    unproved = link.office.working_set().unproved()
    if not unproved:
        return 0
    note = link.client.checkpoint(witnessed=True)
    if note is None:
        return 0
    newest = link.office.working_set().gateway.history.newest
    size = open_checkpoint(note, newest.log, newest.witnesses()).checkpoint.size
    proofs = [
        (leaf, link.client.inclusion(leaf.index, size)) for leaf in unproved if leaf.index < size
    ]
    if not proofs:
        return 0
    with link.office.transaction() as working_set:
        for leaf, path in proofs:
            working_set.gateway.prove(leaf, path, note)
        leaves = [
            {"leaf": leaf.json(), "path": [base64.encode_url(node) for node in path]}
            for leaf, path in proofs
        ]
        body = {"checkpoint": note.decode(), "leaves": leaves}
        link.office.append(working_set, "proved", body)
    return len(proofs)
