"""The people of an agency, their roles, and the cases that each is responsible for.

Pure: it follows from the journal's events of the kind `staff`. An account of the operating system
(a *login*) shows who acts. See docs/decisions/0066-staff-and-access.md.
"""

from __future__ import annotations

import pwd
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from exchange.errors import shorten
from offramp.account import NOBODY, person_account
from offramp.agency.errors import AgencyError, refuse_hidden_name
from offramp.names import join_name
from rules.frozen import frozen

Role = Literal["member", "supervisor", "sender", "chair", "admin", "auditor"]
ROLES: tuple[Role, ...] = ("member", "supervisor", "sender", "chair", "admin", "auditor")
# A person who founds an agency may do everything but examine the own looks.
FOUNDING_ROLES: tuple[Role, ...] = ("member", "supervisor", "sender", "chair", "admin")
# The roles that work on cases.
WORK_ON_CASES = frozenset(("member", "supervisor", "sender"))
# Never one person's: an auditor examines what an admin could arrange.
APART = frozenset({"admin", "auditor"})
# The login of a person who signed in at the console. No account of a machine can have it: `--login`
# takes no spaces.
CONSOLE = "console sign-in"
# The actor of acts that no person does, such as those of `serve`.
GATEWAY = "the gateway"
# The person of a case, who opened the own page with a code, and the login of such a look.
PARTICIPANT, BY_CODE = "the participant", "code sign-in"


@frozen
class StaffPerson:
    """A listed person: roles, logins, and when the person was listed and ended.

    Times are in seconds since 1970. `phone` is the number at which the people of the person's cases
    call.
    """

    name: str
    roles: tuple[str, ...]
    logins: tuple[str, ...]
    since: int
    ended: int | None = None
    ended_by: str | None = None
    phone: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the person's JSON in `offramp agency staff list`."""
        return {
            "name": self.name,
            "roles": list(self.roles),
            "logins": list(self.logins),
            "since": self.since,
            "ended": self.ended,
            "ended_by": self.ended_by,
            "phone": self.phone,
        }


@frozen
class Assignment:
    """The people of a case: its owner, the backup, and the team."""

    owner: str
    backup: str | None = None
    team: tuple[str, ...] = ()

    @property
    def people(self) -> frozenset[str]:
        """Everybody on the case."""
        return frozenset({self.owner, *([self.backup] if self.backup else []), *self.team})

    @property
    def carers(self) -> frozenset[str]:
        """The owner and the backup, who may open parts of care."""
        return frozenset({self.owner, *([self.backup] if self.backup else [])})

    def as_json(self) -> dict[str, Any]:
        """Return the form that is kept in the journal."""
        return {"owner": self.owner, "backup": self.backup, "team": list(self.team)}


@frozen
class Session:
    """A person at work: the listed person, the login, and where the person is.

    `origin` is text such as `terminal pts/3` or `local socket`.
    """

    person: StaffPerson
    login: str
    origin: str

    @property
    def name(self) -> str:
        """The person's name, which records and the journal state."""
        return self.person.name


