"""T7: a subpoena to the hub.

It can produce handles, labels, sealed texts, and which agency may disclose which category to which.
"""

from __future__ import annotations

import json

from tests.support.attack_stories import TO_CLINIC, under_way
from tests.support.simulator import grant, part

NAME, BORN, PHONE = "Rosalind Quillfeather", "1987-03-14", "+1 505 555 0142"
FORM = {
    "name": NAME,
    "signed_on": "2026-11-02",
    "method": "paper",
    "explained_by": "Ana Ortiz",
    "witness": None,
    "place": "Crossroads office",
    "language": "en",
    "in_custody": False,
    "time_to_think": True,
    "copy_given": True,
    "texts": [{"id": "consent_form", "version": "1", "language": "en"}],
}


def everything(world: object) -> str:
    """Whatever the hub could be made to print, as text."""
    hub = world.hub
    records = [record for record, _ in hub.store.records()]
    clear = [
        json.dumps([one.jws, list(one.disclosures.values()), str(one.labels)]) for one in records
    ]
    states = [str(hub.state(one.case)) for one in records]
    return " ".join([*clear, *states, *(leaf.stored.decode() for leaf in hub.log.leaves)])


def test_nothing_that_names_a_person_can_be_produced() -> None:
    world, case = under_way()
    contact = {
        "given_name": "Rosalind",
        "family_name": "Quillfeather",
        "birth_date": BORN,
        "phone": PHONE,
    }
    world.send("crossroads", "service_referral", part("contact", contact, to=TO_CLINIC), case=case)
    world.settle()
    produced = everything(world)
    for secret in ("Rosalind", "Quillfeather", BORN, PHONE):
        assert secret not in produced
    # The documentation states what the hub knows: for each handle, which agency may disclose which
    # category to which other agency.
    assert "treatment" in produced and "crossroads" in produced


def test_the_signed_form_is_sealed_too() -> None:
    world = __import__("tests.support.simulator", fromlist=["World"]).World()
    case = world.new_case()
    world.refer(case)
    world.consent(
        case,
        grant("crossroads", "defender", ["status", "consent_identity"], ["legal_representation"]),
    )
    world.settle()
    world.represent(case)
    world.settle()
    later = grant("crossroads", "program", ["status"], ["diversion_coordination"])
    identity = part(
        "consent_identity", {"form": FORM}, to={"defender": ("legal_representation", "consent")}
    )
    sent = world.send(
        "crossroads", "consent", world.terms("crossroads", later), identity, case=case
    )
    world.settle()
    assert NAME not in everything(world)
    (labeled,) = [
        one for one in world.at["defender"].received["crossroads", sent].record.labels if one
    ]
    assert (
        world.open("defender", sent, labeled).opened.content["consent_identity"]["form"]["name"]
        == NAME
    )
