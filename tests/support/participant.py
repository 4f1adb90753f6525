"""A person's case at a case manager's folder, with the prosecutor's words on a held charge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offramp.agency import operations
from offramp.agency.cases.draft import Draft
from tests.support.agencies import Town
from tests.support.agency_console import AgencyConsole, serve_at_town_time
from tests.support.simulator import FORM, HOUR, grant, part

BORN = 1990
SCENE = ("offer_and_hand_off", "offer_at_scene")
TOGETHER = ("diversion_coordination", "consent")
FILING = ("filing_status", "consent")
MANAGER = "Rosa Quintana"
PERMISSIONS = (
    ("prosecutor", "crossroads", ["charge_status", "decision_outcome"], ["filing_status"]),
    (
        "crossroads",
        "prosecutor",
        ["intake_status", "enrollment"],
        ["filing_status", "diversion_coordination"],
    ),
    ("crossroads", "police", ["status"], ["diversion_coordination"]),
    ("clinic", "crossroads", ["attendance"], ["treatment"]),
)


class Participant:
    """Ana Muñoz, referred by police to Crossroads, where Rosa Quintana is her case manager.

    `language` is what the referral says of hers.
    """

    def __init__(self, folder: Path, language: str | None = None) -> None:
        self.town = Town(folder)
        to = {"crossroads": SCENE}
        name = {"given_name": "Ana", "family_name": "Muñoz", "birth_date": f"{BORN}-06-18"}
        name |= {"language": language} if language else {}
        contact = part("contact", name, to=to, use="none", says={"answer": "accepted"})
        met = part(
            "encounter",
            {"facts": {"encounter.route": "arrest"}},
            to={"crossroads": SCENE, "prosecutor": ("screening", "offer_at_scene")},
            says={"answer": "accepted"},
            use="none",
        )
        draft = Draft((met, contact))
        self.case = operations.send_record(self.town.at["police"], "referral", draft).case
        self.town.settle()
        operations.open_case(self.office, MANAGER, self.case)
        operations.open_case(self.town.at["prosecutor"], "Ada", self.case)
        parts = tuple(
            part(
                "consent_terms",
                to={
                    each: ("exchange_operation", "operation")
                    for each in pair[:2]
                    if each != "crossroads"
                },
                says=grant(*pair),
            )
            for pair in PERMISSIONS
        )
        operations.record_consent(self.office, self.case, Draft(parts, FORM))
        self.town.settle()

    @property
    def office(self) -> operations.Office:
        """The case manager's folder."""
        return self.town.at["crossroads"]

    def prosecutor_tells(self, kind: str, category: str, content: dict[str, object]) -> None:
        """The prosecutor tells the case manager something, who opens it."""
        told = part(category, content, to={"crossroads": FILING}, use="none")
        operations.send_record(self.town.at["prosecutor"], kind, Draft((told,)), self.case)
        self.town.hub.clock += HOUR
        self.town.settle()
        operations.open_case(self.office, MANAGER, self.case)

    def note_intake(self) -> None:
        """The case manager does the first interview."""
        done = {"case": {"intake_at": "2026-11-02T19:00:00Z"}}
        operations.note_facts(self.office, self.case, done)

    @contextmanager
    def console(self) -> Iterator[AgencyConsole]:
        """Serve the case manager's console, at the town's time. The hub doesn't answer there."""
        with serve_at_town_time(self.town, "crossroads") as process:
            yield process
