"""Accounts of the console: invite a listed person, and check how the person signs in.

A person signs in with a password and a one-time code. Nothing here tells a name that is listed from
one that isn't: the check of an unknown name takes the same time and is refused alike.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.errors import AgencyError
from offramp.agency.folder.accounts import Account
from offramp.agency.folder.looks import Look
from offramp.agency.folder.office import Office
from offramp.agency.folder.staff import CONSOLE, Session, Staff, StaffPerson
from offramp.agency.operations.access import GATEWAY, INVITES, OWN_ACCOUNT, needs
from offramp.agency.operations.sign_in import NOT_LISTED
from rules.errors import RequestError
from rules.frozen import frozen

# An invitation is handed over in person.
INVITATION_LASTS = 24 * 3600
CODE_SECONDS = 30
# How long a refused sign-in is shown, in seconds, and among how many of the newest looks.
LATELY = 24 * 3600
_LOOKS_READ = 500
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
# Without letters and digits that look alike.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_GROUPS, _GROUP = 4, 4


@frozen
class Invitation:
    """A one-time code with which a person makes an account. `until` is in seconds since 1970."""

    person: str
    code: str
    until: int

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency staff invite`."""
        return {"person": self.person, "code": self.code, "until": self.until}


@frozen
class RefusedSignIns:
    """Sign-ins in a person's name that were refused lately, and the last time, in Unix seconds.

    `is_locked` is True if five in a row locked the name.
    """

    count: int
    last: int
    is_locked: bool


@frozen
class AccountState:
    """Whether a listed person can sign in at the console. It has no secret.

    `passkeys` are the names of the devices by the ids of the passkeys, `refused` the refused
    sign-ins of the last day, `subject` the id at the agency's own sign-in, and `phone` the number
    that the people of the person's cases call. `is_ready` is True if the person can sign in.
    """

    person: str
    roles: tuple[str, ...]
    is_ready: bool
    is_invited: bool
    passkeys: Mapping[str, str]
    refused: RefusedSignIns | None = None
    subject: str | None = None
    phone: str | None = None


@needs(INVITES, look="act")
def invite(office: Office, actor: str, name: str) -> Invitation:
    """Issue a code with which a listed person makes an account, or a new password.

    It is valid for a day, and once. Hand it over in person, never by mail. The old password stays
    until the code is used. A supervisor can't invite an admin. Raises `AgencyError`
    `unlisted-person`, `person-ended`, `not-your-role`.
    """
    return issue_code(office, actor, name, INVITATION_LASTS)


def who_signs_in(office: Office) -> Callable[[str], bool]:
    """Return whether a listed person can sign in at the console, for any name.

    At the consoles of a demonstration everybody can, without an account.
    """
    return (lambda name: True) if office.settings.demo else office.accounts.ready().__contains__


def issue_code(office: Office, actor: str, name: str, lasts: int) -> Invitation:
    """Issue a code for a listed person, valid once and for so many seconds."""
    with office.transaction() as working_set:
        person = check_helps(working_set.staff, actor, name)
        code = "-".join(
            "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
        )
        until = office.clock() + lasts
        account = office.accounts.read().get(person.name, Account(person.name))
        office.accounts.put(
            replace(account, invitation=_hash_code(code), invited_until=until, invited_by=actor)
        )
    return Invitation(person.name, code, until)


def check_helps(staff: Staff, actor: str, name: str) -> StaffPerson:
    """Return the listed person of a name, whom `actor` may help in.

    Only an admin helps an admin. Raises `AgencyError` `unlisted-person`, `person-ended`,
    `not-your-role`.
    """
    person, helper = staff.named(name), staff.named(actor)
    if "admin" in person.roles and "admin" not in helper.roles:
        raise AgencyError(
            "not-your-role",
            f"`{person.name}` is an admin, whom only an admin invites",
            fix="ask an admin",
        )
    return person


