"""Records that end: five years of retention, a hold, a sealing, a crash, and the proof of it.

`test_case_index.py` has that a destroyed name is in no memory and no copy of a derived file, and
`tests/rules/test_retention.py` the rules of packs.
"""

from __future__ import annotations

import html
import json
import os
import re
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exchange.errors import LogError
from exchange.evidence.documents import read_exhibit
from exchange.evidence.verify import verify_exhibit
from offramp.agency import operations, sealing_page, staff_wording
from offramp.agency.cases.fact_kinds import kind_of
from offramp.agency.errors import AgencyError, HubAway
from offramp.agency.folder import destruction
from offramp.agency.folder import office as offices
from offramp.agency.folder.office import Office
from offramp.agency.folder.staff import own_login
from offramp.agency.hub_link import delivery
from offramp.agency.operations import evidence, records, sealing_proof
from offramp.agency.retention_wording import unproved_lines
from offramp.cli import main
from offramp.clock import Clock
from rules.author.spoken_dates import spoken_day
from rules.errors import Refusal
from rules.packs.pack import Pack, Period
from rules.shelf import vocabulary
from tests.conftest import ROOT
from tests.support.agencies import PASSPHRASE, Town
from tests.support.refused import refused
from tests.support.simulator import DAY, FORM, grant

OFFER, OPERATION = ("offer_and_hand_off", "offer_at_scene"), ("exchange_operation", "operation")
# A family name that no other text of the tests has, another for each case.
GIVEN = "Zephyrine"
_numbers = count(1)


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town of its own for each test. The years of one test would slow down the next one."""
    town = Town(tmp_path_factory.mktemp("town"))
    with pytest.MonkeyPatch.context() as patch:
        for module in (delivery, records, evidence):
            patch.setattr(module, "link_of", lambda office: town.link(office.agency))
        yield town


def to(purpose: str, *agencies: str, basis: str = "consent") -> dict[str, Any]:
    return {agency: {"purpose": purpose, "basis": basis} for agency in agencies}


def send(town: Town, agency: str, kind: str, case: str | None, **members: Any) -> str:
    """Send a draft by the agency's own defaults, and return its case."""
    office = town.at[agency]
    draft = operations.build_draft(office, members)
    return str(operations.send_record(office, kind, draft, case).case)


def refer(town: Town) -> tuple[str, str]:
    """Police refer a person to the case manager and the prosecutor, who open it.

    Returns the case and the family name.
    """
    letters = "".join(chr(97 + int(digit)) for digit in f"{next(_numbers):03}")
    family = f"Quill{letters}feather"
    told = to("offer_and_hand_off", "crossroads", "prosecutor", basis="offer_at_scene")
    says = {"answer": "accepted"}
    contact = {"given_name": GIVEN, "family_name": family}
    case = send(
        town,
        "police",
        "referral",
        None,
        parts=[
            {"category": "contact", "content": contact, "to": told, "says": says},
            {
                "category": "charge",
                "content": {"facts": {"encounter.charges": []}},
                "to": told,
                "says": says,
            },
        ],
    )
    town.settle()
    for name in ("crossroads", "prosecutor"):
        operations.open_case(town.at[name], "Rosa", case)
    return case, family


def terms(town: Town, discloser: str, recipient: str, *categories: str) -> dict[str, Any]:
    """The terms of a consent for a year from today."""
    purpose = "service_arrangement" if recipient == "clinic" else "diversion_coordination"
    days = {
        "id": os.urandom(8).hex(),
        "from": today(town).isoformat(),
        "expires": (today(town) + timedelta(days=365)).isoformat(),
    }
    return grant(discloser, recipient, list(categories), [purpose], **days)


def sign(town: Town, case: str, family: str, granted: list[dict[str, Any]]) -> None:
    """The person signs a consent with the name, at the case manager's."""
    parts = [
        {
            "category": "consent_terms",
            "content": {},
            "to": to("exchange_operation", *_others(each), basis="operation"),
            "says": each,
        }
        for each in granted
    ]
    form = FORM | {"name": f"{GIVEN} {family}", "signed_on": today(town).isoformat()}
    office = town.at["crossroads"]
    draft = operations.build_draft(office, {"parts": parts, "form": form})
    operations.record_consent(office, case, draft)
    town.settle()


def _others(granted: dict[str, Any]) -> set[str]:
    """The agencies that a grant names, but for the one that collects it."""
    return {granted["discloser"], granted["recipient"]} - {"crossroads"}


def consent(town: Town, case: str, family: str) -> None:
    """The person lets the case manager tell the clinic and police, and the clinic is told."""
    granted = [
        terms(town, "crossroads", "clinic", "contact", "service"),
        terms(town, "crossroads", "police", "status"),
    ]
    sign(town, case, family, granted)
    contact = {"given_name": GIVEN, "family_name": family}
    told = to("service_arrangement", "clinic")
    send(
        town,
        "crossroads",
        "service_referral",
        case,
        parts=[{"category": "contact", "content": contact, "to": told}],
    )
    town.settle()
    operations.open_case(town.at["clinic"], "Rosa", case)
    operations.note_report_number(town.at["police"], case, f"{family} 1")
    town.settle()


