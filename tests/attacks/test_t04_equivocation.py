"""T4: the hub shows one agency a log without the revocation. Its witnesses saw another one."""

from __future__ import annotations

from exchange.hub.store import Store
from exchange.log.checkpoints import Witness, with_cosignatures
from tests.support.attack_stories import send_status, status_grant, under_way
from tests.support.chance import chance
from tests.support.refused import refused
from tests.support.simulator import DAY, World


def forked() -> tuple[World, World, str]:
    """A hub that keeps two logs from here on: one with the revocation, and one without it."""
    world = World()
    case = world.enrolled(status_grant(id="1" * 16))
    return world, world.fork(), case


def test_a_log_that_did_not_grow_out_of_the_seen_one_is_refused_at_once() -> None:
    world, _ = under_way()
    seen = world.hub.checkpoint(world.clock)
    watch = Witness(world.hub.history.newest.log)
    watch.advance(seen, ())
    other = World(seed=99)
    other.hub.log = type(world.hub.log)(Store())
    for leaf in world.hub.log.leaves[:-1]:
        other.hub.log.append(leaf.body, chance(5))
    for leaf in world.hub.log.leaves[-3:]:
        other.hub.log.append(leaf.body, chance(6))
    forged = other.hub.checkpoint(world.clock)
    proof = other.hub.log.tree.consistency(watch.last.size if watch.last else 0)
    with refused("split-view"):
        watch.advance(forged, proof)
    # And it stays with what it saw.
    assert watch.last is not None and watch.last.root == world.hub.log.tree.root(watch.last.size)


def test_a_split_view_never_gets_the_defender_s_cosignature() -> None:
    honest, lying, case = forked()
    honest.change(case, "end", agencies=["prosecutor"], grant="1" * 16)
    honest.witnessed()
    # The lying hub shows the prosecutor a log without the revocation.
    send_status(lying, case)
    (received,) = lying.pull("prosecutor")
    note, tree = lying.hub.checkpoint(lying.clock), lying.hub.log.tree
    # The defender is asked to witness it, and has seen the other one.
    last = honest.at["defender"].watching.last
    assert last is not None and last.size < tree.size
    with refused("split-view"):
        honest.at["defender"].cosign(note, tree.consistency(last.size), honest.clock)
    # The police saw neither, and would; without the defender that is no quorum.
    seen = lying.at["police"].watching.last
    assert seen is not None
    cosigned = with_cosignatures(
        note, [lying.at["police"].cosign(note, tree.consistency(seen.size), lying.clock)]
    )
    with refused("no-quorum"):
        lying.at["prosecutor"].prove(
            received.item.leaf, tree.inclusion(received.item.leaf.index), cosigned
        )


def test_the_newest_line_that_the_prosecutor_holds_convicts_a_hub_that_goes_back() -> None:
    honest, lying, case = forked()
    honest.change(case, "end", agencies=["prosecutor"], grant="1" * 16)
    honest.pull("prosecutor")
    gateway = honest.at["prosecutor"]
    with refused("older-line", "gap"):
        gateway.take(lying.hub.inbox("prosecutor", lying.clock, gateway.cursor), honest.clock)


def test_without_the_quorum_a_part_opens_marked_for_a_day_and_then_no_more() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.pull("prosecutor")
    assert world.open("prosecutor", sent).unwitnessed
    world.clock += DAY - 1
    world.pull("prosecutor")
    assert world.open("prosecutor", sent).unwitnessed
    world.clock += 2
    world.pull("prosecutor")
    with refused("unwitnessed"):
        world.open("prosecutor", sent)
    world.settle()
    assert not world.open("prosecutor", sent).unwitnessed
