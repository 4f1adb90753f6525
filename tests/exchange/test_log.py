"""Leaves, lines and times: what the log says, and what can't be made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import ExchangeError
from exchange.hub.store import Store
from exchange.log.checkpoints import Witness, check_included
from exchange.log.leaves import (
    BODIES,
    MOST_RELIED,
    ConflictBody,
    DirectoryBody,
    GenerationBody,
    HandoutBody,
    HandoutPart,
    KeyBody,
    Leaf,
    LeafBody,
    RecordBody,
    WithdrawalBody,
    commit_number,
    hash_entry,
    parse_leaf,
    read_body,
    write_body,
)
from exchange.log.receipts import rebuild_leaf
from exchange.log.signed_lines import (
    AccountLine,
    InboxLine,
    check_line_order,
    read_account_line,
    read_inbox_line,
    sign_line,
)
from exchange.log.tree import Log
from exchange.records.statements import CATEGORIES
from exchange.standards.merkle import EMPTY_ROOT, Tree, leaf_hash
from exchange.standards.notes import COSIGNATURE, Checkpoint, Note, cosign, derive_note_key
from tests.support.attack_stories import send_status, under_way
from tests.support.chance import chance
from tests.support.parties import LOG, ed25519
from tests.support.refused import reads_as_a_refusal, refused
from tests.support.simulator import World

HEX, SHORT, HANDLE, PACK = "0" * 64, "0" * 16, "0" * 32, "sha256:" + "0" * 64
EXAMPLES: list[LeafBody] = [
    RecordBody(id=HANDLE, issuer="police", sha256=HEX, time=5, number=HEX),
    HandoutBody(
        record=HANDLE,
        issuer="police",
        to="clinic",
        parts=(HandoutPart(part=SHORT, purpose="treatment", basis="consent", relies=(HANDLE,)),),
        number=1,
        time=5,
        pack=PACK,
    ),
    WithdrawalBody(record=HANDLE, issuer="police", to="clinic", parts=(SHORT,), number=1, time=5),
    DirectoryBody(version=1, sha256=HEX, time=5),
    KeyBody(agency="police", sha256=HEX, time=5),
    ConflictBody(id=HANDLE, issuer="police", sha256=HEX, time=5),
    GenerationBody(number=2, size=7, root=HEX, sha256=HEX, time=5),
]


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body.type)
def test_a_body_reads_back_and_has_no_room_for_more(body: Any) -> None:
    stored = write_body(body)
    assert read_body(stored) == body
    value = json.loads(stored)
    for changed in (
        {**value, "note": "x"},
        {**value, "time": -1},
        {**value, "time": "5"},
        {**value, "type": "gossip"},
    ):
        with refused("not-a-leaf"):
            read_body(json.dumps(changed).encode())
    for name in value:
        with refused("not-a-leaf"):
            read_body(
                json.dumps({key: each for key, each in value.items() if key != name}).encode()
            )


def test_every_kind_of_leaf_is_tried() -> None:
    assert {type(body) for body in EXAMPLES} == set(BODIES.values())


def test_an_opened_leaf_reads_back() -> None:
    leaf = Leaf(3, bytes(range(16)), write_body(EXAMPLES[0]))
    assert parse_leaf(json.loads(json.dumps(leaf.json()))) == leaf
    for wrong in ({"index": -1}, {"nonce": "00"}, {"more": 1}):
        with refused("wrong-shape"):
            parse_leaf({**leaf.json(), **wrong})
    with refused("not-a-leaf"):
        hash_entry(b"short", leaf.stored)


@given(
    st.integers(1, 2**40),
    st.integers(1, 2**40),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
)
def test_a_commitment_fixes_its_number(one: int, other: int, nonce: bytes, another: bytes) -> None:
    committed = commit_number(nonce, one)
    assert (commit_number(nonce, other) == committed) is (one == other)
    assert another == nonce or commit_number(another, one) != committed


@given(st.lists(st.integers(0, 10**6), max_size=12))
def test_time_never_goes_back_whatever_the_clock_does(clocks: list[int]) -> None:
    kept = Log(Store())
    for clock in clocks:
        kept.append(KeyBody(agency="police", sha256=HEX, time=kept.stamp(clock)), chance(clock))
    times = [leaf.body.time for leaf in kept.leaves]
    assert times == sorted(times) and [leaf.index for leaf in kept.leaves] == list(
        range(len(clocks))
    )
    assert not clocks or times[-1] == max(clocks)


def test_every_leaf_is_in_its_tree_and_in_no_other_place() -> None:
    world, _ = under_way()
    point = world.hub.log.checkpoint(LOG)
    for leaf in world.hub.log.leaves:
        path = world.hub.log.tree.inclusion(leaf.index)
        check_included(leaf, path, point)
        moved = Leaf((leaf.index + 1) % point.size, leaf.nonce, leaf.stored)
        blinded = Leaf(leaf.index, bytes(16), leaf.stored)
        for wrong in (moved, blinded):
            with refused("not-in-log"):
                check_included(wrong, path, point)


def test_a_receipt_rebuilds_its_leaf_from_the_record_alone() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    bundle, receipt = world.at["crossroads"]._sent[sent]
    assert receipt is not None
    from exchange.records.record import hash_statement

    leaf = rebuild_leaf(
        receipt, jti=sent, issuer="crossroads", statement=hash_statement(bundle.record)
    )
    check_included(leaf, world.hub.log.tree.inclusion(receipt.index), world.hub.log.checkpoint(LOG))


# Lines


def test_a_line_is_for_one_purpose_and_signed_by_the_hub() -> None:
    key = ed25519(LOG)
    world = World()
    hub = world.hub.history.newest.log
    inbox = sign_line(
        InboxLine(agency="police", items=0, total=0, size=1, time=5, directory=1), key, LOG
    )
    account = sign_line(AccountLine(case=HANDLE, size=1, time=5, last=(), passed=0), key, LOG)
    assert read_inbox_line(inbox, hub, "police").items == 0
    assert read_account_line(account, hub, HANDLE).last == ()
    with refused("wrong-line"):
        read_inbox_line(account, hub, "police")
    with refused("wrong-line"):
        read_account_line(inbox, hub, HANDLE)
    with refused("wrong-line"):
        read_account_line(account, hub, "1" * 32)
    with refused("unsigned"):
        read_inbox_line(world.hub.checkpoint(5), hub, "police")


@pytest.mark.parametrize("change", [{"items": 4}, {"size": 9}, {"time": 99}, {"directory": 1}])
def test_an_older_line_is_older_in_any_of_its_numbers(change: dict[str, int]) -> None:
    held = InboxLine(agency="police", items=5, total=5, size=10, time=100, directory=2)
    check_line_order(None, held)
    check_line_order(held, held)
    with refused("older-line"):
        check_line_order(held, held.model_copy(update=change))


# A witness


def empty(world: World) -> bytes:
    text = Checkpoint(LOG, 0, EMPTY_ROOT).text
    return Note(text, (cosign(text, ed25519(LOG), LOG, world.clock),)).encode()


def test_a_log_that_was_seen_empty_may_grow() -> None:
    world = World()
    watch = Witness(world.hub.history.newest.log)
    watch.advance(empty(world), ())
    seen = watch.advance(world.hub.checkpoint(world.clock), ())
    assert watch.last == seen.checkpoint and seen.checkpoint.size == world.hub.log.size
    with refused("rolled-back"):
        watch.advance(empty(world), ())


@pytest.mark.parametrize("apart", [-301, 301])
def test_a_witness_whose_clock_is_apart_takes_the_tree_and_signs_nothing(apart: int) -> None:
    world = World()
    watch = Witness(world.hub.history.newest.log)
    note = world.hub.checkpoint(world.clock)
    with refused("clocks-apart"):
        watch.cosign(note, (), ed25519("police.w1"), "police.w1", world.clock + apart)
    assert watch.last is not None and watch.last.size == world.hub.log.size
    assert watch.cosign(
        note, (), ed25519("police.w1"), "police.w1", world.clock + apart // 301 * 300
    )


@given(st.data())
def test_every_prefix_is_consistent_and_no_other_tree_is(data: st.DataObject) -> None:
    kept = Log(Store())
    for at in range(data.draw(st.integers(1, 20))):
        kept.append(KeyBody(agency="police", sha256=HEX, time=at), chance(at))
    first = data.draw(st.integers(1, kept.size))
    changed = data.draw(st.integers(0, first - 1))
    key, public = ed25519(LOG), derive_note_key(ed25519(LOG), LOG, COSIGNATURE)

    def note(tree: Tree, size: int) -> bytes:
        text = Checkpoint(LOG, size, tree.root(size)).text
        return Note(text, (cosign(text, key, LOG, 99),)).encode()

    other = Tree(
        leaf_hash(leaf.entry if leaf.index != changed else bytes(32)) for leaf in kept.leaves
    )
    honest, lied_to = Witness(public), Witness(public)
    honest.advance(note(kept.tree, first), ())
    honest.advance(note(kept.tree, kept.size), kept.tree.consistency(first))
    lied_to.advance(note(kept.tree, first), ())
    with refused("split-view"):
        lied_to.advance(note(other, kept.size), other.consistency(first))


def test_a_leaf_of_many_grants_is_written_and_reads_back() -> None:
    part = HandoutPart(
        part=SHORT, purpose="treatment", basis="consent", relies=(HANDLE,) * MOST_RELIED
    )
    body = EXAMPLES[1].model_copy(update={"parts": (part,) * 32})
    leaf = Leaf(3, bytes(16), write_body(body))
    assert parse_leaf(leaf.json()).body == body
    assert len(CATEGORIES) <= MOST_RELIED, "a part rests on one record a category"


@given(st.binary(max_size=200))
def test_whatever_stands_for_a_leaf_is_read_or_refused(data: bytes) -> None:
    try:
        read_body(data)
    except ExchangeError as error:
        reads_as_a_refusal(error)
