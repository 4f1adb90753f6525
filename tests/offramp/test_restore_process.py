"""Restore a hub from yesterday's backup, command by command, with real processes."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import closing

import pytest

from exchange.records.ids import new_id
from offramp.agency.hub_link.delivery import send_outbox
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import link_of
from offramp.cli import main
from tests.support.agencies import referral
from tests.support.running_agencies import ROLES, Running, consent, doctor, pull, says, told


def generation(running: Running, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the output for the hub's operator."""
    capsys.readouterr()
    assert main(["hub", "generation", str(running.folder / "hub")]) == 0
    return capsys.readouterr().out


def test_a_city_whose_hub_lost_a_day_goes_on_and_the_revocation_of_that_day_holds(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    case = new_id(os.urandom)
    with closing(running.office("police")) as office:
        office.compose("referral", (referral(),), case=case)
    pull(running, "police", "crossroads")
    assert consent(running, capsys, case, 1)["state"] == "sent"
    running.settle()
    backup = running.folder / "hub.backup"
    assert main(["hub", "backup", str(running.folder / "hub"), str(backup)]) == 0

    # The lost day: a decision of police that crossroads has, a second decision that is pending, the
    # end of the consent at a log index that no other agency learns, and another case.
    words = (
        "determine",
        "police",
        case,
        "offer",
        "may_not_offer",
        "--reason",
        "new_facts",
        "--by",
        "Officer Lund",
        "--yes",
    )
    read = told(running, capsys, *words)
    running.settle()
    waits = told(running, capsys, *words)
    assert told(running, capsys, "revoke", "crossroads", case)["state"] == "sent"
    with closing(running.office("police")) as office:
        other = office.compose("referral", (referral(),), case=new_id(os.urandom)).id
        send_outbox(link_of(office))
        assert office.working_set().outbox[other].state == "sent"
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait(10)
    assert main(["hub", "restore", str(running.folder / "hub"), str(backup)]) == 0
    assert "heard: nobody yet" in generation(running, capsys)
    assert main(["hub", "generation", str(running.folder / "hub"), "--without", "clinic"]) == 0
    assert "set aside: clinic" in capsys.readouterr().out
    assert main(["hub", "generation", str(running.folder / "hub"), "--without", "-"]) == 0
    assert "set aside" not in capsys.readouterr().out
    running.start()

    # Each gateway sends by itself what it holds; one that is switched off keeps the hub closed.
    pull(running, "police", "defender", "crossroads")
    said = generation(running, capsys)
    assert "waits for: clinic" in said and "GIVEN UP if you sign now: clinic" in said
    digest = re.search(r"voice: ([0-9a-f]{64})", said)
    assert digest is not None and running.agency("approve", "defender", digest[1]) == 2
    assert "[not-heard]" in capsys.readouterr().err
    code, found = doctor(running, capsys, "police")
    assert code == 1 and says(found["wrong"], "hands out nothing")
    pull(running, "clinic")
    said = generation(running, capsys)
    assert "GIVEN UP" not in said and "1 of them lost" in said
    capsys.readouterr()
    assert main(["hub", "generation", str(running.folder / "hub"), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert state["waits"] == [] and f"voice: {state['sha256']}" in said
    assert told(running, capsys, "status", "clinic")["restored"]["sha256"] == state["sha256"]

    # The threshold compares the digest by voice and signs; one alone isn't enough.
    assert running.agency("approve", "crossroads", "0" * 64) == 2
    assert told(running, capsys, "approve", "defender", state["sha256"])["did"] == "signed"
    pull(running, "police")
    assert told(running, capsys, "status", "police")["restored"]["signed"] == ["defender"]
    assert told(running, capsys, "approve", "clinic", state["sha256"])["did"] == "begun"
    assert generation(running, capsys) == "the hub is open; its log is in generation 2\n"

    # The other case's referral is there, though nobody had taken it, and no witness had seen it.
    running.settle()
    assert other in {one["id"] for one in told(running, capsys, "inbox", "crossroads")["records"]}

    # A consent revoked that day stays revoked: the pending record is withdrawn, the read one
    # doesn't open again, and nothing new passes.
    assert told(running, capsys, "inbox", "crossroads")["gone"] == 1
    assert waits["id"] not in {
        one["id"] for one in told(running, capsys, "inbox", "crossroads")["records"]
    }
    assert running.agency("open", "crossroads", read["id"], "--by", "Rosa Quintana") == 2
    assert told(running, capsys, *words)["state"] == "kept"
    assert told(running, capsys, "status", "crossroads")["restored"] is None

    # Everything goes on, and the account of the case proves itself and says what is missing.
    assert consent(running, capsys, case, 2)["state"] == "sent"
    running.settle()
    again = told(running, capsys, *words)
    running.settle()
    assert running.agency("open", "crossroads", again["id"], "--by", "Rosa Quintana") == 0
    account = told(running, capsys, "account", "crossroads", case)
    assert len(account["missing"]) == 1
    assert {"handed out", "withdrawn"} <= {row["what"] for row in account["rows"]}
    for name in ROLES:
        with closing(running.office(name)) as office:
            run_duties(link_of(office))
            working_set = office.working_set()
            (leaf, _), lacking = (
                working_set.gateway.generations[0],
                {one.index for one in working_set.unproved()},
            )
            assert working_set.gateway.broken is None and not [
                at for at in lacking if at <= leaf.index
            ]

    # A record from before the fire is shown to a court from the log that continued, and every byte
    # of the database is right.
    with closing(running.office("crossroads")) as office:
        (first,) = [
            jti
            for (_, jti), one in office.working_set().gateway.received.items()
            if jti not in (other, read["id"], again["id"])
        ]
    assert running.agency("open", "crossroads", first, "--by", "Rosa Quintana") == 0
    shown = running.folder / "exhibit.json"
    assert running.agency("export", "crossroads", first, str(shown)) == 0
    assert main(["verify", str(shown)]) == 0
    running.stop()
    assert main(["hub", "fsck", str(running.folder / "hub")]) == 0
