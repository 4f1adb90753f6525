"""T14: somebody edits the rules.

Each decision names the pack's digest. The directory, signed by the threshold, names the one in
force.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import rules
from exchange.consent.disclosure import Judge
from exchange.hub.hub import Hub
from exchange.log.leaves import HandoutBody
from rules.shelf import find, read_pack
from tests.support.attack_stories import send_status, under_way
from tests.support.parties import LOG, after, ed25519, lead_digest, signed
from tests.support.refused import refused
from tests.support.simulator import World, leaves


def test_every_hand_out_names_the_pack_that_let_it_pass() -> None:
    world, case = under_way()
    send_status(world, case)
    world.settle()
    handed = [leaf.body for leaf in leaves(world, HandoutBody)]
    assert handed and all(
        isinstance(body, HandoutBody) and body.pack == lead_digest() for body in handed
    )


def test_another_pack_needs_the_threshold() -> None:
    world, _ = under_way()
    other = after(world.hub.history, pack={"id": "lead", "digest": "sha256:" + "0" * 64})
    with refused("threshold"):
        world.change_directory(signed(other, ("police", "prosecutor", "program")))


def test_a_pack_with_one_word_changed_has_another_digest(tmp_path: Path) -> None:
    folder = tmp_path / "lead"
    shutil.copytree(find("lead"), folder)
    text = (folder / "pack.yaml").read_text()
    assert 'recipient.role == "police"' in text
    (folder / "pack.yaml").write_text(
        text.replace('recipient.role == "police"', 'recipient.role == "defender"', 1)
    )
    changed = read_pack(folder, whole=False)
    assert rules.Program(changed).digest != lead_digest()


def test_a_pack_that_nobody_holds_lets_nothing_pass() -> None:
    def only_lead(digest: str) -> Judge:
        raise AssertionError(digest)

    world, case = under_way()
    hub = Hub(ed25519(LOG), LOG, only_lead, world.random)
    assert hub.log.size == 0
    world.at["prosecutor"]._judge = only_lead
    sent = send_status(world, case)
    world.settle()
    with pytest.raises(AssertionError):
        world.open("prosecutor", sent)
    assert World().hub.history.newest.pack == lead_digest()
