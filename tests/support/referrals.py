"""People whom the police of a running town referred, as the officer's pages do."""

from __future__ import annotations

from contextlib import closing
from datetime import date

from offramp.agency import operations
from tests.support.local_day import local_day
from tests.support.running_agencies import PASSPHRASE, Running

AT_THE_SCENE = {
    "encounter.charges": ["possession"],
    "encounter.drugs": ["opioid"],
    "person.age": ["27"],
}


def age_of(born: str, at: float | None = None) -> str:
    """Return the age, as an officer types it, of a person born on a day such as `1999-03-04`."""
    day = date.fromisoformat(born)
    today = local_day(at)
    return str(today.year - day.year - ((today.month, today.day) < (day.month, day.day)))


def refer(town: Running, given: str, family: str, **contact: str) -> str:
    """Refer a person who said yes, as the officer's pages do. Return the case."""
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        born = contact.get("birth_date")
        seen = AT_THE_SCENE | ({"person.age": [age_of(born)]} if born else {})
        scene = operations.read_scene(office, "arrest", seen)
        further = {question.name: ["no"] for question in scene.open}
        scene = operations.read_scene(office, "arrest", seen | further)
        opened, _ = operations.open_referral(office)
        described = {"given_name": given, "family_name": family, **contact}
        answers = {f"contact.{name}": text for name, text in described.items()}
        draft = operations.draft_referral(office, opened, scene, answers)
        sent = operations.send_draft(office, draft)
    town.settle()
    return sent.case


def address(town: Running, case: str, agency: str = "crossroads") -> str:
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        local = {handle: id_ for id_, handle in operations.case_addresses(office).items()}
    return f"/people/{local[case]}"