@frozen
class ExtraAccess:
    """An access beyond the own caseload, which another person must see.

    `does` is `glass` (break-glass: for an hour, until `until`), `care` (a supervisor opened a part
    of care), or `emergency` (a health provider is told, once `confirmed_by` a second person).
    `reason` is a code. `reviewed_by` is the person who has seen it. Times are in
    seconds since 1970. `look` is the number of the look that shows it, None where it isn't known.
    """

    number: int
    time: int
    does: str
    case: str
    by: str
    reason: str
    until: int | None = None
    reviewed_by: str | None = None
    confirmed_by: str | None = None
    look: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return its JSON in `offramp agency staff list`."""
        return {
            "number": self.number,
            "time": self.time,
            "does": self.does,
            "case": self.case,
            "by": self.by,
            "reason": self.reason,
            "until": self.until,
            "reviewed_by": self.reviewed_by,
            "confirmed_by": self.confirmed_by,
            "look": self.look,
        }


class Staff:
    """Everybody who was ever listed, and the assignments, as the journal's events left them.

    `extra` are by the number of their event. `former_logins` has the names of ended people by the
    logins that they used, and `replaced_logins` the names of people by logins that they lost.
    `former_cases` has the cases that a person owned once. `zone` is the program's, in which days
    are stated.
    """

    def __init__(self) -> None:
        self.zone = ZoneInfo("UTC")
        self.people: dict[str, StaffPerson] = {}
        self.assignments: dict[str, Assignment] = {}
        self.extra: dict[int, ExtraAccess] = {}
        self.former_logins: dict[str, tuple[str, ...]] = {}
        self.replaced_logins: dict[str, tuple[str, ...]] = {}
        self.former_cases: dict[str, tuple[str, ...]] = {}

    def learn(self, at: int, time: int, body: Mapping[str, Any]) -> None:
        """Take the event `at` of the kind `staff`."""
        if body["does"] in ("glass", "care", "emergency"):
            self.extra[at] = ExtraAccess(
                at,
                time,
                body["does"],
                body["case"],
                body["by"],
                body["reason"],
                body.get("until"),
                look=body.get("look"),
            )
        if body["does"] == "confirmed":
            number = body["number"]
            self.extra[number] = replace(self.extra[number], confirmed_by=body["by"])
        if body["does"] == "reviewed":
            number = body["number"]
            self.extra[number] = replace(self.extra[number], reviewed_by=body["by"])
        for person in body.get("people", ()):
            before = self.people.get(person["name"])
            lost = set(before.logins) - set(person["logins"]) if before is not None else ()
            is_ended = person["ended"] is not None
            lost_logins = self.former_logins if is_ended else self.replaced_logins
            for login in sorted(lost):
                lost_logins[login] = (*lost_logins.get(login, ()), person["name"])
            self.people[person["name"]] = StaffPerson(
                person["name"],
                tuple(person["roles"]),
                tuple(person["logins"]),
                person["since"],
                person["ended"],
                person["ended_by"],
                person.get("phone"),
            )
        for case, assigned in body.get("cases", {}).items():
            if (earlier := self.assignments.get(case)) is not None:
                owned = self.former_cases.get(earlier.owner, ())
                self.former_cases[earlier.owner] = (*owned, case)
            self.assignments[case] = Assignment(
                assigned["owner"], assigned["backup"], tuple(assigned["team"])
            )

    # People

    def active(self, role: str | None = None) -> tuple[StaffPerson, ...]:
        """Return the people who work here, with a role or with any, the longest-listed first."""
        return tuple(
            person
            for person in self.people.values()
            if person.ended is None and (role is None or role in person.roles)
        )

    def find(self, name: str) -> StaffPerson | None:
        """Return the colleague of a name, however the name was typed."""
        return _person_of_name(self.active(), name)

    def named(self, name: str) -> StaffPerson:
        """Return the person of a name who works here.

        Raises `AgencyError` `unlisted-person`, and `person-ended` for somebody who did.
        """
        if (person := self.find(name)) is not None:
            return person
        former = _person_of_name(self.people.values(), name)
        if former is not None:
            raise self.has_ended(former)
        raise _not_listed(f"`{shorten(name)}`")

    def ever_named(self, name: str) -> StaffPerson:
        """Return the person of a name who works here or did. Raises as `named`."""
        person = _person_of_name(self.people.values(), name)
        if person is None:
            raise _not_listed(f"`{shorten(name)}`")
        return person

    def at_login(self, login: str) -> tuple[StaffPerson, ...]:
        """Return the people who use a login, the longest-listed first."""
        return tuple(person for person in self.active() if login in person.logins)

    def choose(self, login: str, name: str | None = None) -> StaffPerson:
        """Return who acts: the person of a login, or the named one of those who share it.

        That a person has ended is stated only at a login that the person used. Of a person who had
        none, it is stated at each login of a colleague. That a listed person has another login is
        stated at each login of a colleague, and at one that the person used. Raises `AgencyError`
        `unlisted-person`, `login-differs`, `person-ended`, `which-person`, `hidden-character`.
        """
        people = self.at_login(login)
        refuse_hidden_name(name)
        if login == CONSOLE and name is not None:
            return self.named(name)
        if (former := self.former_at(login, name)) is not None:
            raise self.has_ended(former)
        lost_by = self.replaced_logins.get(login, ())
        if name is not None:
            person = self.find(name)
            if person is not None and person in people:
                return person
            if person is not None and (people or person.name in lost_by):
                raise _login_differs(person, login)
            raise _not_listed(f"`{shorten(name)}`, for the login `{shorten(login)}`,")
        if not people:
            if lost := [each for each in self.active() if each.name in lost_by]:
                raise _login_differs(lost[-1], login)
            raise _not_listed(f"the login `{shorten(login)}`")
        if len(people) > 1:
            names = ", ".join(f"`{person.name}`" for person in people)
            raise AgencyError(
                "which-person",
                f"the login `{shorten(login)}` is used by {names}",
                fix="name the person who acts with `--by`",
            )
        return people[0]

    def former_at(self, login: str, name: str | None) -> StaffPerson | None:
        """Return the ended person who is meant at a login, None if nobody is: as `choose` says."""
        people = self.at_login(login)
        former = (
            *self.former_logins.get(login, ()),
            *(self._ended_without_login() if people else ()),
        )
        for former_name in former:
            if (name is None and not people) or (
                name is not None and join_name(name) == join_name(former_name)
            ):
                return self.people[former_name]
        return None

    def _ended_without_login(self) -> Iterator[str]:
        """Yield the names of the people who were ended while they had no login."""
        with_login = {name for names in self.former_logins.values() for name in names}
        for person in self.people.values():
            if person.ended is not None and person.name not in with_login:
                yield person.name

    # Cases

    def assignment(self, case: str) -> Assignment | None:
        """Return who is responsible for a case.

        Until somebody takes or is given a case, it is the longest-listed supervisor's, of those
        with a login. None only where nobody is listed.
        """
        if (assigned := self.assignments.get(case)) is not None:
            return assigned
        everybody = self.active("supervisor")
        supervisors = [person for person in everybody if person.logins] or everybody
        return Assignment(supervisors[0].name) if supervisors else None

    def is_taken(self, case: str) -> bool:
        """Report whether somebody took or was given a case."""
        return case in self.assignments

    def owned_by(self, name: str) -> tuple[str, ...]:
        """Return the cases that a person took or was given."""
        return tuple(case for case, assigned in self.assignments.items() if assigned.owner == name)

    def on_case(self, name: str) -> tuple[str, ...]:
        """Return the cases in which a person is owner, backup, or in the team."""
        return tuple(case for case, assigned in self.assignments.items() if name in assigned.people)

    def successors_of(self, name: str) -> tuple[str, ...]:
        """Return the people who own the cases that a person owned once, by name."""
        cases = self.former_cases.get(name, ())
        return tuple(sorted({self.assignments[case].owner for case in cases} - {name}))

    def has_ended(self, person: StaffPerson) -> AgencyError:
        """Return the refusal of a person who was ended. It names the day, and who ended them."""
        assert person.ended is not None, "the person was ended"
        day = f"{datetime.fromtimestamp(person.ended, self.zone):%Y-%m-%d}"
        return AgencyError(
            "person-ended",
            f"`{person.name}` was ended on `{day}` by `{person.ended_by}`",
            fix="name somebody of `offramp agency staff DIR list`; an admin lists a person that "
            "comes back, under another name",
        )

    def check_may_own(
        self,
        name: str,
        *,
        opens: Callable[[str], bool] = lambda login: True,
        signs_in: Callable[[str], bool] = lambda name: False,
    ) -> StaffPerson:
        """Return the person of a name, who may be the owner, backup, or team of a case.

        INVARIANT: every case is given to somebody who can open it: a listed person who was not
        ended, with a role that works on cases, and a login of this machine or an account of the
        console. `opens` reports whether a login is one of this machine, and `signs_in` whether a
        person has an account.

        Raises `AgencyError` `unlisted-person`, `person-ended`, `no-case-role`, `no-login`.
        """
        person = self.named(name)
        if not WORK_ON_CASES & set(person.roles):
            raise AgencyError(
                "no-case-role",
                f"`{person.name}` has no role that works on cases",
                fix=f'add one first: `offramp agency staff DIR roles "{person.name}" --role member '
                f"{' '.join(f'--role {role}' for role in person.roles)}`",
            )
        if not _gets_in(person, opens) and not signs_in(person.name):
            raise AgencyError(
                "no-login",
                f"`{person.name}` has no login of this machine and no account of the console, and "
                "could open no case",
                fix=f'give one first: `offramp agency staff DIR logins "{person.name}" --login '
                "LOGIN`, invite the person to the console, or name another colleague",
            )
        return person

    # Access beyond the caseload

    def has_glass(self, name: str, case: str, now: int) -> bool:
        """Report whether a person broke the glass of a case within the last hour."""
        return any(
            access.does == "glass"
            and (access.by, access.case) == (name, case)
            and access.until is not None
            and access.time <= now < access.until
            for access in self.extra.values()
        )

    def to_review(self, person: StaffPerson) -> tuple[ExtraAccess, ...]:
        """Return what a person must see: as the case's owner, or every glass as a supervisor."""
        return tuple(
            access
            for access in self.extra.values()
            if access.reviewed_by is None and self.may_review(person, access)
        )

    def may_review(self, person: StaffPerson, access: ExtraAccess) -> bool:
        """Report whether a person may review an access: never the own one.

        Where the case's owner and the supervisors are the same person, another member does. Only in
        an agency of one may it be the own.
        """
        reviewers = {
            each.name
            for each in self.active()
            if (access.does != "care" and "supervisor" in each.roles)
            or ((assigned := self.assignment(access.case)) and assigned.owner == each.name)
        }
        others = {each.name for each in (*self.active("supervisor"), *self.active("member"))}
        return person.name in (reviewers - {access.by} or others - {access.by} or reviewers)


