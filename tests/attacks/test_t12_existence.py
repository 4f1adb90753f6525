"""T12: a recipient wants to know whether a part was withheld.

The delivery has the same lengths and shape either way.
"""

from __future__ import annotations

import json
import re

import pytest

from exchange.records.building import Part, build_bundle
from exchange.records.bundle import check_bundle
from exchange.records.delivery import make_delivery
from tests.support.chance import chance
from tests.support.keys import key
from tests.support.simulator import World

WORLD = World()
MEMBERSHIP = WORLD.hub.history.membership_at(WORLD.hub.log.size)


def shared() -> Part:
    return Part(
        category=("progress",),
        content={"progress": {"facts": {"case.progress.housing": "better"}}},
        to={"clinic": ("treatment", "consent")},
        keep_until="2027-11-30",
        use="no_adverse_action",
    )


def withheld(number: int, category: str = "substance_use", text: str = "x") -> Part:
    return Part(
        category=(category,),
        content={category: {"text": text * 50}},
        to={"hospital": ("treatment", "consent"), "defender": ("legal_representation", "consent")},
        keep_until=f"2027-11-{number + 10}",
        sensitivity="part2",
        use="no_adverse_action",
        notice="own-1",
    )


def arrives(*hidden: Part) -> str:
    """Return the clinic's mail as text."""
    parts = [shared(), *hidden]
    sent = build_bundle(
        key("crossroads.s1"),
        "progress",
        parts,
        membership=MEMBERSHIP,
        case="cd" * 16,
        iat=1,
        random_bytes=chance(len(hidden)),
    )
    at_hub = check_bundle(sent, MEMBERSHIP)
    mine = [entry.part for entry in at_hub.entries if entry.to.startswith("clinic")]
    return json.dumps(make_delivery(at_hub, "clinic", mine).json())


def blanked(text: str) -> str:
    """Overwrite digests, salts, signatures, ciphertexts, and random ids, letter for letter."""
    return re.sub(r"[A-Za-z0-9_-]{16,}", lambda found: "#" * len(found[0]), text)


@pytest.mark.parametrize("hidden", [1, 2, 3])
def test_with_and_without_the_withheld_part_all_is_of_one_length_and_shape(hidden: int) -> None:
    alone = arrives()
    beside = arrives(*(withheld(number) for number in range(hidden)))
    assert len(alone) == len(beside)
    assert blanked(alone) == blanked(beside)


def test_no_word_of_the_withheld_label_occurs() -> None:
    text = arrives(withheld(1, "test_result", "POSITIVE"))
    words = text + "".join(_decoded(text))
    for word in (
        "test_result",
        "POSITIVE",
        "hospital",
        "legal_representation",
        "2027-11-11",
        "part2",
        "own-1",
    ):
        assert word not in words


def _decoded(text: str) -> list[str]:
    """Decode all runs of base64url, so that nothing hides inside one."""
    from exchange.errors import TextError
    from exchange.standards import base64

    found = []
    for run in re.findall(r"[A-Za-z0-9_-]{20,}", text):
        try:
            found.append(base64.decode_url(run).decode("latin-1"))
        except TextError:
            continue
    return found


def test_the_payload_tells_the_kind_and_never_the_number_of_parts() -> None:
    for hidden in range(4):
        delivered = json.loads(arrives(*(withheld(number) for number in range(hidden))))
        payload = json.loads(_decoded(delivered["record"].split(".")[1])[0])
        assert len(payload["parts"]) == 8 and payload["kind"] == "progress"
