"""An agency as a program: what is on its disk is what it knows, however it was stopped."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from exchange.records.ids import new_id
from exchange.standards.merkle import leaf_hash
from offramp.agency.errors import AgencyError, HubAway
from offramp.agency.folder.office import Office
from offramp.agency.folder.outgoing import QUEUED, REFUSED, WITNESSED
from offramp.agency.hub_link.client import Client
from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import HubLink
from offramp.agency.hub_link.witnessing import cosign_tree
from tests.support.agencies import PASSPHRASE, Town, a_case, referral
from tests.support.attack_stories import TO_CLINIC, treatment_grant
from tests.support.chance import chance
from tests.support.refused import refused
from tests.support.simulator import DAY, FORM, MINUTE, grant, part


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_record_goes_out_comes_in_is_opened_and_acknowledged_and_all_of_it_is_replayed(
    town: Town,
) -> None:
    case = a_case()
    sent = town.at["police"].compose("referral", (referral(),), case=case).id
    assert town.at["police"].working_set().outbox[sent].state == QUEUED
    town.settle()
    assert town.at["police"].working_set().outbox[sent].state == WITNESSED
    reading = town.at["crossroads"].open(sent, None, by="Rosa Quintana")
    assert reading.opened.content["encounter"]["facts"]["encounter.route"] == "arrest"
    assert not reading.unwitnessed
    town.settle()
    for name in town.at:
        again, before = town.office(name).working_set(), town.at[name].working_set()
        assert again.gateway.state(case) == before.gateway.state(case)
        assert again.gateway.cursor == before.gateway.cursor and again.proved == before.proved
        assert {jti: out.state for jti, out in again.outbox.items()} == {
            j: out.state for j, out in before.outbox.items()
        }
    acknowledged = town.at["police"].working_set().gateway.state(case).kind("acknowledgement")
    assert [one.issuer for one in acknowledged] == ["crossroads"]


def test_with_the_hub_away_everything_local_works_and_nothing_is_lost(town: Town) -> None:
    case = a_case()
    sent = town.at["police"].compose("referral", (referral(),), case=case).id
    town.settle()
    town.hub.away = True
    with refused("hub-away"):
        run_duties(town.link("crossroads"))
    assert town.at["crossroads"].open(sent, None, by="R").opened.content
    with refused("hub-away"):
        send_outbox(town.link("crossroads"))
    assert [out.kind for out in town.at["crossroads"].working_set().to_send()] == [
        "acknowledgement"
    ]
    town.hub.away = False
    town.settle()
    assert not town.at["crossroads"].working_set().to_send()


def test_an_answer_that_was_lost_sends_the_record_once(town: Town) -> None:
    sent = town.at["police"].compose("referral", (referral(),), case=a_case()).id
    town.hub.lost = 1
    with pytest.raises(HubAway):
        send_outbox(town.link("police"))
    before = town.hub.hub.log.size
    send_outbox(town.link("police"))
    assert town.hub.hub.log.size == before
    assert town.at["police"].working_set().outbox[sent].receipt is not None


def test_two_programs_at_once_see_each_other_s_events(town: Town) -> None:
    other = town.office("police")
    first = town.at["police"].compose("referral", (referral(),), case=new_id(chance(1))).id
    second = other.compose("referral", (referral(),), case=new_id(chance(2))).id
    assert (
        list(town.at["police"].working_set().outbox)
        == [first, second]
        == list(other.working_set().outbox)
    )


def test_what_the_hub_refuses_waits_for_a_person(town: Town) -> None:
    case = a_case()
    town.at["police"].compose("referral", (referral(),), case=case)
    town.settle()
    # While police hold the record back, the offer's thirty days pass.
    screening = part(
        "screening_outcome",
        {"outcome": "proceed"},
        to={"crossroads": ("screening", "offer_at_scene")},
        use="none",
    )
    sent = town.at["police"].compose("screening_outcome", (screening,), case=case).id
    town.hub.clock += 31 * DAY
    send_outbox(town.link("police"))
    out = town.at["police"].working_set().outbox[sent]
    assert out.state == REFUSED and out.refused is not None and out.refused["status"] == 403
    assert not town.at["police"].working_set().to_send()


def test_a_record_sealed_to_a_key_that_is_old_is_built_again(town: Town) -> None:
    sent = town.at["police"].compose("referral", (referral(),), case=a_case()).id
    for days in (31, 31):
        town.hub.clock += days * DAY
        run_duties(town.link("crossroads"))
    send_outbox(town.link("police"))
    outbox = town.at["police"].working_set().outbox
    replaced = outbox[sent].replaced_by
    assert replaced is not None and outbox[replaced].receipt is not None


def test_the_epoch_key_that_nothing_needs_is_destroyed(town: Town) -> None:
    office = town.at["crossroads"]
    assert [one for one in office.keys.ids() if "20" in one] == ["crossroads.2026-11"]
    for _ in range(3):
        town.hub.clock += 31 * DAY
        town.settle()
    assert [one for one in office.keys.ids() if "20" in one] == [
        "crossroads.2027-01",
        "crossroads.2027-02",
    ]
    assert set(office.working_set().gateway.sealing) == {"crossroads.2027-01", "crossroads.2027-02"}


def test_what_is_past_its_last_day_is_destroyed_and_replay_goes_on_without_it(town: Town) -> None:
    case = a_case()
    one = part(
        "encounter",
        {"facts": {"encounter.route": "arrest"}},
        to={"crossroads": ("offer_and_hand_off", "offer_at_scene")},
        says={"answer": "accepted"},
        use="none",
        keep_until="2026-11-10",
    )
    sent = town.at["police"].compose("referral", (one,), case=case).id
    town.settle()
    town.at["crossroads"].open(sent, None, by="R")
    disclosure = next(iter(town.at["crossroads"].working_set().gateway.received.values())).opened
    text = next(iter(disclosure.values())).disclosure
    path = town.folder / "crossroads" / "agency.db"
    assert text.encode() in everything(path)
    town.settle()
    town.hub.clock += 9 * DAY
    town.settle()
    assert text.encode() not in everything(path)
    again = town.office("crossroads")
    assert again.working_set().gateway.state(case).kind("referral")
    assert not again.working_set().gateway.faults
    with refused("destroyed"):
        again.open(sent, None, by="R")
    assert town.office("police").working_set().outbox[sent].state == WITNESSED


def everything(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def test_keys_open_with_their_passphrase_alone_and_for_their_owner_alone(town: Town) -> None:
    folder = town.folder / "police"
    with refused("wrong-passphrase"):
        Office(folder, b"another passphrase", lambda: 0)
    file = folder / "keys" / "police.s1.json"
    (folder / "keys" / "police.w1.json").rename(folder / "keys" / "police.w1.kept")
    (folder / "keys" / "police.w1.json").write_bytes(file.read_bytes())
    (folder / "keys" / "police.w1.json").chmod(0o600)
    with refused("wrong-passphrase"):
        Office(folder, PASSPHRASE, lambda: 0)
    (folder / "keys" / "police.w1.kept").rename(folder / "keys" / "police.w1.json")
    file.chmod(0o640)
    with refused("open-to-others"):
        Office(folder, PASSPHRASE, lambda: 0)
    secret = town.at["police"].signing.as_jwk()["d"].encode()
    assert all(secret not in each.read_bytes() for each in folder.rglob("*") if each.is_file())


def test_a_clock_that_is_a_day_off_cosigns_nothing_and_decides_nothing_otherwise(
    town: Town,
) -> None:
    case = a_case()
    town.at["police"].compose("referral", (referral(),), case=case)
    town.settle()
    town.skew["crossroads"] = DAY
    town.hub.clock += MINUTE
    link = town.link("crossroads")
    run_duties(link)
    assert link.apart is not None and "seconds from the clock here" in link.apart
    office = town.at["crossroads"]
    terms = grant(
        "crossroads", "prosecutor", ["status"], ["diversion_coordination"], expires="2026-11-02"
    )
    told = part("consent_terms", to={"prosecutor": ("exchange_operation", "operation")}, says=terms)
    office.compose("consent", (told,), case=case, form=FORM)
    run_duties(link)
    # On this machine it is tomorrow, and by the hub the consent's last day is today.
    status = part(
        "status",
        {"engagement": "engaged"},
        to={"prosecutor": ("diversion_coordination", "consent")},
    )
    assert office.compose("status", (status,), case=case)
    town.hub.clock += DAY
    town.skew["crossroads"] = -DAY
    run_duties(link)
    with refused("not-permitted"):
        office.compose("status", (status,), case=case)


def test_a_log_that_went_back_is_believed_no_more_also_after_a_restart(town: Town) -> None:
    town.at["police"].compose("referral", (referral(),), case=a_case())
    town.settle()
    office = town.at["crossroads"]
    kept = office.working_set().gateway.watching.last
    assert kept is not None
    tree = town.hub.hub.log.tree
    town.hub.hub.log.tree = type(tree)()
    for leaf in town.hub.hub.log.leaves[:3]:
        town.hub.hub.log.tree.append(leaf_hash(leaf.entry))
    with refused("rolled-back"):
        cosign_tree(town.link("crossroads"))
    with refused("rolled-back"):
        town.office("crossroads").compose("referral", (referral(),), case=a_case())


def test_a_journal_with_a_changed_byte_is_refused(town: Town) -> None:
    path = town.folder / "police" / "agency.db"
    town.at["police"].close()
    db = sqlite3.connect(path)
    db.execute("UPDATE event SET time = time + 1 WHERE at = 2")
    db.commit()
    db.close()
    with pytest.raises(AgencyError, match="damaged"):
        town.office("police").working_set()


def test_no_content_stands_in_a_store_that_isn_t_its_own(town: Town) -> None:
    canary = "canary-5f1c2a"
    case = a_case()
    town.at["police"].compose("referral", (referral(),), case=case)
    town.settle()
    told = part(
        "consent_terms", to={"clinic": ("exchange_operation", "operation")}, says=treatment_grant()
    )
    town.at["crossroads"].compose("consent", (told,), case=case, form=FORM)
    town.settle()
    treatment = part(
        "treatment", {"text": canary}, to=TO_CLINIC, sensitivity="part2", notice="own-1"
    )
    town.at["crossroads"].compose("service_referral", (treatment,), case=case)
    town.settle()
    assert not any(canary.encode() in each for each in town.hub.asked)
    for name in ("police", "prosecutor", "defender", "clinic"):
        assert canary.encode() not in everything(town.folder / name / "agency.db")


def test_an_answer_that_another_program_has_overtaken_is_left_and_not_taken_for_an_old_one(
    town: Town,
) -> None:
    """Pull at once with a command and `serve`: the slower gets items that the faster took."""
    office, other = town.at["crossroads"], town.office("crossroads")
    gateway = office.working_set().gateway
    after, line = gateway.cursor, gateway.line
    slow = town.link("crossroads").client.inbox(after, 0)
    town.at["police"].compose("referral", (referral(),), case="c" * 32)
    send_outbox(town.link("police"))
    faster = HubLink(
        other, Client(town.hub, other.signing, other.clock, other.random, other.hub_name)
    )
    assert pull_inbox(faster) > 0
    assert office.take(slow, after, line) == 0
    # The same answer from a hub that tells it when it knows better is refused.
    now = office.working_set().gateway
    with refused("older-line"):
        office.take(slow, now.cursor, now.line)


def test_an_older_line_that_another_process_journals_does_no_harm(town: Town) -> None:
    """A process knows a newer line by an answer that was no event. `serve` journals its own."""
    command, serve = town.at["crossroads"], town.office("crossroads")
    pull_inbox(town.link("crossroads"))
    before = serve.working_set().gateway
    after, line = before.cursor, before.line
    slow = town.link("crossroads").client.inbox(after, 0)
    elsewhere = part(
        "encounter",
        {"facts": {"encounter.route": "arrest"}},
        to={"prosecutor": ("screening", "offer_at_scene")},
        says={"answer": "accepted"},
        use="none",
    )
    town.at["police"].compose("referral", (elsewhere,), case="d" * 32)
    send_outbox(town.link("police"))
    newer = town.link("crossroads").client.inbox(after, 0)
    own = command.working_set().gateway
    assert command.take(newer, own.cursor, own.line) == 0
    assert serve.working_set().gateway.line == line, "the newer line was no event"
    known = command.working_set().gateway.line
    town.hub.clock += MINUTE
    assert serve.take(slow, after, line) == 0
    assert serve.working_set().gateway.line != line, "the older line is an event"
    assert command.working_set().gateway.line == known