def check_people(
    people: Iterable[StaffPerson],
    before: Iterable[StaffPerson] = (),
    *,
    opens: Callable[[str], bool] = lambda login: True,
) -> None:
    """Check a list of people before it replaces the one `before`.

    INVARIANT: an agency always has an admin and a supervisor, and nobody is admin and auditor. A
    change never takes away the last of them that a login opens the folder for: a colleague without
    one couldn't get in. `opens` reports whether a login is one of this machine.

    Raises `AgencyError` `roles-apart`, `no-role`, `last-admin`, `last-supervisor`.
    """
    active = [person for person in people if person.ended is None]
    for person in active:
        if frozenset(person.roles) >= APART:
            raise AgencyError(
                "roles-apart",
                f"`{person.name}` can't be admin and auditor",
                fix="make another person auditor",
            )
        if not person.roles:
            raise AgencyError(
                "no-role",
                f"`{person.name}` would have no role",
                fix=f"name one of {', '.join(ROLES)}, or end the person with `staff end`",
            )
    earlier = [person for person in before if person.ended is None]
    if (missing := _missing(active, earlier, opens, "admin")) is not None:
        raise AgencyError("last-admin", missing[0], fix=missing[1])
    if (missing := _missing(active, earlier, opens, "supervisor")) is not None:
        raise AgencyError("last-supervisor", missing[0], fix=missing[1])


