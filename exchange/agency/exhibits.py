"""Build documents for a court, counsel, or an auditor from what a gateway holds.

Nothing built here is verified yet. Verify a document with `exchange.evidence.verify` before it
leaves the agency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from exchange.agency.deliveries import Received
from exchange.agency.gateway import Gateway
from exchange.consent.account import Proved
from exchange.errors import LogError
from exchange.evidence.documents import DecisionExhibit, Exhibit, Member, ShownRecord
from exchange.evidence.verify import handout_of
from exchange.log.leaves import Leaf
from exchange.log.receipts import rebuild_leaf
from exchange.models import agency_of
from exchange.records.bundle import check_bundle
from exchange.records.label import Label
from exchange.records.manifest import Entry, Path, rebuild_manifest
from exchange.records.presentation import present
from exchange.records.record import Record
from exchange.records.statements import About, Answer, Change, Emergency, Grant
from exchange.standards import sd_jwt
from exchange.standards.notes import read_checkpoint, read_note

# A leaf's path in the tree of the last checkpoint.
PathOf = Callable[[Leaf], tuple[bytes, ...]]


def exhibit_of(
    gateway: Gateway,
    issuer: str,
    jti: str,
    parts: Iterable[str],
    *,
    checkpoints: Sequence[bytes],
    path: PathOf,
) -> Exhibit:
    """Build an exhibit of opened parts of a record that this agency received.

    `checkpoints` are witnessed and in order of size, and the last covers the hand-out. `path`
    gives a leaf's path under that last checkpoint. Raises `LogError` `not-handed` for a part
    that isn't open here, `relied-missing`.
    """
    received = gateway.received.get((issuer, jti))
    chosen = sorted(set(parts))
    if (
        received is None
        or received.record is None
        or not chosen
        or not received.opened.keys() >= set(chosen)
    ):
        raise _not_open()
    record, handout = received.record, received.item.leaf
    relied = tuple(
        _relied_record(gateway, relied_jti, received, chosen, path)
        for relied_jti in _relied_ids(gateway, received, record, chosen)
        if relied_jti != jti
    )
    return Exhibit(
        ShownRecord(
            present(record, [received.opened[part] for part in chosen]),
            _delivered_entries(received, chosen),
            _proved(_record_leaf(received), path),
        ),
        _proved(handout, path),
        relied,
        tuple(checkpoints),
        _members(gateway, checkpoints[-1], path),
    )


def decision_exhibit_of(
    gateway: Gateway,
    jti: str,
    rests_on: Iterable[tuple[str, str]],
    *,
    checkpoints: Sequence[bytes],
    path: PathOf,
) -> DecisionExhibit:
    """Build an exhibit of a decision, sent or received, with the parts that it rests on.

    `rests_on` are pairs of record and part id. Parts that this agency doesn't hold are left out.
    Checkpoints and path as for `exhibit_of`. Raises `LogError` `not-handed` if no part of the
    decision is open here.
    """
    wanted: dict[str, set[str]] = {}
    for record_id, part in rests_on:
        wanted.setdefault(record_id, set()).add(part)
    decision = _any_record(gateway, jti, None, path)
    if decision is None:
        raise _not_open()
    sources = [
        _any_record(gateway, record_id, parts, path) for record_id, parts in sorted(wanted.items())
    ]
    return DecisionExhibit(
        decision,
        tuple(source for source in sources if source is not None),
        tuple(checkpoints),
        _members(gateway, checkpoints[-1], path),
    )


def _members(gateway: Gateway, checkpoint: bytes, path: PathOf) -> tuple[Member, ...]:
    """Return every directory version and key that the gateway learned under a checkpoint."""
    size = read_checkpoint(read_note(checkpoint).text).size
    return tuple(
        Member(_proved(leaf, path), document)
        for leaf, document in gateway.learned
        if leaf.index < size
    )


def _proved(leaf: Leaf, path: PathOf) -> Proved:
    return Proved(leaf, path(leaf))


# Records that a hand-out relies on


def _relied_ids(
    gateway: Gateway, received: Received, record: Record, parts: Sequence[str]
) -> Iterable[str]:
    """Return the ids of the records that a hand-out of these parts relies on, each once.

    A change goes to the agencies that its grant names. So the grant is shown too, although the
    hand-out of consent terms lists no record that it relies on.
    """
    handout = received.item.leaf
    state = gateway.state(record.case).before(handout.index)
    labels = [record.labels[part] for part in parts]
    changed = [
        grant.jti for grant in state.grants if any(_changes(label, grant.grant) for label in labels)
    ]
    logged = [
        jti
        for part in handout_of(handout, record).parts
        if part.part in parts
        for jti in part.relies
    ]
    return dict.fromkeys((*logged, *changed))


def _relied_record(
    gateway: Gateway, jti: str, main: Received, parts: Sequence[str], path: PathOf
) -> ShownRecord:
    """Return a record that a hand-out relies on, with the labels that matter and no content."""
    assert main.record is not None and main.committed is not None, "a held record was checked"
    for received in gateway.received.values():
        record = received.record
        if record is not None and (record.jti, record.case) == (jti, main.record.case):
            relevant = _relevant_parts(record, main, parts)
            return _shown_record(
                record,
                relevant,
                _delivered_entries(received, relevant),
                _proved(_record_leaf(received), path),
            )
    bundle, receipt = gateway.sent_as(jti)
    if bundle is None or receipt is None:
        raise LogError(
            "relied-missing",
            f"the hand-out rests on `{jti}`, which isn't held here",
            fix="ask its sender what it rests on: this doesn't prove it",
        )
    record = check_bundle(bundle, gateway.history.membership_at(receipt.index))
    relevant = _relevant_parts(record, main, parts)
    manifest = rebuild_manifest(record.entries, record.pads)
    entries = tuple(
        (entry, manifest.path(entry)) for entry in record.entries if entry.part in relevant
    )
    leaf = rebuild_leaf(receipt, jti=jti, issuer=record.issuer, statement=record.sha256)
    return _shown_record(record, relevant, entries, _proved(leaf, path))


def _shown_record(
    record: Record,
    parts: Iterable[str],
    entries: tuple[tuple[Entry, Path], ...],
    recorded: Proved,
) -> ShownRecord:
    text = sd_jwt.join(record.jws, [record.disclosures[part] for part in sorted(parts)])
    return ShownRecord(text, entries, recorded)


def _relevant_parts(record: Record, main: Received, parts: Sequence[str]) -> frozenset[str]:
    """Return the parts of a relied-on record that support these parts of the main record.

    The other parts stay closed, because nobody outside the case needs them.
    """
    assert main.record is not None, "a held record was checked"
    labels = [main.record.labels[part] for part in parts]
    pair = {main.record.issuer, *(agency_of(entry.to) for entry in main.record.entries)}
    categories = {category for label in labels for category in label.category}
    about = {label.statement.about for label in labels if isinstance(label.statement, About)}

    def is_relevant(label: Label) -> bool:
        if (record.jti, label.id) in about:
            return True
        grant = label.statement
        if isinstance(grant, Grant):
            if any(_changes(changing, grant) for changing in labels):
                return True
            return {grant.discloser, grant.recipient} == pair and bool(
                categories & set(grant.categories)
            )
        return isinstance(label.statement, Answer | Emergency)

    return frozenset(label.id for label in record.labels.values() if is_relevant(label))


def _changes(label: Label, grant: Grant) -> bool:
    """Return whether a label's statement changes this grant."""
    change = label.statement
    return isinstance(change, Change) and (
        change.grant == grant.id or (grant.discloser, grant.recipient) in (change.pairs or ())
    )


