"""An exhibit proves itself to somebody outside, and each thing that isn't as it was is found, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from exchange import exhibit as e
from exchange.errors import ExchangeError
from exchange.log import Leaf
from tests.attacks.stories import TO_PROSECUTOR, status_grant
from tests.simulator import MINUTE, World, part


def path_in(world: World, size: int | None = None) -> Callable[[Leaf], tuple[bytes, ...]]:
    return lambda leaf: world.hub.log.tree.inclusion(leaf.index, size)


@cache
def told() -> tuple[World, e.Exhibit]:
    """A status told to the prosecutor with consent, opened, and shown. Two parts were sent, one is shown."""
    world = World()
    case = world.enrolled(status_grant())
    before = world.witnessed()
    world.clock += 10 * MINUTE
    shown = part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR)
    kept = part("status", {"engagement": "starting"}, to=TO_PROSECUTOR)
    jti = world.send("crossroads", "status", shown, kept, case=case)
    world.clock += MINUTE
    world.pull("prosecutor")
    over = world.witnessed()
    world.prove("prosecutor", over)
    received = world.at["prosecutor"].received["crossroads", jti]
    assert received.record is not None
    for each in received.record.labels:
        world.open("prosecutor", jti, each)
    chosen = sorted(received.record.labels)[:1]
    built = e.exhibit_of(world.at["prosecutor"], "crossroads", jti, chosen, checkpoints=(before, over), path=path_in(world))
    return world, built


def code(exhibit: e.Exhibit, root: str | None = None) -> str:
    with pytest.raises(ExchangeError) as refused:
        e.verify_exhibit(exhibit, root)
    assert refused.value.mend
    return refused.value.code


def test_a_true_exhibit_says_who_when_to_whom_and_on_what_consent() -> None:
    world, exhibit = told()
    found = e.verify_exhibit(e.read_exhibit(exhibit.write()), world.hub.history.founders)
    assert (found.signer.agency, found.signer.role, found.signer.kid) == ("crossroads", "case_management", "crossroads.s1")
    assert (found.to, found.kind, len(found.parts)) == ("prosecutor", "status", 1)
    (shown,) = found.parts
    assert (shown.basis, shown.purpose) == ("consent", TO_PROSECUTOR["prosecutor"][0])
    (consent,) = found.relied
    assert consent.kind == "consent" and (consent.jti,) == shown.relies
    assert consent.logged.index < found.logged.index < found.handed.index
    assert found.handed.after is not None and found.handed.after <= found.handed.time <= found.handed.by
    assert found.closed >= 7 and "defender" in found.ground.witnesses
    assert found.ground.founders == world.hub.history.founders


def test_what_is_written_reads_the_same() -> None:
    _, exhibit = told()
    assert e.read_exhibit(exhibit.write()) == exhibit
    assert e.read_any(exhibit.write()) == exhibit
