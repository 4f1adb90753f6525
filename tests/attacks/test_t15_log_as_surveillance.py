"""T15: somebody reads the log to learn about people.

An entry is a digest blinded by a nonce, and a number hides behind another.
"""

from __future__ import annotations

from exchange.hub.store import Store
from exchange.log.leaves import KeyBody, RecordBody, commit_number, hash_entry
from exchange.log.tree import Log
from tests.support.attack_stories import send_status, under_way
from tests.support.chance import chance


def test_an_entry_can_t_be_found_by_guessing_its_body() -> None:
    world, case = under_way()
    send_status(world, case)
    leaf = world.hub.log.leaves[-1]
    # Even who has every word of the body has no way to the entry without sixteen random bytes.
    guesses = {hash_entry(chance(seed)(16), leaf.stored) for seed in range(200)} | {
        hash_entry(bytes(16), leaf.stored)
    }
    assert leaf.entry not in guesses
    assert hash_entry(leaf.nonce, leaf.stored) == leaf.entry


def test_two_commits_of_one_body_have_unlike_entries() -> None:
    kept = Log(Store())
    body = KeyBody(agency="police", sha256="0" * 64, time=kept.stamp(5))
    first, second = kept.append(body, chance(1)), kept.append(body, chance(2))
    assert first.stored == second.stored and first.entry != second.entry


def test_a_record_s_leaf_names_no_case_kind_recipient_or_number() -> None:
    world, case = under_way()
    send_status(world, case)
    body = world.hub.log.leaves[-1].stored.decode()
    for word in (case, "status", "prosecutor", '"number":1', '"number":2'):
        assert word not in body


def test_a_recipient_learns_no_number_of_a_record_in_its_case() -> None:
    world, case = under_way()
    for _ in range(3):
        send_status(world, case)
    (*_, last) = world.pull("prosecutor")
    assert last.item.recorded is not None
    committed = last.item.recorded.body
    assert isinstance(committed, RecordBody)
    # An attacker needs the second nonce to try the numbers. The recipient has only the first.
    assert committed.number not in {
        commit_number(last.item.recorded.nonce, number) for number in range(100)
    }


def test_losing_the_nonce_unlinks_the_leaf() -> None:
    world, case = under_way()
    send_status(world, case)
    leaf = world.hub.log.leaves[-1]
    assert leaf.entry.hex() not in leaf.stored.hex() and len(leaf.entry) == 32
