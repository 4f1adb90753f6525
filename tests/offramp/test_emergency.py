"""A medical emergency: two listed people tell a health provider, without any consent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.folder.office import Office
from offramp.agency.folder.staff import Session
from offramp.agency.operations.emergency import CONFIRM_WITHIN, forget_late_emergencies
from tests.support.agencies import ROLES, Town, referral
from tests.support.logins import any_login
from tests.support.refused import refused

TEXT = "allergic to naltrexone"
FIRST, SECOND = "Rosa Quintana", "Ben Backup"


class TwoKeys(Town):
    """A town whose case managers have two listed signing keys."""

    def _entry(self, name: str) -> dict[str, Any]:
        entry = super()._entry(name)
        if name == "crossroads":
            second = self.at[name].keys.make_signing("crossroads.s2").public
            entry = {**entry, "signing": [*entry["signing"], second.as_jwk()]}
        return entry


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    found = TwoKeys(tmp_path_factory.mktemp("town"), {**ROLES, "hospital": "health_provider"}, ())
    office = found.at["crossroads"]
    with any_login():
        operations.add_person(office, FIRST, SECOND, ["member"], logins=["ben"])
        operations.add_person(office, FIRST, "Ada Admin", ["admin"], logins=["ada"])
    return found


@pytest.fixture(scope="module")
def case(town: Town) -> str:
    draft = operations.Draft((referral(),), None)
    sent = operations.send_record(town.at["police"], "referral", draft)
    town.settle()
    operations.open_case(town.at["crossroads"], FIRST, str(sent.case))
    return str(sent.case)


@contextmanager
def as_person(town: Town, name: str) -> Iterator[Office]:
    office = town.at["crossroads"]
    person = office.working_set().staff.named(name)
    with operations.acting(office, Session(person, person.logins[0], "a test")):
        yield office


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("agency.*"))


def test_two_people_tell_the_hospital_and_the_provider_reads_it(town: Town, case: str) -> None:
    # The case is the other's, and it can't wait.
    with as_person(town, SECOND) as office:
        reported = operations.report_emergency(
            office, SECOND, case[:8], "hospital", "overdose", TEXT
        )
        with refused("second-person"):
            operations.confirm_emergency(office, SECOND, reported.number)
        assert not [each for each in office.working_set().outbox.values() if each.kind == KIND]
    with as_person(town, "Ada Admin") as office, refused("not-your-role"):
        operations.confirm_emergency(office, "Ada Admin", reported.number)
    with as_person(town, FIRST) as office:
        assert operations.list_emergencies(office) == (reported,)
        sent = operations.confirm_emergency(office, FIRST, reported.number)
        assert operations.list_emergencies(office) == ()
        with refused("no-such-emergency"):
            operations.confirm_emergency(office, FIRST, reported.number)
        # Owner and supervisor have the task to tell the person and counsel.
        texts = [task.what for task in operations.list_tasks(office)]
        assert any("tell the person and counsel" in text and SECOND in text for text in texts)
    town.settle()
    hospital = town.at["hospital"]
    opened = operations.open_part(
        hospital, "Sam Person", sent.id, second=second_of(hospital, sent.id)
    )
    assert opened.content["health"]["text"] == TEXT
    assert opened.content["health"]["emergency"]["discloser"] == SECOND
    assert opened.content["health"]["emergency"]["nature"] == "overdose"
    assert {"second_person", "tell_person_and_counsel"} <= set(opened.obligations)


KIND = "emergency_disclosure"


def second_of(hospital: Office, record: str) -> str:
    """A second listed person at the hospital, which refuses another name."""
    with refused("unlisted-person"):
        operations.open_part(hospital, "Sam Person", record, second="Somebody")
    operations.add_person(hospital, "Sam Person", "Nurse Ode", ["member"])
    return "Nurse Ode"


def test_what_nobody_confirms_in_time_is_sent_to_nobody_and_forgotten(
    town: Town, case: str
) -> None:
    town.hub.clock += CONFIRM_WITHIN
    forget_late_emergencies(town.at["crossroads"])
    before = len(town.at["crossroads"].working_set().outbox)
    with as_person(town, SECOND) as office:
        reported = operations.report_emergency(
            office, SECOND, case, "hospital", "injury", "a text that waits"
        )
        assert b"a text that waits" in on_disk(office.folder)
        town.hub.clock += CONFIRM_WITHIN
    with as_person(town, FIRST) as office, refused("no-such-emergency"):
        operations.confirm_emergency(office, FIRST, reported.number)
    assert forget_late_emergencies(office) == 1 and forget_late_emergencies(office) == 0
    assert b"a text that waits" not in on_disk(office.folder)
    assert len(office.working_set().outbox) == before


def test_an_emergency_names_a_provider_a_nature_and_what_to_know(town: Town, case: str) -> None:
    with as_person(town, FIRST) as office:
        for arguments, code in (
            ((case, "clinic", "overdose", TEXT), "not-a-health-provider"),
            ((case, "prosecutor", "overdose", TEXT), "not-a-health-provider"),
            ((case, "crossroads", "overdose", TEXT), "not-a-health-provider"),
            ((case, "hospital", "boredom", TEXT), "unknown-nature"),
            ((case, "hospital", "overdose", " "), "bad-text"),
            (("cd" * 16, "hospital", "overdose", TEXT), "no-such-case"),
        ):
            with refused(code):
                operations.report_emergency(office, FIRST, *arguments)


def test_an_agency_with_one_key_is_told_to_telephone(tmp_path: Path) -> None:
    found = Town(tmp_path, {**ROLES, "hospital": "health_provider"}, ())
    draft = operations.Draft((referral(),), None)
    sent = operations.send_record(found.at["police"], "referral", draft)
    found.settle()
    office, case = found.at["crossroads"], str(sent.case)
    operations.open_case(office, FIRST, case)
    with refused("no-second-key"):
        operations.report_emergency(office, FIRST, case, "hospital", "overdose", TEXT)


def test_police_have_no_way_to_report_one(town: Town, case: str) -> None:
    police, person = town.at["police"], "Officer Lund"
    with refused("no-glass"):
        operations.report_emergency(police, person, case, "hospital", "overdose", TEXT)
    with refused("no-glass"):
        operations.list_health_providers(police)
    with refused("no-glass"):
        operations.find_beyond(police, "Zelda")


def test_the_look_has_no_text(town: Town, case: str) -> None:
    with as_person(town, SECOND) as office:
        operations.report_emergency(office, SECOND, case[:8], "hospital", "overdose", TEXT)
    with closing(sqlite3.connect(town.at["crossroads"].folder / "agency.db")) as db:
        text = b"".join(row[0] for row in db.execute("SELECT body FROM look"))
    assert b"report_emergency" in text and TEXT.encode() not in text