# Records that a decision rests on


def _any_record(
    gateway: Gateway, jti: str, parts: Iterable[str] | None, path: PathOf
) -> ShownRecord | None:
    """Return a sent or received record with these parts, or None if none of them is here.

    Without `parts`, it has every part with a content that is readable here.
    """
    located = _sent_record(gateway, jti) or _received_record(gateway, jti)
    if located is None:
        return None
    record, leaf, contents = located
    if parts is None:
        chosen = [part for part in record.labels if part in contents]
    else:
        wanted = set(parts)
        chosen = [part for part in record.labels if part in wanted]
    if not chosen:
        return None
    disclosures = [contents[part] for part in chosen if part in contents]
    text = sd_jwt.join(record.jws, [*(record.disclosures[part] for part in chosen), *disclosures])
    return ShownRecord(text, (), _proved(leaf, path))


def _sent_record(gateway: Gateway, jti: str) -> tuple[Record, Leaf, Mapping[str, str]] | None:
    bundle, receipt = gateway.sent_as(jti)
    if bundle is None or receipt is None:
        return None
    record = check_bundle(bundle, gateway.history.membership_at(receipt.index))
    leaf = rebuild_leaf(receipt, jti=jti, issuer=record.issuer, statement=record.sha256)
    return record, leaf, gateway.contents.get(jti, {})


def _received_record(gateway: Gateway, jti: str) -> tuple[Record, Leaf, Mapping[str, str]] | None:
    for (_, received_jti), received in gateway.received.items():
        if received_jti == jti and received.record is not None:
            contents = {part: opened.disclosure for part, opened in received.opened.items()}
            return received.record, _record_leaf(received), contents
    return None


def _record_leaf(received: Received) -> Leaf:
    assert received.item.recorded is not None, "a received record arrives with its leaf"
    return received.item.recorded


def _delivered_entries(received: Received, parts: Iterable[str]) -> tuple[tuple[Entry, Path], ...]:
    assert received.item.delivery is not None, "a received record was delivered"
    wanted = set(parts)
    return tuple(
        (text.sealed.entry(), text.path)
        for text in received.item.delivery.texts
        if text.sealed.part in wanted
    )


def _not_open() -> LogError:
    return LogError("not-handed", "no such part is held here and opened", fix="open it first")