def holders(town: Town, family: str) -> set[str]:
    """The agencies in whose folders some file has the name, as text or inside base64."""
    needles = [family.encode()]
    for shift in range(3):
        # Only the characters that the name alone decides.
        coded = b64encode(b"." * shift + family.encode() + b"." * (-(shift + len(family)) % 3))
        needles.append(coded[4 if shift else 0 : (shift + len(family)) // 3 * 4])
    return {
        name
        for name in town.at
        for path in (town.folder / name).rglob("*")
        if path.is_file()
        for content in [path.read_bytes()]
        if any(needle in content for needle in needles)
    }


def wait(town: Town, days: int, step: int = 300) -> None:
    """Let days pass, with the daily work of everybody at least every `step` days."""
    while days > 0:
        town.hub.clock += min(days, step) * DAY
        days -= step
        town.settle()


def kept(town: Town, agency: str, case: str) -> operations.KeptCase:
    (listed,) = operations.list_retention(town.at[agency], case).cases
    return listed


def kinds(town: Town, agency: str, case: str) -> set[str]:
    """The kinds of information that an agency still keeps of a case."""
    return {row.category for row in kept(town, agency, case).rows}


def today(town: Town) -> date:
    return operations.list_retention(town.at["police"]).today


def tasks_of(town: Town, case: str) -> list[operations.Task]:
    return [task for task in operations.list_tasks(town.at["crossroads"]) if task.case == case]


def test_a_hold_opens_nothing_and_a_recall_waits_for_it(town: Town) -> None:
    case, _ = refer(town)
    crossroads = town.at["crossroads"]
    operations.hold_case(crossroads, "Rosa", case, "litigation")
    told = to("offer_and_hand_off", "crossroads", basis="offer_at_scene")
    part = {
        "category": "encounter",
        "content": {},
        "to": told,
        "keep_until": today(town).isoformat(),
    }
    send(town, "police", "referral", case, parts=[part | {"says": {"answer": "accepted"}}])
    town.settle()
    ((record, closed),) = crossroads.working_set().closed_parts(case, ("acknowledgement",))
    wait(town, 7)
    assert (record, closed) in crossroads.working_set().closed_parts(case), "it is preserved"
    with refused("on-hold"):
        operations.open_part(crossroads, "Rosa", record, part=closed)
    # No task names what is refused, and each names what can be done instead.
    assert not any(task.what.startswith("Open what") for task in tasks_of(town, case))
    operations.recall(town.at["police"], "Rosa", case, "wrong_person", record="all")
    town.settle()
    asked_back = [task.what for task in tasks_of(town, case) if "asks back" in task.what]
    assert len(asked_back) == 3
    for step in asked_back:
        assert "A legal hold of `Rosa` stops its deletion" in step and "--keep GROUND`" in step
        assert "Delete it with" not in step and f"hold {case[:8]} --release`" in step
    with refused("on-hold"):
        operations.answer_recalls(crossroads, "Rosa", case)
    looks = operations.list_case_looks(crossroads, case).looks
    answers = [(look.kind, look.refused) for look in looks if look.operation == "answer_recalls"]
    assert answers == [("refused", "on-hold")]
    assert operations.answer_recalls(crossroads, "Rosa", case, keep_because="law").parts
    operations.release_hold(crossroads, "Rosa", case)
    town.settle()
    assert (record, closed) not in crossroads.working_set().closed_parts(case)


def test_holds_are_released_one_by_one(town: Town) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    with refused("unknown-reason"):
        operations.hold_case(police, "Rosa", case, "curious")
    with refused("no-such-case"):
        operations.hold_case(police, "Rosa", "ab" * 16, "audit")
    with refused("no-hold"):
        operations.release_hold(police, "Rosa", case)
    first = operations.hold_case(police, "Rosa", case, "audit")
    second = operations.hold_case(police, "Marta", case, "subpoena")
    with refused("which-hold"):
        operations.release_hold(police, "Rosa", case)
    operations.release_hold(police, "Marta", case, first.number)
    operations.note_ending(police, "Rosa", case, "sealed")
    wait(town, 2)
    assert kept(town, "police", case).rows and kept(town, "police", case).holds == (second,)
    operations.release_hold(police, "Rosa", case)
    town.settle()
    assert kinds(town, "police", case) == {"operation"}


def test_a_mistaken_note_is_withdrawn_before_it_ends_anything(town: Town) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    with refused("unknown-cause"):
        operations.note_ending(police, "Rosa", case, "bored")
    with refused("day-to-come"):
        operations.note_ending(police, "Rosa", case, "sealed", today(town) + timedelta(days=1))
    operations.note_ending(police, "Rosa", case, "sealed")
    operations.withdraw_ending(police, "Rosa", case, "sealed")
    with refused("no-ending"):
        operations.withdraw_ending(police, "Rosa", case, "sealed")
    wait(town, 3)
    assert kept(town, "police", case).rows and kept(town, "police", case).endings == ()


def test_a_cause_is_noted_once_and_what_was_signed_never_changes(town: Town) -> None:
    case, _ = refer(town)
    police, first = town.at["police"], today(town)
    operations.note_ending(police, "Rosa", case, "sealed")
    wait(town, 1)
    with pytest.raises(AgencyError, match=f"has signed.*{first}"):
        operations.note_ending(police, "Marta", case, "sealed")
    with refused("ending-noted"):
        operations.withdraw_ending(police, "Rosa", case, "sealed")
    (ending,) = kept(town, "police", case).endings
    assert (ending.on, ending.by) == (first, "Rosa")

    # Before anything is signed, a second note waits for the withdrawal of the first.
    operations.note_ending(police, "Rosa", case, "dismissed")
    with refused("ending-noted"):
        operations.note_ending(police, "Marta", case, "dismissed", first)
    operations.withdraw_ending(police, "Rosa", case, "dismissed")
    operations.note_ending(police, "Marta", case, "dismissed", first)
    assert {each.cause: each.on for each in kept(town, "police", case).endings} == {
        "sealed": first,
        "dismissed": first,
    }


def test_a_day_before_the_case_is_refused_or_confirmed_on_its_own(town: Town) -> None:
    police, first = town.at["police"], today(town)
    told = to("offer_and_hand_off", "crossroads", basis="offer_at_scene")
    met = (first - timedelta(days=5)).isoformat()
    part = {"category": "encounter", "content": {"facts": {"encounter.date": met}}, "to": told}
    case = send(town, "police", "referral", None, parts=[part | {"says": {"answer": "accepted"}}])
    town.settle()
    with refused("before-the-case"):
        operations.note_ending(police, "Rosa", case, "dismissed", first - timedelta(days=6))
    operations.note_ending(police, "Rosa", case, "dismissed", first - timedelta(days=5))

    # Nothing of this case has the day of the encounter, and it may have begun before.
    case, _ = refer(town)
    before = first - timedelta(days=3)
    assert operations.preview_ending(police, "Rosa", case, "dismissed", before).is_early
    with refused("before-first-record"):
        operations.note_ending(police, "Rosa", case, "dismissed", before)
    assert kept(town, "police", case).endings == ()
    operations.note_ending(police, "Rosa", case, "dismissed", before, although_early=True)
    assert kept(town, "police", case).endings[0].on == before


def test_the_packs_days_are_counted_from_the_day_of_the_dismissal(town: Town) -> None:
    case, _ = refer(town)
    police, dismissed = town.at["police"], today(town)
    wait(town, 30)
    preview = operations.preview_ending(police, "Rosa", case, "dismissed", dismissed)
    ends = dismissed + timedelta(days=120)
    assert {(row.category, row.last_ends) for row in preview.ends} == {
        ("charge", ends),
        ("contact", ends),
    }
    assert preview.recipients == ("Crossroads",) and preview.holds == ()
    assert kept(town, "police", case).endings == (), "a preview notes nothing"
    operations.note_ending(police, "Rosa", case, "dismissed", dismissed)
    wait(town, 90)
    assert {"charge", "contact"} <= kinds(town, "police", case)
    wait(town, 1)
    assert not {"charge", "contact"} & kinds(town, "police", case)


def test_a_late_note_ends_nothing_before_it_is_over_and_names_the_hold_that_stops_it(
    town: Town,
) -> None:
    case, _ = refer(town)
    police, dismissed = town.at["police"], today(town)
    wait(town, 150)
    hold = operations.hold_case(police, "Rosa", case, "audit")
    preview = operations.preview_ending(police, "Rosa", case, "dismissed", dismissed)
    assert preview.holds == (hold,)
    assert {row.last_ends for row in preview.ends} == {today(town)}
    operations.note_ending(police, "Rosa", case, "dismissed", dismissed)
    operations.release_hold(police, "Rosa", case)
    town.settle()
    assert "charge" in kinds(town, "police", case)
    wait(town, 1)
    assert "charge" not in kinds(town, "police", case)


def test_a_dismissal_in_the_records_ends_parts_by_itself_and_a_new_filing_stops_that(
    town: Town,
) -> None:
    case, family = refer(town)
    consent(town, case, family)
    sign(town, case, family, [terms(town, "prosecutor", "crossroads", "charge_status")])
    office = town.at["crossroads"]

    def charge(standing: str, on: date | None = None) -> None:
        content = {"standing": standing} | ({"on": on.isoformat()} if on else {})
        member = {
            "category": "charge_status",
            "content": content,
            "to": to("diversion_coordination", "crossroads"),
        }
        send(town, "prosecutor", "charge_disposition", case, parts=[member])
        town.settle()
        operations.open_case(office, "Rosa", case)
        town.settle()

    charge("dismissed")
    for name in ("prosecutor", "crossroads"):
        (ending,) = kept(town, name, case).endings
        assert (ending.cause, ending.by) == ("dismissed", None)
    # What the records state is corrected in the records.
    with refused("ending-noted"):
        operations.note_ending(office, "Rosa", case, "dismissed")
    with refused("ending-recorded"):
        operations.withdraw_ending(office, "Rosa", case, "dismissed")
    charge("filed")
    assert kept(town, "crossroads", case).endings == kept(town, "prosecutor", case).endings == ()
    wait(town, 20)
    charge("dismissed")
    dismissed = today(town)
    wait(town, 10)
    charge("dismissed")
    assert kept(town, "crossroads", case).endings[0].on == dismissed, "it was told again"
    charge("dismissed", dismissed - timedelta(days=10))
    assert kept(town, "crossroads", case).endings[0].on == dismissed - timedelta(days=10)
    wait(town, 101)
    for name in ("prosecutor", "crossroads"):
        assert kept(town, name, case).statements == {
            "dismissed": "sent" if name == "prosecutor" else "nobody"
        }
        assert not {"charge", "charge_status"} & kinds(town, name, case)
    assert holders(town, family) == {"police", "crossroads", "clinic"}, "nobody told police"


# The rules change


def adopted(pack: Pack, days: int) -> Pack:
    """The pack with other days for police and prosecutors."""
    rule = replace(pack.retention["justice"], keep=Period("days", days))
    return replace(pack, retention={**pack.retention, "justice": rule})


@pytest.mark.parametrize(("days", "ends"), [(30, 30), (3000, 365)])
def test_a_new_pack_shortens_what_is_kept_and_never_lengthens_what_was_told(
    town: Town, monkeypatch: pytest.MonkeyPatch, days: int, ends: int
) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    start = today(town)
    wait(town, 10)
    pack = adopted(police.program(police.working_set()).pack, days)

    class Adopted:
        def __init__(self) -> None:
            self.pack = pack

    monkeypatch.setattr(police, "program", lambda working_set: Adopted())
    assert {
        row.last_ends for row in kept(town, "police", case).rows if row.category == "contact"
    } == {start + timedelta(days=ends)}
    wait(town, ends - 10)
    assert "contact" in kinds(town, "police", case)
    wait(town, 1)
    assert "contact" not in kinds(town, "police", case)


def test_a_pack_that_is_not_here_ends_only_what_the_labels_end(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    operations.note_ending(police, "Rosa", case, "sealed")
    monkeypatch.setattr(offices.Office, "_pack_of", _no_pack)
    police._packs.clear()
    police._programs.clear()
    wait(town, 5)
    assert kept(town, "police", case).rows
    monkeypatch.undo()


def _no_pack(office: Office, digest: str) -> Pack:
    raise AgencyError("unknown-pack", "the pack isn't kept here", fix="let the gateway run")


# Crashes, and two programs at once


def _kill(*_: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _after(calls: int, do: Callable[..., Any]) -> Callable[..., Any]:
    """Call `do` so many times, and be killed at the next call."""
    left = [calls]

    def counted(*args: Any, **kwargs: Any) -> Any:
        if not left[0]:
            _kill()
        left[0] -= 1
        return do(*args, **kwargs)

    return counted


def another(town: Town) -> Office:
    """The police's folder, opened by another program that has the passphrase."""
    police = town.at["police"]
    opened = Office(police.folder, police.keys.stretch, police.clock)
    operations.sign_in(opened, by="Rosa")
    return opened


@pytest.mark.parametrize(
    ("target", "name", "calls"),
    [
        (destruction, "destroy_in_composed", 0),
        (offices, "destroy_note", 0),
        (offices, "destroy_parts", 0),
        (offices.Journal, "append", 1),
        (offices.Journal, "write_back", 0),
        (offices.Office, "compose_in", 0),
    ],
)
def test_a_program_that_is_killed_in_the_middle_goes_on_and_leaves_no_name(
    town: Town, target: Any, name: str, calls: int
) -> None:
    case, family = refer(town)
    police = town.at["police"]
    operations.note_report_number(police, case, f"{family} 1")
    operations.note_ending(police, "Rosa", case, "sealed")
    town.hub.clock += DAY
    delivery.pull_inbox(town.link("police"))  # which tells the time
    child = os.fork()
    if child == 0:
        try:
            setattr(target, name, _after(calls, getattr(target, name)))
            with closing(another(town)) as office:
                operations.end_due(office)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    with closing(another(town)) as office:
        operations.end_due(office)
        assert not office.is_destruction_unfinished
        office.replay()
        assert operations.list_retention(office, case).cases[0].signed == ("sealed",)
        sent = office.working_set().cases.records(case).sent
        statements = [outgoing for outgoing in sent if outgoing.kind == "sealed"]
        assert len(statements) == 1
        assert "police" not in holders(town, family)


def test_two_programs_at_once_destroy_and_sign_once(town: Town) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    operations.note_ending(police, "Rosa", case, "sealed")
    town.hub.clock += DAY
    delivery.pull_inbox(town.link("police"))
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with closing(another(town)) as office:
                    operations.end_due(office)
                    status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children] == [0, 0]
    with closing(another(town)) as office:
        events = list(office.journal.after(0))
        destroyed = [str(e.body) for e in events if e.kind == "destroyed"]
        assert len(destroyed) == len(set(destroyed)) >= 2
        of_case = [
            e.body["does"] for e in events if e.kind == "retention" and e.body["case"] == case
        ]
        assert of_case == ["ended", "signed"]


# The proof


def test_the_person_gets_a_page_that_a_court_can_check(town: Town) -> None:
    case, family = refer(town)
    consent(town, case, family)
    crossroads = town.at["crossroads"]
    with refused("nothing-sealed"):
        operations.prove_sealing(crossroads, "Rosa", case)
    ordered = today(town)
    wait(town, 1)
    operations.note_ending(town.at["police"], "Rosa", case, "sealed", ordered)
    wait(town, 2)
    proof = operations.prove_sealing(crossroads, "Rosa", case)
    (statement,) = proof.statements
    assert (statement.agency, statement.cause, statement.ended) == ("police", "sealed", 2)
    # Police still have the terms of the consent, which name no one.
    assert statement.on == ordered and statement.kept_until is not None
    # Every other agency is listed. The case manager sees that the clinic has its part, and not
    # what police told the prosecutor.
    assert [(silent.agency, silent.is_party) for silent in proof.silent] == [
        ("clinic", True),
        ("defender", False),
        ("prosecutor", False),
    ]
    assert (proof.unproved, proof.ended_here) == ((), 0) and proof.kept_here_until is not None
    findings = verify_exhibit(read_exhibit(statement.exhibit), proof.founders)
    assert (findings.kind, findings.signer.agency) == ("sealed", "police")
    with refused("wrong-root"):
        verify_exhibit(read_exhibit(statement.exhibit), "0" * 64)
    for lang, words in (("en", "Police destroyed 2 parts"), ("es", "Police destruyó 2 partes")):
        page = sealing_page.sealing_page(proof, lang)
        assert words in page and proof.founders in page and "police-1.json" in page
        assert family not in page and f'lang="{lang}"' in page


def test_the_page_proves_a_statement_about_the_terms_of_a_consent(town: Town) -> None:
    """The prosecutor and the case manager share the terms of a consent, and nothing else."""
    case, family = refer(town)
    granted = [
        terms(town, "crossroads", "clinic", "contact"),
        terms(town, "crossroads", "prosecutor", "status"),
        terms(town, "prosecutor", "crossroads", "charge_status"),
    ]
    sign(town, case, family, granted)
    operations.note_ending(town.at["prosecutor"], "Rosa", case, "sealed")
    wait(town, 2)
    proof = operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    (statement,) = proof.statements
    assert statement.agency == "prosecutor"
    findings = verify_exhibit(read_exhibit(statement.exhibit), proof.founders)
    assert [(relied.kind, relied.signer.agency) for relied in findings.relied] == [
        ("consent", "crossroads")
    ]


def test_one_statement_that_cannot_be_proved_stops_no_other(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, family = refer(town)
    sign(town, case, family, [terms(town, "crossroads", "prosecutor", "status")])
    for name in ("police", "prosecutor"):
        operations.note_ending(town.at[name], "Rosa", case, "sealed")
    wait(town, 2)
    crossroads = town.at["crossroads"]
    real = sealing_proof.export_record

    def refusing(refusal: Refusal) -> Callable[[Office, str], operations.Export]:
        def export(office: Office, record: str) -> operations.Export:
            received = office.working_set().gateway.received
            if ("prosecutor", record) in received:
                raise refusal
            return real(office, record)

        return export

    for refusal, obstacle, sentence in (
        (AgencyError("unproved", "no witness", fix="wait"), "not_witnessed", "again tomorrow"),
        (HubAway("hub-away", "no answer", fix="wait"), "away", "be reached"),
        (LogError("not-covered", "nothing here", fix="ask"), "not_proved", "A proof that belongs"),
    ):
        monkeypatch.setattr(sealing_proof, "export_record", refusing(refusal))
        proof = operations.prove_sealing(crossroads, "Rosa", case)
        assert [statement.agency for statement in proof.statements] == ["police"]
        (unproved,) = proof.unproved
        assert (unproved.agency, unproved.obstacle) == ("prosecutor", obstacle)
        assert (unproved.reason, unproved.fix) == (refusal.message, refusal.fix)
        page = sealing_page.sealing_page(proof, "en")
        assert "Not proved yet" in page and sentence in page and "prosecutor-" not in page
        assert "prosecutor" not in {silent.agency for silent in proof.silent}
        assert "no comprobado" in sealing_page.sealing_page(proof, "es")
    monkeypatch.undo()


def test_a_statement_that_the_witnesses_have_not_seen_is_shown_as_not_proved_yet(
    town: Town,
) -> None:
    case, _ = refer(town)
    operations.note_ending(town.at["police"], "Rosa", case, "sealed")
    town.hub.clock += DAY
    delivery.pull_inbox(town.link("police"))
    operations.end_due(town.at["police"])
    delivery.send_outbox(town.link("police"))
    delivery.pull_inbox(town.link("crossroads"))
    proof = operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    assert [unproved.obstacle for unproved in proof.unproved] == ["not_witnessed"]
    assert "police" not in {silent.agency for silent in proof.silent}
    town.settle()
    assert operations.prove_sealing(town.at["crossroads"], "Rosa", case).unproved == ()


def test_the_page_of_counsel_lists_agencies_of_which_nothing_is_known(town: Town) -> None:
    case, family = refer(town)
    defender = town.at["defender"]
    operations.represent(defender, case, although_unknown=True)
    sign(town, case, family, [terms(town, "crossroads", "defender", "status")])
    for name in ("police", "prosecutor"):
        operations.note_ending(town.at[name], "Rosa", case, "sealed")
    wait(town, 2)
    proof = operations.prove_sealing(defender, "Rosa", case)
    assert [statement.agency for statement in proof.statements] == ["prosecutor"]
    assert [(silent.agency, silent.is_party) for silent in proof.silent] == [
        ("clinic", False),
        ("crossroads", True),
        ("police", False),
    ]
    page = sealing_page.sealing_page(proof, "en")
    assert "Police: nothing is known here" in page and "Police destroyed" not in page
    assert "Crossroads: it had parts of your case" in page
    spanish = sealing_page.sealing_page(proof, "es")
    assert "Police: aquí no se sabe nada" in spanish


def test_each_destroyed_part_is_counted_once_also_after_two_causes(town: Town) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    operations.note_ending(police, "Rosa", case, "dismissed")
    wait(town, 125)
    operations.note_ending(police, "Rosa", case, "sealed")
    wait(town, 2)
    assert kept(town, "police", case).signed == ("dismissed", "sealed")
    proof = operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    assert [(statement.cause, statement.ended) for statement in proof.statements] == [
        ("dismissed", 2),
        ("sealed", 0),
    ]
    page = sealing_page.sealing_page(proof, "en")
    assert page.count("Police destroyed 2 parts") == 1
    assert "Police had no other part of your case" in page
    assert page.count("It keeps nothing else") + page.count("It still keeps other parts") == 2


def test_two_causes_at_once_count_each_part_once(town: Town) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    long_ago = date(2025, 1, 1)
    operations.note_ending(police, "Rosa", case, "dismissed", long_ago, although_early=True)
    operations.note_ending(police, "Rosa", case, "sealed")
    wait(town, 130, step=130)
    proof = operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    assert sorted(statement.ended for statement in proof.statements) == [0, 2]


def test_the_pages_steps_tell_other_agencies_of_a_dismissal(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "retention.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:yaml)?\n(.*?)^```$", page, re.M | re.S)
    draft, steps = (
        next(block for block in blocks if words in block)
        for words in ("# dismissal", "_disposition")
    )
    case, family = refer(town)
    consent(town, case, family)
    sign(town, case, family, [terms(town, "prosecutor", "crossroads", "charge_status")])
    wait(town, 5)
    dismissed = today(town).isoformat()
    wait(town, 3)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    monkeypatch.setattr(Clock, "now", lambda clock: town.hub.clock)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dismissal.yaml").write_text(draft.replace("2027-03-01", dismissed))

    def run(agency: str, line: str) -> str:
        words = line.partition("#")[0].replace("HANDLE", case).split()[1:]
        words[words.index("~/agency")] = str(town.folder / agency)
        assert main([*words, "--passphrase-file", str(passphrase), "--by", "Rosa"]) == 0
        return capsys.readouterr().out

    send_it, show_it = steps.splitlines()
    assert "the outcome of a charge" in run("prosecutor", send_it)
    town.settle()
    run("crossroads", "offramp agency case ~/agency HANDLE")
    town.settle()
    for agency in ("prosecutor", "crossroads"):
        shown = run(agency, show_it)
        assert f"dismissed on {dismissed} (read in the records of the case)" in shown
        last = date.fromisoformat(dismissed) + timedelta(days=120)
        assert f"charge: 1 part, until {last}, because the charge was dismissed" in shown


Run = Callable[..., str]


@pytest.fixture
def run(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """A function that runs a command at an agency, for `Rosa`, and returns what it prints."""
    monkeypatch.setattr(Clock, "now", lambda clock: town.hub.clock)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)

    def command(name: str, agency: str, *words: str, code: int = 0, by: str = "Rosa") -> str:
        more = ["--passphrase-file", str(passphrase), "--by", by]
        folder = str(town.folder / agency)
        assert main(["agency", name, folder, *words, *more]) == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    return command


def test_the_commands_show_hold_seal_and_write_the_page(
    town: Town, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case, family = refer(town)
    assert "NMSA" not in run("retention", "police", case[:8]), "the pack of this town is lead"
    assert "[usage]" in run("hold", "police", case[:8], code=2)
    hold = ("hold", "police", case[:8])
    assert "add `--release`" in run(*hold, "--reason", "audit", "--number", "1", code=2)
    held = run("hold", "police", case[:8], "--reason", "audit")
    assert "by Rosa" in held and "opens nothing" in held
    assert "ON HOLD: an audit" in run("retention", "police")
    assert "[held-already]" in run(*hold, "--reason", "audit", code=2)
    assert "on hold" in run(*hold, "--reason", "audit", "--another")
    first, second = (each.number for each in kept(town, "police", case).holds)
    assert "[which-hold]" in run(*hold, "--release", code=2)
    assert "was released by Rosa" in run(*hold, "--release", "--number", str(first))
    assert f"hold {second} was released by Rosa" in run(*hold, "--release")
    seal = partial(run, "seal", "police", case[:8], "sealed")
    run("hold", "police", case[:8], "--reason", "audit")
    asked = seal(code=2)
    assert "Note it?" in asked and "[answers-missing]" in asked and "`--yes`" in asked
    assert "charge: 1 part, until" in asked and "signs to Crossroads: the cause" in asked
    assert "ON HOLD: an audit" in asked and "until it is released" in asked
    run("hold", "police", case[:8], "--release")
    shown = seal("--dry-run")
    assert "to be noted by Rosa: a court had the record sealed, on " in shown
    assert "nothing is noted" in shown and "(noted by" not in shown
    for day, error in (
        ("2099-01-01", "day-to-come"),
        ("0001-01-01", "before-"),
        ("", "no-such-day"),
    ):
        assert f"[{error}" in seal("--on", day, "--yes", code=2)
    assert "Nothing is destroyed before tomorrow" in seal("--yes")
    assert "[ending-noted]" in seal("--yes", code=2)
    assert "[usage]" in seal("--withdraw", "--on", "2026-01-01", code=2)
    assert "Withdraw it?" in seal("--withdraw", code=2)
    assert "withdrawn" in seal("--withdraw", "--yes")
    noted = today(town).isoformat()
    seal("--on", noted, "--yes")
    shown = run("retention", "police", case[:8])
    assert f"sealed on {noted} (noted by Rosa)" in shown and "in doubt" in shown
    wait(town, 2)
    assert "this agency has signed it" in run("retention", "police", case[:8])
    page = tmp_path / "page"
    for folder in ("", __file__):
        assert "[no-output]" in run("sealed", "crossroads", case[:8], folder, code=2)
    assert "page.es.html" in run("sealed", "crossroads", case[:8], str(page))
    assert {path.name for path in page.iterdir()} == {
        "page.en.html",
        "page.es.html",
        "police-1.json",
    }
    assert family not in (page / "page.en.html").read_text(encoding="utf-8")
    # A page that is written anew leaves no file of the one before.
    exhibit = (page / "police-1.json").read_bytes()
    (page / "prosecutor-2.json").write_bytes(exhibit)
    (page / "notes-3.json").write_text("{}")
    assert "[file-taken]" in run("sealed", "crossroads", case[:8], str(page), code=2)
    assert (page / "prosecutor-2.json").exists()
    run("sealed", "crossroads", case[:8], str(page), "--force")
    names = {"page.en.html", "page.es.html", "police-1.json", "notes-3.json"}
    assert {path.name for path in page.iterdir()} == names, "only own exhibits are removed"
    root = town.at["crossroads"].working_set().gateway.history.founders
    assert main(["verify", str(page / "police-1.json"), "--root", root]) == 0
    assert "sealed" in capsys.readouterr().out


def test_a_task_to_review_has_the_reason_in_words_and_the_command(town: Town, run: Run) -> None:
    case, _ = refer(town)
    crossroads = town.at["crossroads"]
    operations.add_person(crossroads, "Rosa", "Mo Moor", ["member"], logins=[own_login()])
    run("case", "crossroads", case, "--break-glass", "owner-away", by="Mo Moor")
    task = run("tasks", "crossroads")
    assert "review that Mo Moor broke the glass of this case (the owner is away)" in task
    command = re.search(r"`offramp agency staff \S+ review (\d+)`", task)
    assert command is not None
    assert "reviewed: " in run("staff", "crossroads", "review", command[1])
    assert "Mo Moor broke the glass" not in run("tasks", "crossroads")


def test_days_are_those_of_the_programs_zone(town: Town, run: Run) -> None:
    """In the evening, the day in UTC is already the next one."""
    case, _ = refer(town)
    day = today(town).isoformat()
    town.hub.clock += 10 * 3600
    assert today(town).isoformat() == day
    held = run("hold", "police", case, "--reason", "audit")
    assert f"since {day}, by Rosa" in held
    assert f"since {day}, by Rosa" in run("retention", "police", case)
    assert f"since {day}, by Rosa" in run("seal", "police", case, "sealed", "--dry-run")
    run("staff", "police", "add", "Ola Olin", "--role", "member", "--login", own_login())
    run("staff", "police", "end", "Ola Olin", "--yes")
    assert f"was ended on `{day}`" in run("cases", "police", code=2, by="Ola Olin")
    town.hub.clock += 14 * 3600
    town.settle()


def test_a_refused_command_is_a_look_and_names_who_may_run_it(town: Town, run: Run) -> None:
    case, _ = refer(town)
    police = town.at["police"]
    for name, role in (("Nora Member", "member"), ("Art Auditor", "auditor")):
        operations.add_person(police, "Rosa", name, [role], logins=[own_login()])
    for command, words in (
        ("case", (case[:8],)),
        ("retention", (case[:8],)),
        ("retention", (case,)),
        ("hold", (case[:8], "--reason", "audit")),
        ("seal", (case[:8], "sealed", "--yes")),
        ("looks", (case[:8],)),
    ):
        before = sum(1 for _ in police.looks.read())
        refusal = run(command, "police", *words, code=2, by="Nora Member")
        assert "knows no case" in refusal and "[no-such-case]" in refusal
        looks = list(police.looks.read())[before:]
        assert ("Nora Member", "refused", case) in {
            (look.person, look.kind, look.case) for look in looks
        }, command
    refusal = run("hold", "police", case[:8], "--reason", "audit", code=2, by="Art Auditor")
    assert "people with the role supervisor" in refusal and "sender" not in refusal


def test_a_part_kept_by_a_court_order_is_warned_of_before_it_ends(town: Town, run: Run) -> None:
    case, _ = refer(town)
    run("recall", "police", case, "duplicate", "--record", "all", "--to", "prosecutor", "--yes")
    town.settle()
    # Both spellings are one, and what is printed is accepted.
    answered = run("answer-recall", "prosecutor", case, "--keep", "court_order")
    assert "kept 2 parts of `police`, because a court ordered it" in answered
    assert f"hold {town.folder / 'prosecutor'} {case[:8]} --reason court_order" in answered
    kept_lines = run("retention", "prosecutor", case)
    assert "Asked back and kept because a court ordered it: 1. A hold keeps it" in kept_lines
    seal = partial(run, "seal", "prosecutor", case, "sealed")
    shown = seal("--dry-run")
    assert "LOOK OUT: 2 parts were asked back and kept here, because a court ordered it" in shown
    command = re.search(r"`offramp agency hold \S+ (\w+ --reason \w+)`", shown)
    assert command is not None
    run("hold", "prosecutor", *command[1].replace("court_order", "court-order").split())
    assert [hold.reason for hold in kept(town, "prosecutor", case).holds] == ["court_order"]
    assert "LOOK OUT" not in seal("--dry-run"), "the hold keeps it"


def test_every_refusal_of_an_act_on_a_case_is_a_look(town: Town, run: Run) -> None:
    case, _ = refer(town)
    crossroads = town.at["crossroads"]
    operations.open_case(crossroads, "Rosa", case)
    operations.add_person(crossroads, "Rosa", "Mia Moss", ["member"], logins=[own_login()])
    told = to("offer_and_hand_off", "crossroads", basis="offer_at_scene")
    met = {"facts": {"encounter.date": today(town).isoformat()}}
    part = {"category": "encounter", "content": met, "to": told, "says": {"answer": "accepted"}}
    send(town, "police", "referral", case, parts=[part])
    town.settle()
    operations.open_case(crossroads, "Rosa", case)
    at, digits = "crossroads", case[:8]
    before_the_case = (today(town) - timedelta(days=1)).isoformat()
    for by, code, command, words in (
        ("Mia Moss", "unknown-reason", "case", ("--break-glass", "curious")),
        ("Rosa", "own-case", "case", ("--break-glass", "safety")),
        ("Rosa", "unknown-reason", "case", ("--because", "curious")),
        ("Rosa", "unknown-reason", "hold", ("--reason", "curious")),
        ("Rosa", "unknown-reason", "recall", ("curious", "--yes")),
        ("Rosa", "day-to-come", "seal", ("sealed", "--on", "2099-01-01", "--dry-run")),
        ("Rosa", "before-the-case", "seal", ("sealed", "--on", before_the_case, "--yes")),
        ("Rosa", "no-ending", "seal", ("sealed", "--withdraw", "--dry-run")),
        ("Rosa", "unknown-decision", "determine", ("dinner", "eaten", "--reason", "other")),
    ):
        looks = sum(1 for _ in crossroads.looks.read())
        assert f"[{code}" in run(command, at, digits, *words, code=2, by=by), (command, code)
        new = list(crossroads.looks.read())[looks:]
        refusals = [(look.person, look.case) for look in new if look.refused == code]
        assert refusals == [(by, case)], (command, code)
    run("seal", at, digits, "sealed", "--dry-run")
    assert list(crossroads.looks.read())[-1].operation == "preview_ending"

    # A refusal on the way to an act is one at that act, also by a form that was opened before.
    for command, words, code, act in (
        (
            "seal",
            ("sealed", "--on", before_the_case, "--yes"),
            "before-the-case",
            "note a dismissal",
        ),
        ("seal", ("sealed", "--withdraw", "--yes"), "no-ending", "withdraw a note"),
        ("seal", ("sealed", "--withdraw", "--on", "2026-01-01"), "usage", "withdraw a note"),
        ("seal", ("sealed",), "answers-missing", "note a dismissal"),
        ("progress", ("--yes",), "answers-missing", "send a record by a form"),
        (
            "progress",
            ("--answer", "nothing.here=yes"),
            "unknown-question",
            "send a record by a form",
        ),
        ("hold", ("--number", "1", "--reason", "audit"), "usage", "run `offramp agency hold`"),
        ("determine", ("eligibility", "eligible", "--reason", "rules"), "", "record a decision"),
        ("consent", ("--yes",), "", "record a consent"),
        ("recall", ("wrong_case", "--record", "ffff", "--yes"), "", "ask a record back"),
    ):
        before = operations.list_looks(crossroads).looks
        said = run(command, at, digits, *words, code=2)
        assert f"[{code}" in said, said
        shown = staff_wording.looks_lines(operations.list_looks(crossroads), ZoneInfo("UTC"))
        tried = [line for line in shown[len(before) :] if "refused" in line]
        assert len(tried) == 1, (command, words, tried)
        assert f"tried to {act}" in tried[0] and f"case {digits}" in tried[0], tried

    # Somebody who was ended is named, with the case that was tried.
    operations.end_person(crossroads, "Rosa", "Mia Moss")
    for command, words in (
        ("case", ()),
        ("retention", ()),
        ("looks", ()),
        ("seal", ("sealed", "--yes")),
        ("hold", ("--reason", "audit")),
    ):
        assert "[person-ended]" in run(command, at, digits, *words, code=2, by="Mia Moss")
        last = list(crossroads.looks.read())[-1]
        assert (last.person, last.case, last.refused) == ("Mia Moss", case, "person-ended")
    run("staff", at, "assign", digits, "--to", "Rosa", code=2, by="Mia Moss")
    assert next(iter(reversed(list(crossroads.looks.read())))).case == case
    shown = run("looks", at, digits, "--refused")
    assert "Mia Moss (" in shown and "tried to act here, case " in shown
    assert "refused [person-ended]" in shown


def test_the_person_reads_who_opened_the_file_and_no_more(town: Town, run: Run) -> None:
    case, family = refer(town)
    sign(town, case, family, [terms(town, "crossroads", "defender", "disclosure_account")])
    crossroads = town.at["crossroads"]

    def opened() -> dict[str, int]:
        """What the page counts, and what its last lines say."""
        account = operations.fetch_account(crossroads, case, for_person=True)
        assert account.openings is not None
        page = run("account", "crossroads", case, "--for-person").split("opened your file:")[1]
        for opening in account.openings:
            times = "once" if opening.count == 1 else f"{opening.count} times"
            assert f"{opening.person}: {times}," in page
        return {opening.person: opening.count for opening in account.openings}

    assert opened() == {"Rosa": 1}, "it was opened when it was referred"
    operations.add_person(crossroads, "Rosa", "Nia Nix", ["member"], logins=[own_login()])
    run("case", "crossroads", case, code=2, by="Nia Nix")
    wait(town, 1)
    for command in (("recall", "--dry-run"), ("retention",), ("seal", "sealed", "--dry-run")):
        name, *words = command
        run(name, "crossroads", case, *words)
    counted = opened()
    assert set(counted) == {"Rosa"}, "a refused try opens nothing"
    for _ in range(3):
        run("case", "crossroads", case, "--open")
    assert opened() == {"Rosa": counted["Rosa"]}, "what is done at once is one opening"


def test_looks_name_the_person_or_the_case_that_is_not_here(town: Town, run: Run) -> None:
    case, _ = refer(town)
    refusal = run("looks", "police", "--person", "Nobody Known", code=2)
    assert "`Nobody Known` is not listed" in refusal
    assert "knows no case `0000`" in run("looks", "police", "0000", code=2)
    assert "Rosa" in run("looks", "police", case[:8], "--person", "rosa")
    assert "not listed" in run("looks", "police", case[:8], "--person", "No One", code=2)


def test_the_account_says_who_signed_that_it_destroyed_its_parts(town: Town, run: Run) -> None:
    case, family = refer(town)
    sign(town, case, family, [terms(town, "crossroads", "defender", "disclosure_account")])
    operations.represent(town.at["defender"], case)
    town.settle()
    before = run("account", "crossroads", case, "--for-person")
    assert "SIGNED" not in before and "Prosecutor (prosecutor's office)" in before
    operations.note_ending(town.at["police"], "Rosa", case, "dismissed", on=today(town))
    wait(town, 125)
    operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    said = (
        "DESTROYED 2 parts of this case, because the charge was dismissed, or because their time "
        "was over. It said that it keeps"
    )
    whole = " ".join(run("account", "crossroads", case, "--for-person").split())
    assert said in whole
    assert said in " ".join(run("account", "crossroads", case).split())
    spanish = " ".join(run("account", "crossroads", case, "--lang", "es").split())
    assert "DESTRUYÓ 2 partes de este caso, porque la acusación fue desestimada" in spanish
    # Counsel got no statement of police, and its account has that one was signed.
    at_counsel = " ".join(run("account", "defender", case).split())
    police = at_counsel[at_counsel.index("Police (police)") : at_counsel.index("Prosecutor")]
    assert "It SIGNED a statement on" in police
    assert "about what it destroyed of this case. Another agency of yours" in police
    assert "DESTROYED" not in at_counsel


def test_the_account_says_who_signed_that_it_had_nothing_to_destroy(town: Town, run: Run) -> None:
    case, family = refer(town)
    granted = [
        terms(town, "crossroads", "clinic", "contact"),
        terms(town, "crossroads", "prosecutor", "status"),
        terms(town, "prosecutor", "crossroads", "charge_status"),
    ]
    sign(town, case, family, granted)
    operations.note_ending(town.at["clinic"], "Rosa", case, "completed")
    operations.note_ending(town.at["police"], "Rosa", case, "dismissed")
    wait(town, 125)
    operations.note_ending(town.at["police"], "Rosa", case, "sealed")
    wait(town, 2)
    proof = operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    counts = [(signed.agency, signed.cause, signed.ended) for signed in proof.statements]
    assert ("clinic", "completed", 0) in counts and ("police", "sealed", 0) in counts
    for words in (("--for-person",), ()):
        whole = " ".join(run("account", "crossroads", case, *words).split())
        assert "had no part of this case that ends because you completed the program" in whole
        assert "had no other part of this case that ends because a court had the record" in whole
        assert whole.count("DESTROYED") == 1 and "DESTROYED 2 parts" in whole
    spanish = " ".join(run("account", "crossroads", case, "--lang", "es").split())
    assert "que no tenía ninguna parte de este caso que termine porque usted completó" in spanish
    assert spanish.count("DESTRUYÓ") == 1


def test_a_statement_that_was_asked_back_proves_nothing(town: Town) -> None:
    case, _ = refer(town)
    police, crossroads = town.at["police"], town.at["crossroads"]
    operations.note_ending(police, "Rosa", case, "sealed")
    wait(town, 2)
    assert len(operations.prove_sealing(crossroads, "Rosa", case).statements) == 1
    operations.recall(police, "Rosa", case, "wrong_case", record="sealed")
    town.settle()
    proof = operations.prove_sealing(crossroads, "Rosa", case)
    assert proof.statements == ()
    assert [unproved.obstacle for unproved in proof.unproved] == ["asked_back"]
    assert "doesn't count" in sealing_page.sealing_page(proof, "en").replace("&#x27;", "'")
    for lang, words in (("en", "statement on what it destroyed"), ("es", "sobre lo que destruyó")):
        page = sealing_page.sealing_page(proof, lang)
        assert words in page and "that it destroyed" not in page and "de que destruyó" not in page
        # It is proved, and it doesn't count. That isn't a proof still to come.
        assert "Not proved yet" not in page and "no comprobado" not in page
    (line,) = (text for text in unproved_lines(proof) if "police" in text.lower())
    assert line.startswith("asked back, of")
    account = operations.fetch_account(crossroads, case)
    assert account.ends == ()


def test_a_right_statement_follows_a_wrong_one_that_was_asked_back(
    town: Town, run: Run, tmp_path: Path
) -> None:
    case, _ = refer(town)
    police, crossroads = town.at["police"], town.at["crossroads"]
    wrong = today(town)
    wait(town, 1)
    right = today(town)
    seal = partial(run, "seal", "police", case[:8], "sealed")
    seal("--on", wrong.isoformat(), "--yes")
    town.hub.clock += DAY
    delivery.pull_inbox(town.link("police"))
    operations.end_due(police)
    # Nothing is said to be signed before the statement has left.
    assert "; the signed statement waits to be sent" in run("retention", "police", case[:8])
    assert kept(town, "police", case).statements == {"sealed": "queued"}
    assert "waits to be sent; a statement is never changed" in seal("--yes", code=2)
    town.settle()
    assert "; this agency has signed it" in run("retention", "police", case[:8])
    operations.prove_sealing(crossroads, "Rosa", case)

    # The refusal names the command that asks the statement back, and the recall the next one.
    refusal = seal("--withdraw", "--yes", code=2)
    assert "[ending-noted]" in refusal and "has signed that it ended" in refusal
    command = re.search(r"`offramp agency recall \S+ (\S+ wrong-fact --record \w+)`", refusal)
    assert command is not None
    asked_back = run("recall", "police", *command[1].split(), "--yes")
    assert "doesn't count any more" in asked_back
    assert f"seal {town.folder / 'police'} {case[:8]} CAUSE --withdraw" in asked_back
    assert "; this agency asked its signed statement back" in run("retention", "police", case)
    # It counts no more: at its agency at once, at the others when they know of the recall.
    assert operations.fetch_account(crossroads, case).ends != ()
    delivery.pull_inbox(town.link("crossroads"))
    assert operations.fetch_account(crossroads, case).ends == ()
    for _ in range(2):
        wait(town, 1)
        assert kept(town, "police", case).signed == (), "the wrong day isn't signed again"
    ended_here = operations.prove_sealing(crossroads, "Rosa", case).ended_here
    run("answer-recall", "crossroads", case[:8])
    proof = operations.prove_sealing(crossroads, "Rosa", case)
    assert (proof.ended_here, ended_here) == (0, 0), "what was given back was not ended"

    seal("--withdraw", "--yes")
    shown = seal("--on", right.isoformat(), "--yes")
    assert "how many parts are destroyed (2 as things are now, 2 of them before this note)" in shown
    # A note made anew isn't said to be asked back: the earlier statement was.
    renewed = run("retention", "police", case)
    assert "noted anew, and not signed yet" in renewed and "asked its signed" not in renewed
    wait(town, 2)
    assert "noted anew" not in run("retention", "police", case)
    assert kept(town, "police", case).signed == ("sealed",)
    proof = operations.prove_sealing(crossroads, "Rosa", case)
    assert [(each.on, each.ended) for each in proof.statements] == [(right, 2)]
    assert [unproved.obstacle for unproved in proof.unproved] == ["asked_back"]
    (end,) = operations.fetch_account(crossroads, case).ends
    assert end.parts is not None and (end.parts.on, end.parts.ended) == (right, 2)
    assert "[ending-noted]" in seal("--yes", code=2), "the right one is not changed either"


def test_what_is_past_its_last_day_is_marked_until_the_next_round(town: Town, run: Run) -> None:
    case, _ = refer(town)
    assert "OVERDUE" not in run("retention", "police", case[:8])
    town.hub.clock += 4000 * DAY
    shown = run("retention", "police", case[:8])
    assert "OVERDUE: encounter" in shown or "OVERDUE: charge" in shown
    assert f"`offramp agency serve {town.folder / 'police'} --once` does it now" in shown
    town.settle()
    assert "OVERDUE" not in run("retention", "police", case[:8])


def test_a_wrong_fact_without_its_detail_is_refused_with_the_whole_command(
    town: Town, run: Run
) -> None:
    case, family = refer(town)
    consent(town, case, family)
    sign(town, case, family, [terms(town, "prosecutor", "crossroads", "charge_status")])
    member = {
        "category": "charge_status",
        "content": {"standing": "dismissed"},
        "to": to("diversion_coordination", "crossroads"),
    }
    send(town, "prosecutor", "charge_disposition", case, parts=[member])
    town.settle()
    words = (case[:8], "wrong-fact", "--record", "charge-disposition")
    refusal = run("recall", "prosecutor", *words, "--to", "crossroads", "--yes", code=2)
    assert "[which-detail]" in refusal and "sent nothing" not in refusal
    command = re.search(r"`offramp agency recall \S+ ([^`]* --detail [^`]+)`", refusal)
    assert command is not None and command[1].endswith(" --to crossroads")
    assert "sent" in run("recall", "prosecutor", *command[1].split(), "--yes")
    assert "[nothing-to-recall]" in run("recall", "prosecutor", *words, "--yes", code=2)


def test_a_statement_that_relied_on_one_that_was_asked_back_states_no_number(
    town: Town, run: Run, tmp_path: Path
) -> None:
    case, _ = refer(town)
    for cause, on in (("dismissed", "2025-01-01"), ("sealed", None)):
        day = ("--on", on, "--although-early") if on is not None else ()
        run("seal", "police", case[:8], cause, *day, "--yes")
    wait(town, 2)
    crossroads = town.at["crossroads"]
    statements = operations.prove_sealing(crossroads, "Rosa", case).statements
    assert [(each.cause, each.ended) for each in statements] == [("dismissed", 2), ("sealed", 0)]
    dismissal, sealing = (each.record for each in statements)

    def page(folder: str, lang: str = "en") -> str:
        run("sealed", "crossroads", case[:8], str(tmp_path / folder))
        text = (tmp_path / folder / f"page.{lang}.html").read_text(encoding="utf-8")
        return html.unescape(text)

    def account() -> str:
        return plain(run("account", "crossroads", case))

    assert "Police had no other part of your case" in page("before")
    recall = ("recall", "police", case[:8], "wrong-fact", "--record")
    warned = run(*recall, dismissal[:8], "--dry-run")
    assert f"the statement on `sealed` (record `{sealing[:8]}`) relied on it" in warned
    assert "relied on it" not in run(*recall, sealing[:8], "--dry-run")
    run(*recall, dismissal[:8], "--yes")
    town.settle()
    shown = page("recalled")
    assert "counts again when Police has stated that anew" in shown
    assert "cuando Police lo declare otra vez" in page("recalled-es", "es")
    assert "Police had no" not in shown and "Police destroyed" not in shown
    said = account()
    assert "because a court had the record sealed. It asked back an earlier statement" in said
    assert "had no part" not in said and "DESTROYED" not in said

    run("seal", "police", case[:8], "dismissed", "--withdraw", "--yes")
    run("seal", "police", case[:8], "dismissed", "--yes", "--on", "2025-01-02", "--although-early")
    wait(town, 2)
    shown = page("anew")
    assert "Police destroyed 2 parts" in shown and "stated that anew" not in shown
    assert "Police had destroyed all of this before" in shown
    assert "Police had no other part of your case" in shown
    said = account()
    assert "DESTROYED 2 parts" in said and "earlier statement" not in said
    assert "destroyed all of this before, for the reason of a statement that it asked back" in said


def test_the_page_does_not_give_sealing_as_the_reason_for_what_a_mistake_destroyed(
    town: Town, run: Run, tmp_path: Path
) -> None:
    """A dismissal is noted by mistake, destroys parts, and is asked back. Then a court seals."""
    crossroads, pages = town.at["crossroads"], count(1)

    def page(case: str, lang: str = "en") -> str:
        folder = tmp_path / f"page-{next(pages)}"
        run("sealed", "crossroads", case[:8], str(folder))
        return html.unescape((folder / f"page.{lang}.html").read_text(encoding="utf-8"))

    for is_read in (True, False):
        case, _ = refer(town)
        early = ("--on", "2025-01-01", "--although-early")
        run("seal", "police", case[:8], "dismissed", *early, "--yes")
        wait(town, 2)
        if is_read:
            assert "because of this or because their time was over" in page(case)
        run("recall", "police", case[:8], "wrong-fact", "--record", "sealed", "--yes")
        town.settle()
        run("seal", "police", case[:8], "dismissed", "--withdraw", "--yes")
        run("seal", "police", case[:8], "sealed", "--yes")
        wait(town, 2)
        (statement,) = operations.prove_sealing(crossroads, "Rosa", case).statements
        assert (statement.cause, statement.ended) == ("sealed", 2)
        shown = page(case)
        assert "Police destroyed 2 parts of your case in the exchange." in shown
        assert "because of this" not in shown
        which = "all of this" if is_read else "them"
        assert f"Police had destroyed {which} before" in shown, shown
        assert "some or all of them" in shown or is_read
        assert "What was destroyed because of it stays destroyed" in shown
        assert "por el motivo de una declaración cuya devolución pidió" in page(case, "es")
        said = plain(run("account", "crossroads", case))
        which = "all of this" if is_read else "some or all of this"
        assert f"destroyed {which} before, for the reason of a statement" in said
        assert "had DESTROYED 2 parts" in said and "or because their time was over" not in said


def test_the_page_names_a_running_hold_and_gives_no_last_day(
    town: Town, run: Run, tmp_path: Path
) -> None:
    case, _ = refer(town)
    run("seal", "police", case[:8], "sealed", "--yes")
    wait(town, 2)
    crossroads, pages = town.at["crossroads"], count(1)

    def own_section(lang: str = "en") -> str:
        folder = tmp_path / f"page-{next(pages)}"
        run("sealed", "crossroads", case[:8], str(folder))
        page = html.unescape((folder / f"page.{lang}.html").read_text(encoding="utf-8"))
        made_by = {"en": "which made this page", "es": "que hizo esta página"}[lang]
        return page.split(made_by)[-1].split("</section>")[0]

    proof = operations.prove_sealing(crossroads, "Rosa", case)
    assert proof.kept_here_until is not None
    last_day = spoken_day(proof.kept_here_until, "en")
    assert last_day in own_section()
    run("hold", "crossroads", case[:8], "--reason", "complaint")
    run("hold", "crossroads", case[:8], "--reason", "subpoena")
    placed = spoken_day(today(town), "en")
    shown = own_section()
    assert last_day not in shown and "at the latest" not in shown
    assert f"Rosa placed it on {placed}, because you complained, or asked to see the file" in shown
    assert f"Rosa placed it on {placed}. The reason may not be told on this page" in shown
    assert "subpoena" not in shown and "no last day is known" in shown
    spanish = own_section("es")
    assert "porque usted se quejó" in spanish and "no se sabe el último día" in spanish
    assert "as long as the hold, and without it until" in run("retention", "crossroads", case[:8])
    for hold in operations.prove_sealing(crossroads, "Rosa", case).holds_here:
        run("hold", "crossroads", case[:8], "--release", "--number", str(hold.number))
    assert last_day in own_section()


def test_a_seal_lists_exactly_what_it_destroys(town: Town, run: Run, tmp_path: Path) -> None:
    case, family = refer(town)
    crossroads = town.at["crossroads"]
    consent(town, case, family)
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"encounter": {"date": today(town).isoformat()}}))
    run("note", "police", case[:8], str(facts))
    town.settle()
    preview = operations.preview_ending(town.at["police"], "Rosa", case, "sealed")
    shown = run("seal", "police", case[:8], "sealed", "--yes")
    parts, notes = sum(row.parts for row in preview.ends), sum(row.notes for row in preview.ends)
    assert notes and parts == preview.counted == 2, preview.ends
    assert re.search(f"in all, it destroys 2 parts and {notes} own notes?$", shown, re.M), shown
    assert "encounter: " in shown and "(2 as things are now)" in shown
    assert "it doesn't end, for the reason beside each:" in shown
    town.hub.clock += 2 * DAY
    delivery.pull_inbox(town.link("police"))
    ended = operations.end_due(town.at["police"])
    assert (ended.parts, ended.notes) == (parts, notes)
    town.settle()
    (statement,) = operations.prove_sealing(crossroads, "Rosa", case).statements
    assert statement.ended == preview.counted


def test_the_page_and_the_account_name_what_the_exchange_keeps(
    town: Town, run: Run, tmp_path: Path
) -> None:
    case, _ = refer(town)
    run("seal", "police", case[:8], "sealed", "--yes")
    run("seal", "crossroads", case[:8], "sealed", "--yes")
    wait(town, 125)
    run("sealed", "crossroads", case[:8], str(tmp_path / "page"))
    page = html.unescape((tmp_path / "page" / "page.en.html").read_text(encoding="utf-8"))
    rows = json.loads(run("retention", "police", case, "--json"))["cases"][0]["rows"]
    assert {row["category"] for row in rows} == {"operation"}, rows
    last_day = max(date.fromisoformat(row["last_ends"]) for row in rows)
    assert "It keeps nothing else of your case" not in page
    assert f"such as this statement (until {spoken_day(last_day, 'en')} at the latest)" in page
    assert "what the exchange itself needs" in plain(run("account", "crossroads", case))


def plain(text: str) -> str:
    return " ".join(text.split())


def test_the_account_says_who_kept_what_was_asked_back_and_why(town: Town, run: Run) -> None:
    case, family = refer(town)
    sign(town, case, family, [terms(town, "crossroads", "defender", "disclosure_account")])
    for agency in ("crossroads", "prosecutor"):
        run("recall", "police", case, "wrong-person", "--record", "all", "--to", agency, "--yes")
    town.settle()
    run("answer-recall", "crossroads", case, "--keep", "court-order")
    run("answer-recall", "prosecutor", case)
    town.settle()
    kept_here = (
        "Asked back, and KEPT because a court ordered it: possible charges; your first name; "
        "your last name"
    )
    for words in (("--for-person",), ()):
        at_holder = plain(run("account", "crossroads", case, *words))
        assert kept_here in at_holder
        assert "Crossroads KEPT it, because a court ordered it." in at_holder
        assert "deleted:" not in at_holder
    # Only the one who asked and the one who answered can read how.
    whole = plain(run("account", "crossroads", case, "--for-person"))
    assert "Prosecutor answered. Ask Prosecutor if it deleted or kept it." in whole
    full = plain(run("account", "crossroads", case, "--full"))
    assert full.count("Crossroads KEPT it, because a court ordered it.") == 2
    spanish = plain(run("account", "crossroads", case, "--lang", "es"))
    assert "Crossroads lo CONSERVA, porque lo ordenó un tribunal." in spanish

    # The agency that asked reads the answer, too.
    consent(town, case, family)
    run("recall", "crossroads", case, "duplicate", "--record", "service_referral", "--yes")
    town.settle()
    run("answer-recall", "clinic", case, "--keep", "care")
    town.settle()
    asked_it = plain(run("account", "crossroads", case))
    assert "Clinic KEPT it, because it is part of a record of treatment." in asked_it
    rows = operations.fetch_account(town.at["crossroads"], case).as_json()["rows"]
    assert ("clinic", "retained", "care") in {
        (row["to"], row["answer"], row["kept_because"]) for row in rows
    }


def test_destroyed_parts_are_not_said_to_be_unopened_yet(town: Town, run: Run) -> None:
    case, family = refer(town)
    sign(town, case, family, [terms(town, "crossroads", "prosecutor", "status")])
    told = to("offer_and_hand_off", "crossroads", basis="offer_at_scene")
    send(
        town,
        "police",
        "referral",
        case,
        parts=[
            {
                "category": "encounter",
                "content": {"facts": {"encounter.route": "arrest"}},
                "to": told,
                "says": {"answer": "accepted"},
            }
        ],
    )
    town.settle()
    before = plain(run("account", "crossroads", case))
    # What nobody here opened isn't known in detail.
    assert "Not opened yet: information on the encounter with police" in before
    for agency in ("crossroads", "prosecutor"):
        operations.note_ending(town.at[agency], "Rosa", case, "sealed")
    wait(town, 2)
    operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    after = plain(run("account", "crossroads", case))
    assert "Not opened yet" not in after
    assert "Opened, and destroyed since: information on possible charges" in after
    assert "Destroyed: information on the encounter with police" in after
    # Of another agency only its statement is known, which names no kind.
    whole = plain(run("account", "crossroads", case, "--for-person"))
    perhaps = "Opened, and since then destroyed or still kept: your first name; your last name; "
    perhaps += "information on possible charges"
    assert perhaps in whole


def test_what_was_asked_back_and_deleted_is_in_no_count_of_what_was_ended(
    town: Town, run: Run
) -> None:
    case, _ = refer(town)
    run("recall", "police", case, "wrong-person", "--record", "all", "--to", "prosecutor", "--yes")
    town.settle()
    run("answer-recall", "prosecutor", case)
    consent_terms = [terms(town, "prosecutor", "crossroads", "charge_status")]
    sign(town, case, "Nobody", consent_terms)
    operations.note_ending(town.at["prosecutor"], "Rosa", case, "sealed")
    wait(town, 2)
    proof = operations.prove_sealing(town.at["crossroads"], "Rosa", case)
    counts = {statement.agency: statement.ended for statement in proof.statements}
    assert counts == {"prosecutor": 0}


def test_nothing_is_signed_while_a_record_is_still_to_be_proved(town: Town, run: Run) -> None:
    told = to("offer_and_hand_off", "crossroads", basis="offer_at_scene")
    part = {"category": "charge", "content": {"facts": {"encounter.charges": []}}, "to": told}
    case = send(town, "police", "referral", None, parts=[part | {"says": {"answer": "accepted"}}])
    police = town.at["police"]
    assert "1 own record isn't listed yet" in run("retention", "police", case)
    shown = run("seal", "police", case, "sealed", "--dry-run")
    assert "1 own record isn't listed yet" in shown and "end nothing" not in shown
    run("seal", "police", case, "sealed", "--yes")
    delivery.pull_inbox(town.link("crossroads"))
    operations.open_case(town.at["crossroads"], "Rosa", case)
    # Two days go by in which no witness confirms the record.
    for _ in range(2):
        town.hub.clock += DAY
        delivery.pull_inbox(town.link("police"))
        operations.end_due(police)
    assert kept(town, "police", case).statements == {}, "it has not ended anything yet"
    wait(town, 2)
    town.settle()
    assert kept(town, "police", case).statements == {"sealed": "sent"}
    (statement,) = operations.prove_sealing(town.at["crossroads"], "Rosa", case).statements
    assert statement.ended == 1


# Nothing is asked again


def asked_kinds(town: Town, agency: str, case: str) -> set[str | None]:
    """The kinds of the facts that tasks, the case, and waiting questions ask for."""
    office = town.at[agency]
    terms = vocabulary()
    view = operations.read_case(office, case)
    paths = {str(need["fact"]) for answer in view.answers.values() for need in answer.needed}
    tasks = [task for task in operations.list_tasks(office) if task.case == case]
    paths |= {task.asks for task in tasks if task.asks is not None}
    paths |= {task.about for task in tasks if task.wanted_for is not None}
    paths |= {question.path for question in operations.waiting_questions(office, case)}
    return {kind_of(path, terms) for path in paths}


def test_what_was_destroyed_under_a_cause_is_not_asked_again(town: Town, run: Run) -> None:
    case, _ = refer(town)
    crossroads, police = town.at["crossroads"], town.at["police"]
    ended = {"encounter", "charge", "screening_outcome", "new_charge", "charge_status"}
    asked = operations.ask(crossroads, case, "eligibility")
    assert "police" in asked.asked
    town.settle()
    operations.open_case(police, "Rosa", case)
    assert ended & asked_kinds(town, "police", case)
    assert ended & asked_kinds(town, "crossroads", case)
    for office in (crossroads, police):
        operations.note_ending(office, "Rosa", case, "sealed")
    # The day of the note is not over: a mistake can be withdrawn, and everything is as before.
    assert ended & asked_kinds(town, "crossroads", case)
    wait(town, 2)
    for name in ("crossroads", "police"):
        assert not ended & asked_kinds(town, name, case), name
    with refused("nothing-to-ask"):
        operations.ask(crossroads, case, "eligibility")
    with refused("nothing-to-tell"):
        operations.open_form(police, "answer", case)
    shown = run("case", "crossroads", case)
    assert "What was destroyed here is not asked for again: a court had the record" in shown
    assert "(encounter." not in shown
    # The person is still in the program, so what care has to do stays.
    assert any("Due:" in task.what for task in operations.list_tasks(crossroads))


# Five years. The last test, since it moves the clock for those after it.


def test_over_five_years_the_name_leaves_every_agency_but_the_holder_of_the_consent(
    town: Town,
) -> None:
    case, family = refer(town)
    consent(town, case, family)
    signed = today(town) + timedelta(days=365)
    everybody = {"police", "prosecutor", "crossroads", "clinic"}
    assert holders(town, family) == everybody

    # The prosecutor must preserve the case, and a court has the record sealed.
    prosecutor = town.at["prosecutor"]
    hold = operations.hold_case(prosecutor, "Rosa", case, "subpoena")
    for name in ("prosecutor", "police", "crossroads"):
        operations.note_ending(town.at[name], "Rosa", case, "sealed")
    town.settle()
    assert holders(town, family) == everybody, "nothing ends on the day of the note"
    wait(town, 1)
    assert holders(town, family) == {"prosecutor", "crossroads", "clinic"}
    assert kinds(town, "police", case) == {"consent_terms", "operation"}
    assert kept(town, "police", case).signed == ("sealed",)
    # The hold keeps what the sealing ended, shows who and why, and puts the signature off.
    held = kept(town, "prosecutor", case)
    assert [(each.by, each.reason) for each in held.holds] == [("Rosa", "subpoena")]
    assert held.signed == () and kinds(town, "prosecutor", case) >= {"contact", "charge"}
    assert "contact" in kinds(town, "crossroads", case)
    assert "charge" not in kinds(town, "crossroads", case), "a court sealed it"

    wait(town, 400)
    assert holders(town, family) == {"prosecutor", "crossroads"}, "the clinic's year is over"
    operations.release_hold(prosecutor, "Rosa", case)
    town.settle()
    assert holders(town, family) == {"crossroads"}
    # It exchanged nothing with the person's own agencies, so there is nobody to tell.
    assert kept(town, "prosecutor", case).statements == {"sealed": "nobody"}
    assert [look.operation for look in prosecutor.looks.read(case) if look.kind == "act"].count(
        "release_hold"
    ) == 1
    assert hold.released is None and not kept(town, "prosecutor", case).holds

    wait(town, 4 * 366)
    # The signed consent is kept six years from its last day, at the agency that collected it.
    assert holders(town, family) == {"crossroads"}
    (row,) = [row for row in kept(town, "crossroads", case).rows if row.rule == "consents"]
    assert "164.530(j)" in row.law and row.last_ends == signed.replace(year=signed.year + 6)
    wait(town, (row.last_ends - today(town)).days + 1)
    assert holders(town, family) == set()
    for office in town.at.values():
        office.replay()
        assert family not in str(operations.list_cases(office))
