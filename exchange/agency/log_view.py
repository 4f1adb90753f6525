"""Follow the hub's log: its directory, its generations, its checkpoints, and its proofs.

A gateway believes a log only while each tree grows out of the one before. A tree that shrank or
split is refused at once, and the two signed checkpoints are the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.errors import LogError
from exchange.log import generation
from exchange.log.checkpoints import Witness, check_included, check_time
from exchange.log.generation import GenerationTerms
from exchange.log.leaves import DirectoryBody, KeyBody, Leaf, sha256_hex
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload
from exchange.standards.notes import Signature, WitnessedCheckpoint, open_checkpoint

# The most checkpoints that are kept with their times. For an older leaf, only the upper bound is
# known.
MOST_SEEN = 4096

EVIDENCE = "keep what was answered as evidence, and tell the other agencies"


class LogView:
    """One agency's view of the log.

    INVARIANT: it has no private key, because snapshots of a gateway contain it.
    """

    def __init__(self, agency: str) -> None:
        self.agency = agency
        self.history = History()
        # INVARIANT: once set, nothing is taken, sent, or opened on this log until people have
        # looked, or the threshold has signed a generation that explains it.
        self.broken: LogError | None = None
        # Leaves of directory versions, keys, and generations. What they fix applies from their
        # index on, so they are proved like all others.
        self.members: list[Leaf] = []
        # The same leaves with their documents, in the log's order, for an exhibit to show.
        self.learned: list[tuple[Leaf, SignedPayload | str]] = []
        # The log's generations after the first.
        self.generations: list[tuple[Leaf, SignedPayload]] = []
        self.watch: Witness | None = None
        self.proved: dict[int, bytes] = {}
        # Each witnessed checkpoint with the hub's time. A leaf's time lies between two of them.
        self._seen: list[WitnessedCheckpoint] = []
        # The last checkpoint with checked signatures, and the directory version used.
        self._opened: tuple[bytes, int, WitnessedCheckpoint] | None = None

    def check_unbroken(self) -> None:
        """Raise the `LogError` that broke the log, if there is one."""
        if self.broken is not None:
            raise self.broken

    @property
    def watching(self) -> Witness:
        """The watch on the log. Raises `LogError` `no-directory`."""
        if self.watch is None:
            raise LogError(
                "no-directory",
                "no directory names this log's key",
                fix="learn the directory first",
            )
        return self.watch

    # Members

    def learn_directory(self, leaf: Leaf, signed: SignedPayload) -> None:
        """Add the next directory version. Raises `LogError` `wrong-leaf`; as `History.add`."""
        body = leaf.body
        if not isinstance(body, DirectoryBody) or body.sha256 != sha256_hex(signed.payload):
            raise wrong_leaf("a version of the directory")
        self.history.add(leaf.index, signed)
        self.members.append(leaf)
        self.learned.append((leaf, signed))
        if self.watch is None:
            self.watch = Witness(self.history.newest.log)

    def learn_key(self, leaf: Leaf, announced: str) -> None:
        """Add a sealing key. Raises `LogError` `wrong-leaf`; as `History.add_sealing`."""
        body = leaf.body
        if not isinstance(body, KeyBody) or body.sha256 != sha256_hex(announced.encode()):
            raise wrong_leaf("a key")
        self.history.add_sealing(leaf.index, announced)
        self.members.append(leaf)
        self.learned.append((leaf, announced))

    # Generations

    def read_generation(self, leaf: Leaf, signed: SignedPayload) -> GenerationTerms:
        """Check the log's next generation and return its terms. Raises as `generation.check`."""
        in_force = self.history.at(leaf.index)
        earlier = (document for _, document in self.generations)
        return generation.check(leaf, signed, in_force, earlier)

    def check_terms(self, terms: GenerationTerms, size: int, leaves: Iterable[Leaf]) -> None:
        """Check that a generation drops nothing that this agency holds.

        `size` is the largest tree size that the hub signed to this agency, and `leaves` are the
        leaves that it holds. Raises `LogError`: `generation-drops`, `split-view`.
        """
        last = self.watch.last if self.watch is not None else None
        reached = max(last.size if last else 0, size)
        if reached > terms.ends.size:
            raise _drops(
                f"the log had `{reached}` leaves here, and is to go on after `{terms.ends.size}`"
            )
        if last is not None and last.size == terms.seen.size and last.root.hex() != terms.seen.root:
            raise LogError(
                "split-view", f"another tree of `{last.size}` leaves was seen here", fix=EVIDENCE
            )
        for leaf in leaves:
            if leaf.index >= terms.restored.size and (
                leaf.index >= terms.ends.size or generation.covers(terms.lost, leaf.index)
            ):
                raise _drops(f"leaf `{leaf.index}` is held here, and is to be lost")

    def add_generation(self, leaf: Leaf, signed: SignedPayload) -> None:
        """Add a checked generation. With it, a log that had only gone back is believed again."""
        self.generations.append((leaf, signed))
        self.members.append(leaf)
        if self.broken is not None and self.broken.code == "rolled-back":
            self.broken = None

    # Checkpoints and proofs

    def cosign(
        self, note: bytes, consistency: tuple[bytes, ...], key: Ed25519PrivateKey, now: int
    ) -> Signature:
        """Cosign a checkpoint that grew out of every one seen. Raises as `Witness.cosign`."""
        entry = self.history.newest.agencies.get(self.agency)
        if entry is None:
            raise LogError(
                "not-a-witness", f"`{self.agency}` isn't in the directory", fix="ask the others why"
            )
        name = entry.witness.name
        try:
            return self.watching.cosign(note, consistency, key, name, now)
        except LogError as error:
            if error.code in ("rolled-back", "split-view"):
                self.broken = error
            raise

    def prove(self, leaf: Leaf, path: tuple[bytes, ...], checkpoint: bytes) -> None:
        """Prove that a leaf is in the log, at a time that its witnesses confirm.

        Raises `NoteError` as `open_checkpoint` and `no-quorum`; `LogError` `not-in-log`,
        `back-dated`.
        """
        witnessed = self._witnessed_by_quorum(checkpoint)
        check_included(leaf, path, witnessed.checkpoint)
        before = [seen for seen in self._seen if seen.checkpoint.size <= leaf.index]
        check_time(leaf, before[-1] if before else None, witnessed)
        self.proved[leaf.index] = leaf.entry
        # Of several checkpoints over one tree, only the latest is worth keeping. An older tree
        # adds nothing.
        smaller = [seen for seen in self._seen if seen.checkpoint.size < witnessed.checkpoint.size]
        if len(smaller) == len(self._seen) or witnessed.signed_at > self._seen[-1].signed_at:
            self._seen = [*smaller, witnessed][-MOST_SEEN:]

    def is_proved(self, leaf: Leaf) -> bool:
        """Return whether this very leaf was proved under a witnessed checkpoint."""
        return self.proved.get(leaf.index) == leaf.entry

    def _witnessed_by_quorum(self, checkpoint: bytes) -> WitnessedCheckpoint:
        """Return a checkpoint with its witnesses.

        Many leaves are proved under one checkpoint, and its signatures are checked once.
        """
        newest = self.history.newest
        if self._opened is None or self._opened[:2] != (checkpoint, newest.version):
            witnessed = open_checkpoint(checkpoint, newest.log, newest.witnesses())
            newest.check_quorum(witnessed)
            self._opened = checkpoint, newest.version, witnessed
        return self._opened[2]


def wrong_leaf(subject: str) -> LogError:
    """Return the refusal of an opened leaf that isn't the leaf of `subject`."""
    return LogError("wrong-leaf", f"the opened leaf isn't the one of {subject}", fix=EVIDENCE)


def _drops(message: str) -> LogError:
    return LogError(
        "generation-drops",
        message,
        fix="sign nothing, keep it as evidence, and tell the other agencies",
    )
