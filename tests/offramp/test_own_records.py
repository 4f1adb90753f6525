"""A record in this agency's name that was not sent from its folder is a fault."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exchange.agency.own_records import OwnNumbers
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.client import Client
from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from offramp.agency.hub_link.link import HubLink
from offramp.agency.operations.examination import _records
from offramp.agency.operations.upkeep import check_own_records, describe_unknown
from tests.support.agencies import PASSPHRASE, Town, a_case, referral
from tests.support.refused import refused
from tests.support.simulator import part


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    for office in made.at.values():
        office.close()


def send_from_copy(town: Town, case: str) -> str:
    """Send a record from a copy of police's folder, as a thief or a restored laptop would."""
    copy = town.folder / "copy"
    shutil.copytree(town.folder / "police", copy)
    with closing(Office(copy, PASSPHRASE, lambda: town.hub.clock)) as office:
        to = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
        name = part(
            "contact", {"given_name": "Ana"}, to=to, says={"answer": "accepted"}, use="none"
        )
        parts = (referral(), name)
        jti = office.compose("referral", parts, case=case).id
        client = Client(town.hub, office.signing, office.clock, office.random, office.hub_name)
        send_outbox(HubLink(office, client))
    return jti


def test_a_gap_in_the_own_numbers_is_a_fault_after_the_next_receipt(town: Town) -> None:
    police, case = town.at["police"], a_case()
    police.compose("referral", (referral(),), case=case)
    send_outbox(town.link("police"))
    send_from_copy(town, case)
    assert describe_unknown(police, police.working_set()) == ((), ())
    police.compose("referral", (referral(),), case=case)
    send_outbox(town.link("police"))
    (sentence,), _ = describe_unknown(police, police.working_set())
    assert sentence.startswith(f"record `2` of the case `{case}`")
    assert any(sentence in finding.text for finding in _records(police, police.working_set()))
    with refused("not-sent-here"):
        check_own_records(town.link("police"))
    # It follows from the journal, so another program that opens the folder finds it too.
    with closing(town.office("police")) as again:
        assert describe_unknown(again, again.working_set()) == ((sentence,), ())


def test_an_acknowledgment_of_a_record_never_sent_is_a_fault_at_the_next_pull(town: Town) -> None:
    police, case = town.at["police"], a_case()
    jti = send_from_copy(town, case)
    crossroads = town.at["crossroads"]
    town.settle()
    received = crossroads.working_set().gateway.received["police", jti]
    assert received.record is not None and len(received.record.labels) == 2
    for label in received.record.labels:
        crossroads.open(jti, label, by="Rosa Quintana")
    send_outbox(town.link("crossroads"))
    pull_inbox(town.link("police"))
    # Each part has its own acknowledgment, and the record is one line.
    (sentence,), _ = describe_unknown(police, police.working_set())
    assert jti in sentence and "`crossroads` acknowledges" in sentence


def test_a_queued_record_may_explain_a_missing_number() -> None:
    numbers = OwnNumbers()
    numbers.add("a", 1)
    numbers.add("a", 3)
    assert numbers.unknown({"a": 1}) == ()
    (unknown,) = numbers.unknown({"b": 1})
    assert (unknown.case, unknown.number) == ("a", 2)
    numbers.add("a", 3)
    assert [record.number for record in numbers.unknown({})] == [3, 2]
