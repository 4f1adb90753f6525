"""T18: the hub drops, reorders, or delays records.

Numbers without gaps, signed lines, and receipts turn silence into evidence.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.consent.account import Proved, read_account
from exchange.consent.accounting import RecordEvidence, verify_account
from exchange.hub.hub import Hub
from exchange.log.receipts import rebuild_leaf
from exchange.log.signed_lines import InboxLine, LastNumber, read_account_line, sign_line
from exchange.protocol.inbox import Inbox
from exchange.records.record import hash_statement as record_statement
from exchange.standards import base64
from tests.support.attack_stories import send_status, status_grant, under_way
from tests.support.refused import refused
from tests.support.simulator import DAY, World


def three() -> tuple[World, str, Inbox]:
    """Three records on their way to the prosecutor, as the hub answers."""
    world, case = under_way()
    for _ in range(3):
        send_status(world, case)
    return world, case, world.inbox("prosecutor")


def test_a_dropped_item_is_a_gap() -> None:
    for missing in range(3):
        world, _, answer = three()
        items = answer.items[:missing] + answer.items[missing + 1 :]
        with refused("gap"):
            world.at["prosecutor"].take(replace(answer, items=items), world.clock)
        assert world.at["prosecutor"].cursor == 1, "nothing of a wrong answer is taken"


def test_another_order_is_a_gap() -> None:
    world, _, answer = three()
    with refused("gap"):
        world.at["prosecutor"].take(replace(answer, items=answer.items[::-1]), world.clock)


def test_an_old_answer_is_refused() -> None:
    world, case, _ = three()
    old = world.inbox("prosecutor")
    world.pull("prosecutor")
    send_status(world, case)
    with refused("gap", "older-line"):
        world.at["prosecutor"].take(old, world.clock)
    world.pull("prosecutor")
    with refused("gap", "older-line"):
        world.at["prosecutor"].take(replace(old, items=()), world.clock)


def test_a_line_of_another_agency_or_of_nobody_is_refused() -> None:
    world, _, answer = three()
    with refused("wrong-line"):
        world.at["prosecutor"].take(replace(answer, line=world.inbox("police").line), world.clock)
    with refused("bad-signature"):
        world.at["prosecutor"].take(
            replace(answer, line=answer.line.replace(b'"items":4', b'"items":1')), world.clock
        )
    with refused("unsigned"):
        line = InboxLine(
            agency="prosecutor", items=4, total=4, size=10**6, time=world.clock, directory=1
        )
        from tests.support.parties import ed25519

        world.at["prosecutor"].take(
            replace(answer, line=sign_line(line, ed25519("stranger"), "hub.example/lead")),
            world.clock,
        )


def test_a_hub_that_answers_nothing_new_for_a_day_opens_nothing_any_more() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    world.clock += 86401
    with refused("stale-line"):
        world.open("prosecutor", sent)
    world.pull("prosecutor")
    assert world.open("prosecutor", sent)


# The account of a case convicts who leaves something out


def accounted() -> tuple[World, str, dict[str, object]]:
    world, case = under_way()
    for _ in range(2):
        send_status(world, case)
    world.settle()
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    return world, case, json.loads(account.write())


def test_the_honest_account_proves_itself_complete() -> None:
    world, _, value = accounted()
    statement = verify_account(read_account(json.dumps(value).encode()), world.hub.history)
    assert statement.last == {"police": 1, "crossroads": 3}
    told = [(row.to, row.category, row.status) for row in statement.rows if row.kind == "status"]
    assert told == [("prosecutor", "status", "handed out")] * 2
    assert all(row.relies for row in statement.rows if row.basis == "consent")


@pytest.mark.parametrize("missing", range(4))
def test_a_record_left_out_is_missed_by_its_number(missing: int) -> None:
    world, _, value = accounted()
    del value["records"][missing]
    with refused("number-missing"):
        verify_account(read_account(json.dumps(value).encode()), world.hub.history)


def test_a_hub_that_counts_too_few_is_convicted_by_any_receipt() -> None:
    world, case, value = accounted()
    last = value["records"].pop()
    line = read_account_line(str(value["line"]).encode(), world.hub.history.newest.log, case)
    fewer = tuple(
        one if one.issuer != "crossroads" else LastNumber(issuer="crossroads", last=2)
        for one in line.last
    )
    value["line"] = sign_line(
        line.model_copy(update={"last": fewer, "passed": line.passed - len(last["passed"])}),
        world.hub._key,
        world.hub.name,
    ).decode()
    statement = verify_account(read_account(json.dumps(value).encode()), world.hub.history)
    (receipt,) = [
        receipt
        for _, receipt in world.at["crossroads"]._sent.values()
        if receipt and receipt.index == last["recorded"]["leaf"]["index"]
    ]
    proof = Proved(
        rebuild_leaf(receipt, **_claimed(last["record"])),
        world.hub.log.tree.inclusion(receipt.index),
    )
    with refused("left-out"):
        statement.check_evidence(
            RecordEvidence(last["record"], proof, world.witnessed()), world.hub.history
        )


def _claimed(jws: str) -> dict[str, str]:
    payload = json.loads(base64.decode_url(jws.split(".")[1]))
    return {"jti": payload["jti"], "issuer": payload["iss"], "statement": record_statement(jws)}


@given(st.data())
def test_no_field_of_an_account_can_be_changed_unnoticed(data: st.DataObject) -> None:
    world, value = _once()
    changed = json.loads(json.dumps(value))
    record = data.draw(st.sampled_from(changed["records"]))
    what = data.draw(
        st.sampled_from(
            ["record", "labels", "entries", "pads", "number", "number_nonce", "recorded", "passed"]
        )
    )
    before = json.dumps(record[what])
    if what == "number":
        record[what] += data.draw(st.sampled_from([1, -1, 5]))
    elif what in ("record", "number_nonce"):
        at = data.draw(st.integers(0, len(record[what]) - 1))
        letter = data.draw(st.sampled_from("0123456789abcdef"))
        record[what] = record[what][:at] + letter + record[what][at + 1 :]
    elif what == "recorded":
        record[what] = data.draw(st.sampled_from(changed["records"]))["recorded"]
    elif what == "passed":
        record[what] = record[what][1:] + [
            dict(one)
            for other in changed["records"]
            if other is not record
            for one in other["passed"]
        ]
    else:
        record[what] = record[what][1:]
    if json.dumps(record[what]) == before:
        return
    with refused():
        verify_account(read_account(json.dumps(changed).encode()), world.hub.history)


_ONCE: list[tuple[World, dict[str, object]]] = []


def _once() -> tuple[World, dict[str, object]]:
    if not _ONCE:
        world, _, value = accounted()
        _ONCE.append((world, value))
    return _ONCE[0]


def test_a_revocation_turned_to_rubbish_on_the_way_stops_the_whole_answer() -> None:
    """An unreadable record may be a revocation, so the whole answer is refused."""
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    world.change(case, "end", agencies=["prosecutor"], grant=status_grant()["id"])
    answer = world.inbox("prosecutor")
    for rubbish in ("", "no record", "a.b.c", answer.items[0].delivery.record[40:]):
        garbled = replace(
            answer.items[0], delivery=replace(answer.items[0].delivery, record=rubbish)
        )
        with refused("not-an-inbox"):
            world.at["prosecutor"].take(replace(answer, items=(garbled,)), world.clock)
    world.at["prosecutor"].take(answer, world.clock)
    with refused("not-permitted"):
        world.open("prosecutor", sent)


def test_a_consent_whose_leaf_no_witness_saw_is_not_relied_on_for_long() -> None:
    """A hub can't hide a record that a hand-out relies on: the recipient works that out itself."""

    class SaysNothing(Hub):
        def _relies(self, committed: Any, passage: Any) -> tuple[str, ...]:
            return ()

    world = World(hub=SaysNothing)
    case = world.new_case()
    world.refer(case)
    consent = world.consent(case, status_grant())
    sent = send_status(world, case)
    world.pull("prosecutor")
    gateway, checkpoint = world.at["prosecutor"], world.witnessed()
    for one in gateway.received.values():
        for leaf in (one.item.leaf, one.item.recorded):
            if one.record.jti != consent:
                gateway.prove(leaf, world.hub.log.tree.inclusion(leaf.index), checkpoint)
    for leaf in gateway.members:
        gateway.prove(leaf, world.hub.log.tree.inclusion(leaf.index), checkpoint)
    assert world.open("prosecutor", sent).unwitnessed
    world.clock += 2 * DAY
    world.pull("prosecutor")
    with refused("unwitnessed"):
        world.open("prosecutor", sent)


