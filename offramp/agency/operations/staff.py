"""List the people of an agency, give them roles and cases, and end them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from exchange.errors import shorten
from offramp.agency.cases.caseload import unknown_case
from offramp.agency.cases.people import find_case, person_name
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.staff import (
    ROLES,
    WORK_ON_CASES,
    Assignment,
    ExtraAccess,
    Staff,
    StaffPerson,
    check_people,
    ended,
    is_anybodys,
    login_exists,
)
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import (
    CASE,
    CASES,
    COLLEAGUES,
    GATEWAY,
    GLASS,
    OWN_ACCOUNT,
    PEOPLE,
    SUPERVISION,
    check_glass,
    check_reason,
    needs,
    visible,
    write_glass_look,
)
from offramp.agency.operations.accounts import who_signs_in
from offramp.agency.operations.confirmation import Confirmation, draft_digest, keep_confirmation
from offramp.agency.operations.sign_in import check_name
from offramp.names import join_name
from offramp.phone_numbers import spell_phone
from rules.frozen import frozen

GLASS_SECONDS = 3600
# The most cases that a refusal lists.
_MOST_NAMED = 10


@frozen
class AssignedCase:
    """A case with its people. `is_taken` is False while it waits for somebody to take it."""

    case: str
    person: str | None
    assignment: Assignment
    is_taken: bool

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency staff list`."""
        return {
            "case": self.case,
            "person": self.person,
            **self.assignment.as_json(),
            "taken": self.is_taken,
        }


