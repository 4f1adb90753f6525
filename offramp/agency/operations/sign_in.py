"""Find out who acts: the listed person of the login that runs a command.

A login is an account of the operating system. People who share one, as in a clinic with one
computer, are told apart by `--by`, which accepts only their names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from exchange.errors import shorten
from offramp.account import person_account
from offramp.agency.errors import AgencyError, refuse_hidden_name
from offramp.agency.folder.looks import Look
from offramp.agency.folder.office import Office
from offramp.agency.folder.staff import (
    CONSOLE,
    FOUNDING_ROLES,
    GATEWAY,
    PARTICIPANT,
    Session,
    Staff,
    StaffPerson,
    full_name_of,
    login_exists,
    own_login,
)
from offramp.names import join_name

# The name in the looks of a person whom nobody listed.
NOT_LISTED = "not listed"
# Words that name nobody, without spaces: in commands, in the journal of looks, or in speech.
_RESERVED = frozenset(
    word.replace(" ", "")
    for word in (
        *(
            PARTICIPANT,
            GATEWAY,
            NOT_LISTED,
            "gateway",
            "participant",
            "none",
            "no one",
            "nobody",
            "nadie",
            "ninguno",
        ),
        *("ninguna", "anybody", "anyone", "everybody", "everyone", "all", "new", "unknown"),
        *("unlisted", "no login"),
    )
)


def sign_in(
    office: Office,
    *,
    login: str | None = None,
    by: str | None = None,
    origin: str | None = None,
    tried: Callable[[], Iterable[str]] = tuple,
) -> Session:
    """Return the session of the person who acts, and have the office act for that person.

    `login` is by default that of the account that runs this program, and `by` the name of one of
    the people who share it. Where nobody is listed yet, the owner of the folder is listed first.
    On a machine that has no listed login, as after a restoration, the owner of the folder acts for
    the admin that `by` names, and that login is listed. `tried` returns the cases that the person
    wants to see, for the look of a refusal. Raises `AgencyError` `unlisted-person`,
    `login-differs`, `person-ended`, `which-person`.
    """
    login = own_login() if login is None else login
    if login == CONSOLE:
        raise AgencyError(
            "unlisted-person",
            f"`{CONSOLE}` is no login of a machine",
            fix="rename that account of the operating system",
        )
    staff = office.working_set().staff
    if not staff.people and _owns_folder(office, login):
        staff = _found(office, login, by)
    elif by is not None and _is_new_machine(office, staff, login):
        staff = _move_in(office, login, by)
    origin = origin or own_origin()
    person = _choose(office, staff, login, by, origin, tried)
    office.session = Session(person, login, origin)
    return office.session


@contextmanager
def acting(office: Office, session: Session) -> Iterator[None]:
    """Have the office act for a person until the end of the block."""
    before, office.session = office.session, session
    try:
        yield
    finally:
        office.session = before


def session_of(
    office: Office, by: str | None = None, *, tried: Callable[[], Iterable[str]] = tuple
) -> Session:
    """Return the session of the person who acts now, signing in where nobody has.

    The list is read anew, since another program may have ended the person. `by` is one of the
    people who share the login. `tried` is as in `sign_in`. Raises `AgencyError` as it does.
    """
    session = office.session
    if session is None:
        return sign_in(office, by=by, tried=tried)
    staff = office.working_set().staff
    name = by or session.name
    person = _choose(office, staff, session.login, name, session.origin, tried)
    if person != session.person:
        session = Session(person, session.login, session.origin)
        if by is None:
            office.session = session
    return session


def founding_event(name: str, login: str, now: int) -> dict[str, object]:
    """Return the body of the event that lists an agency's first person.

    Raises `AgencyError` as `check_name`.
    """
    check_name(name)
    person = StaffPerson(name, FOUNDING_ROLES, (login,), now)
    return {"does": "founded", "people": [person.as_json()], "by": name}


def check_name(name: str) -> None:
    """Check the name of a person who is to be listed.

    Raises `AgencyError` `bad-name`, `hidden-character`, `reserved-name`.
    """
    refuse_hidden_name(name)
    if not 1 <= len(name) <= 80 or name != name.strip() or not name.isprintable():
        raise AgencyError(
            "bad-name",
            "a person's name has 1 to 80 characters, without spaces at its ends",
            fix="write the name as it should appear in records",
        )
    joined = join_name(name)
    if not joined or joined.isdigit() or joined in _RESERVED:
        raise AgencyError(
            "reserved-name",
            f"`{shorten(name)}` is no name of a person here: the word `none`, its like, and "
            "numbers have another meaning in commands and looks",
            fix="write the person's own name, as it should appear in records",
        )


def _choose(
    office: Office,
    staff: Staff,
    login: str,
    by: str | None,
    origin: str,
    tried: Callable[[], Iterable[str]],
) -> StaffPerson:
    """Return who acts. A refusal is a look at each case that was tried.

    INVARIANT: a look has the name of somebody who was listed here once, and no other typed name.
    """
    try:
        return staff.choose(login, by)
    except AgencyError as refusal:
        former = staff.former_at(login, by) if refusal.code == "person-ended" else None
        name = former.name if former is not None else NOT_LISTED
        cases = tuple(tried()) or (None,)
        with office.journal.together():
            for case in cases:
                look = Look(
                    0,
                    office.clock(),
                    name,
                    login,
                    origin,
                    "refused",
                    "sign_in",
                    case,
                    refused=refusal.code,
                )
                office.looks.add(look)
        office.refusal_written = refusal
        raise


def _found(office: Office, login: str, by: str | None) -> Staff:
    """List the first person of a folder that a version without a list of people made."""
    name = by or full_name_of(person_account())
    body = founding_event(name, login, office.clock())
    if office.is_left:  # it can only be read
        staff = Staff()
        staff.learn(0, office.clock(), body)
        return staff
    with office.transaction() as working_set:
        if not working_set.staff.people:
            office.append(working_set, "staff", body)
        return working_set.staff


def _is_new_machine(office: Office, staff: Staff, login: str) -> bool:
    """Report whether this machine has none of the listed logins, and `login` owns the folder."""
    listed = {each for person in staff.active() for each in person.logins}
    return (
        _owns_folder(office, login)
        and not office.is_left
        and not any(login_exists(each) for each in listed)
    )


def _move_in(office: Office, login: str, by: str) -> Staff:
    """List the login of a new machine for an admin.

    The owner of the folder, who knows the passphrase, could read everything anyway.
    """
    with office.transaction() as working_set:
        person = working_set.staff.find(by)
        if person is not None and "admin" in person.roles:
            moved = replace(person, logins=(*person.logins, login))
            body = {"does": "moved_in", "people": [moved.as_json()], "by": person.name}
            office.append(working_set, "staff", body)
        return working_set.staff


def _owns_folder(office: Office, login: str) -> bool:
    return login == own_login() and office.folder.stat().st_uid == person_account()


def own_origin() -> str:
    """Return where this program runs: the terminal of its user, or none."""
    for descriptor in (0, 2):
        with suppress(OSError):
            return f"terminal {os.ttyname(descriptor).removeprefix('/dev/')}"
    return "no terminal"