def test_a_no_that_the_log_says_was_handed_out_and_never_came_blocks_its_case() -> None:
    """A hub that logs a hand-out and delivers nothing can't make its recipient look guilty."""
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    ended = world.change(case, "end", agencies=["prosecutor"], grant=status_grant()["id"])
    answer = world.inbox("prosecutor")
    (item,) = answer.items
    gateway = world.at["prosecutor"]
    for lying in (replace(item, recorded=None, delivery=None), replace(item, delivery=None)):
        with refused("gap"):
            gateway.take(replace(answer, items=(lying,)), world.clock)
    other, _ = world.hub.store.record("crossroads", sent)
    with refused("wrong-leaf"):
        gateway.take(
            replace(answer, items=(replace(item, delivery=None, record=other.jws),)), world.clock
        )
    true, _ = world.hub.store.record("crossroads", ended)
    gateway.take(
        replace(answer, items=(replace(item, delivery=None, record=true.jws),)), world.clock
    )
    with refused("not-permitted"):
        world.open("prosecutor", sent)


def test_an_answer_that_was_lost_and_may_not_be_given_again_says_of_what_kind_it_was() -> None:
    world, case = under_way()
    send_status(world, case)
    world.inbox("prosecutor")
    world.change(case, "end", agencies=["prosecutor"], grant=status_grant()["id"])
    first, second = world.inbox("prosecutor").items
    assert first.delivery is None and first.record is not None and second.delivery is not None
    world.settle()
    assert len(world.at["prosecutor"].undelivered) == 1 and not world.at["prosecutor"].faults


def test_however_much_waits_an_answer_has_its_size_and_the_rest_comes_with_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exchange.hub.hub.LARGEST_ANSWER", 12_000)
    world, case = under_way()
    sent = {send_status(world, case) for _ in range(9)}
    taken = [len(world.inbox("prosecutor").items)]
    while world.pull("prosecutor"):
        taken.append(len(world.inbox("prosecutor").items))
    assert max(taken) < 5 and sent <= world.got("prosecutor")