@needs(INVITES, look="list")
def list_accounts(office: Office) -> tuple[AccountState, ...]:
    """List the people who work here with the state of their accounts."""
    accounts, now = office.accounts.read(), office.clock()
    has_provider = office.accounts.provider() is not None
    refused = _refused_sign_ins(office)
    states = []
    for person in office.working_set().staff.active():
        account = accounts.get(person.name, Account(person.name))
        is_invited = account.invitation is not None and now <= account.invited_until
        labels = {passkey.id: passkey.label for passkey in account.passkeys}
        states.append(
            AccountState(
                person.name,
                person.roles,
                account.signs_in(has_provider=has_provider),
                is_invited,
                labels,
                refused.get(person.name),
                account.subject,
                person.phone,
            )
        )
    return tuple(states)


@needs(OWN_ACCOUNT)
def has_own_password(office: Office, actor: str) -> bool:
    """Report whether the person who acts has a password and one-time codes."""
    return office.accounts.read().get(actor, Account(actor)).is_ready


@needs(OWN_ACCOUNT)
def own_refused_sign_ins(office: Office, actor: str) -> RefusedSignIns | None:
    """Return the sign-ins in the own name that were refused in the last day. None without any."""
    return _refused_sign_ins(office).get(actor)


def _refused_sign_ins(office: Office) -> dict[str, RefusedSignIns]:
    """Return the refused sign-ins of the last day by the person's name."""
    looks: dict[str, list[Look]] = {}
    for look in office.looks.read(newest=_LOOKS_READ):
        is_recent = office.clock() - look.time <= LATELY
        if look.operation == "sign_in" and look.login == CONSOLE and look.refused and is_recent:
            looks.setdefault(look.person, []).append(look)
    return {
        person: RefusedSignIns(
            len(refused), refused[-1].time, any(look.refused == "locked" for look in refused)
        )
        for person, refused in looks.items()
        if person != NOT_LISTED
    }


# Before anybody is signed in


@frozen
class AgencyDescription:
    """An agency as its console shows it. `role` is its own in the directory, None before it joins.

    `zone` is the program's, in which people read times.
    """

    agency: str
    name: str
    role: str | None
    zone: ZoneInfo


@needs(GATEWAY)
def describe_agency(office: Office) -> AgencyDescription:
    """Return the agency's name, role, and zone."""
    history = office.working_set().gateway.history
    listed = history.newest.agencies.get(office.agency) if history.size else None
    if listed is None:
        return AgencyDescription(office.agency, office.agency, None, ZoneInfo("UTC"))
    return AgencyDescription(office.agency, listed.name, listed.role, history.newest.zone)


@needs(GATEWAY)
def demo_people(office: Office) -> tuple[str, ...]:
    """Return the names of the people of a practice agency.

    Raises `AgencyError` `no-demo` for a folder that isn't one.
    """
    if not office.settings.demo:
        raise AgencyError(
            "no-demo",
            "signing in without a password is for demonstrations",
            fix="leave `--demo-sign-in` out; a practice town has `demo = true` in `agency.toml`",
        )
    return tuple(person.name for person in office.working_set().staff.active())


@needs(GATEWAY)
def find_account(office: Office, name: str) -> Account | None:
    """Return the account of a person who works here, None for everybody else."""
    person = office.working_set().staff.find(name)
    return office.accounts.read().get(person.name) if person is not None else None


@needs(GATEWAY)
def use_invitation(office: Office, name: str, code: str, password: str, secret: str) -> str | None:
    """Make the account of an invited person, and return the person's name.

    `password` is a hash of `hash_password`, and `secret` that of the one-time codes. The code can't
    be used again. None if there is no such invitation, whatever the reason.
    """
    with office.transaction() as working_set:
        person = working_set.staff.find(name)
        account = office.accounts.read().get(person.name) if person is not None else None
        expected = (account.invitation if account is not None else None) or "0" * 64
        is_right = hmac.compare_digest(expected, _hash_code(code))
        if account is None or not is_right or office.clock() > account.invited_until:
            return None
        office.accounts.put(
            replace(
                account,
                password=password,
                secret=secret,
                step=0,
                invitation=None,
                invited_until=0,
                invited_by=None,
            )
        )
        return account.person


@needs(GATEWAY)
def use_step(office: Office, name: str, step: int) -> bool:
    """Note that a one-time code was used. False if it, or a later one, was used before."""
    return office.accounts.use(name, step)


