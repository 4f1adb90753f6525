"""The words in which commands print the people of an agency, their cases, and who looked."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from offramp.agency.cases.caseload import utc
from offramp.agency.folder.looks import Look
from offramp.agency.folder.staff import ExtraAccess, StaffPerson
from offramp.agency.look_words import done_words, tried_words
from offramp.agency.operations.access import REASONS
from offramp.agency.operations.accounts import Invitation
from offramp.agency.operations.looks import LookList, Opening, opening_sentences
from offramp.agency.operations.staff import AssignedCase, StaffChange, StaffList
from offramp.agency.short_handles import short
from rules.author.spoken_dates import spoken_day, spoken_moment

_DID = {
    "glass": "broke the glass of",
    "care": "read parts of care in",
    "emergency": "reported a medical emergency in",
}


def staff_lines(listed: StaffList, zone: ZoneInfo) -> list[str]:
    """Return the people, the cases of the own caseload, and what waits for a review."""
    lines = [_person_line(person, zone) for person in listed.people]
    if listed.cases:
        lines += ["", "cases:", *(_case_line(case) for case in listed.cases)]
    if listed.to_review:
        lines += ["", "for you to review (`staff review NUMBER`):"]
        lines += [f"  {access_line(access, zone)}" for access in listed.to_review]
    return lines


def change_lines(change: StaffChange, zone: ZoneInfo) -> list[str]:
    """Return what a change of the list left."""
    lines = [_person_line(change.person, zone)]
    for case, assigned in change.cases.items():
        backup = f", backup {assigned.backup}" if assigned.backup else ""
        team = f", team {', '.join(assigned.team)}" if assigned.team else ""
        lines.append(f"  case {short(case)}: now {assigned.owner}'s{backup}{team}")
    return lines


def invitation_lines(invitation: Invitation, zone: ZoneInfo) -> list[str]:
    """Return an invitation to the console, to be handed over in person."""
    return [
        f"{invitation.person} makes an account at the console with this code, once:",
        f"  {invitation.code}",
        f"It is valid until {_time(invitation.until, zone)}. Hand it over in person.",
    ]


def access_line(access: ExtraAccess, zone: ZoneInfo) -> str:
    """Return an access beyond the caseload in one line."""
    did = _DID[access.does]
    why = REASONS.get(access.reason, access.reason)
    at = _time(access.time, zone)
    look = f" (look {access.look})" if access.look is not None else ""
    return f"{access.number}: {access.by} {did} case {short(access.case)} at {at}: {why}{look}"


def looks_lines(listed: LookList, zone: ZoneInfo) -> list[str]:
    """Return the looks, a line each."""
    if not listed.looks:
        return ["nobody has looked"]
    return [_look_line(look, zone, listed.reviews.get(look.number)) for look in listed.looks]


def opening_lines(
    agency: str, openings: tuple[Opening, ...], language: str, zone: ZoneInfo
) -> list[str]:
    """Return the people who opened a person's file, for the person."""
    title, *people = opening_sentences(agency, openings, language, zone)
    return ["", title, *(f"  {line}" for line in people)]


def _person_line(person: StaffPerson, zone: ZoneInfo) -> str:
    if person.ended is not None:
        return f"{person.name}: ended {_day(person.ended, zone)} by {person.ended_by}"
    logins = f"login {', '.join(person.logins)}" if person.logins else "no login"
    phone = f", phone {person.phone}" if person.phone else ""
    since = _day(person.since, zone)
    return f"{person.name}: {', '.join(person.roles)} ({logins}, since {since}{phone})"


def _case_line(case: AssignedCase) -> str:
    name = f" {case.person}" if case.person else ""
    owner = case.assignment.owner if case.is_taken else f"{case.assignment.owner}, not taken yet"
    backup = f", backup {case.assignment.backup}" if case.assignment.backup else ""
    team = f", team {', '.join(case.assignment.team)}" if case.assignment.team else ""
    return f"  {short(case.case)}{name}: {owner}{backup}{team}"


def _look_line(look: Look, zone: ZoneInfo, review: int | None) -> str:
    if look.refused is not None:
        did = f"tried to {tried_words(look.operation)}"
    else:
        did = done_words(look.operation)
    of_case = f", case {short(look.case)}" if look.case else ""
    why = f", because: {REASONS.get(look.reason, look.reason)}" if look.reason else ""
    refused = f": refused [{look.refused}]" if look.refused else ""
    who = f"{_time(look.time, zone)}  {look.person} ({look.login}, {look.origin})"
    number = f" (`staff review {review}`)" if review is not None else ""
    return f"{look.number}: {who} {did}{of_case}{why}{refused}{number}"


def _time(seconds: int, zone: ZoneInfo) -> str:
    return spoken_moment(utc(seconds), zone)


def _day(seconds: int, zone: ZoneInfo, language: str = "en") -> str:
    return spoken_day(datetime.fromtimestamp(seconds, zone).date(), language)
