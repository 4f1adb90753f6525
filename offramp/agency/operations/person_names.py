"""Correct the person's name in the agency's own records, and at the agencies that it told it.

A person may sign a consent form with another name than the case has. Nothing changes by itself: a
person at the agency corrects the name, or keeps it. What another agency states stays that agency's
to correct.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from offramp.agency.cases.addressing import part_to_judge
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.form_parts import address_part
from offramp.agency.cases.form_questions import Sheet
from offramp.agency.cases.form_terms import find_form
from offramp.agency.cases.matching import Description
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.people import (
    FAMILY_NAME,
    GIVEN_NAME,
    contact_on_forms,
    person_of,
    same_letters,
    unsettled_name,
)
from offramp.agency.cases.stated import stated_contents
from offramp.agency.cases.told import CorrectionStep
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.mended_words import (
    Consequences,
    describe_correction,
    describe_effects,
)
from offramp.agency.operations.mistakes import (
    Correction,
    Effects,
    compose_owed_corrections,
    find_holders,
    keep_correction,
    send_corrections,
)
from offramp.agency.operations.telling import agency_names
from offramp.asking import Question
from rules.frozen import frozen


@frozen
class OtherName:
    """The name that another agency states, and why this agency may not tell it the right one.

    `agency` is its name, and `because` is None where this agency may tell it.
    """

    agency: str
    name: str
    because: str | None


@frozen
class NameForm:
    """The person's name, ready to be corrected here.

    `current` is the name as the case has it, `signed` another one with which the person signed last
    and `on` the day of that. Both are None where the person signed with the current name.
    `given_name` and `family_name` fill in the `questions`. `others` are the agencies that state
    another name than the signed one.
    """

    current: str | None
    signed: str | None
    on: str | None
    given_name: str
    family_name: str
    questions: tuple[Question, ...]
    others: tuple[OtherName, ...]


@frozen
class NamePreview:
    """The consequences of a correction of the name. `name` is the corrected one.

    `consequences` are about the agencies that this agency told a name.
    """

    name: str
    consequences: Consequences
    others: tuple[OtherName, ...]
    seen_at: int

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency correct-name --dry-run`."""
        return {
            "name": self.name,
            "told": list(self.consequences.recipients),
            "untold": list(self.consequences.untold),
            "others": [
                {"agency": other.agency, "name": other.name, "because": other.because}
                for other in self.others
            ],
        }


@needs(CASE, look="case")
def open_name(office: Office, case: str) -> NameForm:
    """Return what to ask to correct the person's name. Raises `AgencyError` `no-such-case`."""
    working_set = office.working_set()
    case_of(working_set, case)
    current, signed = person_of(working_set, case), unsettled_name(working_set, case)
    filled = contact_on_forms(working_set, case)
    # A form that asks for the name, without all else that it asks.
    sheet = Sheet(
        find_form("service"),
        "",
        ("contact",),
        frozenset(),
        members=(GIVEN_NAME, FAMILY_NAME),
        terms=pack_terms(office.program(working_set).pack),
    )
    return NameForm(
        current.name,
        signed.name if signed is not None else None,
        signed.on if signed is not None else None,
        filled.get(GIVEN_NAME, ""),
        filled.get(FAMILY_NAME, ""),
        sheet.questions({}, frozenset()),
        tuple(_other_names(office, working_set, case, signed.name)) if signed is not None else (),
    )


def _other_names(
    office: Office, working_set: WorkingSet, case: str, name: str
) -> Iterator[OtherName]:
    """Yield the agencies whose newest contact details have another name."""
    names = agency_names(working_set)
    newest: dict[str, str] = {}
    for stated in stated_contents(
        working_set, case, case_of(working_set, case), with_unopened=True
    ):
        contact = stated.content.get("contact") or {}
        if stated.by != working_set.agency and contact.get("given_name"):
            described = Description(contact.get("given_name"), contact.get("family_name"))
            newest[stated.by] = str(described.name)
    part = part_to_judge(working_set, ("contact",), {"contact": {"given_name": name}})
    addressed = address_part(
        working_set, office.program(working_set).pack, find_form("tell"), part, case, office.clock()
    )
    because = {refused.agency: refused.why for refused in addressed.refused}
    for agency, stated_name in newest.items():
        if not same_letters(stated_name, name):
            yield OtherName(names.get(agency, agency), stated_name, because.get(agency))


@needs(CASE, look="case")
def preview_name(
    office: Office, case: str, given_name: str, family_name: str | None
) -> NamePreview:
    """Return what follows from a correction of the name. Nothing is kept or sent.

    Raises `AgencyError` `no-such-case`, `no-directory`.
    """
    with office.transaction() as working_set:
        effects = _effects_of(office, working_set, case, _details(given_name, family_name))
        name = str(Description(given_name, family_name).name)
        others = tuple(_other_names(office, working_set, case, name))
    return NamePreview(name, describe_effects(office, effects), others, office.at)


@needs(CASE, look="act", takes=True)
def correct_name(
    office: Office,
    actor: str,
    case: str,
    given_name: str,
    family_name: str | None,
    *,
    seen_at: int | None = None,
) -> tuple[Consequences, bool]:
    """Correct the person's name here, and tell each agency that this one told another name.

    The name that the case has already may be kept so, too. Return what was done, and if it waits.
    `seen_at` is that of the preview. Raises as `preview_name`, and `AgencyError` `case-changed`.
    """
    details = _details(given_name, family_name)
    with office.transaction() as working_set:
        check_unchanged(office, working_set, case, seen_at)
        effects = _effects_of(office, working_set, case, details)
        keep_correction(office, working_set, case, details, actor)
        composed, untold = compose_owed_corrections(office, working_set, case)
    sent = send_corrections(office, composed)
    waits = any(correction.state.startswith("queued") for correction in sent)
    return describe_correction(office, Correction(effects, sent, untold)), waits


def _details(given_name: str, family_name: str | None) -> dict[str, str | None]:
    return {GIVEN_NAME: given_name, FAMILY_NAME: family_name or None}


def _effects_of(
    office: Office, working_set: WorkingSet, case: str, details: Mapping[str, str | None]
) -> Effects:
    """Return the agencies that this agency told another name. No rule reads a name."""
    case_of(working_set, case)
    steps = {name: CorrectionStep(math.inf, value) for name, value in details.items()}
    return Effects(case, details, find_holders(office, working_set, case, steps), (), office.at)
