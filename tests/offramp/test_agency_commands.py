"""Test `determine`, `retry`, and each finding of `agency doctor`, against a hub process."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from exchange.records.ids import new_id
from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from offramp.agency.hub_link.link import link_of
from tests.support.agencies import referral
from tests.support.running_agencies import Running, consent, doctor, pull, says, told
from tests.support.simulator import grant

NO_NOTICE = "the text of the redisclosure notice `own-7` isn't installed"


def test_a_determination_goes_to_case_managers_and_a_person_retries_a_refused_record(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    case = new_id(os.urandom)
    with closing(running.office("police")) as office:
        office.compose("referral", (referral(),), case=case)
    pull(running, "police", "crossroads")
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
    # Without a consent nobody may be told: it is kept, and nothing is queued.
    assert told(running, capsys, *words)["state"] == "kept"
    assert len(told(running, capsys, "status", "police")["outbox"]) == 1
    assert consent(running, capsys, case, 1)["state"] == "sent"
    pull(running, "police")
    first = told(running, capsys, *words)
    assert first["state"] == "sent"
    # The person ends it, and police decide before they hear of it: the hub's no waits for a person.
    assert told(running, capsys, "revoke", "crossroads", case)["state"] == "sent"
    second = told(running, capsys, *words, code=1)
    assert second["state"].startswith("refused: the hub doesn't pass this")
    _, found = doctor(running, capsys, "police")
    assert says(found["wrong"], "the hub refused 1 records")
    again = told(running, capsys, "retry", "police", second["id"], code=1)
    assert again["state"].startswith("refused")
    # A new consent: the same record, under the same id, passes.
    assert consent(running, capsys, case, 2)["state"] == "sent"
    assert told(running, capsys, "retry", "police", second["id"]) == {
        "id": second["id"],
        "state": "sent",
    }
    pull(running, "crossroads")
    came = told(running, capsys, "inbox", "crossroads")["records"]
    # The first was taken, and never handed out: the consent had ended before anybody asked for it.
    assert (
        [one["id"] for one in came if one["kind"] == "determination"]
        == [second["id"]]
        != [first["id"]]
    )
    opened = told(running, capsys, "open", "crossroads", second["id"], "--by", "Rosa Quintana")
    held = opened["content"]["decision_outcome"]["determination"]
    assert (held["outcome"], held["by"], held["reason"]) == (
        "may_not_offer",
        "Officer Lund",
        "new_facts",
    )
    # Sent once more after it arrived, it is there once.
    assert told(running, capsys, "retry", "police", second["id"])["state"] in ("sent", "witnessed")
    assert running.agency("retry", "police", "0" * 32) == 2


def test_doctor_finds_what_is_wrong_and_is_content_when_it_is_fixed(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = running.folder / "crossroads"
    code, found = doctor(running, capsys, "crossroads")
    assert code == 1
    assert says(found["wrong"], "there is no backup of the journal")
    assert not says(found["wrong"], "redisclosure notice")
    assert says(found["note"], "the pack `lead` has 23 provisional rules and values")
    assert says(found["note"], "its module is not a validated one (FIPS 140)")

    assert running.agency("backup", "crossroads", str(running.folder / "crossroads.backup")) == 0
    settings = folder / "agency.toml"
    own_notice = settings.read_text().replace("official-1", "own-7")
    settings.write_text(own_notice + 'notice_file = "notice.txt"\n')
    assert says(doctor(running, capsys, "crossroads")[1]["wrong"], NO_NOTICE)
    (folder / "notice.txt").write_text("A longer statement.\n")
    code, found = doctor(running, capsys, "crossroads")
    assert (code, found["wrong"]) == (0, [])

    with closing(running.office("crossroads")) as office, office.transaction():
        office.journal.put("backup", {"time": int(time.time()) - 8 * 24 * 3600})
    assert doctor(running, capsys, "crossroads")[1]["wrong"] == [
        "the last backup of the journal is over a week old: run `offramp agency backup DIR FILE`"
    ]
    with closing(running.office("crossroads")) as office, office.transaction():
        office.journal.put("backup", {"time": int(time.time())})

    for path in (
        folder,
        folder / "keys",
        folder / "keys" / "crossroads.s1.json",
        folder / "agency.db",
    ):
        mode = path.stat().st_mode
        path.chmod(mode | 0o044)
        code, found = doctor(running, capsys, "crossroads")
        assert code == 1 and says(found["wrong"], path.name), path
        path.chmod(mode)
    assert doctor(running, capsys, "crossroads")[0] == 0

    # A clock in a file is for demonstrations; here it is the clock that is wrong.
    settings.write_text(settings.read_text().replace("demo = false", "demo = true"))
    clock = running.folder / "clock"
    for seconds, word in ((-300, "behind"), (2 * 24 * 3600, "ahead of")):
        clock.write_text((datetime.now(UTC) + timedelta(seconds=seconds)).isoformat())
        code, found = doctor(running, capsys, "crossroads", "--clock", str(clock))
        assert (
            code == 1
            and says(found["wrong"], f"seconds {word} the hub's: set it")
            and says(found["wrong"], "`demo = true`")
        )
    assert says(found["unknown"], "nothing was fetched from the hub since")
    settings.write_text(settings.read_text().replace("demo = true", "demo = false"))

    running.stop()
    code, found = doctor(running, capsys, "crossroads")
    assert code == 1 and says(found["wrong"], "the hub doesn't answer")
    assert says(found["unknown"], "nor if the agency works in another folder")
    # A request to join that the hub doesn't answer changes nothing, and is repeated.
    capsys.readouterr()
    before = settings.read_text()
    assert running.agency("join", "crossroads", running.url, "7K2M-9QXR-04WT-HB5D", "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "hub-away" and "the code stays valid" in error["fix"]
    assert settings.read_text() == before
    running.start()
    assert doctor(running, capsys, "crossroads")[0] == 0


def test_doctor_says_that_what_is_held_lacks_its_witnesses(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(running.office("police")) as office:
        office.compose("referral", (referral(),), case=new_id(os.urandom))
        send_outbox(link_of(office))
    # Nobody cosigns the tree with the record in it, and two hours pass on this machine.
    with closing(running.office("police")) as office:
        pull_inbox(link_of(office))
        assert office.working_set().unproved()
    settings = running.folder / "police" / "agency.toml"
    settings.write_text(settings.read_text().replace("demo = false", "demo = true"))
    clock = running.folder / "clock"
    clock.write_text((datetime.now(UTC) + timedelta(hours=2)).isoformat())
    assert says(
        doctor(running, capsys, "police", "--clock", str(clock))[1]["wrong"],
        "lacked their witnesses for over an hour",
    )
    for _ in range(2):
        running.settle()
    assert not says(
        doctor(running, capsys, "police", "--clock", str(clock))[1]["wrong"],
        "lacked their witnesses",
    )


def test_that_an_end_was_said_aloud_reaches_counsel_where_a_consent_stands_and_nobody_else(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    case = new_id(os.urandom)
    with closing(running.office("police")) as office:
        office.compose("referral", (referral(),), case=case)
    pull(running, "police", "crossroads")
    assert consent(running, capsys, case, 1)["state"] == "sent"
    assert told(running, capsys, "revoke", "crossroads", case, "--oral")["aloud_told"] == []
    # Counsel acts for the person, and the person lets the case managers tell counsel what was
    # signed and said.
    to = {"crossroads": {"purpose": "exchange_operation", "basis": "operation"}}
    standing = running.folder / "representation.json"
    standing.write_text(
        json.dumps(
            {
                "parts": [
                    {
                        "category": "operation",
                        "to": to,
                        "says": {"agency": "defender"},
                        "content": {},
                    }
                ]
            }
        )
    )
    assert (
        told(running, capsys, "send", "defender", "representation", str(standing), "--case", case)[
            "state"
        ]
        == "sent"
    )
    pull(running, "crossroads")
    assert consent(running, capsys, case, 2)["state"] == "sent"
    terms = grant("crossroads", "defender", ["consent_identity"], ["legal_representation"])
    assert consent(running, capsys, case, 3, terms)["state"] == "sent"
    found = told(
        running, capsys, "revoke", "crossroads", case, "--recipient", "crossroads", "--oral"
    )
    assert (found["state"], found["aloud_told"]) == ("sent", ["defender"])
    pull(running, "defender")
    came = told(running, capsys, "inbox", "defender")["records"]
    (mark,) = [
        one for one in came if any("consent_identity" in part["category"] for part in one["parts"])
    ]
    held = told(running, capsys, "open", "defender", mark["id"], "--by", "Ada Quill")["content"][
        "consent_identity"
    ]
    assert held["cause"]["said"] == "aloud"
    pull(running, "police")
    assert not any(
        "consent_identity" in part["category"]
        for one in told(running, capsys, "inbox", "police")["records"]
        for part in one["parts"]
    )
