"""T1: the hub's operator wants to read.

The hub has ciphertext and labels, and no key that opens one.
"""

from __future__ import annotations

import base64
import pickle

from tests.support.attack_stories import TO_CLINIC, under_way
from tests.support.simulator import part

CANARY = "CANARY-5c1e-needle"


def spellings(word: str) -> list[bytes]:
    """The word as it might lie on a disk: plain, hex, and base64 at its three alignments."""
    plain = word.encode()
    shifted = [base64.b64encode(b"\0" * shift + plain)[4 * (shift > 0) : -4] for shift in range(3)]
    return [
        plain,
        plain.hex().encode(),
        *shifted,
        *(one.replace(b"+", b"-").replace(b"/", b"_") for one in shifted),
    ]


def test_no_word_of_a_sealed_part_is_anywhere_in_the_hub() -> None:
    world, case = under_way()
    text = part("treatment", {"text": CANARY}, to=TO_CLINIC, sensitivity="part2", notice="own-1")
    record = world.send("crossroads", "service_referral", text, case=case)
    world.settle()
    assert world.open("clinic", record).opened.content == {"treatment": {"text": CANARY}}
    hub = world.hub
    memory = hub.store._db.serialize() + pickle.dumps(str(hub.state(case)))
    for needle in spellings(CANARY):
        assert needle not in memory


def test_the_hub_has_no_key_that_opens() -> None:
    world, _ = under_way()
    kinds = {type(value).__name__ for value in vars(world.hub).values()}
    assert "PrivateKey" not in kinds
    assert not hasattr(world.hub, "sealing")