def _missing(
    people: Iterable[StaffPerson],
    before: Iterable[StaffPerson],
    opens: Callable[[str], bool],
    role: Role,
) -> tuple[str, str] | None:
    """Return what is wrong with the people of a role, and the fix. None if nothing is."""
    holders = [person for person in people if role in person.roles]
    if not holders:
        return f"nobody would be {role}", f"give another person the role `{role}` first"
    could_get_in = any(role in person.roles and _gets_in(person, opens) for person in before)
    if not could_get_in or any(_gets_in(person, opens) for person in holders):
        return None
    names = ", ".join(f"`{person.name}`" for person in holders)
    return (
        f"no {role} could get in any more, since {names} has no login of this machine",
        f'give one first: `offramp agency staff DIR logins "{holders[0].name}" --login LOGIN`',
    )


def _gets_in(person: StaffPerson, opens: Callable[[str], bool]) -> bool:
    return any(opens(login) for login in person.logins)


def owners_without_login(
    staff: Staff, signs_in: Callable[[str], bool] = lambda name: False
) -> Iterator[tuple[str, int]]:
    """Yield each owner of cases who has no login and no account, with the number of the cases."""
    for person in staff.active():
        owned = staff.owned_by(person.name)
        if owned and not person.logins and not signs_in(person.name):
            yield person.name, len(owned)


def ended(person: StaffPerson, at: int, by: str) -> StaffPerson:
    """Return a person whose work here ends."""
    return replace(person, ended=at, ended_by=by, logins=(), phone=None)


def login_of(uid: int) -> str:
    """Return the login of an account of the operating system, `uid-N` where it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def login_exists(login: str) -> bool:
    """Report whether this machine has an account with this login."""
    try:
        pwd.getpwnam(login)
    except KeyError:
        return False
    return True


def is_anybodys(login: str) -> bool:
    """Report whether a login is that of every account without a number on this machine."""
    try:
        return pwd.getpwnam(login).pw_uid == NOBODY
    except KeyError:
        return False


def full_name_of(uid: int) -> str:
    """Return the full name of an account of the operating system, or its login."""
    try:
        full = pwd.getpwuid(uid).pw_gecos.partition(",")[0].strip()
    except KeyError:
        full = ""
    return full if full and full.isprintable() else login_of(uid)


def own_login() -> str:
    """Return the login of the person who runs this command."""
    return login_of(person_account())


def _login_differs(person: StaffPerson, login: str) -> AgencyError:
    listed = " and ".join(f"`{each}`" for each in person.logins)
    has = f"has the login {listed}" if person.logins else "has no login"
    return AgencyError(
        "login-differs",
        f"`{person.name}` {has} in the list of people, and this is the login `{shorten(login)}`",
        fix="work from the listed login, or have an admin list this one too: `offramp agency staff "
        f'DIR logins "{person.name}" '
        f"{' '.join(f'--login {each}' for each in (*person.logins, login))}`",
    )


def _person_of_name(people: Iterable[StaffPerson], name: str) -> StaffPerson | None:
    """Return the person of a name as a phone or another person spells it.

    A name that is written exactly so wins. Otherwise, one that two people might have is nobody's.
    """
    listed = tuple(people)
    exact = next((each for each in listed if each.name.casefold() == name.casefold()), None)
    if exact is not None:
        return exact
    joined = join_name(name)
    alike = [person for person in listed if joined and join_name(person.name) == joined]
    return alike[0] if len(alike) == 1 else None


def _not_listed(who: str) -> AgencyError:
    return AgencyError(
        "unlisted-person",
        f"{who} is not listed among the people of this agency",
        fix="ask an admin of the agency to run `offramp agency staff DIR add`",
    )
