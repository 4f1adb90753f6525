"""T9: a consent is dated back to cover an earlier disclosure.

It counts from its index in the log, whatever date it states.
"""

from __future__ import annotations

from exchange.errors import NotPassed
from exchange.hub.hub import Rejection
from exchange.log.checkpoints import check_time
from exchange.log.leaves import RecordBody
from tests.support.attack_stories import TO_PROSECUTOR, send_status, status_grant, under_way
from tests.support.dishonest_parties import PermissiveHub, build_unchecked
from tests.support.refused import refused
from tests.support.simulator import DAY, World, leaves, part


def test_a_disclosure_before_it_stays_denied() -> None:
    world = World()
    case = world.enrolled()
    early = build_unchecked(
        world, "crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case
    )
    (before,) = world.submit(early)
    assert isinstance(before, Rejection) and isinstance(before.error, NotPassed)
    world.consent(case, status_grant(**{"from": "2020-01-01"}))
    (after,) = world.submit(early)
    assert not isinstance(after, Rejection), "from its index on, it covers"


def test_what_a_careless_hub_passed_before_it_does_not_open_after_it() -> None:
    world = World(PermissiveHub)
    case = world.enrolled()
    world.submit(
        build_unchecked(world, "crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case)
    )
    (early,) = world.pull("prosecutor")
    world.consent(case, status_grant(**{"from": "2020-01-01"}))
    world.settle()
    assert early.record is not None
    with refused("not-permitted"):
        world.open("prosecutor", early.record.jti)


def test_a_leaf_s_time_lies_between_the_checkpoints_that_its_witnesses_saw() -> None:
    from exchange.standards.notes import open_checkpoint

    world, case = under_way()
    newest = world.hub.history.newest
    before = open_checkpoint(world.witnessed(), newest.log, newest.witnesses())
    world.clock += DAY
    send_status(world, case)
    over = open_checkpoint(world.witnessed(), newest.log, newest.witnesses())
    leaf = leaves(world, RecordBody)[-1]
    check_time(leaf, before, over)
    body = leaf.body
    for time in (before.signed_at - 1, over.signed_at + 1, 0):
        from dataclasses import replace

        from exchange.log.leaves import write_body

        dated = replace(leaf, stored=write_body(body.model_copy(update={"time": time})))
        with refused("back-dated"):
            check_time(dated, before, over)
    with refused("wrong-checkpoints"):
        check_time(leaf, over, over)
    with refused("wrong-checkpoints"):
        check_time(leaf, None, before)


def test_a_gateway_holds_what_it_proves_to_the_times_that_it_saw() -> None:
    """A hub that dates a record back, to before a consent ended, is found out at the next proof."""
    world, case = under_way()
    world.clock += DAY
    world.settle()
    world.hub.log.time = 0
    world.clock -= DAY
    send_status(world, case)
    world.clock += DAY
    world.pull("prosecutor")
    with refused("back-dated"):
        world.prove("prosecutor", world.witnessed())


def test_the_hub_s_clock_never_takes_the_log_back() -> None:
    world, _ = under_way()
    world.clock -= 30 * DAY
    sent = world.hub.log.time
    send_status_at = world.hub.log.stamp(world.clock)
    assert send_status_at == sent