@frozen
class StaffList:
    """The people of an agency, the cases of each, and what is still to be reviewed.

    `cases` are those in the caseload of the person who asks, none for an admin.
    """

    people: tuple[StaffPerson, ...]
    cases: tuple[AssignedCase, ...]
    to_review: tuple[ExtraAccess, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency staff list`."""
        return {
            "people": [person.as_json() for person in self.people],
            "cases": [case.as_json() for case in self.cases],
            "to_review": [access.as_json() for access in self.to_review],
        }


@frozen
class StaffChange:
    """A change of the list: the person as listed now, and the cases that changed hands."""

    person: StaffPerson
    cases: Mapping[str, Assignment]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency staff add` and its like."""
        return {
            "person": self.person.as_json(),
            "cases": {case: each.as_json() for case, each in self.cases.items()},
        }


# People


@needs(COLLEAGUES, look="list")
def list_staff(office: Office, *, with_ended: bool = False, with_cases: bool = True) -> StaffList:
    """List the people who work here, and with `with_ended` those who did.

    Without `with_cases`, the caseload of the person who asks is left out.
    """
    working_set, session = office.working_set(), office.acting
    staff = working_set.staff
    people = tuple(staff.people.values()) if with_ended else staff.active()
    cases: list[AssignedCase] = []
    if with_cases and session is not None and {"member", "supervisor"} & set(session.person.roles):
        sees = visible(office, working_set)
        for case in filter(sees, working_set.cases.handles()):
            if (assigned := staff.assignment(case)) is not None:
                name = person_name(working_set, case)
                cases.append(AssignedCase(case, name, assigned, staff.is_taken(case)))
    review = staff.to_review(session.person) if session is not None else ()
    return StaffList(people, tuple(cases), review)


@needs(PEOPLE, look="act")
def add_person(
    office: Office, actor: str, name: str, roles: Sequence[str], *, logins: Sequence[str] = ()
) -> StaffChange:
    """List a person with roles and logins.

    `logins` are accounts of the operating system on the agency's machine. A name is used once: one
    that ended is not given to another person, nor is one that differs only in accents, spaces, or
    capitals. Raises `AgencyError` `bad-name`, `hidden-character`, `reserved-name`, `name-taken`,
    `no-such-role`, `bad-login`, `no-such-login`, and as `check_people`.
    """
    check_name(name)
    with office.transaction() as working_set:
        joined = join_name(name)
        if alike := [each for each in working_set.staff.people if join_name(each) == joined]:
            raise AgencyError(
                "name-taken",
                f"`{shorten(alike[0])}` is or was listed here, and `{shorten(name)}` looks the same"
                if alike[0] != name
                else f"`{shorten(alike[0])}` is or was listed here",
                fix="add a middle name or a letter if this is another person, since records state "
                "the name",
            )
        person = StaffPerson(name, _roles(roles), _logins(logins), office.clock())
        return _change(office, working_set, actor, "added", person)


@needs(PEOPLE, look="act")
def set_roles(office: Office, actor: str, name: str, roles: Sequence[str]) -> StaffChange:
    """Give a person these roles instead of the earlier ones.

    Without a role that works on cases, the person leaves the backups and teams of cases. Raises
    `AgencyError` `unlisted-person`, `person-ended`, `no-such-role`, `cases-left` with the cases
    that the person owns and couldn't open any more, and as `check_people`.
    """
    with office.transaction() as working_set:
        staff = working_set.staff
        person = replace(staff.named(name), roles=_roles(roles))
        cases: dict[str, Assignment] = {}
        if not WORK_ON_CASES & set(person.roles):
            _refuse_cases_left(working_set, person, "hand them over first with `staff hand-over`")
            cases = {
                case: _without(staff.assignments[case], person.name, None)
                for case in staff.on_case(person.name)
            }
        return _change(office, working_set, actor, "roles", person, cases)


@needs(PEOPLE, look="act")
def set_logins(office: Office, actor: str, name: str, logins: Sequence[str]) -> StaffChange:
    """Give a person these logins instead of the earlier ones.

    One that the person has already may be of another machine. Raises `AgencyError`
    `unlisted-person`, `person-ended`, `bad-login`, `no-such-login`, and `cases-left` where the
    person owns cases and would have no login.
    """
    with office.transaction() as working_set:
        person = working_set.staff.named(name)
        person = replace(person, logins=_logins(logins, earlier=person.logins))
        if not person.logins:
            _refuse_cases_left(working_set, person, "hand them over first with `staff hand-over`")
        return _change(office, working_set, actor, "logins", person)


@needs(PEOPLE, look="act")
def set_phone(office: Office, actor: str, name: str, phone: str | None) -> StaffChange:
    """List the number at which the people of a person's cases call, None for no number.

    Their own page shows it. Raises `AgencyError` `unlisted-person`, `person-ended`, `bad-phone`.
    """
    return _set_phone(office, actor, name, phone)


@needs(OWN_ACCOUNT, look="act")
def set_own_phone(office: Office, actor: str, phone: str | None) -> StaffChange:
    """List the own number, as `set_phone`. Raises `AgencyError` `bad-phone`."""
    return _set_phone(office, actor, actor, phone)


def _set_phone(office: Office, actor: str, name: str, phone: str | None) -> StaffChange:
    number = check_phone(phone) if phone is not None else None
    with office.transaction() as working_set:
        person = replace(working_set.staff.named(name), phone=number)
        return _change(office, working_set, actor, "phone", person)


def check_phone(text: str) -> str:
    """Return a phone number as records state it. Raises `AgencyError` `bad-phone`."""
    number = spell_phone(text)
    if number is None:
        raise AgencyError(
            "bad-phone",
            f"`{shorten(text)}` is no phone number",
            fix="write it with its area code, such as `505-555-0142` or `505-555-0142 x3`",
        )
    return number


def is_phone(text: str) -> bool:
    """Report whether a text is a phone number that can be listed."""
    return spell_phone(text) is not None


@needs(PEOPLE, look="act")
def end_person(
    office: Office, actor: str, name: str, *, hand_over: str | None = None
) -> StaffChange:
    """End a person, and hand all of the person's cases over, in one event.

    `hand_over` is the colleague who gets them. Raises `AgencyError` `unlisted-person`, `cases-left`
    with the cases where nobody gets them, `last-admin`, `last-supervisor`, and as
    `Staff.check_may_own` for the colleague.
    """
    with office.transaction() as working_set:
        staff = working_set.staff
        person = staff.named(name)
        successor = None
        if hand_over is not None:
            successor = _may_own(office, staff, hand_over)
        if successor is not None and successor.name == person.name:
            successor = None
        if successor is None:
            _refuse_cases_left(working_set, person, "name the colleague who takes over with `--to`")
        cases = {
            case: _without(staff.assignments[case], person.name, successor)
            for case in staff.on_case(person.name)
        }
        gone = ended(person, office.clock(), actor)
        office.accounts.drop(person.name)
        return _change(office, working_set, actor, "ended", gone, cases)


# Cases


@needs(SUPERVISION, look="act")
def assign_case(
    office: Office,
    actor: str,
    case: str,
    owner: str,
    *,
    backup: str | None = None,
    team: Sequence[str] = (),
) -> StaffChange:
    """Assign a case to an owner, with a backup and a team.

    Raises `AgencyError` `no-such-case`, `named-twice`, and for each person as
    `Staff.check_may_own`.
    """
    with office.transaction() as working_set:
        if case not in working_set.cases:
            raise unknown_case(case)
        staff = working_set.staff
        person = _may_own(office, staff, owner)
        assigned = Assignment(
            person.name,
            _may_own(office, staff, backup).name if backup else None,
            tuple(_may_own(office, staff, each).name for each in team),
        )
        _refuse_twice(assigned)
        return _change(office, working_set, actor, "assigned", person, {case: assigned})


@needs(CASE, look="act")
def hand_over(office: Office, actor: str, case: str, to: str) -> StaffChange:
    """Hand a case over to a colleague, by its owner or a supervisor.

    Backup and team stay. Raises `AgencyError` `no-such-case`, `not-the-owner`, and as
    `Staff.check_may_own`.
    """
    with office.transaction() as working_set:
        staff = working_set.staff
        if case not in working_set.cases or (before := staff.assignment(case)) is None:
            raise unknown_case(case)
        is_supervisor = "supervisor" in staff.named(actor).roles
        if before.owner != actor and not is_supervisor:
            raise AgencyError(
                "not-the-owner",
                f"the case `{working_set.cases.digits(case)}` is `{before.owner}`'s",
                fix=f"ask `{before.owner}` or a supervisor",
            )
        person = _may_own(office, staff, to)
        assigned = replace(
            before,
            owner=person.name,
            backup=None if before.backup == person.name else before.backup,
            team=tuple(name for name in before.team if name != person.name),
        )
        return _change(office, working_set, actor, "handed_over", person, {case: assigned})


@needs(SUPERVISION, look="act")
def hand_over_all(office: Office, actor: str, name: str, to: str) -> StaffChange:
    """Hand every case of a person over to a colleague, as for a leave.

    Raises `AgencyError` `unlisted-person`, `person-ended` with who has the cases,
    `nothing-to-hand-over`, and as `Staff.check_may_own` for the colleague.
    """
    with office.transaction() as working_set:
        staff = working_set.staff
        _refuse_ended(staff, name)
        person, successor = staff.named(name), _may_own(office, staff, to)
        owned = staff.owned_by(person.name)
        if not owned or successor == person:
            raise AgencyError(
                "nothing-to-hand-over",
                f"`{person.name}` has no case to hand over to `{successor.name}`",
                fix="list the cases with `staff list`",
            )
        cases = {case: _without(staff.assignments[case], person.name, successor) for case in owned}
        return _change(office, working_set, actor, "handed_over", successor, cases)


# Access beyond the caseload


@needs(GLASS)
def break_glass(
    office: Office,
    actor: str,
    case: str,
    reason: str,
    *,
    confirmation: Confirmation | None = None,
) -> ExtraAccess:
    """Open a case of somebody else for an hour, because it can't wait.

    A `confirmation` of `glass_digest` is kept beside it.

    The owner and the supervisors see it at once, until one of them has reviewed it. `reason` is a
    code of `REASONS`. `case` may be the first digits. Police and prosecutors have no such way.
    Raises `AgencyError` `no-glass`, `own-case` where the person may open the case anyway,
    `no-such-case`, `ambiguous-case`, `unknown-reason`, `not-confirmed`.
    """
    check_reason(reason)
    with office.transaction() as working_set:
        check_glass(office, working_set)
        case = find_case(working_set, case)
        if case not in working_set.cases:
            raise unknown_case(case)
        assigned = working_set.staff.assignments.get(case)
        if assigned is None or actor in assigned.carers:
            raise AgencyError(
                "own-case",
                f"you may open the case `{working_set.cases.digits(case)}` anyway",
                fix="open it without `--break-glass`",
            )
        look = write_glass_look(office, case, reason)
        until = office.clock() + GLASS_SECONDS
        body = {
            "does": "glass",
            "case": case,
            "reason": reason,
            "until": until,
            "by": actor,
            "look": look,
        }
        event = office.append(working_set, "staff", body)
        if confirmation is not None:
            expected = glass_digest(case, reason)
            keep_confirmation(office, working_set, confirmation, expected, case, None)
        return working_set.staff.extra[event.at]


def glass_digest(case: str, reason: str) -> str:
    """Return the digest with which a person confirms a break-glass. `case` is the whole handle."""
    return draft_digest({"act": "break the glass", "case": case, "reason": reason})


@frozen
class Review:
    """An access beyond the caseload that waits for a review, with the name of the case's person."""

    access: ExtraAccess
    person: str | None


@needs(CASES, look="list")
def list_reviews(office: Office, actor: str) -> tuple[Review, ...]:
    """List what waits for this person's review, the oldest first."""
    working_set = office.working_set()
    waiting = working_set.staff.to_review(working_set.staff.named(actor))
    return tuple(Review(access, person_name(working_set, access.case)) for access in waiting)


@frozen
class Alerts:
    """What a person must see at once, whatever the page.

    `emergencies` count the medical emergencies that wait for a second person, and `reviews` the
    accesses beyond a caseload that wait for this person. `glass` has the time, in seconds since
    1970, until which this person may see a case of somebody else.
    """

    emergencies: int
    reviews: int
    glass: Mapping[str, int]


@needs(GATEWAY)
def alerts_of(office: Office, person: StaffPerson) -> Alerts:
    """Return what a person must see at once. It names no case of anybody else."""
    staff, now = office.working_set().staff, office.clock()
    works = bool({"member", "supervisor"} & set(person.roles))
    waiting = [
        access
        for access in staff.extra.values()
        if access.does == "emergency"
        and access.confirmed_by is None
        and access.by != person.name
        and now < (access.until or 0)
    ]
    return Alerts(
        len(waiting) if works else 0,
        len(staff.to_review(person)) if works else 0,
        {
            access.case: access.until
            for access in staff.extra.values()
            if access.by == person.name and staff.has_glass(person.name, access.case, now)
            if access.does == "glass" and access.until is not None and now < access.until
        },
    )


@needs(COLLEAGUES, look="act")
def review_access(office: Office, actor: str, number: int) -> ExtraAccess:
    """Note that `actor` has reviewed an access beyond the caseload.

    It is for the case's owner, or for a supervisor. Raises `AgencyError` `nothing-to-review`.
    """
    with office.transaction() as working_set:
        staff = working_set.staff
        waiting = {access.number: access for access in staff.to_review(staff.named(actor))}
        if number not in waiting:
            raise AgencyError(
                "nothing-to-review",
                f"nothing with the number `{number}` waits for `{actor}`",
                fix="list what waits with `staff list`",
            )
        office.append(working_set, "staff", {"does": "reviewed", "number": number, "by": actor})
        return staff.extra[number]


def _change(
    office: Office,
    working_set: WorkingSet,
    actor: str,
    does: str,
    person: StaffPerson,
    cases: Mapping[str, Assignment] | None = None,
) -> StaffChange:
    staff = working_set.staff
    check_people(
        {**staff.people, person.name: person}.values(),
        staff.people.values(),
        opens=_opens(office),
    )
    changed = {} if cases is None else dict(cases)
    body = {
        "does": does,
        "people": [person.as_json()],
        "cases": {case: assigned.as_json() for case, assigned in changed.items()},
        "by": actor,
    }
    office.append(working_set, "staff", body)
    return StaffChange(person, changed)


def _refuse_cases_left(working_set: WorkingSet, person: StaffPerson, fix: str) -> None:
    """Refuse a change that leaves cases without an owner. Raises `AgencyError` `cases-left`."""
    if owned := working_set.staff.owned_by(person.name):
        raise AgencyError(
            "cases-left",
            f"`{person.name}` still owns "
            f"{', '.join(f'`{working_set.cases.digits(case)}`' for case in owned[:_MOST_NAMED])}"
            f"{', and others' if len(owned) > _MOST_NAMED else ''}",
            fix=fix,
        )


def _without(assigned: Assignment, name: str, successor: StaffPerson | None) -> Assignment:
    """Return the people of a case after one has left, whose cases a successor owns."""
    owner = assigned.owner
    if owner == name:
        assert successor is not None, "a case without an owner was refused"
        owner = successor.name
    return Assignment(
        owner,
        assigned.backup if assigned.backup not in (name, owner) else None,
        tuple(person for person in assigned.team if person not in (name, owner)),
    )


def _refuse_twice(assigned: Assignment) -> None:
    """Refuse a person in two places of a case. Raises `AgencyError` `named-twice`."""
    backup = (assigned.backup,) if assigned.backup is not None else ()
    names = [assigned.owner, *backup, *assigned.team]
    for name in names:
        if names.count(name) > 1:
            raise AgencyError(
                "named-twice",
                f"`{name}` is named twice for this case",
                fix="name another person as `--backup` or `--team`, or leave it out",
            )


def _refuse_ended(staff: Staff, name: str) -> None:
    """Refuse to hand over the cases of an ended person, and say who has them.

    Raises `AgencyError` `person-ended`, `unlisted-person`.
    """
    if staff.find(name) is not None:
        return
    person = staff.ever_named(name)
    ended_error = staff.has_ended(person)
    successors = staff.successors_of(person.name)
    if not successors:
        raise AgencyError(
            "person-ended",
            f"{ended_error.message}, and owned no case",
            fix="list the cases with `offramp agency staff DIR list`",
        )
    names = " and ".join(f"`{successor}`" for successor in successors)
    raise AgencyError(
        "person-ended",
        f"{ended_error.message}, and the cases are {names}'s",
        fix="hand them over from there: `offramp agency staff DIR hand-over "
        f'"{successors[0]}" --to NAME`, or one case by its first digits',
    )


def _may_own(office: Office, staff: Staff, name: str) -> StaffPerson:
    """Return a person who may have cases. Raises as `Staff.check_may_own`."""
    return staff.check_may_own(name, opens=_opens(office), signs_in=who_signs_in(office))


def _opens(office: Office) -> Callable[[str], bool]:
    """Return whether a login is one of this machine: that of the person who acts, or another."""
    acting = office.acting.login if office.acting is not None else None
    return lambda login: login == acting or login_exists(login)


def _roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Return roles in their order. Raises `AgencyError` `no-such-role`."""
    given = set(roles)
    for role in given - set(ROLES):
        raise AgencyError(
            "no-such-role", f"`{shorten(role)}` is no role", fix=f"use {', '.join(ROLES)}"
        )
    return tuple(role for role in ROLES if role in given)


def _logins(logins: Iterable[str], earlier: Sequence[str] = ()) -> tuple[str, ...]:
    """Return logins without repeats. Each is an `earlier` one, or an account of this machine.

    INVARIANT: no mistyped login is listed, with which a later account would act for the person.
    Raises `AgencyError` `bad-login`, `no-such-login`.
    """
    for login in logins:
        if not 1 <= len(login) <= 64 or not login.isprintable() or " " in login:
            raise AgencyError(
                "bad-login",
                f"`{shorten(login)}` is no login",
                fix="give the name of an account of this machine, such as `mruiz`",
            )
        if login not in earlier and is_anybodys(login):
            raise AgencyError(
                "bad-login",
                f"`{shorten(login)}` stands for every account without a number here, so no command "
                "is accepted from it",
                fix="give the person's own account, such as `mruiz`",
            )
        if login not in earlier and not login_exists(login):
            raise AgencyError(
                "no-such-login",
                f"there is no login `{shorten(login)}` on this machine",
                fix="type it as `id -un` prints it at that account, or make the account first",
            )
    return tuple(dict.fromkeys(logins))