@needs(GATEWAY)
def console_session(office: Office, name: str, origin: str) -> Session:
    """Return the session of a person who signed in at the console.

    Call it for each request: the list is read anew, so an ended person is out at once. `origin` is
    where the person is, such as `browser 10.0.0.7`. Raises `AgencyError` `unlisted-person`,
    `person-ended`.
    """
    return Session(office.working_set().staff.named(name), CONSOLE, origin)


@needs(GATEWAY)
def note_sign_in(office: Office, name: str, origin: str, refused: str | None = None) -> None:
    """Write a look for a sign-in, or for one that was refused. `refused` is a code.

    INVARIANT: a name that nobody has isn't kept: somebody may have typed a password there.
    """
    with office.transaction() as working_set:
        person = working_set.staff.find(name)
        office.looks.add(
            Look(
                0,
                office.clock(),
                person.name if person is not None else NOT_LISTED,
                CONSOLE,
                origin,
                "refused" if refused else "sign-in",
                "sign_in",
                refused=refused,
            )
        )


@needs(GATEWAY)
def note_refused_page(office: Office, session: Session) -> None:
    """Write a look of a person who asked for a page that isn't there, or not for that person."""
    with office.journal.together():
        office.looks.add(
            Look(
                0,
                office.clock(),
                session.name,
                session.login,
                session.origin,
                "refused",
                "open_page",
                refused="not-here",
            )
        )


@needs(GATEWAY)
def case_addresses(office: Office) -> dict[str, str]:
    """Return the handle of each case by its id in addresses of the console."""
    handles = office.working_set().cases.handles()
    return {office.accounts.local_id(case): case for case in handles}


@needs(GATEWAY)
def case_digits(office: Office) -> Callable[[str], str]:
    """Return the function that gives a case's number: the first digits that only it has here."""
    digits = office.working_set().cases.digits
    return lambda case: digits(case)


# Secrets


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a new password.

    Raises `RequestError` `short-password`, `no-console`.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise RequestError(
            "short-password",
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            fix="use several words that nobody would guess",
        )
    hashed: str = _hasher().hash(password)
    return hashed


def is_password(account: Account | None, password: str) -> bool:
    """Report whether a password is that of an account. It takes as long without an account."""
    from argon2.exceptions import VerificationError

    hasher = _hasher()
    stored = account.password if account is not None else None
    try:
        hasher.verify(stored or _nobodys_hash(), password[:LONGEST_PASSWORD])
    except VerificationError:
        return False
    return stored is not None


def make_secret() -> str:
    """Return a new secret for one-time codes."""
    import pyotp

    return pyotp.random_base32()


def enrollment_address(secret: str, name: str, agency: str) -> str:
    """Return the `otpauth:` address that an authenticator app reads."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=f"Offramp {agency}")


def step_of_code(secret: str | None, code: str, now: float) -> int | None:
    """Return the step of a one-time code that is right now, or was one step ago. None if wrong."""
    import pyotp

    totp = pyotp.TOTP(secret or "A" * 32)
    typed = "".join(code.split())
    found = None
    for step in (int(now) // CODE_SECONDS - 1, int(now) // CODE_SECONDS):
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode()):
            found = step
    return found if secret is not None else None


def _hash_code(code: str) -> str:
    """Return the hash of an invitation's code, which has 80 random bits."""
    return sha256(code.replace("-", "").replace(" ", "").upper().encode()).hexdigest()


_nobody: list[str] = []


def _nobodys_hash() -> str:
    """Return the hash of a password that nobody has."""
    if not _nobody:
        _nobody.append(_hasher().hash(secrets.token_urlsafe(24)))
    return _nobody[0]


def _hasher() -> Any:
    """Return Argon2id with the parameters of RFC 9106, second choice: 64 MiB, 3 passes, 4 lanes.

    Raises `RequestError` `no-console`.
    """
    try:
        from argon2 import PasswordHasher
    except ImportError:
        raise RequestError(
            "no-console",
            "the packages that serve pages aren't installed",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[console]'",
        ) from None
    return PasswordHasher()
