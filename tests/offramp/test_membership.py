"""Test changes of the directory by command: retired keys, threshold signatures, and drafts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing

import pytest

from exchange.membership import proposal
from exchange.membership.signatures import sign_directory
from offramp.agency.errors import HubRefused
from offramp.agency.hub_link.delivery import send_outbox
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import link_of
from offramp.cli import main
from offramp.hub.membership import MOST_DRAFTS
from tests.support.agencies import referral
from tests.support.running_agencies import SIGNERS, Running, drafts, refused, told


def test_a_stolen_key_retires_at_once_and_the_new_one_counts_when_enough_have_signed(
    running: Running, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    words = ["serve", str(running.folder / "police"), "--passphrase-file", str(running.passphrase)]
    serving = subprocess.Popen(
        [sys.executable, "-m", "offramp", "agency", *words], stdout=subprocess.DEVNULL
    )
    request.addfinalizer(serving.kill)
    with closing(running.office("police")) as thief:
        at_theft = thief.working_set().gateway.history.newest
        done = told(running, capsys, "retire", "police", "police.s1")
        assert done["at_once"] and done["new_key"] == "police.s2"
        # The stolen key opens no way back: it asks for nothing any more.
        with pytest.raises(HubRefused) as found:
            link_of(thief).client.propose(proposal.remove_key(at_theft, "police.s1"))
        assert found.value.hub_code == "unknown-key"
    # Everybody sees what waits, in words, and only the threshold can put it in force.
    for name in SIGNERS:
        (draft,) = drafts(running, capsys, name)
        assert draft["sha256"] == done["draft"] and draft["yours"]
        (change,) = draft["changes"]
        assert change.startswith(
            "the key `police.s2` signs for `police` from then on: ask `police` by voice"
        )
        assert told(running, capsys, "approve", name, done["draft"])["changes"] == [change]
    assert drafts(running, capsys, "clinic") == []
    with closing(running.office("police")) as office:
        learn_directory(link_of(office))
    with closing(running.office("police")) as office:
        assert office.signing.public.kid == "police.s2"
        sent = office.compose("referral", (referral(),), case="c" * 32)
        send_outbox(link_of(office))
        assert office.working_set().outbox[sent.id].state == "sent"
    # The `serve` that ran all the time has taken it up, and what waits goes out by it.
    with closing(running.office("police")) as office:
        later = office.compose("referral", (referral(),), case="d" * 32).id
        deadline = time.monotonic() + 30
        while office.working_set().outbox[later].state == "queued" and time.monotonic() < deadline:
            time.sleep(0.1)
        assert office.working_set().outbox[later].state in ("sent", "witnessed")
    serving.terminate()
    assert serving.wait(20) == 0
    # The threshold must sign to retire another agency's key. An agency can invent a key of its own
    # only once.
    other = told(running, capsys, "retire", "police", "defender.s1")
    assert not other["at_once"] and drafts(running, capsys, "clinic")[0]["sha256"] == other["draft"]
    assert "isn't in force" in refused(running, capsys, "retire", "police", "police.s1")
    with closing(running.office("clinic")) as office:
        learn_directory(link_of(office))
        assert list(office.working_set().gateway.history.newest.agencies["defender"].signing) == [
            "defender.s1"
        ]


def test_the_only_defender_keeps_a_spare_key_and_is_not_locked_out_when_the_first_is_stolen(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    lonely = "no other defender can sign the directory, and this one has a single key"

    def found() -> list[str]:
        capsys.readouterr()
        main(
            [
                "agency",
                "doctor",
                str(running.folder / "defender"),
                "--passphrase-file",
                str(running.passphrase),
                "--json",
            ]
        )
        return [
            one["says"]
            for one in json.loads(capsys.readouterr().out)["found"]
            if one["level"] == "wrong"
        ]

    assert any(one.startswith(lonely) for one in found())
    made = told(running, capsys, "spare", "defender")
    assert made["new_key"] == "defender.s2"
    for name in SIGNERS:
        if name != "defender":
            told(running, capsys, "approve", name, made["draft"])
    with closing(running.office("defender")) as office:
        learn_directory(link_of(office))
    # It lies elsewhere, until the first is stolen.
    kept = (running.folder / "defender" / "keys" / "defender.s2.json").rename(
        running.folder / "safe.json"
    )
    assert not any(one.startswith(lonely) for one in found())
    with closing(running.office("defender")) as office:
        assert office.signing.public.kid == "defender.s1"
    gone = told(running, capsys, "retire", "defender", "defender.s1")
    assert gone["at_once"] and gone["new_key"] is None
    kept.rename(running.folder / "defender" / "keys" / "defender.s2.json")
    # The directory can still be changed: the spare key gives the defender's signature.
    change = running.folder / "change.json"
    change.write_text(json.dumps({"agencies": {"crossroads": {"custody": "hosted"}}}))
    draft = told(running, capsys, "propose", "defender", str(change))["draft"]
    for name in SIGNERS:
        if name != "defender":
            told(running, capsys, "approve", name, draft)
    with closing(running.office("police")) as office:
        learn_directory(link_of(office))
        newest = office.working_set().gateway.history.newest
        assert newest.agencies["crossroads"].custody == "hosted" and list(
            newest.agencies["defender"].signing
        ) == ["defender.s2"]
    # Who has left makes no key that nobody could list.
    draft = told(running, capsys, "retire", "defender", "police")["draft"]
    for name in SIGNERS:
        if name != "defender":
            told(running, capsys, "approve", name, draft)
    assert "doesn't list `police`" in refused(running, capsys, "spare", "police")
    assert not (running.folder / "police" / "keys" / "police.s2.json").exists()


def test_drafts_stand_side_by_side_and_nobody_s_voids_another_s_signatures(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    change = running.folder / "change.json"
    for value, why in (
        ({}, "changes nothing"),
        ({"version": 9}, "can't be changed"),
        ({"agencies": {"clinic": None}}, "the threshold has no `treatment_provider`"),
        ({"agencies": {"defender": 3}}, "isn't a set of members"),
    ):
        change.write_text(json.dumps(value))
        assert why in refused(running, capsys, "propose", "police", str(change))
    change.write_text("{")
    assert "can't be read" in refused(running, capsys, "propose", "police", str(change))

    change.write_text(json.dumps({"agencies": {"crossroads": {"custody": "hosted"}}}))
    first = told(running, capsys, "propose", "defender", str(change))
    assert first["changes"] == ["the keys of `crossroads` are held by a host"]
    # Police propose more than there is room for: only their own oldest make way.
    for number in range(MOST_DRAFTS + 1):
        change.write_text(json.dumps({"program": f"Another program {number}"}))
        told(running, capsys, "propose", "police", str(change))
    found = drafts(running, capsys, "clinic")
    assert len(found) == MOST_DRAFTS + 1
    assert (found[0]["sha256"], found[0]["signed"]) == (first["draft"], ["defender.s1"])
    with closing(running.office("police")) as office, pytest.raises(HubRefused):
        link_of(office).client.sign_draft(first["draft"], sign_directory(b"{}", office.signing))
    for name in SIGNERS[1:]:
        told(running, capsys, "approve", name, first["draft"])
    with closing(running.office("clinic")) as office:
        learn_directory(link_of(office))
        newest = office.working_set().gateway.history.newest
        assert (newest.version, newest.agencies["crossroads"].custody) == (2, "hosted")
    # What followed the version before can't come into force any more, and is gone.
    assert drafts(running, capsys, "clinic") == []
