"""The people of the agencies of tests. All use the account that runs the tests."""

from __future__ import annotations

from dataclasses import replace

from offramp.agency import operations
from offramp.agency.folder.office import Office

# The founder of each agency, who acts where a test names nobody.
FOUNDERS = {
    "police": "Officer Lund",
    "prosecutor": "Ada Chavez",
    "defender": "Ada Quill",
    "crossroads": "Rosa Quintana",
    "clinic": "Amos Reed",
    "program": "Julia Vigil",
}
# Names in which tests act at any agency.
OTHERS = (
    "Officer Lund",
    "Rosa Quintana",
    "Sergeant Ruiz",
    "Thomas Baca",
    "Ada",
    "Rosa",
    "Marta",
)


def founder_of(agency: str) -> str:
    """Return the name of the person who founds an agency of a test."""
    return FOUNDERS.get(agency, "Sam Person")


def list_people(office: Office, *names: str) -> None:
    """List the founder, who then acts for the office, and people who share the account.

    They are listed in one event, since each test makes many agencies anew.
    """
    session = operations.sign_in(office, by=founder_of(office.agency))
    with office.transaction() as working_set:
        listed = working_set.staff.people
        people = [replace(session.person, name=name) for name in names if name not in listed]
        if people:
            body = {
                "does": "added",
                "people": [person.as_json() for person in people],
                "by": session.name,
            }
            office.append(working_set, "staff", body)
