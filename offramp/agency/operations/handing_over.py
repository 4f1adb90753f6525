"""Hand cases over to a colleague, and tell who the new case manager is to those who may know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exchange.errors import ContentError
from exchange.records.content_checks import check_content
from offramp.agency.cases.after_exit import check_may_be_told
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.form_parts import address_part, part_of
from offramp.agency.cases.form_terms import Form
from offramp.agency.cases.people import person_name
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_together
from offramp.agency.operations.access import CASE, SUPERVISION, needs
from offramp.agency.operations.staff import assign_case, check_phone, hand_over
from offramp.agency.operations.telling import agency_names
from rules.errors import Refusal
from rules.frozen import frozen
from rules.shelf import vocabulary

_ASSIGNMENT, _CONTACT = "assignment", "case_manager_contact"
_CONTACTS = Form(
    name=_ASSIGNMENT,
    kind=vocabulary().kinds[_ASSIGNMENT],
    roles=vocabulary().kinds[_ASSIGNMENT].issuers,
    title={},
    parts=(_CONTACT,),
    purposes=(
        ("offer_and_hand_off", ("police", "program", "case_management")),
        ("legal_representation", ("defender",)),
        ("diversion_coordination", None),
    ),
    only_to={},
)


@frozen
class HandedOver:
    """Cases that have a new owner, and who was told.

    `informed` are the names of the agencies, `contacts` the number of records that told them, and
    `waiting` how many of these the hub doesn't have yet. In `untold` cases no agency may be told.
    """

    owner: str
    cases: tuple[str, ...]
    informed: tuple[str, ...]
    contacts: int
    waiting: int
    untold: int

    def as_json(self) -> dict[str, Any]:
        """Return the JSON that a session keeps until the page is shown."""
        return {
            "owner": self.owner,
            "count": len(self.cases),
            "told": list(self.informed),
            "contacts": self.contacts,
            "waiting": self.waiting,
            "untold": self.untold,
        }


@frozen
class OpenCase:
    """A case without a case manager: nobody has taken it. `person` is None without a name."""

    case: str
    digits: str
    person: str | None


@needs(CASE)
def preview_contact(office: Office, case: str) -> tuple[str, ...]:
    """Return the names of the agencies that may know a case's new case manager."""
    working_set = office.working_set()
    parts, to = _contact(office, working_set, case, "Somebody", None)
    return tuple(agency_names(working_set)[agency] for agency in to) if parts else ()


@needs(CASE, look="act")
def hand_over_case(
    office: Office, actor: str, case: str, to: str, *, phone: str | None = None
) -> HandedOver:
    """Hand a case over to a colleague, and tell the new contact to those who may know it.

    `phone` is the number at which the colleague is reached. Without it, the colleague's listed
    number is told. There may be none where nobody is told. Raises as `hand_over`; `AgencyError`
    `bad-phone`; `ContentError` `wrong-content` without a number that somebody must be told.
    """
    phone = _number_of(office, to, phone)
    _check_contact(office, [case], to, phone)
    owner = hand_over(office, actor, case, to).person.name
    return _tell_contacts(office, [case], owner, phone)


@needs(SUPERVISION, look="list")
def list_unassigned(office: Office) -> tuple[OpenCase, ...]:
    """Return the open cases that nobody has taken, by name."""
    working_set = office.working_set()
    staff, index = working_set.staff, working_set.cases
    waiting = [
        OpenCase(case, index.digits(case), person_name(working_set, case))
        for case in index.handles()
        if not staff.is_taken(case)
    ]
    return tuple(sorted(waiting, key=lambda case: (case.person is None, case.person or "")))


@needs(SUPERVISION, look="act")
def assign_cases(
    office: Office, actor: str, cases: Sequence[str], to: str, *, phone: str | None = None
) -> HandedOver:
    """Assign cases to one colleague, and tell the new contact to those who may know it.

    Backup and team of a case stay. Raises as `hand_over_case` and `assign_case`; `AgencyError`
    `nothing-to-hand-over` without a case.
    """
    if not cases:
        raise AgencyError("nothing-to-hand-over", "no case is named", fix="choose the cases")
    phone = _number_of(office, to, phone)
    _check_contact(office, cases, to, phone)
    staff = office.working_set().staff
    owner = staff.named(to).name
    for case in dict.fromkeys(cases):
        if staff.is_taken(case):
            hand_over(office, actor, case, to)
        else:
            assign_case(office, actor, case, to)
    return _tell_contacts(office, list(dict.fromkeys(cases)), owner, phone)


def _number_of(office: Office, to: str, phone: str | None) -> str | None:
    """Return the number to tell: the typed one, or the colleague's listed one."""
    return check_phone(phone) if phone else office.working_set().staff.named(to).phone


def _content(owner: str, phone: str | None) -> dict[str, str]:
    return {"name": owner, **({"phone": phone} if phone else {})}


def _check_contact(office: Office, cases: Sequence[str], owner: str, phone: str | None) -> None:
    """Check what others are told, before any case changes hands.

    Raises `ContentError` `wrong-content`.
    """
    working_set = office.working_set()
    is_told = any(_contact(office, working_set, case, owner, phone)[0] for case in cases)
    if is_told and not phone:
        raise ContentError(
            "wrong-content",
            "the new contact has no phone number",
            fix="write the number at which the colleague is reached",
        )
    if phone:
        check_content(_ASSIGNMENT, (_CONTACT,), {_CONTACT: _content(owner, phone)})


def _tell_contacts(
    office: Office, cases: Sequence[str], owner: str, phone: str | None
) -> HandedOver:
    """Compose a record of the new contact for each case, and send them together."""
    records, recipients, untold = [], set(), 0
    with office.transaction() as working_set:
        for case in cases:
            parts, to = _contact(office, working_set, case, owner, phone)
            if not parts:
                untold += 1
                continue
            records.append(office.compose_in(working_set, _ASSIGNMENT, parts, case).id)
            recipients |= set(to)
        names = agency_names(working_set)
    states = send_together(office, records)
    return HandedOver(
        owner,
        tuple(cases),
        tuple(sorted(names[agency] for agency in recipients)),
        len(records),
        sum(state.startswith("queued") for state in states),
        untold,
    )


def _contact(
    office: Office, working_set: WorkingSet, case: str, owner: str, phone: str | None
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the parts that tell a case's contact, none if no agency may know it, and to whom."""
    role = working_set.gateway.history.newest.role(working_set.agency)
    if role not in _CONTACTS.roles:
        return (), ()
    try:
        check_may_be_told(working_set, _ASSIGNMENT, case)
    except Refusal:
        return (), ()  # after an exit
    content, defaults = _content(owner, phone), defaults_today(office, working_set)
    part = part_of(working_set, _CONTACTS, _CONTACT, content, defaults)
    pack = office.program(working_set).pack
    addressed = address_part(working_set, pack, _CONTACTS, part, case, office.clock())
    to = tuple(addressed.part.to)
    return ((addressed.part,), to) if to else ((), ())
