"""A stolen sealing key is replaced by a command, at a hub and agencies that are processes."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from offramp.agency.hub_link.delivery import send_outbox
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import link_of
from tests.support.agencies import referral
from tests.support.running_agencies import Running


def sealed_to(running: Running, sender: str, jti: str) -> set[str]:
    with closing(running.office(sender)) as office:
        return {text.to for text in office.working_set().outbox[jti].bundle.sealed}


def test_the_owner_replaces_it_and_loses_nothing(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(running.office("police")) as office:
        before = office.compose("referral", (referral(),), case="a" * 32).id
        send_outbox(link_of(office))
    (stolen,) = sealed_to(running, "police", before)
    running.settle()
    # `breach` names the next step, and `retire` takes it.
    assert running.agency("breach", "crossroads", stolen, "--since", "0") == 0
    assert (
        f"`offramp agency retire {running.folder / 'crossroads'} {stolen}`"
        in capsys.readouterr().out
    )
    assert running.agency("breach", "police", stolen, "--since", "0") == 0
    assert "Retire it, have `crossroads` do it now" in capsys.readouterr().out
    assert running.agency("retire", "police", stolen) == 2
    assert "not-own-key" in capsys.readouterr().err
    # A sender that hasn't heard of it seals to the stolen key once more, while the hub isn't asked.
    with closing(running.office("police")) as office:
        late = office.compose("referral", (referral(),), case="b" * 32).id
    assert sealed_to(running, "police", late) == {stolen}
    assert running.agency("retire", "crossroads", stolen, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["retired"] == stolen and answer["at_once"]
    assert answer["new_key"] == f"{stolen}.02"
    assert running.agency("breach", "crossroads", stolen, "--since", "0") == 0
    assert "it is no longer in force" in capsys.readouterr().out
    # The hub refuses the late record, and the sender seals it to the new key by itself.
    running.settle()
    with closing(running.office("police")) as office:
        outbox = office.working_set().outbox.values()
        sent = {text.to for out in outbox if out.receipt is not None for text in out.bundle.sealed}
        assert sent == {stolen, f"{stolen}.02"}
        after = [out.bundle.id for out in outbox if out.bundle.sealed[0].to == f"{stolen}.02"]
    running.settle()
    # The owner opens both.
    with closing(running.office("crossroads")) as office:
        run_duties(link_of(office))
        for jti in (before, *after):
            received = office.working_set().gateway.received["police", jti]
            (part,) = received.record.labels
            assert office.open(jti, part, by="R. Quintana")
        assert (office.folder / "keys" / f"{stolen}.json").exists()
    # A second time changes nothing, and another replacement follows the first.
    assert running.agency("retire", "crossroads", stolen) == 0
    assert "is closed already" in capsys.readouterr().out
    assert running.agency("retire", "crossroads", f"{stolen}.02", "--json") == 0
    assert json.loads(capsys.readouterr().out)["new_key"] == f"{stolen}.03"
